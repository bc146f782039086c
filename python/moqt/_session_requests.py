"""Output of a :class:`moqt.session.MoqtSession`, what carries it, and the methods that await an answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from msquic._native.moqt import (
    ErrorCode,
    Fetch,
    FetchOk,
    GroupOrder,
    Location,
    PublishNamespace,
    PublishOk,
    RequestError,
    RequestOk,
    ServerSetup,
    SubscribeNamespace,
    SubscribeOk,
    SubscriptionFilter,
    TrackStatus,
)
from msquic.enums import ConnectionShutdownFlags, SendFlags, StreamOpenFlags, StreamStartFlags

from ._session_core import Answer, Request
from ._session_sending import Namespace, SessionSending
from ._session_state import SessionState
from .exceptions import MoqtError, SessionStateError
from .message import ControlMessage

if TYPE_CHECKING:
    import msquic

    from .session import MoqtSession

__all__ = ["SessionRequests"]

Ok = TypeVar("Ok", RequestOk, SubscribeOk, PublishOk, FetchOk)


class ControlStream(Protocol):
    """What a session does with a control stream: that of :class:`msquic.Stream`."""

    def send(self, data: bytes, flags: SendFlags, /) -> object: ...
    def set_on_receive(self, handler: Callable[[bytes, bool], object], /) -> object: ...


class SessionRequests(SessionSending):
    """Everything that concerns the way out."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._outgoing = bytearray()
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._connection: msquic.Connection | None = None
        self._control_stream: ControlStream | None = None

    # Bytes out.

    def send_message(self, message: ControlMessage) -> bytes:
        """Any message. The session takes note of it, so that answers to it are known.

        A request has the Request ID of :meth:`allocate_request_id`. Raises SessionStateError and EncodeError.
        """
        data = message.encode()
        self._note_sent(message)
        if self._control_stream is not None:
            self._control_stream.send(data, SendFlags.NONE)
        if isinstance(message, ServerSetup) and self.on_setup_complete is not None:
            self.on_setup_complete(cast("MoqtSession", self))
        return data

    def _say(self, message: ControlMessage) -> None:
        data = self.send_message(message)
        if self._control_stream is None:
            self._outgoing += data

    def data_to_send(self) -> bytes:
        """What the session has to say and no method has given: answers that ``on_subscribe`` and ``on_publish``
        decided, and the requests of the awaiting methods. Each byte once; always empty with a control stream."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    # What carries them.

    def set_connection(self, connection: msquic.Connection) -> None:
        """The connection that :meth:`open_control_stream` opens a stream on and :meth:`close` ends."""
        self._connection = connection
        if self.state is SessionState.IDLE:
            self.state = SessionState.CONNECTING

    def set_control_stream(self, stream: ControlStream) -> None:
        """From now on the session sends and receives on `stream`, a :class:`msquic.Stream`, by itself.

        Called while an event loop runs, what arrives is handled on that loop, otherwise on MsQuic's dispatcher thread.
        A violation of the peer closes the session; nothing is raised.
        """
        self._control_stream = stream
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None

        def receive(data: bytes, fin: bool) -> None:
            # Anything that is a violation has closed the session.
            with contextlib.suppress(MoqtError):
                self.receive_data(data, fin)

        def on_receive(data: bytes, fin: bool) -> None:
            if loop is None:
                return receive(data, fin)
            with contextlib.suppress(RuntimeError):  # the loop has ended, and so has whoever listens
                loop.call_soon_threadsafe(receive, bytes(data), fin)

        stream.set_on_receive(on_receive)
        waiting = self.data_to_send()
        if waiting:
            stream.send(waiting, SendFlags.NONE)

    async def open_control_stream(self) -> msquic.Stream:
        """Opens and starts the control stream on the connection, which only a client does (section 3.3)."""
        if self._connection is None:
            raise SessionStateError("there is no connection: set_connection() first")
        stream = self._connection.open_stream(StreamOpenFlags.NONE)
        stream.start(StreamStartFlags.NONE)
        self.set_control_stream(stream)
        return stream

    def close(self, error_code: int = ErrorCode.NO_ERROR, reason: str = "") -> None:
        """Ends the session, and the connection if there is one, with a code of :class:`moqt.ErrorCode` (section 3.4).

        Whoever awaits an answer gets SessionStateError. Nothing happens when it is closed.
        """
        if self.state is SessionState.CLOSED:
            return
        self.state = SessionState.CLOSED
        self._received.clear()
        problem = f"the session was closed: {reason}" if reason else "the session was closed"
        for request_id in list(self._waiting):
            self._settle(request_id, lambda future: future.set_exception(SessionStateError(problem)))
        if self._connection is not None:
            if reason:
                self._connection.shutdown(ConnectionShutdownFlags.NONE, error_code, reason)
            else:
                self._connection.shutdown(ConnectionShutdownFlags.NONE, error_code)
        if self.on_close is not None:
            self.on_close(cast("MoqtSession", self))

    # Answers in.

    def _answered(self, answer: Answer) -> bool:
        return self._settle(answer.request_id, lambda future: future.set_result(answer))

    def _settle(self, request_id: int, finish: Callable[[asyncio.Future[Answer]], None]) -> bool:
        future = self._waiting.pop(request_id, None)
        if future is None:
            return False

        def settle() -> None:
            if not future.done():
                finish(future)

        with contextlib.suppress(RuntimeError):  # its loop has ended
            future.get_loop().call_soon_threadsafe(settle)
        return True

    async def _ask(self, make: Callable[[int], Request], ok: type[Ok], timeout: float) -> Ok | RequestError:  # noqa: ASYNC109
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def send(request: ControlMessage) -> None:
            self._waiting[cast(Request, request).request_id] = future
            self._say(request)

        request_id = self.next_request_id
        try:
            self._send_request(make, send)
            answer = await asyncio.wait_for(future, timeout)
        finally:
            self._waiting.pop(request_id, None)
        assert isinstance(answer, (ok, RequestError))  # receive_data() refuses others
        return answer

    async def subscribe(
        self,
        track_namespace: Namespace,
        track_name: str | bytes,
        subscription_filter: SubscriptionFilter | None = None,
        group_order: GroupOrder | None = None,
        delivery_timeout: int | None = None,
        timeout: float = 5.0,  # noqa: ASYNC109
    ) -> SubscribeOk | RequestError:
        """SUBSCRIBE and its answer, within `timeout` seconds, else TimeoutError.

        Whoever carries the bytes writes :meth:`data_to_send` meanwhile; with a control stream nobody has to. The same
        holds for the other awaiting methods. Cancelled or timed out, the request stays: :meth:`unsubscribe` ends it.
        """
        make = self._subscribe(track_namespace, track_name, subscription_filter, group_order, delivery_timeout)
        return await self._ask(make, SubscribeOk, timeout)

    async def publish(
        self,
        track_namespace: Namespace,
        track_name: str | bytes,
        delivery_timeout: int | None = None,
        timeout: float = 5.0,  # noqa: ASYNC109
    ) -> PublishOk | RequestError:
        """PUBLISH and its answer, as :meth:`subscribe`."""
        return await self._ask(self._publish(track_namespace, track_name, delivery_timeout, None), PublishOk, timeout)

    async def fetch(
        self,
        track_namespace: Namespace,
        track_name: str | bytes,
        start: Location,
        end: Location,
        timeout: float = 5.0,  # noqa: ASYNC109
    ) -> FetchOk | RequestError:
        """A standalone FETCH and its answer, as :meth:`send_fetch` and :meth:`subscribe`."""
        return await self._ask(lambda i: Fetch(i, track_namespace, track_name, start, end), FetchOk, timeout)

    async def track_status(
        self,
        track_namespace: Namespace,
        track_name: str | bytes,
        timeout: float = 5.0,  # noqa: ASYNC109
    ) -> RequestOk | RequestError:
        """TRACK_STATUS and its answer, as :meth:`subscribe`."""
        return await self._ask(lambda i: TrackStatus(i, track_namespace, track_name), RequestOk, timeout)

    async def publish_namespace(self, track_namespace: Namespace, timeout: float = 5.0) -> RequestOk | RequestError:  # noqa: ASYNC109
        """PUBLISH_NAMESPACE and its answer, as :meth:`subscribe`."""
        return await self._ask(lambda i: PublishNamespace(i, track_namespace), RequestOk, timeout)

    async def subscribe_namespace(
        self,
        track_namespace_prefix: Namespace,
        timeout: float = 5.0,  # noqa: ASYNC109
    ) -> RequestOk | RequestError:
        """SUBSCRIBE_NAMESPACE and its answer, as :meth:`subscribe`."""
        return await self._ask(lambda i: SubscribeNamespace(i, track_namespace_prefix), RequestOk, timeout)
