"""Every way in which the two sides of a stream of msquic.asyncio can end it, also while one of them pauses."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import Any

import pytest

import msquic
from asyncio_pairs import pair, within

ENDINGS = ("FIN", "RESET", "STOP", "none")
COMBINATIONS = list(itertools.product(ENDINGS, ENDINGS))
IDS = [f"{ours}-{theirs}" for ours, theirs in COMBINATIONS]


def is_over(ours: str, theirs: str) -> bool:
    """Whether both directions end by themselves: STOP_SENDING is answered with RESET_STREAM (RFC 9000 section 3.5)."""

    def direction(sender: str, receiver: str) -> bool:
        return sender in ("FIN", "RESET") or receiver == "STOP"

    return direction(ours, theirs) and direction(theirs, ours)


def end(stream: Any, ending: str) -> None:
    if ending == "FIN":
        with contextlib.suppress(msquic.StreamStopped):  # the other side's STOP_SENDING was faster
            stream.write_eof()
    elif ending == "RESET":
        stream.reset(11)
    elif ending == "STOP":
        stream.stop(12)


async def read_to_the_end(stream: Any) -> None:
    """Data that nobody reads keeps a direction open."""
    with contextlib.suppress(msquic.StreamError, msquic.InvalidState, msquic.ConnectionFailed):
        await stream.read()


@pytest.mark.parametrize(("ours", "theirs"), COMBINATIONS, ids=IDS)
async def test_wait_closed_returns(certificate, ours, theirs):
    async with pair(certificate) as both:
        stream, peer = await opened(both)
        end(stream, ours)
        end(peer, theirs)
        reading = [asyncio.ensure_future(read_to_the_end(each)) for each in (stream, peer)]
        closed = [asyncio.ensure_future(each.wait_closed()) for each in (stream, peer)]
        if not is_over(ours, theirs):
            # A round trip later, everything that was to come has come, and it is still open.
            other, other_peer = await opened(both)
            other.write_eof()
            await within(other_peer.read())
            assert not any(each.done() for each in closed)
            both.client.close()
        await within(asyncio.gather(*closed, *reading))


async def opened(both: Any) -> tuple[Any, Any]:
    """A stream that both sides know, with nothing left to read."""
    stream = await both.client.open_stream()
    stream.write(b"x")
    peer = await within(both.server.accept_stream())
    assert await within(peer.readexactly(1)) == b"x"
    return stream, peer


async def test_fin_alone(certificate):
    async with pair(certificate) as both:
        stream = await both.client.open_stream()
        stream.write_eof()
        peer = await within(both.server.accept_stream())
        assert await within(peer.read()) == b""
        assert peer.at_eof()


async def test_fin_with_data(certificate):
    async with pair(certificate) as both:
        stream = await both.client.open_stream()
        stream.write(b"all of it")
        stream.write_eof()
        peer = await within(both.server.accept_stream())
        assert await within(peer.readexactly(9)) == b"all of it"
        assert await within(peer.read(1)) == b""


async def test_fin_while_receiving_is_paused(certificate):
    """More than the limit waits when the end comes: nothing is lost, and the end comes last."""
    data = bytes(range(256)) * 4000
    async with pair(certificate, server_options={"read_limit": 1000}) as both:
        stream, peer = await opened(both)
        stream.write(data)
        stream.write_eof()
        await both_idle(both)
        assert await within(peer.readexactly(len(data))) == data
        assert await within(peer.read()) == b""


async def test_reset_while_receiving_is_paused(certificate):
    """What was accepted before the reset may still be read, then the code comes; no byte is wrong."""
    data = bytes(range(256)) * 4000
    async with pair(certificate, server_options={"read_limit": 1000}) as both:
        stream, peer = await opened(both)
        stream.write(data)
        await both_idle(both)
        stream.reset(13)
        received = bytearray()

        async def read() -> None:
            async for part in peer:
                received.extend(part)

        with pytest.raises(msquic.StreamReset) as caught:
            await within(read())
        assert caught.value.app_code == 13
        assert data.startswith(bytes(received))
        end(peer, "FIN")
        await within(asyncio.gather(stream.wait_closed(), peer.wait_closed()))


async def test_stop_while_sending(certificate):
    """A sender in the middle of drain() learns the code; the other direction, and other streams, go on."""
    async with pair(certificate, client_options={"write_limit": 1000}) as both:
        stream, peer = await opened(both)
        stream.write(bytes(5_000_000))
        draining = asyncio.ensure_future(stream.drain())
        peer.stop(14)
        with pytest.raises(msquic.StreamStopped) as caught:
            await within(draining)
        assert caught.value.app_code == 14
        peer.write(b"still here")
        peer.write_eof()
        assert await within(stream.read()) == b"still here"
        await within(asyncio.gather(stream.wait_closed(), peer.wait_closed()))
        assert await opened(both)


async def both_idle(both: Any) -> None:
    """Returns when the sender has sent what the receiver's windows take."""
    last = -1
    while (now := (await both.server.stats()).recv_total_stream_bytes) != last:
        last = now
        await asyncio.sleep(0.1)
