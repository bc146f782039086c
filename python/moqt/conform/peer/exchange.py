"""A request and its answers, on a stream of its own or by its Request ID."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from moqt.conform.outcomes import NotOk, Skip
from moqt.conform.peer.inflow import Inflow, MessageInflow
from moqt.conform.wire.codes import NOT_SUPPORTED, request_error
from moqt.conform.wire.messages import Message, message
from msquic.exceptions import QuicError

if TYPE_CHECKING:
    from moqt.conform.peer.session import Peer
    from msquic.asyncio import Stream

_CANCELLED = 0x1


class Exchange:
    """One request of either side."""

    def __init__(self, peer: Peer, request_id: int, opening: str, stream: Stream | None) -> None:
        self.peer = peer
        self.request_id = request_id
        self.opening = opening
        """The name of the message that opens it."""
        self.request: Message | None = None
        """The peer's, where it opened it."""
        self.stream = stream
        self.inflow: Inflow | None = None
        self.reader: MessageInflow | None = None
        self.messages: list[Message] = []
        self.taken = 0

    @property
    def over(self) -> bool:
        """The peer has ended its direction of the stream."""
        return self.inflow is not None and self.inflow.over

    async def next(self, what: str | None = None, seconds: float | None = None) -> Message:
        """The next message of the peer."""
        what = what or f"an answer to {self.opening}"
        await self.peer.until(lambda: len(self.messages) > self.taken or self.over, what, seconds)
        if len(self.messages) <= self.taken:
            how = "ended" if self.inflow is None or self.inflow.finished else f"reset with {self.inflow.reset:#x}"
            raise NotOk(f"instead of {what} the peer {how} the stream of the request")
        self.taken += 1
        return self.messages[self.taken - 1]

    async def expect(self, *names: str, optional: bool = False) -> Message:
        """The next message, which has to be one of those. ``optional``: NOT_SUPPORTED skips the case."""
        found = await self.next()
        if found.name in names:
            return found
        if found.name == "REQUEST_ERROR":
            if found.code == NOT_SUPPORTED and optional:
                raise Skip(f"the peer does not support {self.opening}: NOT_SUPPORTED")
            reason = found.reason.decode(errors="replace")
            raise NotOk(f"{self.opening} is answered REQUEST_ERROR {request_error(found.code)} ({reason})")
        raise NotOk(f"{self.opening} is answered {found.name}, not {' or '.join(names)}")

    async def refused(self, *codes: int, optional: bool = False) -> Message:
        """REQUEST_ERROR, with one of those codes where there are some. ``optional``: NOT_SUPPORTED skips the case."""
        found = await self.next()
        if found.name != "REQUEST_ERROR":
            raise NotOk(f"{self.opening} is answered {found.name}, not REQUEST_ERROR")
        if optional and found.code == NOT_SUPPORTED:
            raise Skip(f"the peer does not support {self.opening}: NOT_SUPPORTED")
        if codes and found.code not in codes:
            wanted = " or ".join(map(request_error, codes))
            raise NotOk(f"REQUEST_ERROR {request_error(found.code)} instead of {wanted}")
        return found

    def send(self, name: str, /, **fields: Any) -> None:
        """A message of this request."""
        if not self.peer.draft.request_streams:
            fields.setdefault("request_id", self.request_id)
        self.write(message(self.peer.draft, name, **fields))

    def write(self, data: bytes) -> None:
        """Bytes, where messages of this request go."""
        if self.stream is None:
            self.peer.control(data)
        else:
            self.stream.write(data)

    def refuse(self) -> None:
        """Answers a request of the peer with NOT_SUPPORTED."""
        with contextlib.suppress(QuicError):
            self.send("REQUEST_ERROR", code=NOT_SUPPORTED, reason=b"not in this case")
            if self.stream is not None:
                self.stream.write_eof()

    async def update(self, **fields: Any) -> Exchange:
        """REQUEST_UPDATE; where its answer comes."""
        peer = self.peer
        request_id = peer.next_id()
        if peer.draft.request_streams:
            self.send("REQUEST_UPDATE", request_id=request_id, **fields)
            return self
        answered = peer.expect_exchange(request_id, "REQUEST_UPDATE")
        peer.control(
            message(peer.draft, "REQUEST_UPDATE", request_id=request_id, existing_id=self.request_id, **fields)
        )
        return answered

    def cancel(self) -> None:
        """Ends a request of this side, in the way of the draft."""
        draft = self.peer.draft
        if self.stream is not None:
            self.stream.reset(_CANCELLED)
            self.stream.stop(_CANCELLED)
            return
        names = {
            "SUBSCRIBE": "UNSUBSCRIBE",
            "PUBLISH": "UNSUBSCRIBE",
            "FETCH": "FETCH_CANCEL",
            "SUBSCRIBE_NAMESPACE": "UNSUBSCRIBE_NAMESPACE",
            "PUBLISH_NAMESPACE": "PUBLISH_NAMESPACE_DONE",
        }
        name = names[self.opening]
        if name == "PUBLISH_NAMESPACE_DONE" and draft.number == 15:
            assert self.request is not None
            self.peer.control(message(draft, name, namespace=self.request.namespace))
            return
        self.send(name)

    def publish_done(self, streams: int, code: int = 0x2) -> None:
        """PUBLISH_DONE, the last message of a subscription."""
        self.send("PUBLISH_DONE", code=code, streams=streams, reason=b"")
        if self.stream is not None:
            self.stream.write_eof()
