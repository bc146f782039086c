"""What streams have in common with those of asyncio: read() with a limit, close(), is_closing(), get_extra_info()."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import msquic
from asyncio_pairs import pair, within


@pytest.mark.parametrize("size", [0, 1, 100, 5_000_000])
async def test_read_gives_at_most_its_limit(certificate: Any, size: int) -> None:
    async with pair(certificate) as both:
        near, far = await both.client.open_stream(), None
        near.write(bytes(size))
        near.write_eof()
        far = await within(both.server.accept_stream())
        assert await within(far.read(limit=size)) == bytes(size)
        assert far.at_eof()


@pytest.mark.parametrize("finished", [True, False])
async def test_read_beyond_its_limit_raises_and_leaves_everything_in_place(certificate: Any, finished: bool) -> None:
    async with pair(certificate) as both:
        near = await both.client.open_stream()
        near.write(b"x" * 1001)
        if finished:
            near.write_eof()
        far = await within(both.server.accept_stream())
        with pytest.raises(asyncio.LimitOverrunError) as raised:
            await within(far.read(limit=1000))
        assert raised.value.consumed == 1001
        assert "1000" in str(raised.value)
        assert await within(far.readexactly(1001)) == b"x" * 1001


async def test_a_limit_holds_a_flooding_peer_back(certificate: Any) -> None:
    """The reader never holds much more than the limit and read_limit."""
    async with pair(certificate) as both:
        near = await both.client.open_stream()
        near.write(bytes(64 * 1024 * 1024))
        far = await within(both.server.accept_stream())
        with pytest.raises(asyncio.LimitOverrunError) as raised:
            await within(far.read(limit=2_000_000))
        assert raised.value.consumed <= 4_000_000
        far.stop(1)
        near.reset()


async def test_a_bad_limit_is_refused(certificate: Any) -> None:
    async with pair(certificate) as both:
        near = await both.client.open_stream()
        for wrong in (-1, "5", 2**70):
            with pytest.raises((msquic.InvalidArgument, msquic.InvalidArgumentType)):
                await near.read(limit=wrong)


async def test_close_ends_this_side(certificate: Any) -> None:
    async with pair(certificate) as both:
        near = await both.client.open_stream()
        near.write(b"hello")
        far = await within(both.server.accept_stream())
        assert not near.is_closing()
        near.close()
        near.close()
        assert near.is_closing()
        assert await within(far.read()) == b"hello"
        with pytest.raises(msquic.InvalidState):
            near.write(b"more")
        far.close()
        await within(near.wait_closed())
        await within(far.wait_closed())
        assert far.is_closing()


async def test_a_stream_is_closing_with_its_connection(certificate: Any) -> None:
    async with pair(certificate) as both:
        near = await both.client.open_stream()
        both.client.close()
        assert near.is_closing()


async def test_extra_info(certificate: Any) -> None:
    async with pair(certificate) as both:
        near = await both.client.open_stream()
        assert near.get_extra_info("peername") == ("127.0.0.1", both.listener.port)
        assert near.get_extra_info("sockname") == both.client.local_address
        assert near.get_extra_info("stream_id") == near.id == 0
        assert near.get_extra_info("connection") is both.client
        assert near.get_extra_info("cipher") is None
        assert near.get_extra_info("cipher", 5) == 5
