"""APPLICATION_ERROR (RFC 9000 section 20.1), which stands for an application's code before the handshake is confirmed.

MsQuic 2.5 sends it with the number of INVALID_TOKEN: a newer one that does better shows here.
"""

from __future__ import annotations

import asyncio

import pytest

import msquic
from asyncio_pairs import until, within

pytest.importorskip("aioquic")
from aioquic_peer import aioquic_server
from stuck_client import stuck_client

pytestmark = pytest.mark.interop

APPLICATION_ERROR = 0xC
MSQUICS_NUMBER = 0xB


async def test_our_server_gives_up_with_msquics_number(loopback, certificate):
    listener = loopback.listen()
    async with stuck_client(certificate, listener.port) as stuck:
        await until(lambda: loopback.accepted)
        loopback.accepted[0].shutdown(error_code=66)
        async with asyncio.timeout(10):
            event = await stuck.terminated
    assert (event.error_code, event.frame_type) == (MSQUICS_NUMBER, 0)


async def test_our_client_that_closes_at_once_sends_both(certificate):
    """Its own code is in a packet that follows: which of the two aioquic takes depends on what it has keys for."""
    async with aioquic_server(certificate) as server:
        connection = await msquic.asyncio.connect(
            "127.0.0.1", server.port, alpn="test", server_name="localhost", ca_file=certificate.certificate_file
        )
        connection.close(66)
        event = await (await within(server.accepted.get())).event("ConnectionTerminated")
        assert (event.error_code, event.frame_type) in {(MSQUICS_NUMBER, 0), (66, None)}


async def test_its_application_error_has_its_name(loopback, certificate, waiter):
    """aioquic's number is the right one; the code of its application, in a later packet, is lost."""
    over = waiter()
    listener = loopback.listen(lambda connection: connection.set_on_shutdown_complete(over.set))
    async with stuck_client(certificate, listener.port) as stuck:
        await until(lambda: loopback.accepted)
        stuck._quic.close(error_code=66)
        stuck.transmit()
        await asyncio.to_thread(over.wait)
    error = loopback.accepted[0].close_error
    assert (type(error), error.wire_code, error.remote) == (msquic.ConnectionAborted, APPLICATION_ERROR, True)
    assert error.name == "UserCanceled"
    assert "APPLICATION_ERROR (0xc)" in str(error)


async def test_ours_has_its_name_in_spite_of_its_number(loopback, waiter):
    """Both sides are MsQuic's. The client gives up while it has no 1-RTT keys."""
    client, over, asked = msquic.Connection(loopback.registration), waiter(), waiter()
    listener = loopback.listen(lambda connection: connection.set_on_shutdown_complete(over.set))
    configuration = msquic.Configuration(loopback.registration, ["test"])

    def verify(shown):
        client.shutdown(error_code=66)
        asked.set()
        return True

    configuration.set_certificate_verifier(verify)
    configuration.load_credential_none(ca_file=loopback.certificate.certificate_file)
    client.start(configuration, "localhost", listener.port, address="127.0.0.1")
    await asyncio.to_thread(asked.wait)
    await asyncio.to_thread(over.wait)
    error = loopback.accepted[0].close_error
    assert (type(error), error.wire_code, error.remote) == (msquic.ConnectionAborted, MSQUICS_NUMBER, True)
    assert str(error).endswith("APPLICATION_ERROR (0xb, as MsQuic numbers it)]")
