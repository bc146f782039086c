"""The relays above a relay."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from moqt.asyncio._arguments import check_type
from moqt.asyncio.authorization import TokenLike, tokens_of
from moqt.asyncio.names import NamespaceLike, namespace_of


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """A relay that :func:`relay` dials: it is asked for what nobody publishes here, and told what is published."""

    url: str
    """``moqt://host:port/path``; the port is 443 when left out. A name is resolved each time it is dialled."""
    prefix: NamespaceLike = ()
    """The namespaces that it is there for: this one and those under it; without fields all."""
    ca_file: str | Path | None = None
    """Root certificates (PEM) to trust, and not the system's."""
    pinned_sha256: Sequence[str] = ()
    """Fingerprints of certificates to accept whatever else is wrong with them."""
    verify: bool = True
    """False accepts any certificate: for tests only."""
    authorization_tokens: Iterable[TokenLike] = ()
    """What is shown with the session and with each request."""
    idle_timeout: float = 5.0
    """Seconds without a sign of it until it counts as lost."""

    def _native(self) -> dict[str, Any]:
        parts = urlsplit(self.url)
        if parts.scheme.lower() != "moqt" or not parts.hostname or parts.username is not None or parts.fragment:
            raise ValueError(f"{self.url!r} is no URL of an upstream: moqt://host:port/path")
        if not 0.5 <= self.idle_timeout <= 3600:
            raise ValueError("idle_timeout of an upstream must be from 0.5 to 3600 seconds")
        port = parts.port or 443
        host = parts.hostname
        literal = f"[{host.partition('%')[0]}]" if ":" in host else host
        prefix = namespace_of(self.prefix)
        return {
            "host": host,
            "port": port,
            "path": parts.path + (f"?{parts.query}" if parts.query else ""),
            "authority": f"{literal}:{port}",
            "prefix": prefix,
            "ca_file": "" if self.ca_file is None else os.fspath(self.ca_file),
            "pinned_sha256": list(self.pinned_sha256),
            "verify": self.verify,
            "tokens": tokens_of(self.authorization_tokens),
            "idle_timeout_ms": int(self.idle_timeout * 1000),
        }


UpstreamLike: TypeAlias = Upstream | str
"""An :class:`Upstream`, or its URL alone."""


def upstreams_of(given: Iterable[UpstreamLike]) -> list[dict[str, Any]]:
    """The upstreams as the native module takes them. Raises TypeError and ValueError."""
    if isinstance(given, str | Upstream):
        raise TypeError("upstream is a list of upstreams, not one")
    listed = [Upstream(url=each) if isinstance(each, str) else each for each in given]
    for each in listed:
        check_type(each, Upstream, "an upstream", "a URL or an Upstream")
    return [each._native() for each in listed]
