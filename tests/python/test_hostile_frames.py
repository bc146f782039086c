"""A peer that breaks the rules of RFC 9000 loses its own connection, with a code of section 20.1; a healthy connection
beside it misses nothing.

Where MsQuic answers with another code than the one that the RFC names, or puts up with it, the tables say so:
a newer MsQuic that does better shows here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

import msquic
from asyncio_pairs import client, server, within
from msquic.asyncio import Connection

pytest.importorskip("aioquic")
from aioquic.tls import Epoch

from scripted_client import Frame, scripted_client, stream_frame

pytestmark = pytest.mark.interop

WINDOW = 65536
"""Bytes that a stream may carry before more is granted."""
STREAMS = 4
LARGEST = 2**62 - 1
SETTINGS = {
    "stream_recv_window": WINDOW,
    "conn_flow_control_window": 2 * WINDOW,
    "peer_bidi_stream_count": STREAMS,
    "peer_unidi_stream_count": STREAMS,
}


class Healthy:
    """A connection that exchanges numbered records, and notices when one is missing."""

    def __init__(self, connection: Connection, stream: Any) -> None:
        self._connection, self._stream, self._number = connection, stream, 0

    async def exchange(self) -> None:
        for _ in range(10):
            self._number += 1
            record = b"record %08d\n" % self._number
            self._stream.write(record)
            assert await within(self._stream.readline()) == record


class Attacked:
    def __init__(self, port: int, healthy: Healthy, accepted: asyncio.Queue[Connection]) -> None:
        self.port, self.healthy, self.accepted = port, healthy, accepted


@contextlib.asynccontextmanager
async def attacked(certificate: Any, **settings: Any) -> AsyncIterator[Attacked]:
    """A server that reads nothing of what is sent to it, apart from its first connection, which it echoes."""
    accepted: asyncio.Queue[Connection] = asyncio.Queue()

    async def handler(connection: Connection) -> None:
        accepted.put_nowait(connection)
        if not accepted_first.done():
            accepted_first.set_result(None)
            accepted.get_nowait()
            async for stream in connection:
                async for data in stream:
                    stream.write(data)
        else:
            await connection.wait_closed()

    accepted_first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    async with server(certificate, handler, **(SETTINGS | settings)) as made, client(certificate, made) as connection:
        healthy = Healthy(connection, await connection.open_stream())
        await healthy.exchange()
        yield Attacked(made.port, healthy, accepted)
        await healthy.exchange()


BY_THE_BOOK: dict[str, tuple[str, list[Frame]]] = {
    "data beyond the stream's window": ("FLOW_CONTROL_ERROR", [stream_frame(0, WINDOW, b"x")]),
    "data beyond the connection's window": (
        "FLOW_CONTROL_ERROR",
        [stream_frame(stream_id, WINDOW - 1, b"x") for stream_id in (0, 4, 8)],
    ),
    "an offset beyond all numbers": ("FLOW_CONTROL_ERROR", [stream_frame(0, LARGEST, b"x")]),
    "one bidirectional stream too many": ("STREAM_LIMIT_ERROR", [stream_frame(4 * STREAMS, 0, b"x")]),
    "one unidirectional stream too many": ("STREAM_LIMIT_ERROR", [stream_frame(4 * STREAMS + 2, 0, b"x")]),
    "the largest stream there is": ("STREAM_LIMIT_ERROR", [stream_frame(LARGEST - 3, 0, b"x")]),
    "data on a stream on which only the server sends": ("STREAM_STATE_ERROR", [stream_frame(3, 0, b"x")]),
    "a stop for a stream on which only the client sends": (
        "STREAM_STATE_ERROR",
        [stream_frame(2, 0, b"x"), Frame(0x05, 2, 1)],
    ),
    "a window for a stream on which only the client sends": (
        "STREAM_STATE_ERROR",
        [stream_frame(2, 0, b"x"), Frame(0x11, 2, 1_000_000)],
    ),
    "data after the end": ("FINAL_SIZE_ERROR", [stream_frame(0, 0, b"ab", fin=True), stream_frame(0, 2, b"c")]),
    "a second end elsewhere": (
        "FINAL_SIZE_ERROR",
        [stream_frame(0, 5, b"x", fin=True), stream_frame(0, 7, b"x", fin=True)],
    ),
    "a reset with another final size": (
        "FINAL_SIZE_ERROR",
        [stream_frame(0, 5, b"x", fin=True), Frame(0x04, 0, 1, 3)],
    ),
    "a frame of no known type": ("FRAME_ENCODING_ERROR", [Frame(0x4242)]),
    "a frame that ends too early": ("FRAME_ENCODING_ERROR", [Frame(0x0E, 0, 0, 1000, b"x")]),
    "retirement of connection IDs to come": (
        "FRAME_ENCODING_ERROR",
        [Frame(0x18, 5, 6, b"\x08" + bytes(8) + bytes(16))],
    ),
    "a connection ID of 21 bytes": ("FRAME_ENCODING_ERROR", [Frame(0x18, 5, 0, b"\x15" + bytes(21) + bytes(16))]),
    "HANDSHAKE_DONE from a client": ("PROTOCOL_VIOLATION", [Frame(0x1E)]),
}

ANOTHER_CODE: dict[str, tuple[str, str, list[Frame]]] = {
    # violation: what RFC 9000 names (in the section), what MsQuic 2.5 says, frames
    "a stream of the server that it never opened": (
        "STREAM_STATE_ERROR (19.8)",
        "PROTOCOL_VIOLATION",
        [stream_frame(1, 0, b"x")],
    ),
    "a stop for a stream of the server that it never opened": (
        "STREAM_STATE_ERROR (19.5)",
        "PROTOCOL_VIOLATION",
        [Frame(0x05, 1, 1)],
    ),
    "more streams than there are numbers": (
        "FRAME_ENCODING_ERROR (19.11)",
        "STREAM_LIMIT_ERROR",
        [Frame(0x12, 2**60 + 1)],
    ),
    "an acknowledgement of what was never sent": (
        "PROTOCOL_VIOLATION (13.1)",
        "FRAME_ENCODING_ERROR",
        [Frame(0x02, 1_000_000, 0, 0, 0)],
    ),
}

TOLERATED: dict[str, tuple[str, list[Frame]]] = {
    # violation: what RFC 9000 names (in the section), frames
    "a reset whose final size is beyond the stream's window": (
        "FLOW_CONTROL_ERROR (4.5)",
        [Frame(0x04, 0, 1, WINDOW + 1)],
    ),
    "an end before data that came": (
        "FINAL_SIZE_ERROR (4.5)",
        [stream_frame(0, 0, b"abc"), stream_frame(0, 0, b"a", fin=True)],
    ),
    "NEW_TOKEN from a client": ("PROTOCOL_VIOLATION (19.7)", [Frame(0x07, 4, b"abcd")]),
    "a connection ID retired that was never issued": ("PROTOCOL_VIOLATION (19.16)", [Frame(0x19, 1000)]),
    "CRYPTO far beyond what came": ("CRYPTO_BUFFER_EXCEEDED (7.5)", [Frame(0x06, 10_000_000, 1, b"x")]),
}


def name_of(code: int | None) -> str:
    return "none" if code is None else msquic.wire_code_name(code).split()[0]


async def ends_with(certificate: Any, frames: list[Frame], expected: str) -> None:
    async with attacked(certificate) as target, scripted_client(certificate, target.port) as peer:
        connection = await within(target.accepted.get())
        peer.send(*frames)
        assert name_of(await peer.close_code()) == expected
        error = await within(connection.wait_closed())
        assert isinstance(error, msquic.ProtocolError)
        assert (name_of(error.wire_code), error.remote) == (expected, False)


@pytest.mark.parametrize("violation", BY_THE_BOOK)
async def test_the_connection_ends_with_the_code_for_it(certificate, violation):
    expected, frames = BY_THE_BOOK[violation]
    await ends_with(certificate, frames, expected)


@pytest.mark.parametrize("violation", ANOTHER_CODE)
async def test_the_connection_ends_with_another_code(certificate, violation):
    _, expected, frames = ANOTHER_CODE[violation]
    await ends_with(certificate, frames, expected)


@pytest.mark.parametrize("violation", TOLERATED)
async def test_msquic_puts_up_with_it(certificate, violation):
    _, frames = TOLERATED[violation]
    async with attacked(certificate) as target, scripted_client(certificate, target.port) as peer:
        peer.send(*frames)
        await peer.acknowledged()
        await target.healthy.exchange()
        assert not peer.terminated.done()


async def test_datagrams_for_who_takes_none(certificate):
    async with (
        attacked(certificate, datagram_receive_enabled=False) as target,
        scripted_client(certificate, target.port) as peer,
    ):
        peer.send(Frame(0x31, 5, b"hello"))
        assert name_of(await peer.close_code()) == "PROTOCOL_VIOLATION"


@pytest.mark.parametrize("epoch", [Epoch.INITIAL, Epoch.HANDSHAKE])
@pytest.mark.parametrize(
    "frame",
    [stream_frame(0, 0, b"x"), Frame(0x1E), Frame(0x10, 1_000_000), Frame(0x31, 2, b"hi")],
    ids=["STREAM", "HANDSHAKE_DONE", "MAX_DATA", "DATAGRAM"],
)
async def test_frames_in_the_wrong_space(certificate, epoch, frame):
    """RFC 9000 section 12.4 names PROTOCOL_VIOLATION; MsQuic says FRAME_ENCODING_ERROR."""
    async with (
        attacked(certificate) as target,
        scripted_client(certificate, target.port, in_handshake=(epoch, [frame])) as peer,
    ):
        assert name_of(await peer.close_code()) == "FRAME_ENCODING_ERROR"
