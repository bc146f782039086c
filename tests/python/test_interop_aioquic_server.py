"""aioquic, an independent implementation in Python, as the server of our client."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

import msquic
from asyncio_pairs import within
from msquic.asyncio import Connection, connect

pytest.importorskip("aioquic")
from aioquic.quic.packet import QuicProtocolVersion

from aioquic_peer import AioquicPeer, AioquicServer, aioquic_server

pytestmark = pytest.mark.interop

DATA = bytes(range(256)) * 2000
UNKNOWN_VERSION = 0x1A2A3A4A


def dial(certificate: Any, made: AioquicServer, **options: Any) -> Any:
    defaults = {"alpn": "test", "ca_file": certificate.certificate_file, "server_name": "localhost"}
    return connect("127.0.0.1", made.port, **(defaults | options))


@contextlib.asynccontextmanager
async def connected(certificate: Any, **options: Any) -> AsyncIterator[tuple[AioquicPeer, Connection]]:
    async with aioquic_server(certificate, **options) as made, dial(certificate, made) as connection:
        peer = await within(made.accepted.get())
        await peer.event("HandshakeCompleted")  # on a server one flight later than on its client
        yield peer, connection


async def test_streams_in_both_directions(certificate):
    async with connected(certificate) as (peer, connection):
        stream = await connection.open_stream()
        stream.write(DATA)
        stream.write_eof()
        assert await within(stream.read()) == DATA
        stream = await connection.open_uni_stream()
        stream.write(b"one way")
        assert (await peer.event("StreamDataReceived", stream_id=stream.id)).data == b"one way"
        stream_id = peer.send_stream(DATA, unidirectional=True)
        stream = await within(connection.accept_stream())
        assert stream.id == stream_id
        assert await within(stream.read()) == DATA


async def test_datagrams(certificate):
    async with connected(certificate) as (_, connection):
        connection.send_datagram(b"there and back")
        assert await within(connection.receive_datagram()) == b"there and back"


async def test_datagrams_that_it_does_not_take(certificate):
    async with connected(certificate, max_datagram_frame_size=None) as (_, connection):
        assert connection.max_datagram_size == 0
        with pytest.raises(msquic.DatagramUnavailable):
            connection.send_datagram(b"x")


async def test_its_reset_and_ours(certificate):
    async with connected(certificate, echoes=False) as (peer, connection):
        stream = await connection.open_stream()
        stream.write(b"x")
        await peer.event("StreamDataReceived", stream_id=stream.id)
        peer.quic.reset_stream(stream.id, 61)
        peer.transmit()
        with pytest.raises(msquic.StreamReset) as caught:
            await within(stream.read())
        assert (caught.value.app_code, caught.value.remote) == (61, True)
        stream.reset(62)
        assert (await peer.event("StreamReset", stream_id=stream.id)).error_code == 62


async def test_its_stop_sending_and_ours(certificate):
    async with connected(certificate, echoes=False) as (peer, connection):
        stream = await connection.open_stream()
        stream.write(b"x")
        await peer.event("StreamDataReceived", stream_id=stream.id)
        peer.quic.stop_stream(stream.id, 63)
        peer.transmit()
        with pytest.raises(msquic.StreamStopped) as caught:
            await within(write_for_ever(stream))
        assert (caught.value.app_code, caught.value.remote) == (63, True)
        stream.stop(64)
        assert (await peer.event("StopSendingReceived", stream_id=stream.id)).error_code == 64


async def write_for_ever(stream: Any) -> None:
    while True:
        stream.write(bytes(100_000))
        await stream.drain()


async def test_its_close_code_and_reason(certificate):
    async with connected(certificate) as (peer, connection):
        peer.close(error_code=65, reason_phrase="closing time")
        error = await within(connection.wait_closed())
        assert isinstance(error, msquic.PeerClosed)
        assert (error.app_code, error.reason, error.remote) == (65, "closing time", True)


async def test_a_transport_error_of_it_has_a_name(certificate):
    async with connected(certificate) as (peer, connection):
        peer.quic.close(error_code=0x3, frame_type=0x8, reason_phrase="by the book")
        peer.transmit()
        error = await within(connection.wait_closed())
        assert isinstance(error, msquic.ProtocolError)
        assert (error.remote, error.wire_code, error.app_code) == (True, 0x3, None)


async def test_our_close_code(certificate):
    async with connected(certificate) as (peer, connection):
        # Until the client knows that the handshake is confirmed, which an answer tells, its code would go out in a
        # Handshake packet too, where it is replaced (RFC 9000 section 10.2.3).
        connection.send_datagram(b"confirmed?")
        await within(connection.receive_datagram())
        connection.close(66)
        event = await peer.event("ConnectionTerminated")
        assert (event.error_code, event.frame_type) == (66, None)  # None: an application's


async def test_key_updates_that_it_begins(certificate):
    async with connected(certificate) as (peer, connection):
        stream = await connection.open_stream()
        for number in range(3):
            peer.quic.request_key_update()
            stream.write(DATA)
            assert await within(stream.readexactly(len(DATA))) == DATA
            assert (await connection.stats()).key_update_count >= number + 1


async def test_its_retry_is_followed(certificate):
    async with connected(certificate, retry=True) as (_, connection):
        assert (await connection.stats()).stateless_retry


async def test_we_try_again_with_a_version_that_it_offers(certificate):
    async with connected(certificate, supported_versions=[QuicProtocolVersion.VERSION_2]) as (peer, connection):
        assert (await connection.stats()).version_negotiation
        assert peer.quic._version == QuicProtocolVersion.VERSION_2
        stream = await connection.open_stream()
        stream.write(DATA)
        assert await within(stream.readexactly(len(DATA))) == DATA


async def test_no_common_version_has_a_name(certificate):
    async with aioquic_server(certificate, supported_versions=[UNKNOWN_VERSION]) as made:
        with pytest.raises(msquic.VersionNegotiationError):
            await dial(certificate, made)


async def test_no_common_protocol_has_a_name(certificate):
    async with aioquic_server(certificate, alpn_protocols=["other"]) as made:
        with pytest.raises(msquic.AlpnError):
            await dial(certificate, made)
