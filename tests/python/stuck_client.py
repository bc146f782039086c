"""An aioquic client that never completes its handshake, and says so again and again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.tls import Epoch

from scripted_client import ScriptedClient

PING = 0x01
EVERY = 0.02


class _WithholdsItsFinished(QuicConnection):
    scripted: list[Any]
    pinged = False

    def _write_crypto_frame(self, builder: Any, space: Any, stream: Any) -> Any:
        if space is not self._spaces[Epoch.HANDSHAKE]:
            return super()._write_crypto_frame(builder, space, stream)
        if not self.pinged:
            self.pinged = True
            builder.start_frame(PING, capacity=1)
        return True


@contextlib.asynccontextmanager
async def stuck_client(certificate: Any, port: int) -> AsyncIterator[ScriptedClient]:
    """Sends acknowledgements and PING frames in Handshake packets for as long as the context lasts, but no Finished."""
    configuration = QuicConfiguration(alpn_protocols=["test"], server_name="localhost")
    configuration.load_verify_locations(str(certificate.certificate_file))
    quic = _WithholdsItsFinished(configuration=configuration)
    quic.scripted = []
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_datagram_endpoint(lambda: ScriptedClient(quic), local_addr=("127.0.0.1", 0))

    async def go_on() -> None:
        while not client.terminated.done():
            quic.pinged = False
            client.transmit()
            await asyncio.sleep(EVERY)

    client.connect(("127.0.0.1", port))
    going_on = asyncio.create_task(go_on())
    try:
        yield client
    finally:
        going_on.cancel()
        client.close()
        transport.close()
