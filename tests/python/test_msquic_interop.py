"""The package msquic with aioquic, an independent implementation, in both directions."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

import msquic
from msquic import SendFlags

aioquic_asyncio = pytest.importorskip("aioquic.asyncio")
configuration_module = pytest.importorskip("aioquic.quic.configuration")
events = pytest.importorskip("aioquic.quic.events")

pytestmark = pytest.mark.interop

DATA = bytes(range(256)) * 2000


def aioquic_configuration(certificate: Any, *, client: bool) -> Any:
    configuration = configuration_module.QuicConfiguration(
        alpn_protocols=["test"], is_client=client, max_datagram_frame_size=65536
    )
    if client:
        configuration.load_verify_locations(certificate.certificate_file)
        configuration.server_name = "localhost"
    else:
        configuration.load_cert_chain(certificate.certificate_file, certificate.private_key_file)
    configuration.verify_mode = ssl.CERT_REQUIRED if client else None
    return configuration


async def test_aioquic_client_to_our_server(loopback, certificate, waiter):
    over = waiter()

    def serve(connection):
        def on_stream(stream):
            stream.set_on_receive(lambda data, fin: stream.send(data, SendFlags.FIN if fin else SendFlags.NONE))

        connection.set_on_peer_stream_started(on_stream)
        connection.set_on_shutdown_complete(over.set)

    listener = loopback.listen(serve)
    async with asyncio.timeout(30):
        async with aioquic_asyncio.connect(
            "127.0.0.1", listener.port, configuration=aioquic_configuration(certificate, client=True)
        ) as client:
            reader, writer = await client.create_stream()
            writer.write(DATA)
            writer.write_eof()
            assert await reader.read() == DATA
            client.close(error_code=33, reason_phrase="enough")
            await client.wait_closed()
    await asyncio.to_thread(over.wait)
    server = loopback.accepted[0]
    assert isinstance(server.close_error, msquic.PeerClosed)
    assert server.close_code == 33


async def test_our_client_to_aioquic_server(loopback, certificate, waiter, collector):
    terminated: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    class Protocol(aioquic_asyncio.QuicConnectionProtocol):
        def quic_event_received(self, event: Any) -> None:
            if isinstance(event, events.StreamDataReceived):
                self._quic.send_stream_data(event.stream_id, event.data, event.end_stream)
            elif isinstance(event, events.DatagramFrameReceived):
                self._quic.send_datagram_frame(event.data)
            elif isinstance(event, events.ConnectionTerminated) and not terminated.done():
                terminated.set_result(event.error_code)
            self.transmit()

    server = await aioquic_asyncio.serve(
        "127.0.0.1", 0, configuration=aioquic_configuration(certificate, client=False), create_protocol=Protocol
    )
    try:
        port = server._transport.get_extra_info("sockname")[1]
        connected, received, datagram = waiter(), collector(), waiter()
        connection = msquic.Connection(loopback.registration)
        connection.set_on_connected(connected.set)
        connection.set_on_datagram_received(datagram.set)
        connection.start(
            loopback.configuration(server=False, datagram_receive_enabled=True), "localhost", port, address="127.0.0.1"
        )
        await asyncio.to_thread(connected.wait)
        stream = connection.open_stream()
        stream.set_on_receive(received)
        stream.send(DATA, SendFlags.START | SendFlags.FIN)
        assert await asyncio.to_thread(received.wait_fin) == DATA
        for _ in range(100):  # datagrams may get lost
            connection.send_datagram(b"ping")
            if await asyncio.to_thread(datagram.is_set, 0.1):
                break
        assert datagram.wait() == b"ping"
        connection.shutdown(error_code=44)
        assert await asyncio.wait_for(terminated, 15) == 44
    finally:
        server.close()
