"""aioquic, qh3 and aiopquic have one shape of API; this is what differs."""

from __future__ import annotations

import importlib
import ssl
from collections.abc import Callable
from types import ModuleType
from typing import Any

from bench_protocol import ALPNS, CONNECTION_WINDOW, IDLE_SECONDS, STREAM_WINDOW

LIBRARIES = ("aioquic", "qh3", "aiopquic")


class PeerLibrary:
    def __init__(self, name: str) -> None:
        self.name = name
        self.asyncio: ModuleType = importlib.import_module(f"{name}.asyncio")
        self.events: ModuleType = importlib.import_module(f"{name}.quic.events")
        self.protocol: Any = self.asyncio.QuicConnectionProtocol
        self._configuration: Any = importlib.import_module(f"{name}.quic.configuration").QuicConfiguration
        # aiopquic has a thread that sends; the others send when they are told.
        self.sends_by_itself = name == "aiopquic"

    def configuration(self, alpns: list[str], *, is_client: bool) -> Any:
        more: dict[str, Any] = {}
        if self.name == "aiopquic":
            more = {"max_connections": 2000, "max_streams_bidi": 1000, "socket_buffer_size": 4 * 1024 * 1024}
        return self._configuration(
            is_client=is_client,
            alpn_protocols=alpns,
            verify_mode=ssl.CERT_NONE if is_client else None,
            idle_timeout=float(IDLE_SECONDS),
            max_stream_data=STREAM_WINDOW,
            max_data=CONNECTION_WINDOW,
            max_datagram_frame_size=65535,
            **more,
        )

    def connect(self, port: int, alpn: str, create_protocol: Callable[..., Any] | None = None) -> Any:
        return self.asyncio.connect(
            "127.0.0.1",
            port,
            configuration=self.configuration([alpn], is_client=True),
            create_protocol=create_protocol or self.protocol,
        )

    async def serve(self, port: int, cert: str, key: str, create_protocol: Callable[..., Any]) -> Any:
        configuration = self.configuration(ALPNS, is_client=False)
        configuration.load_cert_chain(cert, key)
        return await self.asyncio.serve("127.0.0.1", port, configuration=configuration, create_protocol=create_protocol)

    def flush(self, protocol: Any) -> None:
        """After sending outside of quic_event_received."""
        if not self.sends_by_itself:
            protocol.transmit()

    async def send_bulk(self, protocol: Any, stream_id: int, pieces: list[bytes]) -> None:
        """All of it, and the end of the stream."""
        last = len(pieces) - 1
        for index, piece in enumerate(pieces):
            if self.sends_by_itself:
                await protocol._quic.send_stream_data_drained(stream_id, piece, end_stream=index == last)
            else:
                # aioquic cannot tell how much is outstanding, so these two get everything at once.
                protocol._quic.send_stream_data(stream_id, piece, end_stream=index == last)
        self.flush(protocol)
