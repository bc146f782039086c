"""A session: control streams, requests, data streams and datagrams, as they come."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from moqt.conform.outcomes import NotOk
from moqt.conform.peer.exchange import Exchange
from moqt.conform.peer.inflow import DataStream, Inflow, MessageInflow
from moqt.conform.peer.received import Received
from moqt.conform.peer.rules import Rules
from moqt.conform.wire.codes import PROTOCOL_VIOLATION, session_error
from moqt.conform.wire.draft import Draft
from moqt.conform.wire.integers import Truncated
from moqt.conform.wire.messages import Message, message
from moqt.conform.wire.objects import PADDING_STREAM, SETUP_STREAM, read_datagram
from moqt.conform.wire.values import Parameters, WireError
from msquic.asyncio import Connection, Stream
from msquic.exceptions import ConnectionFailed, QuicError

T = TypeVar("T")
_SETUPS = ("CLIENT_SETUP", "SERVER_SETUP", "SETUP")


class Peer(Received):
    """The other side of one connection. What it sends is read as it comes, and held against the draft."""

    def __init__(self, connection: Connection, draft: Draft, *, is_client: bool, timeout: float) -> None:
        super().__init__()
        self.connection = connection
        self.draft = draft
        self.is_client = is_client
        """This side is the client."""
        self.timeout = timeout
        self.incoming: list[Exchange] = []
        self.exchanges: dict[int, Exchange] = {}
        self.violation: WireError | None = None
        self.control_stream: Stream | None = None
        self.control_inflow: Inflow | None = None
        self.refuses: set[str] = set()
        """Requests of the peer that are refused at once: a case that has no use for them must not leave them open."""
        self.accepts: set[str] = set()
        """Requests of the peer that are answered REQUEST_OK at once."""
        self.descending: set[int] = set()
        """Request IDs of FETCHes whose groups come in descending order."""
        self.rules = Rules(draft, is_client=is_client)
        self._peer_setup = "SETUP" if draft.request_streams else "SERVER_SETUP" if is_client else "CLIENT_SETUP"
        self._next_id = 0 if is_client else 1
        self._change = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._opened: list[Stream] = []  # a stream that nobody holds is reset
        self._control: MessageInflow | None = None
        self._taken = 0
        self._run(self._accept())
        self._run(self._take_datagrams())
        self._run(self._watch())

    # ---- this side's beginning ----

    async def open(self, parameters: Parameters | None = None, *, raw: bytes | None = None) -> None:
        """Opens the control stream and sends SETUP. ``raw``: other bytes in its place."""
        new = self.draft.request_streams
        name = "SETUP" if new else "CLIENT_SETUP" if self.is_client else "SERVER_SETUP"
        if new:
            self.control_stream = await self.connection.open_uni_stream()
        elif self.is_client:
            self.control_stream = await self.connection.open_stream()
            self._read_control(self.control_stream)
        else:
            await self.until(lambda: self.control_stream, "the control stream of the client")
        assert self.control_stream is not None
        self.control_stream.write(raw if raw is not None else message(self.draft, name, parameters=parameters or {}))

    async def ready(self) -> Message:
        """The peer's SETUP."""
        return await self.until(lambda: self.setup, "SETUP of the peer")

    # ---- what it sends ----

    def control(self, data: bytes) -> None:
        """Bytes on the control stream."""
        assert self.control_stream is not None
        self.control_stream.write(data)

    def send(self, name: str, /, **fields: Any) -> None:
        """A message on the control stream."""
        self.control(message(self.draft, name, **fields))

    def next_id(self) -> int:
        """This side's next Request ID."""
        self._next_id += 2
        return self._next_id - 2

    def expect_exchange(self, request_id: int, opening: str, stream: Stream | None = None) -> Exchange:
        """Where the answers to a request of this side are collected."""
        exchange = Exchange(self, request_id, opening, stream)
        self.exchanges[request_id] = exchange
        return exchange

    async def request(self, name: str, /, **fields: Any) -> Exchange:
        """Sends a request, with the next Request ID."""
        fields.setdefault("request_id", self.next_id())
        exchange = await self.raw_request(name, message(self.draft, name, **fields), fields["request_id"])
        exchange.request = Message(name, fields)
        return exchange

    async def raw_request(self, name: str, data: bytes, request_id: int) -> Exchange:
        """Bytes where requests go: on a stream of their own from draft-17 on, on the control stream before."""
        own_stream = self.draft.request_streams or (name == "SUBSCRIBE_NAMESPACE" and self.draft.namespace_stream)
        if not own_stream:
            exchange = self.expect_exchange(request_id, name)
            self.control(data)
            return exchange
        stream = await self.connection.open_stream()
        exchange = self.expect_exchange(request_id, name, stream)
        self._read_exchange(exchange, stream)
        stream.write(data)
        return exchange

    async def uni_stream(self, data: bytes, *, fin: bool = False) -> Stream:
        """A unidirectional stream that begins so."""
        stream = await self.connection.open_uni_stream()
        self._opened.append(stream)
        stream.write(data)
        if fin:
            stream.write_eof()
        return stream

    async def bidi_stream(self, data: bytes) -> Stream:
        """A bidirectional stream that begins so, and is read by nobody."""
        stream = await self.connection.open_stream()
        self._opened.append(stream)
        stream.write(data)
        return stream

    # ---- what it waits for ----

    async def until(self, condition: Callable[[], T | None], what: str, seconds: float | None = None) -> T:
        """Waits until the condition is true, and returns what it says. Raises NotOk when that can't be any more."""
        try:
            async with asyncio.timeout(self.timeout if seconds is None else seconds):
                while not (value := condition()):
                    if self.violation is not None:
                        raise NotOk(f"the peer sent what the draft does not allow: {self.violation.text}")
                    if self.connection.is_closed and self._settled:
                        raise NotOk(f"instead of {what}: {self.ending}")
                    self._change.clear()
                    await self._change.wait()
        except TimeoutError:
            limit = self.timeout if seconds is None else seconds
            raise NotOk(f"{what}: nothing within {limit:g} seconds") from None
        return value

    async def incoming_request(self, *names: str, seconds: float | None = None) -> Exchange:
        """The peer's next request of those kinds."""

        def found() -> Exchange | None:
            return next((each for each in self.incoming if each.opening in names), None)

        exchange = await self.until(found, f"{' or '.join(names)} of the peer", seconds)
        self.incoming.remove(exchange)
        return exchange

    async def closed(self, *codes: int, any_code: bool = False) -> int:
        """The peer must close the session, with one of those codes."""
        wanted = "any code" if any_code else " or ".join(map(session_error, codes))
        try:
            async with asyncio.timeout(self.timeout):
                error = await self.connection.wait_closed()
        except TimeoutError:
            raise NotOk(f"the session is still open after {self.timeout:g} seconds; expected {wanted}") from None
        code = None if error is None or not error.remote else error.app_code
        if code is None:
            raise NotOk(f"{self.ending}; expected the session to be closed with {wanted}")
        if any_code or code in codes:
            return code
        raise NotOk(f"the session is closed with {session_error(code)} instead of {wanted}{self._reason}")

    @property
    def ending(self) -> str:
        """How the connection ended, in words."""
        error = self.connection.close_error
        if error is None:
            return "this side closed the connection"
        if error.remote and error.app_code is not None:
            return f"the peer closed the session with {session_error(error.app_code)}{self._reason}"
        return f"the connection failed: {error}"

    @property
    def _reason(self) -> str:
        reason = getattr(self.connection.close_error, "reason", "")
        return f" ({reason})" if reason else ""

    async def alive(self, times: int = 1) -> None:
        """The peer must still serve the session: it answers a question about a track that nobody has.

        ``times``: 2 where what came before went on another stream, and may be seen later than the first question.
        """
        for _ in range(times):
            probe = await self.request("TRACK_STATUS", namespace=(b"moqt-conform", b"nobody"), track=b"nothing")
            await probe.next("an answer to TRACK_STATUS, from a session that must go on")

    async def close(self) -> None:
        """Ends the session."""
        with contextlib.suppress(QuicError):
            self.connection.abort(0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- what comes ----

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)

    def _wake(self) -> None:
        self._change.set()

    @property
    def _settled(self) -> bool:
        """Nothing more is read after the end of the connection."""
        return self._watched

    _watched = False

    async def _watch(self) -> None:
        await self.connection.wait_closed()
        await asyncio.sleep(0)
        self._watched = True
        self._wake()

    async def _accept(self) -> None:
        try:
            while True:
                stream = await self.connection.accept_stream()
                if stream.is_unidirectional:
                    inflow = Inflow(stream, self._wake)
                    data = DataStream(self.draft, inflow, self.descending.__contains__)
                    self._run(inflow.pump(functools.partial(self._guard, self._take_uni, data)))
                elif not self.draft.request_streams and not self.is_client and self.control_stream is None:
                    self.control_stream = stream
                    self._read_control(stream)
                elif self.draft.number < 16:
                    self._guard(self._second_stream)
                else:
                    self._read_exchange(Exchange(self, -1, "", stream), stream)
                self._wake()
        except ConnectionFailed:
            self._wake()

    def _second_stream(self) -> None:
        raise WireError(PROTOCOL_VIOLATION, "a second bidirectional stream")

    async def _take_datagrams(self) -> None:
        try:
            while True:
                data = await self.connection.receive_datagram()
                self._guard(self._take_datagram, data)
                self._wake()
        except QuicError:
            self._wake()

    def _guard(self, take: Callable[..., None], *arguments: Any) -> None:
        """Remembers the first violation of the peer."""
        try:
            take(*arguments)
        except WireError as error:
            self.violation = self.violation or error

    def _take_datagram(self, data: bytes) -> None:
        found = read_datagram(self.draft, data)
        if found is None:
            self._padding()
        else:
            self.datagrams.append(found)

    def _padding(self) -> None:
        """A padding stream or datagram, which is read and forgotten (section 11.5 of draft-18)."""

    def _take_uni(self, data: DataStream, inflow: Inflow) -> None:
        if data in self.data:
            data.parse()
            if inflow.finished and not data.whole:
                raise WireError(PROTOCOL_VIOLATION, "a data stream that ends inside of a header or an object")
            return
        if self.control_inflow is inflow:
            self._take_control(inflow)
            return
        try:
            kind, _ = self.draft.decode_integer(bytes(inflow.data), 0)
        except Truncated:
            return
        if kind == SETUP_STREAM and self.draft.request_streams:
            if self.control_inflow is not None:
                raise WireError(PROTOCOL_VIOLATION, "a second control stream")
            self.control_inflow = inflow
            self._control = MessageInflow(self.draft, inflow)
            self._take_control(inflow)
            return
        if kind == PADDING_STREAM and self.draft.request_streams:
            self._padding()
            return
        self.data.append(data)
        data.parse()

    def _read_control(self, stream: Stream) -> None:
        self.control_inflow = Inflow(stream, self._wake)
        self._control = MessageInflow(self.draft, self.control_inflow)
        self._run(self.control_inflow.pump(lambda each: self._guard(self._take_control, each)))

    def _read_exchange(self, exchange: Exchange, stream: Stream) -> None:
        exchange.inflow = Inflow(stream, self._wake)
        exchange.reader = MessageInflow(self.draft, exchange.inflow)
        self._run(exchange.inflow.pump(functools.partial(self._guard, self._take_exchange, exchange)))

    def _take_exchange(self, exchange: Exchange, _: Inflow) -> None:
        assert exchange.reader is not None
        for found in exchange.reader.take():
            if exchange.request_id < 0:
                if not found.opens:
                    raise WireError(PROTOCOL_VIOLATION, f"{found.name} begins a bidirectional stream")
                self._take_request(exchange, found)
                continue
            if found.opens:
                raise WireError(PROTOCOL_VIOLATION, f"{found.name} on the stream of another request")
            self._check(found, exchange)
            exchange.messages.append(found)

    def _check(self, found: Message, exchange: Exchange | None) -> None:
        if found.name == "REQUEST_UPDATE":
            self.rules.request_id(found.request_id)
        elif found.name == "GOAWAY":
            earlier = self.messages if exchange is None else exchange.messages
            self.rules.goaway(found, sum(each.name == "GOAWAY" for each in earlier))
        elif found.name == "MAX_REQUEST_ID":
            self.rules.maximum(found)

    def _take_request(self, exchange: Exchange, found: Message) -> None:
        exchange.request_id, exchange.opening, exchange.request = found.request_id, found.name, found
        self.rules.request_id(found.request_id)
        if found.name in self.refuses:
            exchange.refuse()
            return
        if found.name in self.accepts:
            exchange.send("REQUEST_OK")
        self.exchanges[exchange.request_id] = exchange
        self.incoming.append(exchange)

    def _take_control(self, inflow: Inflow) -> None:
        assert self._control is not None
        for found in self._control.take():
            if self.setup is None:
                if found.name != self._peer_setup:
                    raise WireError(PROTOCOL_VIOLATION, f"{found.name} before SETUP")
                self.setup = found
                self.rules.setup(found)
                continue
            self._take_message(found)
        if inflow.over:
            raise WireError(PROTOCOL_VIOLATION, "the control stream was closed")

    def _take_message(self, found: Message) -> None:
        if self.draft.request_streams:
            if found.name != "GOAWAY":
                raise WireError(PROTOCOL_VIOLATION, f"{found.name} on the control stream")
            self._check(found, None)
            self.messages.append(found)
            return
        if found.opens:
            self._take_request(Exchange(self, -1, "", None), found)
            return
        self._check(found, None)
        if found.name in _SETUPS:
            raise WireError(PROTOCOL_VIOLATION, "a second SETUP")
        key = found.fields.get("existing_id", found.fields.get("request_id"))
        exchange = self.exchanges.get(key) if key is not None else None
        if exchange is not None:
            exchange.messages.append(found)
        elif key is None:
            self.messages.append(found)
        else:
            raise WireError(PROTOCOL_VIOLATION, f"{found.name} for Request ID {key}, which there is not")
