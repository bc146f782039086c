"""moqt.asyncio: what becomes of servers, relays and sessions when they, or their event loop, end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

import moqt.asyncio as ma
import msquic
from moqt_sessions import idle, to
from running import start_program

DEADLINE = 20.0


def eventfds() -> int:
    count = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            count += "eventfd" in os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
    return count


def settles(measure: Any, expected: int) -> bool:
    """Whether what ends on other threads comes down to that."""
    end = time.monotonic() + DEADLINE
    while measure() > expected:
        if time.monotonic() > end:
            return False
        gc.collect()
        time.sleep(0.01)
    return True


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("::", port))
        except OSError:
            return False
        return True


def freed(port: int) -> bool:
    end = time.monotonic() + DEADLINE
    while not is_free(port):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def threads() -> list[str]:
    names = []
    for number in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):
            names.append(Path(f"/proc/self/task/{number}/comm").read_text(encoding="utf-8").strip())
    return sorted(names)


async def relay_once() -> None:
    async with ma.relay(port=0) as relay, to(relay.port) as session:
        relay.stats()
        assert not session.is_closed
    relay.stats()
    await relay.close()


async def serve_once() -> None:
    async with ma.serve(idle) as server, to(server.port):
        pass


async def fail_once() -> None:
    async with ma.serve(idle) as server:
        with pytest.raises(msquic.AddressError):
            await ma.serve(idle, port=server.port)
        with pytest.raises(msquic.AddressError):
            await ma.relay(port=server.port)


async def cancel_once() -> None:
    async with ma.serve(idle) as server:
        for opening in (to(server.port), ma.serve(idle), ma.relay(port=0)):
            task = asyncio.ensure_future(opening.__aenter__())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts in /proc")
@pytest.mark.parametrize("once", [relay_once, serve_once, fail_once, cancel_once])
def test_nothing_of_a_loop_stays(once: Any) -> None:
    asyncio.run(once())
    asyncio.run(once())
    gc.collect()
    descriptors, running = eventfds(), threads()
    for _ in range(10):
        asyncio.run(once())
    assert settles(eventfds, descriptors), f"{eventfds()} eventfds, {descriptors} before"
    assert settles(lambda: len(threads()), len(running)), f"{threads()}, before {running}"


def warned(caught: list[warnings.WarningMessage]) -> list[str]:
    return sorted(str(each.message).split()[1] for each in caught if each.category is ResourceWarning)


LOOPS: list[Any] = [asyncio.new_event_loop]
try:
    import uvloop
except ImportError:
    pass
else:
    LOOPS.append(uvloop.new_event_loop)


@pytest.mark.parametrize("factory", LOOPS)
@pytest.mark.parametrize("orderly", [True, False])
def test_all_end_with_their_loop_and_warn(factory: Any, orderly: bool) -> None:
    kept: list[Any] = []

    async def main() -> None:
        server, relay = await ma.serve(idle), await ma.relay(port=0)
        # The relay's: a session of the server may close in order when the loop cancels its handler.
        kept.extend([server, relay, await to(relay.port), await to(relay.port)])

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if orderly:
            with asyncio.Runner(loop_factory=factory) as runner:
                runner.run(main())
        else:
            loop = factory()
            loop.run_until_complete(main())
            for task in asyncio.all_tasks(loop):  # asyncio's own warning is not what is asked for
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()
        gc.collect()
    assert warned(caught) == ["<Relay", "<Server", "<Session", "<Session"]
    server, relay, session, other = kept
    assert freed(server.port)
    assert freed(relay.port)
    assert session.is_closed
    assert other.is_closed


def test_a_server_that_nobody_refers_to_goes_on_until_its_loop_ends() -> None:
    async def main() -> int:
        port = (await ma.serve(idle)).port
        for _ in range(3):
            gc.collect()
            async with to(port):
                pass
        return port

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        port = asyncio.run(main())
        gc.collect()
    assert warned(caught) == ["<Server"]
    assert freed(port)


def test_all_end_where_warnings_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: raised.append(unraisable.exc_value))
    kept: list[Any] = []

    async def main() -> None:
        kept.extend([await ma.serve(idle), await ma.relay(port=0)])
        kept.extend([await to(kept[0].port), await to(kept[1].port)])

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(main())
        gc.collect()
    assert [type(each) for each in raised] == [ResourceWarning]
    assert freed(kept[0].port)
    assert freed(kept[1].port)
    assert kept[2].is_closed
    assert kept[3].is_closed


def test_what_could_not_listen_does_not_warn() -> None:
    async def main() -> None:
        async with ma.serve(idle) as server:
            for opening in (ma.serve(idle, port=server.port), ma.relay(port=server.port)):
                with pytest.raises(msquic.AddressError):
                    await opening

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(20):  # now and then the loop ends before it hears of the end
            asyncio.run(main())
        gc.collect()
    assert warned(caught) == []


def test_what_was_closed_does_not_warn() -> None:
    async def main() -> None:
        server, relay = await ma.serve(idle), await ma.relay(port=0)
        session = await to(server.port)
        await session.close()
        server.close()  # and nobody waits
        await relay.close()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(main())
        gc.collect()
    assert warned(caught) == []


def test_a_client_that_comes_when_the_loop_is_over_is_not_left_waiting() -> None:
    """Nobody will ever answer it: its session is closed, or it is refused."""
    port: list[int] = []
    over, come = threading.Event(), threading.Event()

    async def main() -> None:
        server = await ma.serve(idle)
        port.append(server.port)

    def serving() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            asyncio.run(main())
            gc.collect()
        over.set()
        come.wait(DEADLINE)

    thread = threading.Thread(target=serving)
    thread.start()
    assert over.wait(DEADLINE)

    async def client() -> None:
        with contextlib.suppress(msquic.ConnectionRefused, msquic.Unreachable, ma.SessionClosed):
            session = await to(port[0], timeout=10)
            await asyncio.wait_for(session.wait_closed(), 10)

    try:
        asyncio.run(client())
    finally:
        come.set()
        thread.join(DEADLINE)


async def test_a_handler_that_waits_for_ever_is_cancelled_after_the_grace() -> None:
    cancelled = asyncio.Event()
    started = asyncio.Event()

    async def handler(session: ma.Session) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with asyncio.timeout(DEADLINE):
        async with ma.serve(handler, grace=0.2) as server:
            session = await to(server.port)
            await started.wait()
        assert cancelled.is_set()
        await session.wait_closed()
        assert session.closed_by is not None
        assert session.closed_by.name == "NO_ERROR"


async def test_a_handler_that_ends_in_time_is_not_cancelled() -> None:
    ended: list[str] = []

    async def handler(session: ma.Session) -> None:
        try:
            await session.wait_closed()
            await asyncio.sleep(0)
            ended.append("in time")
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async with asyncio.timeout(DEADLINE):
        async with ma.serve(handler) as server, to(server.port):
            while not server.sessions:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.005)
            server.close()
            await server.wait_closed()
    assert ended == ["in time"]


PROGRAM = """
import asyncio, sys
import moqt.asyncio as ma

async def handler(session):
    print("a session", flush=True)
    await asyncio.Event().wait()

async def main():
    how = sys.argv[1]
    if how == "relay":
        async with ma.relay(port=0) as relay:
            print("port", relay.port, flush=True)
            await asyncio.Event().wait()
    async with ma.serve(handler) as server:
        print("port", server.port, flush=True)
        if how == "forever":
            await server.serve_forever()
        else:
            await asyncio.Event().wait()

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(3)
"""


@pytest.mark.parametrize("how", ["forever", "waiting", "relay"])
@pytest.mark.parametrize("clients", [0, 2])
async def test_one_interrupt_is_enough(how: str, clients: int) -> None:
    program = await start_program(sys.executable, "-X", "dev", "-c", PROGRAM, how)
    try:
        port = int((await program.line(r"^port (\d+)")).group(1))
        sessions = [await to(port) for _ in range(clients)]
        if clients and how != "relay":
            await program.line("a session")
        await program.interrupt()
        assert await program.exit_code(DEADLINE) == 3
        assert "interrupted" in program.text
        assert "Traceback" not in program.text
        assert "Warning" not in program.text
        for session in sessions:
            await asyncio.wait_for(session.wait_closed(), DEADLINE)
    finally:
        await program.end()
