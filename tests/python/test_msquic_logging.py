"""What the loggers are told."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time

import msquic


def messages(caplog, name: str) -> list[tuple[int, str]]:
    return [(record.levelno, record.getMessage()) for record in caplog.records if record.name == name]


def test_the_life_of_a_connection(loopback, waiter, caplog) -> None:
    with caplog.at_level(logging.DEBUG, "msquic"):
        listener = loopback.listen()
        port = listener.port
        connection, over = loopback.connect(listener), waiter()
        identity = connection.original_destination_cid.hex()
        local = f"127.0.0.1:{connection.local_address[1]}"
        server_over = waiter()
        loopback.served().set_on_shutdown_complete(server_over.set)
        connection.set_on_shutdown_complete(over.set)
        connection.shutdown(error_code=3, reason="enough")
        over.wait()
        server_over.wait()
        listener.close()
    told = messages(caplog, "msquic.connection")
    client = f"connection to 127.0.0.1:{port} (local {local}) [{identity}]"
    server = f"connection from {local} (local 127.0.0.1:{port}) [{identity}]"
    assert (logging.INFO, f"{client} opened: ALPN 'test', server name 'localhost'") in told
    assert (logging.INFO, f"{server} opened: ALPN 'test', server name 'localhost'") in told
    assert (logging.INFO, f"{client} closed by this side with code 3") in told
    assert any(
        level == logging.INFO and text.startswith(f"{server} closed by the peer with code 3") for level, text in told
    )
    assert messages(caplog, "msquic.listener")[0] == (logging.INFO, f"listening on [::]:{port} for 'test'")
    assert messages(caplog, "msquic.listener")[-1] == (logging.INFO, f"stopped listening on [::]:{port}")
    assert any(
        level == logging.DEBUG and re.fullmatch(r"connection from .* began a handshake, server name 'localhost'", text)
        for level, text in messages(caplog, "msquic.listener")
    )
    assert any(text.startswith(f"{client}: QUICv1, TLSv1.3, TLS_") for _, text in messages(caplog, "msquic.tls"))


def test_a_failure_is_a_warning(loopback, waiter, caplog) -> None:
    listener = loopback.listen()
    configuration = msquic.Configuration(loopback.registration, ["other"])
    configuration.load_credential_none(no_certificate_validation=True)
    with caplog.at_level(logging.WARNING, "msquic"):
        connection, over = msquic.Connection(loopback.registration), waiter()
        connection.set_on_shutdown_complete(over.set)
        connection.start(configuration, "localhost", listener.port, address="127.0.0.1")
        over.wait()
    (told,) = messages(caplog, "msquic.connection")
    assert told[0] == logging.WARNING
    assert " failed: the peer ended the connection: no ALPN in common" in told[1]


def test_nothing_is_formatted_when_nobody_listens(loopback, waiter, monkeypatch) -> None:
    def never(*_arguments: object) -> None:
        raise AssertionError("called although the level is off")

    from msquic import _logging

    for function in ("connection_opened", "connection_ended", "listener_started", "listener_stopped", "client_came"):
        monkeypatch.setattr(_logging, function, never)
    for name in ("msquic.connection", "msquic.listener"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.CRITICAL)
        logging.getLogger(name).manager._clear_cache()
    listener = loopback.listen()
    connection, over = loopback.connect(listener), waiter()
    connection.set_on_shutdown_complete(over.set)
    connection.shutdown()
    over.wait()
    listener.close()
    for name in ("msquic.connection", "msquic.listener"):
        logging.getLogger(name).manager._clear_cache()


def test_no_thread_of_msquic_logs(loopback, waiter) -> None:
    threads: set[str] = set()

    class Recorder(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            threads.add(record.threadName or "")

    logger, recorder = logging.getLogger("msquic"), Recorder()
    logger.addHandler(recorder)
    before = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        listener = loopback.listen()
        connection, over = loopback.connect(listener), waiter()
        connection.set_on_shutdown_complete(over.set)
        connection.shutdown()
        over.wait()
        listener.close()
    finally:
        logger.setLevel(before)
        logger.removeHandler(recorder)
    assert threads == {threading.main_thread().name, "msquic-handlers"}


async def test_asyncio_tells_the_same(certificate, caplog) -> None:
    from msquic.asyncio import connect, serve

    # A server that closes drops the connections that no handler has yet, and closes those that it has.
    started, ended = asyncio.Event(), asyncio.Event()

    async def handler(connection) -> None:
        started.set()
        async for _ in connection:
            pass
        ended.set()

    files = {"cert_file": certificate.certificate_file, "key_file": certificate.private_key_file}
    trust = {"server_name": "localhost", "ca_file": certificate.certificate_file}
    with caplog.at_level(logging.DEBUG, "msquic"):
        async with asyncio.timeout(15), serve(handler, "127.0.0.1", 0, alpn="test", **files) as server:
            async with connect("127.0.0.1", server.port, alpn="test", **trust) as connection:
                identity = connection.original_destination_cid.hex()
                await started.wait()
            await ended.wait()
    told = [text for _, text in messages(caplog, "msquic.connection") if f"[{identity}]" in text]
    assert sum("opened: ALPN 'test'" in text for text in told) == 2
    assert sum("closed by this side with code 0" in text for text in told) == 1
    assert sum("closed by the peer with code 0" in text for text in told) == 1


async def test_asyncio_tells_before_those_who_wait_go_on(certificate, caplog) -> None:
    """Also when nothing has to be waited for, because all of it happened while the loop was busy."""
    from msquic.asyncio import connect, serve

    def block_until(condition) -> None:
        end = time.monotonic() + 15
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.001)

    async def handler(connection) -> None:
        await connection.wait_closed()

    files = {"cert_file": certificate.certificate_file, "key_file": certificate.private_key_file}
    async with serve(handler, "127.0.0.1", 0, alpn="test", **files) as server:
        with caplog.at_level(logging.INFO, "msquic"):
            connection = await connect("127.0.0.1", server.port, alpn="test", verify=False)
            identity = connection.original_destination_cid.hex()
            connection._shutdown(5, "")
            block_until(lambda: connection._is_over)
            await connection.wait_closed()
        told = [text for _, text in messages(caplog, "msquic.connection") if f"[{identity}]" in text]
        mine = [text for text in told if text.startswith("connection to")]
        assert ["opened" in text for text in mine] == [True, False]
        assert mine[1].endswith("closed by this side with code 5")
