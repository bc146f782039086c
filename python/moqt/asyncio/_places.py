"""Servers as URIs name them."""

from __future__ import annotations

from urllib.parse import urlsplit

from moqt.asyncio._arguments import check_type
from msquic.asyncio._addresses import without_scope


def place_of(uri: str) -> tuple[str, int, str] | None:
    """Host, port and path with its query of a moqt URI (section 3.1.2); None for anything else."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme.lower() != "moqt" or not parts.hostname:
        return None
    return parts.hostname, 443 if port is None else port, parts.path + (f"?{parts.query}" if parts.query else "")


def authority_of(host: str, port: int) -> str:
    """AUTHORITY of CLIENT_SETUP (section 9.3.1.1)."""
    literal = without_scope(host)
    return f"[{literal}]:{port}" if ":" in literal else f"{literal}:{port}"


def check_successor(uri: str) -> None:
    """Raises TypeError and ValueError for what a GOAWAY cannot send clients to."""
    check_type(uri, str, "successor", "a str")
    if uri and place_of(uri) is None:
        raise ValueError(f"successor must be a moqt URI, such as moqt://relay.example:4433/moqt, not {uri!r}")
