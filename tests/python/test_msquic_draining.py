"""Whoever accepts no more says so at once: a new client is refused, and what was accepted goes on."""

from __future__ import annotations

import asyncio

import pytest

import moqt.asyncio as ma
import msquic
from asyncio_pairs import ALPN, server, within
from msquic.asyncio import Connection, connect


async def ask(connection: Connection) -> bytes:
    stream = await connection.open_stream()
    stream.write(b"still there?")
    stream.write_eof()
    return await within(stream.read())


async def echo(connection: Connection) -> None:
    async for stream in connection:
        async with stream:
            stream.write(await stream.read())


async def test_an_asyncio_server(certificate):
    async with server(certificate, echo) as made:
        port = made.port
        async with connect("127.0.0.1", port, alpn=ALPN, verify=False) as connection:
            await ask(connection)
            made.stop_accepting()
            for _ in range(20):
                with pytest.raises(ConnectionRefusedError):
                    await within(connect("127.0.0.1", port, alpn=ALPN, verify=False, timeout=None))
            assert await ask(connection) == b"still there?"
            # Another server may have the port while the old one's connections live.
            identity = {"cert_file": certificate.certificate_file, "key_file": certificate.private_key_file}
            again = await msquic.asyncio.serve(echo, "127.0.0.1", port, alpn=ALPN, **identity)
            async with again, connect("127.0.0.1", port, alpn=ALPN, verify=False) as other:
                assert await ask(other) == b"still there?"
            assert await ask(connection) == b"still there?"
            with pytest.raises(ConnectionRefusedError):
                await within(connect("127.0.0.1", port, alpn=ALPN, verify=False, timeout=None))


def test_a_listener_of_the_callback_api(loopback, waiter):
    listener = loopback.listen()
    port = listener.port
    connection = loopback.connect(listener)
    loopback.served()
    listener.stop()
    for _ in range(5):
        refused, over = msquic.Connection(loopback.registration), waiter()
        refused.set_on_shutdown_complete(over.set)
        refused.start(loopback.configuration(server=False), "localhost", port, address="127.0.0.1")
        over.wait("the refusal")
        assert isinstance(refused.close_error, msquic.ConnectionRefused), refused.close_error
    assert not connection.is_closed
    # What is kept in MsQuic for that goes with the last connection.
    gone = waiter()
    connection.set_on_shutdown_complete(gone.set)
    connection.close()
    gone.wait("the end")


async def test_a_relay_that_drains():
    relay = await ma.relay(port=0)
    session = await ma.connect("127.0.0.1", relay.port, verify=False)
    closing = asyncio.ensure_future(relay.drain(grace=30))
    async with asyncio.timeout(15):
        while True:  # until the relay's thread has heard of it
            try:
                late = await ma.connect("127.0.0.1", relay.port, verify=False)
            except ConnectionRefusedError:
                break
            await late.close()
    assert session.closed_by is None
    await session.close()
    await within(closing)
