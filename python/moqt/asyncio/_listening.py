"""What a server and a relay have in common: they listen."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from typing import Any

import msquic
from moqt.asyncio._hub import Hub, Notice
from msquic._native.moqt import alpns, certificate_verifier, transport_defaults
from msquic.asyncio import ListenOptions
from msquic.asyncio._listening import Listening as Transport
from msquic.asyncio._trust import judge
from msquic.enums import ServerResumptionLevel


def transport_of(options: ListenOptions) -> Transport:
    """How to listen, checked. Raises InvalidArgument."""
    transport = Transport.of(alpns(), options, defaults=transport_defaults())
    if transport.settings.get("server_resumption_level") == ServerResumptionLevel.RESUME_AND_ZERORTT:
        raise msquic.InvalidArgument(
            "MOQT takes no early data, which an attacker can replay: use ServerResumptionLevel.RESUME_ONLY"
        )
    return transport


class Listening:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._target = hub.add(self)
        self._listening: asyncio.Future[int] = hub.loop.create_future()
        self._stopped = asyncio.Event()
        self._closing = False
        self._verifier: Callable[[msquic.PeerCertificate], object] | None = None
        self.port = 0
        """The UDP port that it listens on."""
        self.certificate_sha256 = ""
        """The certificate's SHA-256 fingerprint, upper-case hex with colons, for ``pinned_sha256`` of connect(); ""
        when a `configuration` brought the certificate."""

    async def _listen(
        self,
        transport: Transport,
        start: Callable[[msquic.Registration, msquic.Configuration, dict[str, Any]], None],
    ) -> None:
        """Waits until it listens; `start` begins that."""
        registration, configuration = await transport.loaded()
        self._verifier = certificate_verifier(configuration)
        options = {
            "handshake_timeout": transport.handshake_timeout or 0.0,
            "gives_tickets": transport.gives_tickets,
        }
        start(registration, configuration, options)
        try:
            await self._listening
        except BaseException:
            self._closing = True
            self._give_up()
            raise

    def _give_up(self) -> None:
        """Ends it natively, whatever becomes of the loop."""
        raise NotImplementedError

    def _on_notice(self, kind: int, ticket: int, value: Any) -> None:
        if kind == Notice.LISTENING:
            self.port = value
            self._hub.running_here.add(self)
            if not self._listening.done():
                self._listening.set_result(value)
        elif kind == Notice.NOT_LISTENING:
            if not self._listening.done():
                self._listening.set_exception(value)
        elif kind == Notice.STOPPED:
            self._hub.running_here.discard(self)
            self._stopped.set()
        elif kind == Notice.CERTIFICATE and self._verifier is not None:
            connection, certificate = value
            judge(self._verifier, certificate, connection._complete_certificate)

    def _on_loop_end(self) -> None:
        if self._stopped.is_set():
            return
        self._give_up()
        if not self._closing:
            self._closing = True
            text = f"unclosed {self!r}: it ends with its event loop"
            warnings.warn(text, ResourceWarning, stacklevel=1, source=self)
