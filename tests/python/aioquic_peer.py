"""aioquic as the peer of a test: its events can be waited for, and its connection object told what to do."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import QuicEvent

DEADLINE = 10.0


class AioquicPeer(QuicConnectionProtocol):
    """`echoes`: what comes on streams and in datagrams goes back."""

    def __init__(self, *arguments: Any, echoes: bool = False, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._echoes = echoes
        self._events: list[QuicEvent] = []
        self._changed = asyncio.Event()

    @property
    def quic(self) -> QuicConnection:
        """Call `transmit()` after telling it to send something."""
        return self._quic

    def quic_event_received(self, event: QuicEvent) -> None:
        self._events.append(event)
        self._changed.set()
        if not self._echoes:
            return
        kind = type(event).__name__
        if kind == "StreamDataReceived":
            self._quic.send_stream_data(event.stream_id, event.data, event.end_stream)
        elif kind == "DatagramFrameReceived":
            self._quic.send_datagram_frame(event.data)
        self.transmit()

    async def event(self, kind: str, **wanted: Any) -> Any:
        """The next event of that type whose fields are the wanted ones; each is given once."""
        async with asyncio.timeout(DEADLINE):
            while True:
                for event in self._events:
                    if type(event).__name__ != kind:
                        continue
                    if all(getattr(event, name) == value for name, value in wanted.items()):
                        self._events.remove(event)
                        return event
                self._changed.clear()
                await self._changed.wait()

    async def stream_data(self, stream_id: int) -> bytes:
        """Everything that comes on a stream, up to its end."""
        data = b""
        while True:
            event = await self.event("StreamDataReceived", stream_id=stream_id)
            data += event.data
            if event.end_stream:
                return data

    def send_stream(self, data: bytes, *, fin: bool = True, unidirectional: bool = False) -> int:
        """On a new stream; gives its id."""
        stream_id = self._quic.get_next_available_stream_id(is_unidirectional=unidirectional)
        self._quic.send_stream_data(stream_id, data, fin)
        self.transmit()
        return stream_id


def _configuration(is_client: bool, **options: Any) -> QuicConfiguration:
    defaults = {"alpn_protocols": ["test"], "max_datagram_frame_size": 65536, "server_name": "localhost"}
    return QuicConfiguration(is_client=is_client, **(defaults | options))


@contextlib.asynccontextmanager
async def aioquic_client(
    certificate: Any,
    port: int,
    *,
    echoes: bool = False,
    session_ticket_handler: Any = None,
    wait_connected: bool = True,
    **options: Any,
) -> AsyncIterator[AioquicPeer]:
    configuration = _configuration(True, verify_mode=ssl.CERT_REQUIRED, **options)
    configuration.load_verify_locations(str(certificate.certificate_file))
    async with asyncio.timeout(30):
        async with connect(
            "127.0.0.1",
            port,
            configuration=configuration,
            create_protocol=lambda *arguments, **named: AioquicPeer(*arguments, echoes=echoes, **named),
            session_ticket_handler=session_ticket_handler,
            wait_connected=wait_connected,
        ) as peer:
            yield peer


class AioquicServer:
    def __init__(self) -> None:
        self.port = 0
        self.accepted: asyncio.Queue[AioquicPeer] = asyncio.Queue()


@contextlib.asynccontextmanager
async def aioquic_server(
    certificate: Any, *, echoes: bool = True, retry: bool = False, tickets: bool = False, **options: Any
) -> AsyncIterator[AioquicServer]:
    configuration = _configuration(False, **options)
    configuration.load_cert_chain(certificate.certificate_file, certificate.private_key_file)
    made = AioquicServer()

    def create(*arguments: Any, **named: Any) -> AioquicPeer:
        peer = AioquicPeer(*arguments, echoes=echoes, **named)
        made.accepted.put_nowait(peer)
        return peer

    store: dict[bytes, Any] = {}
    named: dict[str, Any] = {}
    if tickets:
        named["session_ticket_handler"] = lambda ticket: store.__setitem__(ticket.ticket, ticket)
        named["session_ticket_fetcher"] = lambda label: store.pop(label, None)
    server = await serve("127.0.0.1", 0, configuration=configuration, create_protocol=create, retry=retry, **named)
    try:
        made.port = server._transport.get_extra_info("sockname")[1]
        yield made
    finally:
        server.close()
