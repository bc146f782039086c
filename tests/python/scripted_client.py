"""An aioquic client that sends frames which a test wrote by hand, in any packet number space."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

from aioquic.asyncio import QuicConnectionProtocol
from aioquic.buffer import encode_uint_var
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, PingAcknowledged
from aioquic.quic.packet_builder import QuicPacketBuilderStop
from aioquic.tls import Epoch


class Frame:
    """A frame as bytes: its type, then fields; integers become variable-length ones."""

    def __init__(self, kind: int, *fields: int | bytes) -> None:
        self.kind = kind
        self.body = b"".join(each if isinstance(each, bytes) else encode_uint_var(each) for each in fields)


def stream_frame(stream_id: int, offset: int, data: bytes, *, fin: bool = False) -> Frame:
    """STREAM with an offset and a length (RFC 9000 section 19.8)."""
    return Frame(0x0E | fin, stream_id, offset, len(data), data)


class _ScriptedConnection(QuicConnection):
    """`scripted` goes into the next packets of the space `scripted_epoch`, after what belongs there."""

    scripted: list[Frame]
    scripted_epoch = Epoch.ONE_RTT

    def _write_ping_frame(self, builder: Any, uids: Any = (), comment: str = "") -> None:
        super()._write_ping_frame(builder, list(uids), comment)
        if self.scripted_epoch == Epoch.ONE_RTT:
            self._write_scripted(builder)

    def _write_crypto_frame(self, builder: Any, space: Any, stream: Any) -> Any:
        written = super()._write_crypto_frame(builder, space, stream)
        if space is self._spaces[self.scripted_epoch]:
            self._write_scripted(builder)
        return written

    def _write_scripted(self, builder: Any) -> None:
        with contextlib.suppress(QuicPacketBuilderStop):
            while self.scripted:
                frame = self.scripted[0]
                builder.start_frame(frame.kind, capacity=16 + len(frame.body)).push_bytes(frame.body)
                self.scripted.pop(0)


class ScriptedClient(QuicConnectionProtocol):
    """Connected unless told otherwise. `terminated` tells with what CONNECTION_CLOSE it ended."""

    def __init__(self, quic: _ScriptedConnection) -> None:
        super().__init__(quic)
        self._acknowledged = asyncio.Event()
        self.terminated: asyncio.Future[ConnectionTerminated] = asyncio.get_running_loop().create_future()

    def quic_event_received(self, event: Any) -> None:
        if isinstance(event, ConnectionTerminated) and not self.terminated.done():
            self.terminated.set_result(event)
        elif isinstance(event, PingAcknowledged):
            self._acknowledged.set()

    def send(self, *frames: Frame) -> None:
        """In one packet with a PING."""
        self._quic.scripted.extend(frames)
        self._quic.send_ping(1)
        self.transmit()

    async def acknowledged(self) -> None:
        """Waits until a packet that `send()` made was acknowledged: its frames were processed."""
        async with asyncio.timeout(10):
            await self._acknowledged.wait()

    async def close_code(self) -> int:
        """The code of the peer's CONNECTION_CLOSE."""
        async with asyncio.timeout(10):
            return (await self.terminated).error_code


@contextlib.asynccontextmanager
async def scripted_client(
    certificate: Any, port: int, *, in_handshake: tuple[Epoch, list[Frame]] | None = None, **options: Any
) -> AsyncIterator[ScriptedClient]:
    """`in_handshake`: frames for a packet of that space; the handshake is then not waited for."""
    configuration = QuicConfiguration(
        **({"alpn_protocols": ["test"], "server_name": "localhost", "verify_mode": ssl.CERT_REQUIRED} | options)
    )
    configuration.load_verify_locations(str(certificate.certificate_file))
    quic = _ScriptedConnection(configuration=configuration)
    quic.scripted = []
    if in_handshake is not None:
        quic.scripted_epoch, quic.scripted = in_handshake
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_datagram_endpoint(lambda: ScriptedClient(quic), local_addr=("127.0.0.1", 0))
    try:
        client.connect(("127.0.0.1", port))
        if in_handshake is None:
            async with asyncio.timeout(10):
                await client.wait_connected()
        yield client
    finally:
        client.close()
        transport.close()
