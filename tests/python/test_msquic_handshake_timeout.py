"""How long a server lets a handshake take, by the clock: a client that keeps talking does not keep it open."""

from __future__ import annotations

import asyncio

import pytest

import msquic
from asyncio_pairs import client, server, until, within
from tls_certificates import make_root

pytest.importorskip("aioquic")
from stuck_client import stuck_client

pytestmark = pytest.mark.interop

SILENCE = {"handshake_idle_timeout_ms": 60000}
"""Nothing but the deadline ends these handshakes."""
SOON = 0.3


async def echo(connection):
    async for stream in connection:
        stream.write(await stream.read())
        stream.write_eof()


async def exchange(connection):
    stream = await connection.open_stream()
    stream.write(b"hello")
    stream.write_eof()
    assert await within(stream.read()) == b"hello"


async def test_a_client_that_keeps_talking_is_dropped_and_others_are_not(certificate):
    async with server(certificate, echo, handshake_timeout=SOON, **SILENCE) as made, client(certificate, made) as other:
        await exchange(other)
        for _ in range(2):
            async with stuck_client(certificate, made.port) as stuck:
                await stuck.close_code()
                assert len(made.connections) == 1
            await exchange(other)
        assert made.stats().accepted_connections == 3


@pytest.mark.parametrize("forever", [None, 0])
async def test_without_a_timeout_it_stays(certificate, forever):
    async with (
        server(certificate, echo, handshake_timeout=forever, **SILENCE) as patient,
        server(certificate, echo, handshake_timeout=SOON, **SILENCE) as strict,
        stuck_client(certificate, patient.port) as kept,
        stuck_client(certificate, strict.port) as dropped,
    ):
        await dropped.close_code()
        async with stuck_client(certificate, strict.port) as again:
            await again.close_code()
        assert not kept.terminated.done()
        assert patient.stats().accepted_connections == 1


async def test_a_verifier_that_hangs_counts():
    root = make_root()
    own, shown = root.issue(["localhost"]), root.issue(["client.example"])
    asked = asyncio.Event()

    async def verify(certificate):
        asked.set()
        await asyncio.Event().wait()

    options = {"certificate": own.loaded(), "client_certificates": "required", "verify": verify, "verify_timeout": 50}
    async with (
        msquic.asyncio.serve(echo, alpn="test", handshake_timeout=SOON, **options, **SILENCE) as made,
        msquic.asyncio.connect(
            "localhost", made.port, alpn="test", ca_data=root.pem, certificate=shown.loaded(), **SILENCE
        ) as connection,
    ):
        await within(asked.wait())
        error = await within(connection.wait_closed())
        assert error.remote
        assert not made.connections


async def test_a_server_that_closes_meanwhile(certificate):
    made = await msquic.asyncio.serve(
        echo,
        alpn="test",
        cert_file=certificate.certificate_file,
        key_file=certificate.private_key_file,
        handshake_timeout=SOON,
        **SILENCE,
    )
    async with stuck_client(certificate, made.port) as stuck:
        await until(lambda: made.stats().accepted_connections == 1)
        made.close()
        await within(made.wait_closed())
        await stuck.close_code()


async def test_the_callback_api_names_it(loopback, certificate, waiter):
    over = waiter()
    listener = msquic.Listener(loopback.registration)
    kept = []

    def accept(connection):
        kept.append(connection)
        connection.set_on_shutdown_complete(over.set)

    listener.set_on_new_connection(accept)
    listener.start(loopback.configuration(server=True, **SILENCE), ["test"], 0, handshake_timeout_ms=300)
    async with stuck_client(certificate, listener.port) as stuck:
        await stuck.close_code()
        await asyncio.to_thread(over.wait)
    error = kept[0].close_error
    assert type(error) is msquic.HandshakeTimeout
    assert isinstance(error, TimeoutError)
    assert not error.remote
    assert "300 ms" in str(error)
    listener.stop()
    for wrong, exception in [(-1, msquic.InvalidArgument), ("1", msquic.InvalidArgumentType)]:
        with pytest.raises(exception, match="handshake_timeout_ms"):
            listener.start(loopback.configuration(server=True), ["test"], 0, handshake_timeout_ms=wrong)


@pytest.mark.parametrize("wrong", [-1, float("nan"), 1e9])
async def test_impossible_times_are_refused(certificate, wrong):
    with pytest.raises(msquic.InvalidArgument, match="handshake_timeout"):
        await msquic.asyncio.serve(
            echo,
            alpn="test",
            cert_file=certificate.certificate_file,
            key_file=certificate.private_key_file,
            handshake_timeout=wrong,
        )
