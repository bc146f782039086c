"""An MOQT client that is nothing but QUIC and the bytes that a test writes by hand, against a relay process."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.buffer import Buffer, encode_uint_var
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import (
    ConnectionTerminated,
    QuicEvent,
    StopSendingReceived,
    StreamDataReceived,
    StreamReset,
)

from relay_programs import Relay

DEADLINE = 30.0


def message(kind: int, payload: bytes) -> bytes:
    """Section 9: type, 16-bit length, payload. Every type used here is below 64, one byte."""
    return bytes([kind]) + struct.pack(">H", len(payload)) + payload


def fields(*values: int | bytes) -> bytes:
    """Integers as variable-length ones, bytes as they are."""
    return b"".join(value if isinstance(value, bytes) else encode_uint_var(value) for value in values)


def client_setup(max_request_id: int) -> bytes:
    """CLIENT_SETUP with one parameter, MAX_REQUEST_ID."""
    return message(0x20, fields(1, 0x02, max_request_id))


CLIENT_SETUP = client_setup(100)


class RawPeer(QuicConnectionProtocol):
    """QUIC alone: whatever bytes the test wants, on whatever stream."""

    def __init__(self, *arguments: Any, unidirectional_streams: int = 128, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._quic._local_max_streams_uni.value = unidirectional_streams
        self.terminated: asyncio.Future[ConnectionTerminated] = asyncio.get_running_loop().create_future()
        self.control_received = bytearray()
        self.streams: dict[int, bytearray] = {}  # unidirectional ones of the relay
        self.finished: set[int] = set()
        self.resets: dict[int, int] = {}
        self.stopped: dict[int, int] = {}  # streams of ours that the relay said STOP_SENDING for
        self._changed = asyncio.Event()

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ConnectionTerminated) and not self.terminated.done():
            self.terminated.set_result(event)
        elif isinstance(event, StreamDataReceived) and event.stream_id == 0:
            self.control_received += event.data
        elif isinstance(event, StreamDataReceived):
            self.streams.setdefault(event.stream_id, bytearray()).extend(event.data)
            if event.end_stream:
                self.finished.add(event.stream_id)
        elif isinstance(event, StreamReset):
            self.resets[event.stream_id] = event.error_code
        elif isinstance(event, StopSendingReceived):
            self.stopped[event.stream_id] = event.error_code
        self._changed.set()

    # ---- what it sends ----

    def stream(self, data: bytes, *, bidirectional: bool = False, fin: bool = False) -> int:
        stream = self._quic.get_next_available_stream_id(is_unidirectional=not bidirectional)
        self._quic.send_stream_data(stream, data, fin)
        self.transmit()
        return stream

    def more(self, stream: int, data: bytes, *, fin: bool = False) -> None:
        self._quic.send_stream_data(stream, data, fin)
        self.transmit()

    def control(self, data: bytes, *, fin: bool = False) -> None:
        """The first bidirectional stream is the control stream."""
        self.more(0, data, fin=fin)

    def reset(self, stream: int) -> None:
        self._quic.reset_stream(stream, 1)
        self.transmit()

    def stop(self, stream: int, code: int = 1) -> None:
        self._quic.stop_stream(stream, code)
        self.transmit()

    def datagram(self, data: bytes) -> None:
        self._quic.send_datagram_frame(data)
        self.transmit()

    def withhold_flow_control(self) -> None:
        """From now on it grants the relay nothing beyond what it has granted; see `grant_flow_control`."""
        self._withheld = self._quic._write_connection_limits, self._quic._write_stream_limits
        self._quic._write_connection_limits = lambda *_, **__: None
        self._quic._write_stream_limits = lambda *_, **__: None

    def grant_flow_control(self) -> None:
        self._quic._write_connection_limits, self._quic._write_stream_limits = self._withheld
        self._quic._local_max_data.value *= 100
        self.transmit()

    # ---- what it waits for ----

    async def until(self, condition: Callable[[], bool], what: str, seconds: float = DEADLINE) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    assert not self.terminated.done(), f"{what}: the session was closed: {self.terminated.result()}"
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{what}: not within {seconds} seconds; got {self.messages}") from None

    async def answered(self, size: int = 1) -> bytes:
        await self.until(lambda: len(self.control_received) >= size, f"{size} bytes of the control stream")
        return bytes(self.control_received)

    async def close_code(self, seconds: float = 20) -> int:
        async with asyncio.timeout(seconds):
            return (await self.terminated).error_code

    @property
    def messages(self) -> list[tuple[int, bytes]]:
        """The whole control messages so far, by type and payload."""
        buffer = Buffer(data=bytes(self.control_received))
        found = []
        while not buffer.eof():
            start = buffer.tell()
            kind = buffer.pull_uint_var()
            if len(self.control_received) - buffer.tell() < 2:
                break
            length = buffer.pull_uint16()
            if len(self.control_received) - buffer.tell() < length:
                break
            assert buffer.tell() > start
            found.append((kind, buffer.pull_bytes(length)))
        return found

    def all_of(self, kind: int) -> list[bytes]:
        return [payload for each, payload in self.messages if each == kind]

    async def message(self, kind: int, count: int = 1) -> bytes:
        """The payload of the `count`-th message of that type."""
        await self.until(lambda: len(self.all_of(kind)) >= count, f"message {count} of type {kind:#x}")
        return self.all_of(kind)[count - 1]


@asynccontextmanager
async def raw_peer(relay: Relay, *, max_data: int = 1 << 20, **options: Any) -> AsyncIterator[RawPeer]:
    """`max_data`: flow-control credit of the connection."""
    configuration = QuicConfiguration(
        is_client=True,
        alpn_protocols=["moqt-15"],
        verify_mode=ssl.CERT_NONE,
        max_datagram_frame_size=65536,
        max_data=max_data,
    )

    def create(*arguments: Any, **keywords: Any) -> RawPeer:
        return RawPeer(*arguments, **keywords, **options)

    async with connect(
        "127.0.0.1", relay.port, configuration=configuration, create_protocol=create, wait_connected=True
    ) as peer:
        assert isinstance(peer, RawPeer)
        yield peer


@asynccontextmanager
async def moqt_peer(relay: Relay, *, max_request_id: int = 10_000, **options: Any) -> AsyncIterator[RawPeer]:
    """Past SETUP; its requests of the relay are numbered 1, 3, 5 …"""
    async with raw_peer(relay, **options) as peer:
        peer.stream(client_setup(max_request_id), bidirectional=True)
        await peer.message(0x21)
        yield peer
