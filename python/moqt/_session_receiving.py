"""What the messages of the peer do to a :class:`moqt.session.MoqtSession`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, cast

from msquic._native.moqt import ErrorCode, RequestErrorCode, decode_control_message

from . import message as m
from ._session_core import ANSWERS, Answer, Request, SessionCore, accepting, track_info, violation
from ._session_state import Role, SessionState
from .exceptions import NeedMoreData, ProtocolViolation

if TYPE_CHECKING:
    from .session import MoqtSession

__all__ = ["SessionReceiving"]


class SessionReceiving(SessionCore, ABC):
    """Handles what arrives on the control stream."""

    @abstractmethod
    def _say(self, message: m.ControlMessage) -> None:
        """Sends what no call of the program has asked for."""

    @abstractmethod
    def _answered(self, answer: Answer) -> bool:
        """Whether a method was waiting for this answer."""

    @abstractmethod
    def close(self, error_code: int = ErrorCode.NO_ERROR, reason: str = "") -> None: ...

    def receive_data(self, data: bytes | bytearray | memoryview, fin: bool = False) -> list[m.ControlMessage]:
        """Takes what arrived on the control stream, in any pieces, and gives the messages that are complete now.

        They have been handled: the state is theirs, and the callbacks ran. `fin` says that the peer has ended the
        stream. Raises ProtocolViolation for what the peer must not send; the session is then closed with its code.
        After that everything is ignored.
        """
        try:
            messages = self._receive(data)
            if fin and not self._over:
                raise violation("the control stream ended before the session (section 3.3)")
        except ProtocolViolation as error:
            self.close(error.code, error.message)
            raise
        return messages

    def _receive(self, data: bytes | bytearray | memoryview) -> list[m.ControlMessage]:
        messages: list[m.ControlMessage] = []
        if self._over:
            return messages
        self._received += data
        if not self._began and self._received:
            self._began = True
            if self.role is Role.SERVER and self._received[0] == 0:
                del self._received[0]  # the tolerance "leading-stream-type"
        # Taken off before it is handled: a callback may bring in more.
        while not self._over:
            try:
                message, size = decode_control_message(self._received)
            except NeedMoreData:
                break
            del self._received[:size]
            messages.append(message)
            self._on(message)
        return messages

    def _on(self, message: m.ControlMessage) -> None:
        session = cast("MoqtSession", self)
        if isinstance(message, m.ClientSetup | m.ServerSetup):
            return self._on_setup(message, session)
        if not self._setup_received:
            raise violation("a message before SETUP (section 9.3)")
        if isinstance(message, m.Goaway):
            return self._on_goaway(message, session)
        if isinstance(message, m.Subscribe | m.Publish):
            return self._on_track_request(message, session)
        if isinstance(message, ANSWERS):
            if self._on_answer(message):
                return
        else:
            self._note_received(message)
        if self.on_message is not None:
            self.on_message(session, message)

    def _on_setup(self, message: m.ClientSetup | m.ServerSetup, session: MoqtSession) -> None:
        expected = m.MessageType.CLIENT_SETUP if self.role is Role.SERVER else m.MessageType.SERVER_SETUP
        early = self.role is Role.CLIENT and self.state in (SessionState.IDLE, SessionState.CONNECTING)
        if self._setup_received or early or message.message_type is not expected:
            raise violation(f"{message.message_type.name} out of place (section 9.3)")
        self._setup_received = True
        self.peer_max_request_id = message.max_request_id
        if self.role is Role.SERVER:
            self.state = SessionState.SETUP
            return
        if self.state is SessionState.SETUP:
            self.state = SessionState.ESTABLISHED
        if self.on_setup_complete is not None:
            self.on_setup_complete(session)

    def _on_goaway(self, message: m.Goaway, session: MoqtSession) -> None:
        if self._goaway_received:
            raise violation("a second GOAWAY (section 9.4)")
        if self.role is Role.SERVER and message.new_session_uri:
            raise violation("a client's GOAWAY with a New Session URI (section 9.4)")
        self._goaway_received = True
        # A server that has not answered CLIENT_SETUP yet still does.
        if self.state is SessionState.ESTABLISHED:
            self.state = SessionState.GOAWAY
        if self.on_goaway is not None:
            self.on_goaway(session, message.new_session_uri)

    def _admit(self, request: Request) -> None:
        if request.request_id != self._peer_next_request_id:
            text = f"Request ID {request.request_id} where {self._peer_next_request_id} comes next (section 9.1)"
            raise violation(text, ErrorCode.INVALID_REQUEST_ID)
        if request.request_id >= self.max_request_id:
            text = f"Request ID {request.request_id} at a limit of {self.max_request_id} (section 9.5)"
            raise violation(text, ErrorCode.TOO_MANY_REQUESTS)
        self._peer_next_request_id += 2
        self._to_answer[request.request_id] = request

    def _on_track_request(self, message: m.Subscribe | m.Publish, session: MoqtSession) -> None:
        self._admit(message)
        if isinstance(message, m.Subscribe):
            accepted = True if self.on_subscribe is None else self.on_subscribe(session, message)
            refusal = RequestErrorCode.DOES_NOT_EXIST
        else:
            # Its objects may come before it is accepted [d15 §9.13].
            self._receive_track(self.publications, track_info(message, message.track_alias))
            accepted = True if self.on_publish is None else self.on_publish(session, message)
            refusal = RequestErrorCode.UNINTERESTED
        # The callback may have answered, or closed the session, itself.
        if accepted is None or message.request_id not in self._to_answer or self._over:
            return
        if not accepted:
            self._say(m.RequestError(message.request_id, refusal, "refused by the application"))
        elif isinstance(message, m.Subscribe):
            self._say(m.SubscribeOk(message.request_id, self.allocate_track_alias()))
        else:
            self._say(m.PublishOk(message.request_id))

    def _on_answer(self, answer: Answer) -> bool:
        request = self._unanswered.get(answer.request_id)
        if request is None:
            raise violation("an answer to no request (section 9.7)")
        if not isinstance(answer, m.RequestError) and type(answer) is not accepting(request):
            raise violation(f"{answer.message_type.name} for a {request.message_type.name} (section 9.7)")
        del self._unanswered[answer.request_id]
        cancelled = answer.request_id in self._cancelled
        self._cancelled.discard(answer.request_id)
        if cancelled or isinstance(answer, m.RequestError):
            self._forget_track(answer.request_id)
        elif isinstance(answer, m.SubscribeOk) and isinstance(request, m.Subscribe):
            self._receive_track(self.subscriptions, track_info(request, answer.track_alias))
        elif isinstance(answer, m.PublishOk) and isinstance(request, m.Publish):
            self.publications[request.request_id] = track_info(request, request.track_alias)
        elif isinstance(request, m.PublishNamespace):
            self._namespaces[request.request_id] = request
        return self._answered(answer)

    def _existed(self, request_id: int) -> bool:
        """Whether either end has made a request with that ID."""
        ours = request_id % 2 == self.next_request_id % 2
        return request_id < (self.next_request_id if ours else self._peer_next_request_id)

    def _note_received(self, message: m.ControlMessage) -> None:
        if isinstance(message, m.MaxRequestId):
            if message.request_id <= self.peer_max_request_id:
                raise violation("MAX_REQUEST_ID does not rise (section 9.5)")
            self.peer_max_request_id = message.request_id
        elif isinstance(message, m.SubscribeUpdate):
            self._admit(message)
            if not self._existed(message.subscription_request_id):
                raise violation("SUBSCRIBE_UPDATE for what is no subscription (section 9.11)")
        elif isinstance(message, m.Fetch | m.TrackStatus | m.PublishNamespace | m.SubscribeNamespace):
            self._admit(message)
        elif isinstance(message, m.PublishDone | m.Unsubscribe | m.FetchCancel | m.UnsubscribeNamespace):
            if not self._existed(message.request_id):
                raise violation(f"{message.message_type.name} for a request that never was (section 9.1)")
            if isinstance(message, m.PublishDone | m.Unsubscribe):
                self._forget_track(message.request_id)
        elif isinstance(message, m.PublishNamespaceDone | m.PublishNamespaceCancel):
            self._forget_namespace(message, ours=isinstance(message, m.PublishNamespaceCancel))
