"""The options of ``connect()`` and ``serve()``, as types for keyword arguments.

>>> async def fetch(host: str, **options: Unpack[ConnectOptions]) -> bytes:
...     async with connect(host, 443, **options) as connection: ...

What each means is said where it is used. All may be left out. :mod:`moqt.asyncio` takes the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msquic
from msquic.asyncio._configurations import Path
from msquic.asyncio._trust import CertificateVerifier
from msquic.enums import ServerResumptionLevel
from msquic.settings import Settings

__all__ = ["ConnectOptions", "DialOptions", "ListenOptions", "ServeOptions"]


class DialOptions(Settings, total=False):
    """What every client takes, whatever it speaks; see :func:`msquic.asyncio.connect`."""

    server_name: str | None
    verify: bool | CertificateVerifier
    verify_timeout: float
    ca_file: Path | None
    ca_data: bytes | None
    pinned_sha256: Sequence[str]
    pinned_public_key_sha256: Sequence[str]
    certificate: msquic.Certificate | None
    cert_file: Path | None
    key_file: Path | None
    key_password: str | None
    ticket: bytes | None
    keylog: Path | None
    local_address: str | tuple[str, int] | None
    family: int
    timeout: float | None
    happy_eyeballs_delay: float | None
    configuration: msquic.Configuration | None
    registration: msquic.Registration | None


class ConnectOptions(DialOptions, total=False):
    """The options of :func:`msquic.asyncio.connect`."""

    alpn: str | bytes | Sequence[str | bytes]
    early_data: bool
    read_limit: int
    write_limit: int
    connection_read_limit: int
    stream_backlog: int
    close_timeout: float


class ListenOptions(Settings, total=False):
    """What every server takes, whatever it speaks; see :func:`msquic.asyncio.serve`."""

    certificate: msquic.Certificate | Mapping[str, msquic.Certificate] | None
    cert_file: Path | None
    key_file: Path | None
    key_password: str | None
    client_certificates: Literal["none", "optional", "required"]
    verify: bool | CertificateVerifier
    verify_timeout: float
    ca_file: Path | None
    ca_data: bytes | None
    pinned_sha256: Sequence[str]
    pinned_public_key_sha256: Sequence[str]
    resumption: ServerResumptionLevel
    ticket_keys: bytes | None
    keylog: Path | None
    handshake_timeout: float | None
    configuration: msquic.Configuration | None
    registration: msquic.Registration | None


class ServeOptions(ListenOptions, total=False):
    """The options of :func:`msquic.asyncio.serve`."""

    alpn: str | bytes | Sequence[str | bytes]
    backlog: int
    grace: float | None
    read_limit: int
    write_limit: int
    connection_read_limit: int
    stream_backlog: int
    close_timeout: float
