"""Servers."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Self, Unpack, cast

import msquic
from msquic._native.quic import AsyncConnection, AsyncListener
from msquic.asyncio._channel import running_channel
from msquic.asyncio._configurations import alpn_list, default_registration, loaded
from msquic.asyncio.client import READ_LIMIT, WRITE_LIMIT
from msquic.asyncio.connection import Connection
from msquic.exceptions import InvalidArgument, QuicError
from msquic.settings import Settings

if TYPE_CHECKING:
    from types import TracebackType

Handler = Callable[[Connection], Awaitable[object]]


class Server:
    """Listens for connections, from :func:`serve`. Each runs the handler in a task of its own.

    When the handler returns, its connection is closed as at the end of ``async with``: with code 0, after what it wrote
    was acknowledged. When it raises, the connection is closed with code 1 and the loop's exception handler is called,
    unless what it raised only says that this connection is over.
    """

    def __init__(self, handler: Handler, alpn: Sequence[str | bytes]) -> None:
        self._handler = handler
        self._alpn = alpn
        self._loop = asyncio.get_running_loop()
        self._listener: AsyncListener | None = None
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._closed = self._loop.create_future()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def port(self) -> int:
        """The UDP port it listens on, the real one when 0 was asked for; 0 when closed."""
        return 0 if self.local_address is None else self.local_address[1]

    @property
    def local_address(self) -> tuple[str, int] | None:
        """(IP address, port); None when closed."""
        return None if self._listener is None else self._listener._local_address

    @property
    def connections(self) -> frozenset[Connection]:
        """Those whose handlers run."""
        return frozenset(self._connections)

    def close(self, code: int = 0, reason: str = "") -> None:
        """Accepts no more connections, and closes those that there are with the application's ``code``.

        Does not wait. Their handlers are not cancelled: what they wait for raises, and ``async for`` ends.
        """
        self.stop_accepting()
        for connection in list(self._connections):
            connection.close(code, reason)

    def stop_accepting(self) -> None:
        """Accepts no more connections. Those that there are go on."""
        if self._listener is not None:
            self._listener._close()
        if not self._closed.done():
            self._closed.set_result(None)

    async def wait_closed(self) -> None:
        """Waits until it accepts no more and every handler has returned."""
        await asyncio.shield(self._closed)
        await self._idle.wait()

    async def serve_forever(self) -> None:
        """Serves until it is cancelled or closed; then closes."""
        try:
            await asyncio.shield(self._closed)
        finally:
            self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()
        await self.wait_closed()

    def __repr__(self) -> str:
        return f"<Server on {self.local_address}>" if self.port else "<Server closed>"

    def _accept(self, accepted: AsyncConnection) -> None:
        connection = cast(Connection, accepted)
        self._idle.clear()
        task = self._loop.create_task(self._run(connection))
        self._connections[connection] = task
        task.add_done_callback(functools.partial(self._handled, connection))

    async def _run(self, connection: Connection) -> None:
        async with connection:
            await self._handler(connection)

    def _handled(self, connection: Connection, task: asyncio.Task[None]) -> None:
        del self._connections[connection]
        if not self._connections:
            self._idle.set()
        error = None if task.cancelled() else task.exception()
        if error is None or (isinstance(error, QuicError) and error is connection.close_error):
            return
        if isinstance(error, msquic.ConnectionFailed):
            return
        self._loop.call_exception_handler(
            {
                "message": "exception in the handler of a QUIC connection, which was closed with code 1",
                "exception": error,
                "task": task,
            }
        )


class ServerStarter:
    """What :func:`serve` gives: ``async with serve(…) as server`` or ``server = await serve(…)``."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._server: Server | None = None

    def __await__(self) -> Generator[Any, None, Server]:
        return _serve(**self._options).__await__()

    async def __aenter__(self) -> Server:
        self._server = await _serve(**self._options)
        return self._server

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        await self._server.__aexit__(kind, error, traceback)


def serve(
    handler: Handler,
    host: str | None = None,
    port: int = 0,
    *,
    alpn: str | bytes | Sequence[str | bytes],
    cert_file: str | os.PathLike[str] | None = None,
    key_file: str | os.PathLike[str] | None = None,
    key_password: str | None = None,
    ca_file: str | os.PathLike[str] | None = None,
    reuse_port: bool = False,
    backlog: int = 1024,
    read_limit: int = READ_LIMIT,
    write_limit: int = WRITE_LIMIT,
    configuration: msquic.Configuration | None = None,
    registration: msquic.Registration | None = None,
    **settings: Unpack[Settings],
) -> ServerStarter:
    if configuration is None and (cert_file is None or key_file is None):
        raise InvalidArgument("a server needs a certificate: give cert_file and key_file")
    if isinstance(backlog, bool) or backlog < 1:
        raise InvalidArgument("backlog must be at least 1")
    return ServerStarter(
        {
            "handler": handler,
            "host": host,
            "port": port,
            "alpn": alpn_list(alpn),
            "credentials": (cert_file, key_file, key_password, ca_file),
            "reuse_port": reuse_port,
            "backlog": backlog,
            "limits": (read_limit, write_limit),
            "configuration": configuration,
            "registration": registration,
            "settings": dict(settings),
        }
    )


def _load_credentials(configuration: msquic.Configuration, credentials: tuple[Any, ...]) -> None:
    cert_file, key_file, key_password, ca_file = credentials
    configuration.load_credential_file(cert_file, key_file, ca_file=ca_file, key_password=key_password)


async def _serve(
    *,
    handler: Handler,
    host: str | None,
    port: int,
    alpn: list[str | bytes],
    credentials: tuple[Any, ...],
    reuse_port: bool,
    backlog: int,
    limits: tuple[int, int],
    configuration: msquic.Configuration | None,
    registration: msquic.Registration | None,
    settings: dict[str, Any],
) -> Server:
    channel = running_channel()
    registration = registration or default_registration()
    if configuration is None:
        load = functools.partial(_load_credentials, credentials=credentials)
        configuration = await loaded(registration, alpn, settings, load, None)
    server = Server(handler, alpn)
    server._listener = AsyncListener(channel, registration, server._accept, *limits, backlog)
    server._listener._start(configuration, alpn, host, port, reuse_port)
    return server
