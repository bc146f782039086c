"""An aioquic subscriber, client or server, that grants flow control only when a test says so, and notes in which order
the bytes of streams come."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

from aioquic.asyncio import serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import StreamDataReceived

import moqt
from aioquic_peer import DEADLINE, AioquicPeer

CONTROL = 0


class _HeldConnection(QuicConnection):
    """aioquic raises its limits by itself, the connection's and each stream's; this one does not."""

    def _write_connection_limits(self, builder: Any, space: Any) -> None:
        used, self._local_max_data.used = self._local_max_data.used, 0
        super()._write_connection_limits(builder, space)
        self._local_max_data.used = used

    def _write_stream_limits(self, builder: Any, space: Any, stream: Any) -> None:
        highest, stream.receiver.highest_offset = stream.receiver.highest_offset, 0
        super()._write_stream_limits(builder, space, stream)
        stream.receiver.highest_offset = highest


class CreditPeer(AioquicPeer):
    """`arrivals`: stream and number of bytes, data streams only, in the order in which they came."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.arrivals: list[tuple[int, int]] = []
        self.data: dict[int, bytearray] = {}
        self._messages: list[Any] = []
        self._unread = b""
        self._request = 0 if self._quic.configuration.is_client else 1

    def quic_event_received(self, event: Any) -> None:
        super().quic_event_received(event)
        if not isinstance(event, StreamDataReceived):
            return
        if event.stream_id != CONTROL:
            self.arrivals.append((event.stream_id, len(event.data)))
            self.data.setdefault(event.stream_id, bytearray()).extend(event.data)
            return
        self._unread += event.data
        with contextlib.suppress(moqt.NeedMoreData):
            while self._unread:
                message, size = moqt.decode_control_message(self._unread)
                self._unread = self._unread[size:]
                self._messages.append(message)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        super().datagram_received(data, addr)
        self._changed.set()  # also when it brought nothing but an empty frame

    async def until(self, reached: Any) -> None:
        async with asyncio.timeout(DEADLINE):
            while not reached():
                self._changed.clear()
                await self._changed.wait()

    async def message(self, kind: type) -> Any:
        """The next control message of that type."""
        await self.until(lambda: any(isinstance(each, kind) for each in self._messages))
        found = next(each for each in self._messages if isinstance(each, kind))
        self._messages.remove(found)
        return found

    def send(self, message: Any) -> None:
        self.quic.send_stream_data(CONTROL, message.encode())
        self.transmit()

    async def set_up(self) -> None:
        most = moqt.Parameter(moqt.SetupParameterType.MAX_REQUEST_ID, 100)
        if self.quic.configuration.is_client:
            self.send(moqt.ClientSetup([moqt.Parameter(moqt.SetupParameterType.PATH, b"/moqt"), most]))
            await self.message(moqt.ServerSetup)
        else:
            await self.message(moqt.ClientSetup)
            self.send(moqt.ServerSetup([most]))

    def next_request(self) -> int:
        self._request += 2
        return self._request - 2

    async def subscribe(self, namespace: tuple[str, ...], name: str, **parameters: Any) -> int:
        """Gives the track alias; parameters by the names of their types."""
        given = [moqt.Parameter(moqt.MessageParameterType[each], value) for each, value in parameters.items()]
        self.send(moqt.Subscribe(self.next_request(), namespace, name, given))
        return int((await self.message(moqt.SubscribeOk)).track_alias)

    def stream_of(self, alias: int, group: int, subgroup: int = 0) -> int | None:
        """The stream whose header says so, once it has come."""
        for stream, data in self.data.items():
            with contextlib.suppress(moqt.NeedMoreData):
                header, _ = moqt.decode_subgroup_header(bytes(data))
                if (header.track_alias, header.group_id, header.subgroup_id or 0) == (alias, group, subgroup):
                    return stream
        return None

    def received(self) -> int:
        return sum(size for _, size in self.arrivals)

    async def blocked(self, credit: int) -> None:
        """Waits until the peer has used `credit` bytes of the connection's flow control."""
        await self.until(lambda: self.quic._local_max_data.used >= credit)

    def grant(self, credit: int) -> None:
        """So many bytes more for the connection."""
        self.quic._local_max_data.value += credit
        self.transmit()

    def grant_stream(self, stream: int, credit: int) -> None:
        self.quic._streams[stream].max_stream_data_local += credit
        self.transmit()

    async def settled(self) -> None:
        """What the peer's application did by now has reached its transport: it answers two round trips."""
        for _ in range(2):
            async with asyncio.timeout(DEADLINE):
                await self.ping()

    def streams(self) -> int:
        """Data streams that the peer opened."""
        return sum(1 for each in self.quic._streams if each % 4 in (2, 3))


def _configuration(is_client: bool, credit: int, stream_credit: int) -> QuicConfiguration:
    return QuicConfiguration(
        is_client=is_client,
        alpn_protocols=[moqt.ALPN],
        max_data=credit,
        max_stream_data=stream_credit,
        max_datagram_frame_size=65536,
        verify_mode=ssl.CERT_NONE,
        server_name="localhost",
    )


@contextlib.asynccontextmanager
async def credit_client(port: int, credit: int, stream_credit: int = 1 << 30) -> AsyncIterator[CreditPeer]:
    configuration = _configuration(True, credit, stream_credit)
    quic = _HeldConnection(configuration=configuration)
    loop = asyncio.get_running_loop()
    transport, peer = await loop.create_datagram_endpoint(lambda: CreditPeer(quic), local_addr=("127.0.0.1", 0))
    try:
        peer.connect(("127.0.0.1", port))
        async with asyncio.timeout(DEADLINE):
            await peer.wait_connected()
        await peer.set_up()
        yield peer
    finally:
        peer.close()
        transport.close()


@contextlib.asynccontextmanager
async def credit_server(certificate: Any, credit: int) -> AsyncIterator[tuple[int, asyncio.Queue[CreditPeer]]]:
    """The port, and those who connected; their set_up() is the test's."""
    configuration = _configuration(False, credit, 1 << 30)
    configuration.load_cert_chain(certificate.certificate_file, certificate.private_key_file)
    accepted: asyncio.Queue[CreditPeer] = asyncio.Queue()

    def create(quic: QuicConnection, **named: Any) -> CreditPeer:
        quic.__class__ = _HeldConnection
        peer = CreditPeer(quic, **named)
        accepted.put_nowait(peer)
        return peer

    server = await serve("127.0.0.1", 0, configuration=configuration, create_protocol=create)
    try:
        yield server._transport.get_extra_info("sockname")[1], accepted
    finally:
        server.close()
