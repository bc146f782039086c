"""A peer that resets or stops a stream, or goes away, is no error of the server whose handler that ends."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

import msquic
from asyncio_pairs import ALPN, client, server, until, within
from msquic.asyncio import connect


@pytest.fixture
async def told() -> list[Any]:
    """What the loop's exception handler was told."""
    contexts: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: contexts.append(context))
    return contexts


async def read_all(stream: Any) -> None:
    stream.write(await stream.read())


async def write_for_ever(stream: Any) -> None:
    while True:
        stream.write(bytes(10_000))
        await stream.drain()
        await asyncio.sleep(0)


async def in_a_group(stream: Any) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(read_all(stream))
        group.create_task(asyncio.sleep(3600))


@pytest.mark.parametrize(("handler", "does"), [(read_all, "reset"), (write_for_ever, "stop"), (in_a_group, "reset")])
async def test_in_serve_streams(certificate: Any, told: list[Any], caplog: Any, handler: Any, does: str) -> None:
    caplog.set_level(logging.DEBUG, "msquic.asyncio")
    served: list[Any] = []

    async def serve_streams(connection: Any) -> None:
        served.append(connection)
        await connection.serve_streams(handler)

    async with server(certificate, serve_streams) as made, client(certificate, made) as connection:
        for _ in range(5):
            stream = await connection.open_stream()
            stream.write(b"begin")
            if does == "stop":
                await within(stream.readexactly(1))
            getattr(stream, does)(3)
        await until(lambda: made.interrupted_handlers == 5)
        assert served[0].interrupted_handlers == 5
        assert not connection.is_closed
        # The connection goes on.
        if handler is read_all:
            stream = await connection.open_stream()
            stream.write(b"x")
            stream.write_eof()
            assert await within(stream.read()) == b"x"
    assert told == []
    assert "interrupted" in caplog.text


async def test_a_client_that_vanishes_with_open_streams(certificate: Any, told: list[Any]) -> None:
    async def serve_streams(connection: Any) -> None:
        await connection.serve_streams(read_all)

    async with server(certificate, serve_streams) as made:
        connection = await connect("127.0.0.1", made.port, alpn=ALPN, ca_file=certificate.certificate_file)
        for _ in range(3):
            (await connection.open_stream()).write(b"begin")
        await until(lambda: made.connections)
        connection.abort(9)
        await within(connection.wait_closed())
        await until(lambda: not made.connections)
        assert made.interrupted_handlers >= 1
    assert told == []


@pytest.mark.parametrize("does", ["reset", "stop"])
async def test_in_the_handler_of_a_connection(certificate: Any, told: list[Any], does: str) -> None:
    async def handler(connection: Any) -> None:
        stream = await connection.accept_stream()
        await (read_all if does == "reset" else write_for_ever)(stream)

    async with server(certificate, handler) as made, client(certificate, made) as connection:
        stream = await connection.open_stream()
        stream.write(b"begin")
        if does == "stop":
            await within(stream.readexactly(1))
        getattr(stream, does)(3)
        error = await within(connection.wait_closed())
        assert isinstance(error, msquic.PeerClosed)
        assert error.app_code == 0
        assert made.interrupted_handlers == 1
    assert told == []


async def test_an_error_of_the_handler_is_still_told(certificate: Any, told: list[Any]) -> None:
    async def fail(stream: Any) -> None:
        await stream.read()
        raise msquic.StreamReset("of another stream, which nobody reset here")

    async def serve_streams(connection: Any) -> None:
        await connection.serve_streams(fail)

    async with server(certificate, serve_streams) as made, client(certificate, made) as connection:
        stream = await connection.open_stream()
        stream.write_eof()
        with pytest.raises(msquic.StreamReset):
            await within(stream.read())
        assert made.interrupted_handlers == 0
    assert len(told) == 1


async def test_another_connection_that_failed_is_the_handlers_error(certificate: Any, told: list[Any]) -> None:
    async def handler(connection: Any) -> None:
        raise msquic.ConnectionFailed("upstream is away")

    async with server(certificate, handler) as made, client(certificate, made) as connection:
        error = await within(connection.wait_closed())
        assert error.app_code == 1
        await until(lambda: told)


async def test_a_stop_in_the_moment_of_the_end_is_not_told(certificate: Any, told: list[Any]) -> None:
    """The peer stops each stream while its handler answers and returns."""

    async def answer(stream: Any) -> None:
        await stream.read(1)
        stream.write(b"answer")

    async def serve_streams(connection: Any) -> None:
        await connection.serve_streams(answer)

    async with server(certificate, serve_streams) as made, client(certificate, made) as connection:
        for _ in range(300):
            stream = await connection.open_stream()
            stream.write(b"x")
            await asyncio.sleep(0)
            stream.stop(5)
            stream.write_eof()
        await within(asyncio.sleep(0))
        last = await connection.open_stream()
        last.write(b"x")
        assert await within(last.read()) == b"answer"
    assert told == []
