"""What a server and a relay have in common: they listen."""

from __future__ import annotations

import asyncio
from typing import Any

from moqt.asyncio._hub import Hub, Notice


class Listening:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._target = hub.add(self)
        self._listening: asyncio.Future[int] = hub.loop.create_future()
        self._stopped = asyncio.Event()
        self.port = 0
        """The UDP port that it listens on."""
        self.certificate_sha256 = ""
        """The certificate's SHA-256 fingerprint, upper-case hex with colons; for ``fingerprints`` of connect()."""

    def _on_notice(self, kind: int, ticket: int, value: Any) -> None:
        if kind == Notice.LISTENING:
            self.port = value
            if not self._listening.done():
                self._listening.set_result(value)
        elif kind == Notice.NOT_LISTENING:
            if not self._listening.done():
                self._listening.set_exception(value)
        elif kind == Notice.STOPPED:
            self._stopped.set()
