"""Loops of msquic.asyncio that run side by side, and objects of one that another thread touches."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from asyncio_pairs import client, pair, server, within
from threads_at_once import FREE_THREADED, at_once


@pytest.mark.timeout(90)
def test_loops_with_servers_and_clients_side_by_side(certificate: Any) -> None:
    async def answer(connection: Any) -> None:
        async for stream in connection:
            stream.write(await stream.read())
            stream.write_eof()

    async def exchange(number: int) -> None:
        async with server(certificate, answer) as made:

            async def ask(each: int) -> None:
                async with client(certificate, made) as connection:
                    for size in (1, 1000, 100_000):
                        data = bytes([number, each]) * size
                        async with await connection.open_stream() as stream:
                            stream.write(data)
                            stream.write_eof()
                            assert await stream.read() == data

            await asyncio.gather(*(ask(each) for each in range(4)))

    at_once(*(lambda number=number: asyncio.run(within(exchange(number), 30)) for number in range(4)))
    gc.collect()


async def test_a_reader_that_another_thread_ends_makes_room_for_the_next(certificate: Any) -> None:
    """The garbage collector ends a coroutine on the thread where it runs, whosever the coroutine was."""
    async with pair(certificate) as both:
        stream, _ = await both.streams()
        reading = stream.read(10)
        reading.send(None)  # as a task does
        accepting = both.client.accept_stream()
        accepting.send(None)

        def end() -> None:
            reading.close()
            accepting.close()

        await asyncio.to_thread(end)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(stream.read(10), 0.1)


@pytest.mark.skipif(not FREE_THREADED, reason="with the GIL it is up to asyncio to notice")
async def test_a_wrong_thread_is_refused(certificate: Any) -> None:
    async with pair(certificate) as both:
        stream, _ = await both.streams()

        def start(coroutine: Any) -> None:
            try:
                coroutine.send(None)
            finally:
                coroutine.close()

        for use in (
            lambda: start(stream.read(1)),
            lambda: start(stream.readexactly(1)),
            lambda: start(stream.readuntil(b"x")),
            lambda: start(stream.wait_acked()),
            lambda: start(stream.wait_closed()),
            stream.at_eof,
            both.client._take_datagram,
            both.listener.close,
        ):
            with pytest.raises(RuntimeError, match="another asyncio loop"):
                await asyncio.to_thread(use)
