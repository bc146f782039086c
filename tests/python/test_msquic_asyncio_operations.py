"""The coroutines that msquic.asyncio makes natively are coroutines like others."""

from __future__ import annotations

import asyncio
import collections.abc
import gc
import sys

import pytest

import msquic
from asyncio_pairs import pair, within


async def test_they_are_coroutines(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        operation = stream.read()
        assert isinstance(operation, collections.abc.Coroutine)
        assert asyncio.iscoroutine(operation)
        assert operation.__qualname__ == "Stream.read"
        task = asyncio.create_task(operation)
        assert "Stream.read" in repr(task)
        peer.write(b"as a task")
        peer.write_eof()
        assert await within(task) == b"as a task"


async def test_each_is_awaited_once(certificate):
    async with pair(certificate) as both:
        operation = both.client.open_stream()
        await operation
        with pytest.raises(RuntimeError, match="awaited already"):
            await operation


async def test_one_that_is_never_awaited_is_told_of(certificate):
    async with pair(certificate) as both:
        with pytest.warns(RuntimeWarning, match=r"coroutine 'Connection\.open_stream' was never awaited"):
            both.client.open_stream()


async def test_one_that_is_closed_gives_up_its_place(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        operation = stream.read(10)
        future = operation.send(None)
        assert asyncio.isfuture(future)
        operation.close()
        peer.write(b"for the next")
        assert await within(stream.read(100)) == b"for the next"


async def test_one_that_is_thrown_at_gives_up_its_place(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        operation = stream.readexactly(4)
        operation.send(None)
        with pytest.raises(KeyError, match="here"):
            operation.throw(KeyError("here"))
        peer.write(b"1234")
        assert await within(stream.readexactly(4)) == b"1234"


async def test_one_that_is_dropped_gives_up_its_place(certificate):
    async with pair(certificate) as both:
        operation = both.server.accept_stream()
        operation.send(None)
        del operation
        stream = await both.client.open_stream()
        stream.write(b"x")
        assert (await within(both.server.accept_stream())).id == stream.id


async def test_errors_of_arguments_come_at_the_call(certificate):
    async with pair(certificate) as both:
        stream, _ = await both.streams()
        with pytest.raises((ValueError, TypeError, msquic.InvalidArgument)):
            stream.readexactly(-1)
        with pytest.raises(TypeError):
            stream.read("ten")
        with pytest.raises(TypeError):
            both.client.open_stream(True)


async def test_too_little_comes_with_the_error(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        peer.write(b"abc")
        peer.write_eof()
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await within(stream.readexactly(10))
        assert (caught.value.partial, caught.value.expected) == (b"abc", 10)


async def test_what_they_hold_goes_with_them(certificate):
    async with pair(certificate) as both:
        stream, _ = await both.streams()
        before = sys.getrefcount(stream)
        operation = stream.read()
        operation.send(None)
        operation.close()
        del operation
        gc.collect()
        assert sys.getrefcount(stream) == before


def test_an_interrupt_in_a_task_goes_through_and_the_rest_goes_on(certificate):
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    results: list[bytes] = []

    async def run() -> None:
        async with pair(certificate) as both:
            streams = [await both.streams() for _ in range(4)]

            async def read(stream, interrupts):
                data = await stream.read(1)
                if interrupts:
                    raise KeyboardInterrupt
                results.append(data)

            readers = [asyncio.ensure_future(read(peer, number == 0)) for number, (_, peer) in enumerate(streams)]
            await asyncio.sleep(0)
            for stream, _ in streams:
                stream.write(b"x")
            await within(asyncio.wait(readers))

    try:
        main = loop.create_task(run())
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(main)
        loop.run_until_complete(main)
        assert results == [b"x"] * 3
    finally:
        loop.close()
        asyncio.set_event_loop(None)
