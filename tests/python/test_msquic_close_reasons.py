"""A close brings its code and its reason, every time: both APIs, both roles, and the sessions of MOQT."""

from __future__ import annotations

import asyncio
import itertools
import threading

import pytest

import moqt
import moqt.asyncio as ma
import msquic
from asyncio_pairs import ALPN, server, within
from msquic.asyncio import Connection, connect

TIMES = 200


@pytest.mark.parametrize("by", ["client", "server"])
async def test_asyncio(certificate, by):
    """Whoever waits for whatever: each hears of both."""
    numbers = itertools.count()
    heard: asyncio.Queue[BaseException | None] = asyncio.Queue()

    async def wait_in_all_ways(connection: Connection) -> None:
        stream = await connection.open_stream()
        stream.write(b"x")
        waits = (connection.accept_stream(), connection.receive_datagram(), stream.read(), connection.wait_closed())
        for result in await asyncio.gather(*waits, return_exceptions=True):
            heard.put_nowait(result)

    async def close_at_the_cue(connection: Connection, number: int) -> None:
        stream = await connection.accept_stream()  # kept: one that is dropped is reset
        await stream.read(1)
        connection.close(17, f"close {number}")
        await connection.wait_closed()

    async def handler(connection: Connection) -> None:
        if by == "client":
            await wait_in_all_ways(connection)
        else:
            await close_at_the_cue(connection, next(numbers))

    async with server(certificate, handler) as made:
        for number in range(TIMES):
            connection = await connect("127.0.0.1", made.port, alpn=ALPN, ca_file=certificate.certificate_file)
            if by == "client":
                await within(close_at_the_cue(connection, number))
            else:
                await wait_in_all_ways(connection)
            for _ in range(4):
                error = await within(heard.get())
                assert isinstance(error, msquic.PeerClosed), error
                assert (error.app_code, error.reason) == (17, f"close {number}")


@pytest.mark.parametrize("by", ["client", "server"])
def test_callbacks(loopback, by):
    """The error of on_shutdown_initiated has the reason, too."""
    accepted: list[msquic.Connection] = []
    ready = threading.Event()
    heard: list[tuple[int | None, str]] = []
    over = threading.Event()

    def watch(connection: msquic.Connection) -> None:
        connection.set_on_shutdown_initiated(lambda error: heard.append((error.app_code, error.reason)))

        def ended() -> None:
            heard.append((connection.close_code, connection.close_reason))
            over.set()

        connection.set_on_shutdown_complete(lambda _: ended())

    def on_new_connection(connection: msquic.Connection) -> None:
        accepted.append(connection)
        if by == "client":
            watch(connection)
        connection.set_on_connected(ready.set)

    listener = loopback.listen(on_new_connection)
    for number in range(TIMES):
        ready.clear()
        over.clear()
        heard.clear()
        client = loopback.connect(listener)
        if by == "server":
            watch(client)
        assert ready.wait(15)
        closing = client if by == "client" else accepted[-1]
        closing.shutdown(error_code=23, reason=f"close {number}")
        assert over.wait(15)
        assert heard == [(23, f"close {number}")] * 2
        accepted.clear()


async def test_a_longer_reason_of_moqt_is_cut_between_characters():
    over: asyncio.Future[ma.SessionClosed] = asyncio.get_running_loop().create_future()

    async def handler(session: ma.Session) -> None:
        await session.wait_closed()
        over.set_result(session.closed_by)

    async with await ma.serve(handler) as made:
        session = await ma.connect("127.0.0.1", made.port, verify=False)
        await within(session.close(moqt.ErrorCode.GOAWAY_TIMEOUT, "x" + "ä" * 400))
        closed = await within(over)
        assert (closed.code, closed.reason) == (moqt.ErrorCode.GOAWAY_TIMEOUT, "x" + "ä" * 255)


@pytest.mark.parametrize("by", ["client", "server"])
async def test_moqt(by):
    heard: asyncio.Queue[ma.SessionClosed] = asyncio.Queue()
    numbers = itertools.count()

    async def hear(session: ma.Session) -> None:
        try:
            await session.subscribe(("no", "where"), "track")
        except ma.SessionClosed as closed:
            heard.put_nowait(closed)

    async def handler(session: ma.Session) -> None:
        if by == "client":
            await hear(session)
        else:
            await session.close(moqt.ErrorCode.GOAWAY_TIMEOUT, f"close {next(numbers)}")

    async with await ma.serve(handler) as made:
        for number in range(TIMES // 2):
            session = await ma.connect("127.0.0.1", made.port, verify=False)
            if by == "client":
                await session.close(moqt.ErrorCode.GOAWAY_TIMEOUT, f"close {number}")
            else:
                await hear(session)
                await session.close()
            closed = await within(heard.get())
            assert (closed.code, closed.reason) == (moqt.ErrorCode.GOAWAY_TIMEOUT, f"close {number}")
