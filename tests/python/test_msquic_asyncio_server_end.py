"""How servers end: handlers have a grace period, then they are cancelled."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import msquic
from asyncio_pairs import ALPN, DEADLINE, client, server, within
from msquic.asyncio import connect
from running import start_program


async def test_a_handler_that_waits_for_ever_is_cancelled_after_the_grace_period(certificate: Any) -> None:
    started = asyncio.Event()
    cancelled = []

    async def handler(connection: Any) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(connection)
            raise

    async with server(certificate, handler, grace=0.2) as made, client(certificate, made) as connection:
        await within(started.wait())
        made.close()
        await within(made.wait_closed())
        assert len(cancelled) == 1
        await within(connection.wait_closed())


async def test_a_handler_that_ends_within_the_grace_period_is_left_alone(certificate: Any) -> None:
    started, may_end = asyncio.Event(), asyncio.Event()
    ended = []

    async def handler(connection: Any) -> None:
        started.set()
        await may_end.wait()
        ended.append(True)

    async with server(certificate, handler, grace=60.0) as made, client(certificate, made):
        await within(started.wait())
        made.close()
        waiting = asyncio.create_task(made.wait_closed())
        await asyncio.sleep(0)
        may_end.set()
        await within(waiting)
    assert ended == [True]


async def test_without_a_grace_period_handlers_take_their_time(certificate: Any) -> None:
    started, may_end = asyncio.Event(), asyncio.Event()

    async def handler(connection: Any) -> None:
        started.set()
        await may_end.wait()

    async with server(certificate, handler, grace=None) as made, client(certificate, made):
        await within(started.wait())
        made.close()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(made.wait_closed(), 0.3)
        may_end.set()
        await within(made.wait_closed())


async def test_one_ctrl_c_is_enough(certificate: Any) -> None:
    program = Path(__file__).parent / "programs" / "waiting_server.py"
    running = await start_program(sys.executable, program, certificate.certificate_file, certificate.private_key_file)
    try:
        port = int((await running.line(r"^PORT (\d+)$")).group(1))
        connection = await connect("127.0.0.1", port, alpn=ALPN, ca_file=certificate.certificate_file)
        stream = await connection.open_stream()
        stream.write(b"x")
        await running.line("WAITING")
        await running.interrupt()
        await running.line("DONE")
        assert await running.exit_code() != 0  # KeyboardInterrupt
        assert "CANCELLED" in running.lines
        assert isinstance(await within(connection.wait_closed()), msquic.ConnectionFailed | None)
    finally:
        await running.end()


async def test_a_peer_that_takes_nothing_does_not_hold_up_the_end(certificate: Any) -> None:
    """Its window is full; the end waits for ``close_timeout``, not for ever."""

    async def handler(connection: Any) -> None:
        stream = await connection.open_uni_stream()
        stream.write(bytes(8 * 1024 * 1024))
        stream.write_eof()

    async with server(certificate, handler, close_timeout=0.3) as made, client(certificate, made) as connection:
        assert isinstance(await within(connection.wait_closed()), msquic.PeerClosed)


async def test_abort_does_not_wait(certificate: Any) -> None:
    async def handler(connection: Any) -> None:
        await connection.wait_closed()

    async with server(certificate, handler) as made, client(certificate, made, close_timeout=60.0) as connection:
        stream = await connection.open_uni_stream()
        stream.write(bytes(64 * 1024 * 1024))
        connection.close()
        connection.close()
        with pytest.raises(msquic.ConnectionClosed):
            stream.write(b"more")
        with pytest.raises(msquic.ConnectionClosed):
            await connection.open_stream()
        connection.abort(3)
        await within(connection.wait_closed())


async def answer_each_stream(connection: Any) -> None:
    async for stream in connection:
        async with stream:
            stream.write(await stream.read())


async def ask(connection: Any) -> bytes:
    async with await connection.open_stream() as stream:
        stream.write(b"still there?")
        stream.write_eof()
        return await within(stream.read())


async def test_a_client_that_is_connected_is_served_although_its_handler_had_not_begun(certificate: Any) -> None:
    for _ in range(20):
        async with server(certificate, answer_each_stream) as made:
            connection = await connect("127.0.0.1", made.port, alpn=ALPN, ca_file=certificate.certificate_file)
            made.stop_accepting()
            assert await ask(connection) == b"still there?"
            connection.close()
            await within(connection.wait_closed())
            await within(made.wait_closed())


async def test_closing_tells_code_and_reason_to_clients_whose_handlers_had_not_begun(certificate: Any) -> None:
    acknowledged = threading.Event()

    async def be_closed(port: int) -> Any:
        connection = await connect("127.0.0.1", port, alpn=ALPN, ca_file=certificate.certificate_file)
        stream = await connection.open_stream()
        stream.write(b"x")
        await within(stream.wait_acked())  # so the server's handshake is complete
        acknowledged.set()
        return await within(connection.wait_closed())

    async with server(certificate, answer_each_stream) as made:
        elsewhere = asyncio.get_running_loop().run_in_executor(
            None, lambda port: asyncio.run(be_closed(port)), made.port
        )
        assert acknowledged.wait(DEADLINE)  # meanwhile this loop hears of nobody
        made.close(42, "going")
        error = await within(elsewhere)
        assert (error.app_code, error.reason) == (42, "going")


async def test_stop_accepting_waits_for_handshakes_that_have_begun(certificate: Any) -> None:
    identity = msquic.Certificate.from_files(certificate.certificate_file, certificate.private_key_file)
    asked, may_go_on = asyncio.Event(), asyncio.Event()

    async def verify(shown: msquic.PeerCertificate) -> bool:
        asked.set()
        await may_go_on.wait()
        return True

    for stays in (True, False):
        asked.clear()
        may_go_on.clear()
        async with server(certificate, answer_each_stream, client_certificates="required", verify=verify) as made:
            connection = await connect(
                "127.0.0.1", made.port, alpn=ALPN, ca_file=certificate.certificate_file, certificate=identity
            )
            await within(asked.wait())
            made.stop_accepting()
            waiting = asyncio.create_task(made.wait_closed())
            await asyncio.sleep(0)
            assert not waiting.done()
            if stays:
                may_go_on.set()
                assert await ask(connection) == b"still there?"
            connection.abort()
            await within(connection.wait_closed())
            may_go_on.set()
            await within(waiting)


async def test_serve_forever_goes_on_for_the_clients_that_there_are(certificate: Any) -> None:
    async with server(certificate, answer_each_stream) as made, client(certificate, made) as connection:
        serving = asyncio.create_task(made.serve_forever())
        assert await ask(connection) == b"still there?"
        made.stop_accepting()
        assert await ask(connection) == b"still there?"
        assert not serving.done()
        connection.close()
        await within(serving)
