"""The relay in this process."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from moqt.asyncio._certificate import certificate_files
from moqt.asyncio._hub import Hub
from moqt.asyncio._listening import Listening
from msquic._native.moqt import RelayHandle, start_relay


class Relay(Listening):
    """A relay that :func:`relay` started, on a thread of its own. ``async with`` closes it at the end."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._handle: RelayHandle

    def stats(self) -> dict[str, int]:
        """Counters by name since the start; sessions, tracks, subscriptions and namespaces are those open now."""
        return self._handle.stats()

    async def close(self, drain_seconds: float = 0.0) -> None:
        """Accepts no more clients and sends GOAWAY; sessions that are left after `drain_seconds` are closed with
        GOAWAY_TIMEOUT (section 3.5). Returns when no session is left.

        Cancelled, the relay goes on closing; a second call closes what is left at once.
        """
        self._hub.check()
        if not self._stopped.is_set():
            self._handle.drain(drain_seconds)
            await self._stopped.wait()

    async def __aenter__(self) -> Relay:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<Relay port={self.port}>"


async def relay(
    host: str = "127.0.0.1",
    port: int = 4433,
    *,
    cert_file: str | os.PathLike[str] | None = None,
    key_file: str | os.PathLike[str] | None = None,
    tolerances: Iterable[str] = ("leading-stream-type",),
    **limits: int,
) -> Relay:
    """Starts a relay: publishers and subscribers connect to it, it forwards what is subscribed to (section 8).

    Args:
        host: an IP literal; ``"::"`` listens on both families.
        port: UDP port; 0 takes a free one, see :attr:`Relay.port`.
        cert_file: certificate chain in PEM; without it a development certificate is made.
        key_file: its private key in PEM.
        tolerances: as for :func:`serve`.
        limits: ``max_sessions``, ``max_tracks``, ``max_namespaces``, ``min_prefix_fields``,
            ``max_queued_bytes_per_subscription`` (bytes that wait for one slow subscriber before it skips to the
            next group), ``max_consecutive_skips`` (before it is ended with TOO_FAR_BEHIND).

    Raises :class:`msquic.AddressError` (for one, when the port is taken), :class:`msquic.CertificateFileInvalid`.
    """
    if unknown := sorted(limits.keys() - _LIMITS):
        raise TypeError(f"a relay has no limit {unknown[0]!r}: there are {', '.join(sorted(_LIMITS))}")
    if not 0 <= port <= 65535:
        raise ValueError("port must be from 0 to 65535")
    if isinstance(tolerances, str):
        raise TypeError("tolerances is a set or list of str")
    hub = Hub.running()
    started = Relay(hub)
    with certificate_files(host, cert_file, key_file) as files:
        options: dict[str, Any] = {
            "cert_file": files.cert_file,
            "key_file": files.key_file,
            "tolerances": list(tolerances),
            **limits,
        }
        started._handle = start_relay(hub.channel, started._target, host, port, options)
        await started._listening
        started.certificate_sha256 = files.sha256
    return started


_LIMITS = frozenset(
    {
        "max_sessions",
        "max_tracks",
        "max_namespaces",
        "min_prefix_fields",
        "max_queued_bytes_per_subscription",
        "max_consecutive_skips",
    }
)
