"""What a :class:`moqt.session.MoqtSession` knows: IDs, requests, tracks, and what sending does to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msquic._native.moqt import ErrorCode

from . import message as m
from ._session_state import Role, SessionState, TrackInfo
from .exceptions import ProtocolViolation, SessionStateError
from .version import CURRENT_VERSION, SUPPORTED_VERSIONS

if TYPE_CHECKING:
    from .session import MoqtSession

__all__ = ["ANSWERS", "REQUESTS", "Answer", "Request", "SessionCore", "accepting", "track_info", "violation"]

Request = (
    m.Subscribe | m.SubscribeUpdate | m.Publish | m.Fetch | m.TrackStatus | m.PublishNamespace | m.SubscribeNamespace
)
REQUESTS = (
    m.Subscribe,
    m.SubscribeUpdate,
    m.Publish,
    m.Fetch,
    m.TrackStatus,
    m.PublishNamespace,
    m.SubscribeNamespace,
)
Answer = m.RequestOk | m.RequestError | m.SubscribeOk | m.PublishOk | m.FetchOk
ANSWERS = (m.RequestOk, m.RequestError, m.SubscribeOk, m.PublishOk, m.FetchOk)
ACCEPTING: dict[type[m.ControlMessage], type[m.ControlMessage]] = {
    m.Subscribe: m.SubscribeOk,
    m.Publish: m.PublishOk,
    m.Fetch: m.FetchOk,
}
"""What accepts a request; of those that are missing it is REQUEST_OK (section 9.7)."""


def accepting(request: m.ControlMessage) -> type[m.ControlMessage]:
    return ACCEPTING.get(type(request), m.RequestOk)


def violation(text: str, code: int = ErrorCode.PROTOCOL_VIOLATION) -> ProtocolViolation:
    return ProtocolViolation(text, code)


def track_info(request: m.Subscribe | m.Publish, track_alias: int) -> TrackInfo:
    return TrackInfo(
        request_id=request.request_id,
        track_alias=track_alias,
        track_namespace=request.track_namespace,
        track_name=request.track_name,
        subscription_filter=request.filter if isinstance(request, m.Subscribe) else None,
        group_order=request.group_order,
        delivery_timeout=request.delivery_timeout,
    )


@dataclass(eq=False)
class SessionCore:
    """The fields and the bookkeeping of :class:`moqt.session.MoqtSession`."""

    role: Role
    state: SessionState = SessionState.IDLE
    selected_version: int = CURRENT_VERSION
    supported_versions: list[int] = field(default_factory=lambda: list(SUPPORTED_VERSIONS))
    next_request_id: int = 0
    """Of the next request of this end: 0, 2, 4, … of a client, 1, 3, 5, … of a server, whatever was given."""
    max_request_id: int = 0
    """One more than the largest Request ID that the peer may use (section 9.5)."""
    peer_max_request_id: int = 0
    """One more than the largest Request ID that this end may use."""
    next_track_alias: int = 0
    subscriptions: dict[int, TrackInfo] = field(default_factory=dict[int, TrackInfo])
    """Established by a SUBSCRIBE of either end, by its Request ID."""
    publications: dict[int, TrackInfo] = field(default_factory=dict[int, TrackInfo])
    """Begun by a PUBLISH of the peer, or established by one of this end, by its Request ID."""
    track_alias_map: dict[int, int] = field(default_factory=dict[int, int])
    """The Request ID by the track alias that the peer chose as the publisher."""
    on_setup_complete: Callable[[MoqtSession], object] | None = None
    """Called when the session is established."""
    on_message: Callable[[MoqtSession, m.ControlMessage], object] | None = None
    """Called with every message that has no callback of its own and answers no awaiting method."""
    on_subscribe: Callable[[MoqtSession, m.Subscribe], bool | None] | None = None
    """Decides about a SUBSCRIBE: True accepts, False refuses, None leaves the answer to the program. Without this
    callback everything is accepted."""
    on_publish: Callable[[MoqtSession, m.Publish], bool | None] | None = None
    """The same for a PUBLISH."""
    on_goaway: Callable[[MoqtSession, str], object] | None = None
    """Called with the New Session URI of a GOAWAY."""
    on_close: Callable[[MoqtSession], object] | None = None
    """Called once, when the session is over."""

    _received: bytearray = field(default_factory=bytearray, init=False, repr=False)
    _began: bool = field(default=False, init=False, repr=False)
    _setup_received: bool = field(default=False, init=False, repr=False)
    _goaway_received: bool = field(default=False, init=False, repr=False)
    _goaway_sent: bool = field(default=False, init=False, repr=False)
    _peer_next_request_id: int = field(default=0, init=False, repr=False)
    _own_aliases: dict[int, int] = field(default_factory=dict[int, int], init=False, repr=False)
    _unanswered: dict[int, Request] = field(default_factory=dict[int, Any], init=False, repr=False)  # of this end
    _to_answer: dict[int, Request] = field(default_factory=dict[int, Any], init=False, repr=False)  # of the peer
    _cancelled: set[int] = field(default_factory=set[int], init=False, repr=False)
    _namespaces: dict[int, m.PublishNamespace] = field(default_factory=dict[int, Any], init=False, repr=False)

    def __post_init__(self) -> None:
        client = self.role is Role.CLIENT
        self.next_request_id, self._peer_next_request_id = (0, 1) if client else (1, 0)

    @property
    def _over(self) -> bool:
        return self.state is SessionState.CLOSED

    # Numbers.

    def allocate_request_id(self) -> int:
        """The next Request ID of this end, which is then used (section 9.1).

        Raises SessionStateError when the peer does not allow it yet (section 9.5) or said GOAWAY (section 9.4).
        """
        if self._goaway_received:
            raise SessionStateError("the peer said GOAWAY: make new requests in a new session (section 9.4)")
        if self.next_request_id >= self.peer_max_request_id:
            raise SessionStateError(
                f"the peer allows Request IDs below {self.peer_max_request_id}: wait for MAX_REQUEST_ID, which "
                "send_requests_blocked() asks for (section 9.5)"
            )
        request_id = self.next_request_id
        self.next_request_id += 2
        return request_id

    def allocate_track_alias(self) -> int:
        """A track alias that this end has not used yet: 0, 1, 2, … (section 10.1)."""
        track_alias = self.next_track_alias
        self.next_track_alias += 1
        return track_alias

    def get_track_info_by_alias(self, track_alias: int) -> TrackInfo | None:
        """The track whose publisher chose `track_alias`: the peer, or else this end."""
        request_id = self.track_alias_map.get(track_alias, self._own_aliases.get(track_alias))
        return None if request_id is None else self.get_track_info_by_request_id(request_id)

    def get_track_info_by_request_id(self, request_id: int) -> TrackInfo | None:
        """The track of the SUBSCRIBE or PUBLISH with that Request ID, once it is established."""
        return self.subscriptions.get(request_id) or self.publications.get(request_id)

    def _receive_track(self, tracks: dict[int, TrackInfo], track: TrackInfo) -> None:
        """A track that the peer publishes."""
        other = self.get_track_info_by_request_id(self.track_alias_map.get(track.track_alias, -1))
        name = (track.track_namespace, track.track_name)
        if other is not None and (other.track_namespace, other.track_name) != name:
            text = f"track alias {track.track_alias} stands for another track (sections 9.10, 9.13)"
            raise violation(text, ErrorCode.DUPLICATE_TRACK_ALIAS)
        tracks[track.request_id] = track
        self.track_alias_map[track.track_alias] = track.request_id

    def _forget_track(self, request_id: int) -> None:
        self.subscriptions.pop(request_id, None)
        self.publications.pop(request_id, None)
        for aliases in (self.track_alias_map, self._own_aliases):
            for track_alias in [alias for alias, owner in aliases.items() if owner == request_id]:
                del aliases[track_alias]

    def _forget_namespace(self, message: m.PublishNamespaceDone | m.PublishNamespaceCancel, ours: bool) -> None:
        for request_id, request in list(self._namespaces.items()):
            mine = request_id % 2 == self.next_request_id % 2
            if mine == ours and request.track_namespace == message.track_namespace:
                del self._namespaces[request_id]

    # What this end sends.

    def _note_sent(self, message: m.ControlMessage) -> None:
        """Refuses what must not be sent now, and remembers what answers will refer to."""
        if self.state is SessionState.CLOSED:
            raise SessionStateError("the session is closed: nothing can be sent")
        if isinstance(message, m.ClientSetup | m.ServerSetup):
            return self._note_setup(message)
        unset = self.state is SessionState.SETUP and self.role is Role.SERVER
        if unset or self.state in (SessionState.IDLE, SessionState.CONNECTING):
            raise SessionStateError(
                "SETUP comes first: send_client_setup() of a client; send_server_setup() of a server, when it has "
                "received CLIENT_SETUP (section 9.3)"
            )
        if isinstance(message, m.Goaway):
            if self._goaway_sent:
                raise SessionStateError("GOAWAY was sent already (section 9.4)")
            if self.role is Role.CLIENT and message.new_session_uri:
                raise SessionStateError("a client's GOAWAY has no New Session URI (section 9.4)")
            self._goaway_sent = True
            self.state = SessionState.GOAWAY
        elif isinstance(message, REQUESTS):
            self._note_request(message)
        elif isinstance(message, ANSWERS):
            self._note_answer_sent(message)
        elif isinstance(message, m.PublishDone | m.Unsubscribe):
            if message.request_id in self._unanswered:
                self._cancelled.add(message.request_id)
            self._forget_track(message.request_id)
        elif isinstance(message, m.FetchCancel) and message.request_id in self._unanswered:
            self._cancelled.add(message.request_id)
        elif isinstance(message, m.PublishNamespaceDone | m.PublishNamespaceCancel):
            self._forget_namespace(message, ours=isinstance(message, m.PublishNamespaceDone))

    def _note_setup(self, message: m.ClientSetup | m.ServerSetup) -> None:
        if isinstance(message, m.ClientSetup):
            if self.role is not Role.CLIENT or self.state not in (SessionState.IDLE, SessionState.CONNECTING):
                raise SessionStateError("CLIENT_SETUP is the first message of a client, once (section 9.3)")
            self.state = SessionState.SETUP
        else:
            if self.role is not Role.SERVER or self.state is not SessionState.SETUP:
                raise SessionStateError("SERVER_SETUP answers CLIENT_SETUP, once (section 9.3)")
            self.state = SessionState.ESTABLISHED
        self.max_request_id = message.max_request_id

    def _note_request(self, message: Request) -> None:
        request_id = message.request_id
        if request_id == self.next_request_id:
            self.allocate_request_id()
        elif request_id > self.next_request_id or request_id % 2 != self.next_request_id % 2:
            raise SessionStateError(f"the next Request ID is {self.next_request_id}, not {request_id} (section 9.1)")
        if request_id in self._unanswered:
            raise SessionStateError(f"Request ID {request_id} was used already (section 9.1)")
        if isinstance(message, m.Publish):
            self._take_own_alias(message.track_alias, request_id)
        self._unanswered[request_id] = message

    def _take_own_alias(self, track_alias: int, request_id: int) -> None:
        if track_alias in self._own_aliases:
            raise SessionStateError(f"track alias {track_alias} is in use: allocate_track_alias() gives a free one")
        self._own_aliases[track_alias] = request_id

    def _note_answer_sent(self, message: Answer) -> None:
        request = self._to_answer.get(message.request_id)
        if request is None:
            raise SessionStateError(f"no request {message.request_id} of the peer waits for an answer (section 9.7)")
        if not isinstance(message, m.RequestError) and type(message) is not accepting(request):
            expected = accepting(request).__name__
            raise SessionStateError(f"a {type(request).__name__} is accepted with {expected} (section 9.7)")
        if isinstance(message, m.SubscribeOk) and isinstance(request, m.Subscribe):
            self._take_own_alias(message.track_alias, message.request_id)
            self.subscriptions[message.request_id] = track_info(request, message.track_alias)
        elif isinstance(message, m.RequestOk) and isinstance(request, m.PublishNamespace):
            self._namespaces[request.request_id] = request
        elif isinstance(message, m.RequestError) and isinstance(request, m.Publish):
            self._forget_track(request.request_id)
        del self._to_answer[message.request_id]
