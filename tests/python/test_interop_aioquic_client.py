"""aioquic, an independent implementation in Python, as the client of our server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

import msquic
from asyncio_pairs import server, within
from msquic.asyncio import Connection

pytest.importorskip("aioquic")
from aioquic.quic import connection as module
from aioquic.quic.packet import QuicProtocolVersion

from aioquic_peer import AioquicPeer, aioquic_client

pytestmark = pytest.mark.interop

DATA = bytes(range(256)) * 2000
UNKNOWN_VERSION = 0x1A2A3A4A


@contextlib.asynccontextmanager
async def connected(
    certificate: Any, *, settings: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[AioquicPeer, Connection]]:
    accepted: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()

    async def handler(connection: Connection) -> None:
        accepted.set_result(connection)
        await connection.wait_closed()

    async with (
        server(certificate, handler, **(settings or {})) as made,
        aioquic_client(certificate, made.port, **options) as peer,
    ):
        yield peer, await within(accepted)


async def test_streams_in_both_directions(certificate):
    async with connected(certificate, echoes=True) as (peer, connection):
        stream_id = peer.send_stream(DATA, unidirectional=True)
        stream = await within(connection.accept_stream())
        assert (stream.id, stream.is_unidirectional) == (stream_id, True)
        assert await within(stream.read()) == DATA
        ours = await connection.open_stream()
        ours.write(DATA)
        ours.write_eof()
        assert await within(ours.read()) == DATA
        ids = [peer.send_stream(b"%d" % number) for number in range(50)]
        streams = [await within(connection.accept_stream()) for _ in ids]
        assert {stream.id: await within(stream.read()) for stream in streams} == {
            stream_id: b"%d" % number for number, stream_id in enumerate(ids)
        }


async def test_datagrams(certificate):
    async with connected(certificate) as (peer, connection):
        peer.quic.send_datagram_frame(b"from the client")
        peer.transmit()
        assert await within(connection.receive_datagram()) == b"from the client"
        connection.send_datagram(b"from the server")
        assert (await peer.event("DatagramFrameReceived")).data == b"from the server"


async def test_its_reset_and_ours(certificate):
    async with connected(certificate) as (peer, connection):
        stream_id = peer.send_stream(b"before", fin=False)
        stream = await within(connection.accept_stream())
        assert await within(stream.readexactly(6)) == b"before"
        peer.quic.reset_stream(stream_id, 55)
        peer.transmit()
        with pytest.raises(msquic.StreamReset) as caught:
            await within(stream.read())
        assert (caught.value.app_code, caught.value.remote) == (55, True)
        stream.write(b"x")
        await peer.event("StreamDataReceived", stream_id=stream_id)
        stream.reset(56)
        assert (await peer.event("StreamReset", stream_id=stream_id)).error_code == 56


async def test_its_stop_sending_and_ours(certificate):
    async with connected(certificate) as (peer, connection):
        stream_id = peer.send_stream(b"x", fin=False)
        stream = await within(connection.accept_stream())
        peer.quic.stop_stream(stream_id, 57)
        peer.transmit()
        with pytest.raises(msquic.StreamStopped) as caught:
            await within(write_for_ever(stream))
        assert (caught.value.app_code, caught.value.remote) == (57, True)
        stream.stop(58)
        event = await peer.event("StopSendingReceived", stream_id=stream_id)
        assert event.error_code == 58


async def write_for_ever(stream: Any) -> None:
    while True:
        stream.write(bytes(100_000))
        await stream.drain()


async def test_its_close_code_and_reason(certificate):
    async with connected(certificate) as (peer, connection):
        peer.close(error_code=2**62 - 1, reason_phrase="enough")
        error = await within(connection.wait_closed())
        assert isinstance(error, msquic.PeerClosed)
        assert (error.app_code, error.reason, error.remote) == (2**62 - 1, "enough", True)


async def test_our_close_code(certificate):
    async with connected(certificate) as (peer, connection):
        connection.close(44)
        event = await peer.event("ConnectionTerminated")
        assert (event.error_code, event.frame_type) == (44, None)  # None: an application's


async def test_key_updates_that_it_begins(certificate):
    async with connected(certificate, echoes=True) as (peer, connection):
        stream = await connection.open_stream()
        for number in range(3):
            peer.quic.request_key_update()
            peer.send_stream(b"x", unidirectional=True)
            assert await within((await within(connection.accept_stream())).read()) == b"x"
            stream.write(DATA)
            assert await within(stream.readexactly(len(DATA))) == DATA
            assert (await connection.stats()).key_update_count >= number + 1


async def test_it_tries_again_with_a_version_that_we_offer(certificate):
    """Version negotiation (RFC 9000 section 6): our server answers with what it knows, and the client chooses."""
    versions = [UNKNOWN_VERSION, QuicProtocolVersion.VERSION_1]
    async with connected(certificate, original_version=UNKNOWN_VERSION, supported_versions=versions) as (
        peer,
        connection,
    ):
        assert peer.quic._version_negotiated_incompatible
        assert peer.quic._version == QuicProtocolVersion.VERSION_1
        peer.send_stream(b"x", unidirectional=True)
        assert await within((await within(connection.accept_stream())).read()) == b"x"


async def test_version_2(certificate):
    """RFC 9369."""
    async with connected(
        certificate,
        original_version=QuicProtocolVersion.VERSION_2,
        supported_versions=[QuicProtocolVersion.VERSION_2],
        echoes=True,
    ) as (peer, connection):
        stream = await connection.open_stream()
        stream.write(DATA)
        assert await within(stream.readexactly(len(DATA))) == DATA
        assert peer.quic._version == QuicProtocolVersion.VERSION_2


async def test_resumption(registration, certificate, waiter):
    """With the callback API; quinn does the same with early data in test_interop_quinn_resumption.py."""
    configuration = msquic.Configuration(
        registration, ["test"], server_resumption_level=msquic.ServerResumptionLevel.RESUME_ONLY
    )
    configuration.load_credential_file(certificate.certificate_file, certificate.private_key_file)
    loop = asyncio.get_running_loop()
    resumed: asyncio.Future[bytes] = loop.create_future()

    def accept(connection: Any) -> None:
        def send_ticket() -> None:
            with contextlib.suppress(msquic.ClosedHandle):  # the second client wants none and may have left already
                connection.send_resumption_ticket(data=b"kept")

        connection.set_on_connected(send_ticket)
        connection.set_on_resumed(lambda data: loop.call_soon_threadsafe(resumed.set_result, data))

    listener = msquic.Listener(registration)
    listener.set_on_new_connection(accept)
    listener.start(configuration, ["test"], 0)
    ticket: asyncio.Future[Any] = loop.create_future()
    async with aioquic_client(certificate, listener.port, session_ticket_handler=ticket.set_result) as peer:
        await within(ticket)
        assert not peer.quic.tls.session_resumed
    async with aioquic_client(certificate, listener.port, session_ticket=ticket.result()) as peer:
        assert peer.quic.tls.session_resumed
    assert await within(resumed) == b"kept"


@pytest.mark.parametrize(
    "level", [msquic.ServerResumptionLevel.RESUME_ONLY, msquic.ServerResumptionLevel.RESUME_AND_ZERORTT]
)
async def test_its_early_datagrams_are_lost_on_a_server_that_asked_for_none(certificate, level):
    received: list[bytes] = []
    over = asyncio.Event()

    async def handler(connection: Connection) -> None:
        async for datagram in connection.datagrams():
            received.append(datagram)
            if datagram == b"later":
                over.set()

    tickets: asyncio.Queue[Any] = asyncio.Queue()
    async with server(certificate, handler, resumption=level) as made:
        async with aioquic_client(certificate, made.port, session_ticket_handler=tickets.put_nowait):
            ticket = await within(tickets.get())
        async with aioquic_client(certificate, made.port, session_ticket=ticket, wait_connected=False) as peer:
            peer.quic.send_datagram_frame(b"early")
            peer.transmit()
            await within(peer.wait_connected())
            assert peer.quic.tls.session_resumed
            assert peer.quic.tls.early_data_accepted
            peer.quic.send_datagram_frame(b"later")
            peer.transmit()
            await within(over.wait())
    early = [b"early"] if level == msquic.ServerResumptionLevel.RESUME_AND_ZERORTT else []
    assert received == [*early, b"later"]


@pytest.mark.parametrize("allowed", [True, False])
async def test_it_is_told_whether_it_may_migrate(certificate, allowed, monkeypatch):
    seen = []
    pull = module.pull_quic_transport_parameters

    def recorded(*arguments: Any, **named: Any) -> Any:
        seen.append(pull(*arguments, **named))
        return seen[-1]

    monkeypatch.setattr(module, "pull_quic_transport_parameters", recorded)
    async with connected(certificate, settings={"migration_enabled": allowed}):
        assert [bool(parameters.disable_active_migration) for parameters in seen] == [not allowed]
