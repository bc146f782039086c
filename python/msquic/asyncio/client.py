"""Client connections."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import msquic
from msquic.asyncio._addresses import first_success, resolve
from msquic.asyncio._channel import running_channel
from msquic.asyncio._configurations import alpn_list, default_registration, loaded, state_of
from msquic.asyncio.connection import Connection
from msquic.exceptions import ConnectionTimeout, InvalidArgument
from msquic.settings import Settings

if TYPE_CHECKING:
    from types import TracebackType

READ_LIMIT = 1024 * 1024
WRITE_LIMIT = 256 * 1024


class Connector:
    """What :func:`connect` gives: ``async with connect(…) as connection`` or ``connection = await connect(…)``."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._connection: Connection | None = None

    def __await__(self) -> Generator[Any, None, Connection]:
        return _connect(**self._options).__await__()

    async def __aenter__(self) -> Connection:
        self._connection = await _connect(**self._options)
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._connection is not None
        await self._connection.__aexit__(kind, error, traceback)


def connect(
    host: str,
    port: int,
    *,
    alpn: str | bytes | Sequence[str | bytes] = (),
    server_name: str | None = None,
    verify: bool = True,
    ca_file: str | os.PathLike[str] | None = None,
    pinned_sha256: Sequence[str] = (),
    cert_file: str | os.PathLike[str] | None = None,
    key_file: str | os.PathLike[str] | None = None,
    key_password: str | None = None,
    ticket: bytes | None = None,
    early_data: bool = False,
    local_address: tuple[str, int] | None = None,
    family: int = 0,
    timeout: float | None = 10.0,
    happy_eyeballs_delay: float | None = 0.25,
    read_limit: int = READ_LIMIT,
    write_limit: int = WRITE_LIMIT,
    configuration: msquic.Configuration | None = None,
    registration: msquic.Registration | None = None,
    **settings: Unpack[Settings],
) -> Connector:
    if configuration is None and not alpn:
        raise InvalidArgument("alpn must name the protocol that the server speaks, e.g. alpn='h3'")
    if configuration is not None and (alpn or settings or not verify or ca_file or cert_file or pinned_sha256):
        raise InvalidArgument("a configuration brings its own ALPNs, settings and credentials: leave those out")
    if not 1 <= port <= 65535:
        raise InvalidArgument("port must be from 1 to 65535")
    return Connector(
        {
            "host": host,
            "port": port,
            "server_name": host if server_name is None else server_name,
            "credentials": (verify, ca_file, tuple(pinned_sha256), cert_file, key_file, key_password),
            "alpn": alpn_list(alpn),
            "ticket": ticket,
            "early_data": early_data,
            "local_address": local_address,
            "family": family,
            "timeout": timeout,
            "happy_eyeballs_delay": happy_eyeballs_delay,
            "limits": (read_limit, write_limit),
            "configuration": configuration,
            "registration": registration,
            "settings": dict(settings),
        }
    )


def _load_credentials(
    configuration: msquic.Configuration,
    *,
    verify: bool,
    ca_file: Any,
    pinned_sha256: tuple[str, ...],
    cert_file: Any,
    key_file: Any,
    key_password: str | None,
) -> None:
    if cert_file is not None or key_file is not None:
        configuration.load_credential_file(cert_file, key_file, True, ca_file=ca_file, key_password=key_password)
    else:
        configuration.load_credential_none(not verify, ca_file, pinned_sha256=pinned_sha256)


async def _connect(
    *,
    host: str,
    port: int,
    server_name: str,
    credentials: tuple[Any, ...],
    alpn: list[str | bytes],
    ticket: bytes | None,
    early_data: bool,
    local_address: tuple[str, int] | None,
    family: int,
    timeout: float | None,  # noqa: ASYNC109 - of all attempts together
    happy_eyeballs_delay: float | None,
    limits: tuple[int, int],
    configuration: msquic.Configuration | None,
    registration: msquic.Registration | None,
    settings: dict[str, Any],
) -> Connection:
    channel = running_channel()
    registration = registration or default_registration()

    async def attempt(address: str) -> Connection:
        assert configuration is not None
        connection = Connection(channel, registration, *limits)
        try:
            connection._start(configuration, server_name, address, port, local_address, ticket)
            if not early_data:
                await connection.wait_connected()
        except BaseException:
            connection.close()
            raise
        return connection

    try:
        async with asyncio.timeout(timeout):
            if configuration is None:
                verify, ca_file, pins, cert_file, key_file, key_password = credentials
                load = functools.partial(
                    _load_credentials,
                    verify=verify,
                    ca_file=ca_file,
                    pinned_sha256=pins,
                    cert_file=cert_file,
                    key_file=key_file,
                    key_password=key_password,
                )
                files = (state_of(ca_file), state_of(cert_file), state_of(key_file))
                key = (verify, pins, key_password, files)
                configuration = await loaded(registration, alpn, settings, load, key)
            addresses = await resolve(host, port, family)
            return await first_success(
                [functools.partial(attempt, address) for address in addresses], happy_eyeballs_delay
            )
    except TimeoutError as error:
        if isinstance(error, ConnectionTimeout):
            raise
        raise ConnectionTimeout(
            f"no connection to {host} port {port} within {timeout} s", name="ConnectionTimeout"
        ) from None
