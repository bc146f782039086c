"""What a peer can make a program keep that does not take it."""

from __future__ import annotations

import asyncio
import resource
import sys
from typing import Any

import pytest

import msquic
from asyncio_pairs import pair, until, within

MIB = 1024 * 1024


async def _sent(connection: Any) -> int:
    return (await connection.stats()).recv_total_stream_bytes


async def _settled(connection: Any) -> int:
    """The bytes of streams that came, when no more come."""
    last, same = -1, 0
    async with asyncio.timeout(30):
        while same < 5:
            await asyncio.sleep(0.05)
            now = await _sent(connection)
            last, same = now, same + 1 if now == last else 0
    return last


async def test_streams_that_nobody_accepts_are_held_back(certificate: Any) -> None:
    """Each stream is whole and small; a peer that may have 10 open at a time gets no further than backlog + 10."""
    limits = {"stream_backlog": 5, "peer_unidi_stream_count": 10}
    async with pair(certificate, server_options=limits) as both:
        sent = []

        async def flood() -> None:
            for number in range(200):
                stream = await both.client.open_uni_stream()
                stream.write(number.to_bytes(2, "big"))
                stream.write_eof()
                sent.append(number)

        flooding = asyncio.create_task(flood())
        await until(lambda: len(sent) >= 15)
        assert await _settled(both.server) <= 2 * 20
        assert len(sent) < 40
        assert not both.server.is_closed
        # Nothing is lost: the program takes them after all.
        for number in range(200):
            stream = await within(both.server.accept_stream())
            assert await within(stream.read()) == number.to_bytes(2, "big")
        await within(flooding)


async def test_streams_without_bytes_close_the_connection_in_the_end(certificate: Any) -> None:
    async with pair(certificate, server_options={"stream_backlog": 5, "peer_unidi_stream_count": 10}) as both:

        async def flood() -> None:
            while True:
                (await both.client.open_uni_stream()).write_eof()

        # The close may have reached this side's QUIC a moment before its loop.
        with pytest.raises((msquic.PeerClosed, msquic.ConnectionClosing)):
            await within(flood())
        await within(both.client.wait_closed())
        with pytest.raises(msquic.PeerClosed) as raised:
            await within(both.client.open_uni_stream())
        assert raised.value.app_code == 1
        await within(both.server.wait_closed())


async def test_the_bytes_of_a_connection_are_bounded(certificate: Any) -> None:
    """50 streams that nobody reads: what waits is connection_read_limit and the window of the connection."""
    limits = {"connection_read_limit": 2 * MIB, "conn_flow_control_window": 4 * MIB}
    async with pair(certificate, server_options=limits) as both:
        streams = [await both.client.open_stream() for _ in range(50)]
        for stream in streams:
            stream.write(bytes(MIB))
        taken = await _settled(both.server)
        assert taken <= 7 * MIB
        # A reader gets the bytes of its stream whatever the others hold.
        accepted = [await within(both.server.accept_stream()) for _ in range(50)]
        for stream in accepted:
            assert await within(stream.readexactly(MIB)) == bytes(MIB)


async def test_memory_stays_bounded(certificate: Any) -> None:
    if sys.platform != "linux":
        pytest.skip("asks Linux for the memory in use")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    limits = {"connection_read_limit": 2 * MIB, "conn_flow_control_window": 4 * MIB, "peer_bidi_stream_count": 300}
    async with pair(certificate, server_options=limits) as both:
        chunk = bytes(MIB)  # the sender's is one and the same
        for _ in range(250):
            (await both.client.open_stream()).write(chunk)
        await _settled(both.server)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


@pytest.mark.parametrize("name", ["read_limit", "write_limit", "connection_read_limit", "stream_backlog"])
def test_limits_are_checked_by_name(name: str) -> None:
    for wrong in (0, -1, True, 1.5):
        with pytest.raises(msquic.InvalidArgument, match=name):
            msquic.asyncio.connect("localhost", 1, alpn="x", **{name: wrong})
