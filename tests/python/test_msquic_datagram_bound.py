"""What a sender of datagrams may pile up when nothing moves: the peer is another process, stopped with SIGSTOP."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import moqt.asyncio as ma
import msquic
from asyncio_pairs import until, within
from msquic.asyncio import Connection, connect
from running import Running, start_program

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")

PROGRAM = Path(__file__).parent / "programs" / "stopped_peer.py"
MIB = 1024 * 1024
LIMIT = MIB
"""The default of datagram_send_queue_bytes."""
MANY = 300_000
PATIENT = {"idle_timeout_ms": 120_000, "disconnect_timeout_ms": 120_000}


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.asynccontextmanager
async def stopping_peer(*arguments: object):
    peer = await start_program(sys.executable, PROGRAM, *arguments)
    try:
        yield peer
    finally:
        with contextlib.suppress(ProcessLookupError):
            peer.process.send_signal(signal.SIGCONT)
        await peer.end()


@contextlib.asynccontextmanager
async def stopping_server(certificate) -> AsyncIterator[tuple[Running, int]]:
    async with stopping_peer("server", certificate.certificate_file, certificate.private_key_file) as peer:
        yield peer, int((await peer.line(r"^port (\d+)"))[1])


async def stop(peer: Running) -> None:
    """When it has a connection."""
    await peer.line("^ready")
    peer.process.send_signal(signal.SIGSTOP)
    status = Path(f"/proc/{peer.process.pid}/stat")
    await until(lambda: status.read_text().rpartition(")")[2].split()[0] == "T")


@contextlib.asynccontextmanager
async def to_stopped_server(certificate, **settings: int) -> AsyncIterator[tuple[Running, Connection]]:
    async with (
        stopping_server(certificate) as (peer, port),
        connect(
            "127.0.0.1", port, alpn="test", ca_file=certificate.certificate_file, **(PATIENT | settings)
        ) as connection,
    ):
        await stop(peer)
        yield peer, connection


def numbered(number: int, size: int = 1000) -> bytes:
    return number.to_bytes(8, "big") + bytes(size - 8)


async def test_300_000_datagrams_for_a_stopped_peer_stay_within_the_bound(certificate):
    async with to_stopped_server(certificate) as (peer, connection):
        before = resident()
        largest = 0
        for number in range(MANY):
            connection.send_datagram(numbered(number))
            if number % 5000 == 0:
                largest = max(largest, resident())
                assert connection.datagram_bytes_waiting <= LIMIT
                await asyncio.sleep(0)
        assert max(largest, resident()) - before < 32 * MIB
        assert connection.datagram_bytes_waiting <= LIMIT
        assert LIMIT * 0.9 < connection.datagrams_waiting * 1000 <= LIMIT
        assert MANY * 0.9 < connection.datagrams_dropped_unsent < MANY
        # Nothing that waits for room waits for ever, and the newest is still there.
        drained = asyncio.ensure_future(connection.drain_datagrams())
        await asyncio.sleep(0)
        assert not drained.done()
        peer.process.send_signal(signal.SIGCONT)
        await within(drained, 60)
        await until(lambda: connection.datagrams_waiting == 0, 60)

        async def newest() -> bool:
            peer.lines.clear()
            peer.process.send_signal(signal.SIGUSR1)
            return int((await peer.line(r"^\d+ -?\d+ (-?\d+)"))[1]) == MANY - 1

        async with asyncio.timeout(60):
            while not await newest():
                pass


async def test_the_bound_is_a_setting_also_of_a_live_connection(certificate):
    async with to_stopped_server(certificate, datagram_send_queue_bytes=20_000) as (_, connection):
        for number in range(2000):
            connection.send_datagram(numbered(number))
        assert 18_000 < connection.datagram_bytes_waiting <= 20_000
        connection.update_settings(datagram_send_queue_bytes=50_000)

        def filled() -> bool:
            connection.send_datagram(numbered(0))
            return connection.datagram_bytes_waiting > 48_000

        await until(filled)
        assert connection.datagram_bytes_waiting <= 50_000
        with pytest.raises(msquic.InvalidArgument, match="datagram_send_queue_bytes"):
            connection.update_settings(datagram_send_queue_bytes=0)


async def fill(connection: Connection) -> None:
    """Until the congestion window is full, too, which nothing tells: the queue stays full."""
    still = 0
    while still < 5:
        dropped = connection.datagrams_dropped_unsent
        while connection.datagrams_dropped_unsent == dropped:
            connection.send_datagram(numbered(0))
        waiting = connection.datagrams_waiting
        await asyncio.sleep(0.05)
        still = still + 1 if connection.datagrams_waiting == waiting else 0


async def test_what_is_dropped_is_told_to_those_who_track_it(certificate):
    async with to_stopped_server(certificate, datagram_send_queue_bytes=10_000) as (_, connection):
        await fill(connection)
        tracked = asyncio.ensure_future(connection.send_datagram_tracked(numbered(1)))
        await asyncio.sleep(0)
        for number in range(20):
            connection.send_datagram(numbered(number))
        assert await within(tracked) == msquic.DatagramSendState.CANCELED
        # One that may not wait does not.
        dropped, waiting = connection.datagrams_dropped_unsent, connection.datagrams_waiting
        assert await within(connection.send_datagram_tracked(numbered(2), cancel_on_blocked=True)) == (
            msquic.DatagramSendState.CANCELED
        )
        connection.send_datagram(numbered(3), cancel_on_blocked=True)
        assert (connection.datagrams_dropped_unsent, connection.datagrams_waiting) == (dropped + 2, waiting)


async def test_cancel_on_blocked_sends_when_nothing_is_in_the_way(certificate):
    async with (
        stopping_server(certificate) as (_, port),
        connect(
            "127.0.0.1", port, alpn="test", ca_file=certificate.certificate_file, keep_alive_interval_ms=50
        ) as connection,
    ):
        state = await within(connection.send_datagram_tracked(numbered(1), cancel_on_blocked=True))
        assert state in (msquic.DatagramSendState.ACKNOWLEDGED, msquic.DatagramSendState.ACKNOWLEDGED_SPURIOUS)


async def test_draining_a_connection_that_ends_raises(certificate):
    async with to_stopped_server(certificate) as (_, connection):
        await connection.drain_datagrams()
        await fill(connection)
        draining = asyncio.ensure_future(connection.drain_datagrams())
        await asyncio.sleep(0)
        connection.abort()
        with pytest.raises(msquic.ConnectionClosed):
            await within(draining)


async def test_the_callback_api_has_the_same_bound_and_a_signal(certificate, registration):
    async with stopping_server(certificate) as (peer, port):
        configuration = msquic.Configuration(registration, ["test"], **PATIENT)
        configuration.load_credential_none(ca_file=certificate.certificate_file)
        connection = msquic.Connection(registration)
        connected, room = threading.Event(), threading.Event()
        waiting_then: list[int] = []
        states: list[msquic.DatagramSendState] = []

        def has_room(waiting: int) -> None:
            waiting_then.append(waiting)
            room.set()

        connection.set_on_connected(connected.set)
        connection.set_on_datagram_room(has_room)
        connection.start(configuration, "127.0.0.1", port)
        assert await asyncio.to_thread(connected.wait, 15)
        await stop(peer)
        before = resident()
        connection.send_datagram(numbered(0), on_state=states.append)
        for number in range(MANY):
            connection.send_datagram(numbered(number))
        assert resident() - before < 32 * MIB
        assert connection.datagram_bytes_waiting <= LIMIT
        assert connection.datagrams_dropped_unsent > MANY * 0.9
        assert not room.is_set()
        connection.send_datagram(
            numbered(0), flags=msquic.SendFlags.CANCEL_ON_BLOCKED, on_state=lambda state: states.append(state)
        )
        await until(lambda: msquic.DatagramSendState.CANCELED in states)
        peer.process.send_signal(signal.SIGCONT)
        assert await asyncio.to_thread(room.wait, 60)
        assert waiting_then[0] <= LIMIT / 4
        await until(lambda: connection.datagrams_waiting == 0, 60)
        dropped = connection.datagrams_dropped_unsent
        connection.close()
        assert (connection.datagrams_waiting, connection.datagrams_dropped_unsent) == (0, dropped)


async def test_moqt_datagrams_obey_the_same_bound():
    stopped = asyncio.Event()
    grown: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def handler(session: ma.Session) -> None:
        track = session.create_track(("live", "demo"), "video")
        await track.wait_subscriber()
        await stopped.wait()
        before, largest = resident(), 0
        for number in range(MANY):
            track.write_datagram(number // 1000, number % 1000, numbered(number))
            if number % 200 == 0:
                largest = max(largest, resident())
                await asyncio.sleep(0.001)  # the session's own thread takes it from here
        grown.set_result(max(largest, resident()) - before)

    async with await ma.serve(handler) as made, stopping_peer("moqt", made.port) as peer:
        await stop(peer)
        stopped.set()
        assert await within(grown, 120) < 64 * MIB
