"""moqt.asyncio: cancellation, several event loops, and the end of the interpreter."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

import moqt.asyncio as ma
from moqt_sessions import NS, idle, publish_and_subscribe, publish_through_a_relay, to, write


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(40):
        yield


async def cancel(work: Awaitable[Any]) -> None:
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_every_await_may_be_cancelled() -> None:
    async def handler(session: ma.Session) -> None:
        track = session.create_track(NS, "video")
        await cancel(track.wait_subscriber())
        await write(track, 2, 2)
        await session.wait_closed()

    async with await ma.serve(handler) as server:
        await cancel(to(server.port).__aenter__())
        async with to(server.port) as session:
            calls: list[Callable[[], Awaitable[Any]]] = [
                lambda: session.publish_namespace(("other",)),
                lambda: session.publish(("other",), "t"),
                lambda: session.subscribe(NS, "another"),
                lambda: session.track_status(NS, "video"),
                lambda: session.subscribe_namespace("x").__aenter__(),
                lambda: anext(session.offers()),
                session.wait_closed,
                session.wait_goaway,
            ]
            for call in calls:
                await cancel(call())
            await session.track_status(NS, "video")
            subscription = await session.subscribe(NS, "video")
            got = []
            while len(got) < 4:
                step = asyncio.create_task(anext(subscription))
                await asyncio.sleep(0)
                if not step.done():
                    step.cancel()
                try:
                    got.append((await step).object_id)
                except asyncio.CancelledError:
                    await asyncio.sleep(0.001)
            assert got == [0, 1, 0, 1]
            with pytest.raises(StopAsyncIteration):
                await anext(subscription)
            await cancel(session.close())
            await session.wait_closed()


async def test_dropping_a_session_closes_it() -> None:
    ended = asyncio.Event()

    async def handler(session: ma.Session) -> None:
        await session.wait_closed()
        ended.set()

    async with await ma.serve(handler) as server:
        session = await to(server.port)
        del session
        gc.collect()
        await ended.wait()


def test_two_loops_in_two_threads() -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(asyncio.wait_for(publish_and_subscribe(), 30))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert failures == []


async def test_another_loop_is_refused() -> None:
    async with await ma.serve(idle) as server, to(server.port) as session:

        async def elsewhere() -> None:
            with pytest.raises(RuntimeError, match="another asyncio loop"):
                await session.track_status(NS, "video")

        await asyncio.to_thread(asyncio.run, elsewhere())


def test_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(publish_through_a_relay(), 30))


def test_a_loop_without_add_reader() -> None:
    class Proactor(asyncio.SelectorEventLoop):
        def add_reader(self, *_: Any) -> Any:
            raise NotImplementedError

    # Its own wake-up socket needs the reader that users are denied.
    Proactor._add_reader = asyncio.SelectorEventLoop._add_reader  # type: ignore[attr-defined]
    with asyncio.Runner(loop_factory=Proactor) as runner:
        runner.run(asyncio.wait_for(publish_and_subscribe(), 30))


EXIT = """
import asyncio, sys, moqt.asyncio as ma
async def handler(session):
    track = session.create_track("a", "b")
    while True:
        with track.begin_group() as group:
            group.write(bytes(1000))
        await asyncio.sleep(0)
async def main():
    global server, session, subscription, relay
    server = await ma.serve(handler)
    relay = await ma.relay(port=0)
    session = await ma.connect("127.0.0.1", server.port, verify=False)
    subscription = await session.subscribe("a", "b")
    for _ in range(50):
        await anext(subscription)
    sys.exit(7)
asyncio.run(main())
"""


@pytest.mark.parametrize("attempt", range(3))
def test_exit_with_live_sessions(attempt: int) -> None:
    ended = subprocess.run([sys.executable, "-c", EXIT], timeout=20, capture_output=True, text=True, check=False)
    assert ended.returncode == 7, ended.stderr
    assert ended.stderr == ""
