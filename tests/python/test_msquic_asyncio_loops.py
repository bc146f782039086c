"""msquic.asyncio on other loops, on several, in debug mode, and at their ends."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

import msquic
from asyncio_pairs import ALPN, client, pair, server, within
from msquic.asyncio import connect

TRAFFIC = Path(__file__).parent / "programs" / "asyncio_traffic.py"


async def echo(connection):
    async def answer(stream):
        async for chunk in stream:
            stream.write(chunk)
            await stream.drain()
        stream.write_eof()

    async with asyncio.TaskGroup() as group:
        async for stream in connection:
            group.create_task(answer(stream))


async def ask(certificate, count=5, size=100_000):
    """Some traffic: echoes of `size` bytes on `count` streams at a time, and a datagram."""
    async with server(certificate, echo) as made, client(certificate, made) as connection:

        async def request(number):
            data = bytes([number]) * size
            async with await connection.open_stream() as stream:
                stream.write(data)
                stream.write_eof()
                assert await stream.read() == data

        await asyncio.gather(*(request(number) for number in range(count)))
        connection.send_datagram(b"x")


def test_uvloop(certificate):
    uvloop = pytest.importorskip("uvloop")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(within(ask(certificate)))


def test_a_loop_in_debug_mode(certificate):
    asyncio.run(within(ask(certificate)), debug=True)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
def test_eager_tasks(certificate):
    async def main():
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        await within(ask(certificate))

    asyncio.run(main())


async def test_what_needs_no_waiting_raises_on_another_loop_too(certificate):
    async with pair(certificate) as both:
        awaits = (both.client.wait_connected, both.client.drain_datagrams)

        def elsewhere():
            for each in awaits:
                with pytest.raises(RuntimeError, match=r"thread|loop"):
                    asyncio.run(each())

        await asyncio.to_thread(elsewhere)


def test_loops_in_several_threads(certificate):
    errors = []

    def run():
        try:
            asyncio.run(within(ask(certificate)))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert errors == []


def test_one_loop_after_another(certificate):
    for _ in range(3):
        asyncio.run(within(ask(certificate)))


async def test_objects_refuse_another_thread(certificate):
    async with pair(certificate) as both:
        stream, _ = await both.streams()
        for use in (
            lambda: stream.write(b"x"),
            lambda: stream.reset(),
            lambda: both.client.send_datagram(b"x"),
            lambda: both.client.close(),
        ):
            with pytest.raises(RuntimeError, match="another asyncio loop"):
                await asyncio.to_thread(use)
        assert not both.client.is_closed


def test_a_loop_that_ends_with_everything_open_leaves_nothing(certificate):
    references = []

    async def main():
        made = server(certificate, echo)
        started = await made.__aenter__()
        connection = await connect("127.0.0.1", started.port, alpn=ALPN, verify=False)
        stream = await connection.open_stream()
        payload = bytearray(5_000_000)
        stream.write(payload)
        waiting = asyncio.ensure_future(stream.read())
        await asyncio.sleep(0.01)
        references.extend(weakref.ref(each) for each in (connection, stream, waiting, asyncio.get_running_loop()))

    asyncio.run(main())
    gc.collect()
    assert [reference() for reference in references] == [None] * 4
    assert msquic.wait_until_idle(10), msquic.live_objects()


@pytest.mark.parametrize("how", ["return", "raise", "exit", "cancel"])
def test_leaving_the_interpreter_in_the_middle_of_traffic(certificate, how):
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", str(TRAFFIC), how, *certificate[:2]],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == {"return": 0, "raise": 1, "exit": 7, "cancel": 0}[how], done.stderr
        assert "Fatal" not in done.stderr
        assert "terminate" not in done.stderr


async def test_every_await_can_be_cancelled(certificate):
    """Each await of the API, cancelled while it waits; the connection and its streams go on."""
    async with pair(certificate, {"write_limit": 1024}, {"peer_bidi_stream_count": 2}) as both:
        stream, peer = await both.streams()
        full, full_peer = await both.streams()
        full.write(bytes(8_000_000))
        waits = {
            "read": lambda: stream.read(1),
            "read to the end": lambda: stream.read(),
            "readexactly": lambda: stream.readexactly(5),
            "readuntil": lambda: stream.readuntil(b"x"),
            "readline": lambda: stream.readline(),
            "drain": lambda: full.drain(),
            "wait_acked": lambda: full.wait_acked(),
            "wait_closed": lambda: stream.wait_closed(),
            "open_stream": lambda: both.client.open_stream(),
            "accept_stream": lambda: both.client.accept_stream(),
            "receive_datagram": lambda: both.client.receive_datagram(),
            "datagrams": lambda: anext(both.client.datagrams()),
            "connection wait_closed": lambda: both.client.wait_closed(),
        }
        for what, wait in waits.items():
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    raise AssertionError(f"{what} returned {await wait()!r}")
            for delay in range(3):
                task = asyncio.ensure_future(wait())
                for _ in range(delay):
                    await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
        peer.write(b"answer")
        peer.write_eof()
        stream.write_eof()
        assert await within(stream.read()) == b"answer"
        assert len(await within(full_peer.readexactly(8_000_000))) == 8_000_000
        await within(full.wait_acked())
        assert await within(peer.read()) == b""
        third = await within(both.client.open_stream())
        third.write_eof()
        assert (await within(both.server.accept_stream())).id == third.id
        both.server.send_datagram(b"d")
        assert await within(both.client.receive_datagram()) == b"d"


async def test_an_idle_loop_is_never_woken(certificate):
    async with pair(certificate, {"idle_timeout_ms": 60_000}, {"idle_timeout_ms": 60_000}) as both:
        stream, _ = await both.streams()
        waiting = asyncio.ensure_future(stream.read())
        await asyncio.sleep(0.3)  # the handshake's last packets
        loop = asyncio.get_running_loop()
        turns = 0
        select = loop._selector.select

        def counting(timeout):
            nonlocal turns
            turns += 1
            return select(timeout)

        loop._selector.select = counting
        await asyncio.sleep(1.0)
        loop._selector.select = select
        assert turns <= 2
        waiting.cancel()
