"""Connection.serve_streams(): a handler for each stream of the peer, in tasks that are used again."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

import msquic
from asyncio_pairs import Pair, pair, until, within
from msquic.asyncio import Stream


@contextlib.asynccontextmanager
async def serving(
    certificate: Any, handler: Callable[[Stream], Awaitable[object]], limit: int | None = None
) -> AsyncIterator[tuple[Pair, asyncio.Task[None]]]:
    async with pair(certificate) as both:
        service = asyncio.create_task(both.server.serve_streams(handler, limit=limit))
        try:
            yield both, service
        finally:
            service.cancel()
            with contextlib.suppress(asyncio.CancelledError, msquic.ConnectionFailed):
                await within(service)


@contextlib.asynccontextmanager
async def handling(
    certificate: Any, handler: Callable[[Stream], Awaitable[object]], started: asyncio.Event
) -> AsyncIterator[tuple[Pair, asyncio.Task[None], Stream]]:
    """A service that the test ends itself, with one stream, whose handler has started."""
    async with pair(certificate) as both:
        service = asyncio.create_task(both.server.serve_streams(handler))
        stream = await both.client.open_stream()
        stream.write(b"x")
        await within(started.wait())
        yield both, service, stream


async def ask(connection: Any, question: bytes) -> bytes:
    stream = await connection.open_stream()
    stream.write(question)
    stream.write_eof()
    answer: bytes = await within(stream.read())
    return answer


async def echo(stream: Stream) -> None:
    stream.write(await stream.read())


async def test_every_request_is_answered_and_finished(certificate):
    async with serving(certificate, echo) as (both, _):
        questions = [str(number).encode() for number in range(500)]
        assert await asyncio.gather(*(ask(both.client, question) for question in questions)) == questions


async def test_handlers_that_wait_run_side_by_side(certificate):
    running, all_run = 0, asyncio.Event()

    async def wait_for_the_others(stream: Stream) -> None:
        nonlocal running
        running += 1
        if running == 50:
            all_run.set()
        await all_run.wait()
        await echo(stream)

    async with serving(certificate, wait_for_the_others) as (both, _):
        answers = await within(asyncio.gather(*(ask(both.client, b"x") for _ in range(50))))
        assert answers == [b"x"] * 50
        # Workers that ended up without work are used again, or gone.
        running = 0
        all_run.clear()
        answers = await within(asyncio.gather(*(ask(both.client, b"y") for _ in range(50))))
        assert answers == [b"y"] * 50


async def test_no_more_handlers_than_the_limit(certificate):
    running = most = 0
    released = asyncio.Event()

    async def count(stream: Stream) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await released.wait()
        running -= 1
        await echo(stream)

    async with serving(certificate, count, limit=3) as (both, _):
        requests = [asyncio.create_task(ask(both.client, b"x")) for _ in range(20)]
        await until(lambda: running == 3)
        assert await both.server.stats()  # a turn of MsQuic's worker later still no more
        assert running == 3
        released.set()
        assert await within(asyncio.gather(*requests)) == [b"x"] * 20
    assert most == 3


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_limit_that_lets_nothing_run(certificate, limit):
    async with pair(certificate) as both:
        with pytest.raises(ValueError, match="at least 1"):
            await both.server.serve_streams(echo, limit=limit)


async def test_a_handler_that_raises_costs_its_stream_alone(certificate):
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    async def fail(stream: Stream) -> None:
        question = await stream.read()
        if question == b"bad":
            raise ZeroDivisionError("as it was asked to")
        stream.write(question)

    async with serving(certificate, fail) as (both, _):
        stream = await both.client.open_stream()
        stream.write(b"bad")
        stream.write_eof()
        with pytest.raises(msquic.StreamReset) as caught:
            await within(stream.read())
        assert (caught.value.app_code, caught.value.remote) == (1, True)
        assert await ask(both.client, b"good") == b"good"
    assert [type(context["exception"]) for context in told] == [ZeroDivisionError]


async def test_a_handler_whose_future_is_cancelled_costs_its_stream_alone(certificate):
    async def cancel_itself(stream: Stream) -> None:
        if await stream.read() == b"cancel":
            future = asyncio.get_running_loop().create_future()
            future.cancel()
            await future
        stream.write(b"answer")

    async with serving(certificate, cancel_itself) as (both, service):
        stream = await both.client.open_stream()
        stream.write(b"cancel")
        stream.write_eof()
        with pytest.raises(msquic.StreamReset):
            await within(stream.read())
        assert await ask(both.client, b"again") == b"answer"
        assert not service.done()


async def test_a_timeout_in_a_handler_is_its_own(certificate):
    async def be_late(stream: Stream) -> None:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            stream.write(b"late")

    async with serving(certificate, be_late) as (both, _):
        assert await within(asyncio.gather(*(ask(both.client, b"x") for _ in range(20)))) == [b"late"] * 20


async def write_for_ever(stream: Stream) -> None:
    while True:
        stream.write(bytes(1000))
        await stream.drain()
        await asyncio.sleep(0)


async def test_what_a_handler_leaves_unread_is_stopped(certificate):
    async def look_away(stream: Stream) -> None:
        await stream.read(1)

    async with serving(certificate, look_away) as (both, _):
        stream = await both.client.open_stream()
        stream.write(b"more than one byte")
        assert await within(stream.read()) == b""  # the handler's end finished its direction
        with pytest.raises(msquic.StreamStopped) as caught:
            await within(write_for_ever(stream))
        assert caught.value.app_code == 0


async def test_it_returns_when_the_peer_closes_in_order(certificate):
    async with pair(certificate) as both:
        service = asyncio.create_task(both.server.serve_streams(echo))
        assert await ask(both.client, b"x") == b"x"
        both.client.close()
        assert await within(service) is None


async def test_it_raises_why_the_connection_ended(certificate):
    async with pair(certificate) as both:
        service = asyncio.create_task(both.server.serve_streams(echo))
        assert await ask(both.client, b"x") == b"x"
        both.client.close(7, "enough")
        with pytest.raises(msquic.PeerClosed) as caught:
            await within(service)
        assert caught.value.app_code == 7


async def test_a_connection_that_fails_cancels_the_handlers(certificate):
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def wait_for_ever(stream: Stream) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with handling(certificate, wait_for_ever, started) as (both, service, _):
        both.client.close(7)
        with pytest.raises(msquic.PeerClosed):
            await within(service)
        assert cancelled.is_set()


async def test_handlers_end_before_it_returns(certificate):
    started, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def linger(stream: Stream) -> None:
        started.set()
        await may_end.wait()
        ended.set()

    async with handling(certificate, linger, started) as (both, service, _):
        both.client.close()
        await within(both.server.wait_closed())
        await asyncio.sleep(0)
        assert not service.done()
        may_end.set()
        await within(service)
        assert ended.is_set()


async def test_cancelled_it_cancels_its_handlers(certificate):
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def wait_for_ever(stream: Stream) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with handling(certificate, wait_for_ever, started) as (_, service, stream):
        service.cancel()
        with pytest.raises(asyncio.CancelledError):
            await within(service)
        assert cancelled.is_set()
        with pytest.raises(msquic.StreamReset) as caught:
            await within(stream.read())
        assert caught.value.app_code == 0


async def test_a_stream_is_not_kept_after_its_handler(certificate):
    references: list[weakref.ref[Stream]] = []

    async def remember(stream: Stream) -> None:
        references.append(weakref.ref(stream))
        await echo(stream)

    async with serving(certificate, remember) as (both, _):
        assert await ask(both.client, b"x") == b"x"
        await until(lambda: (gc.collect(), references[0]())[1] is None)


async def test_the_handler_sees_its_own_task(certificate):
    tasks: set[Any] = set()

    async def look(stream: Stream) -> None:
        tasks.add(asyncio.current_task())
        await echo(stream)

    async with serving(certificate, look) as (both, service):
        await asyncio.gather(*(ask(both.client, b"x") for _ in range(100)))
        assert None not in tasks
        assert service not in tasks
