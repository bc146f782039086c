"""Servers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Self, Unpack, cast

import msquic
from msquic._native.quic import AsyncChannel, AsyncConnection, AsyncListener
from msquic.asyncio._channel import running_channel
from msquic.asyncio._configurations import Path
from msquic.asyncio._handler_tasks import HandlerTasks
from msquic.asyncio._interruptions import caused_by_peer, log
from msquic.asyncio._limits import (
    CLOSE_TIMEOUT,
    CONNECTION_READ_LIMIT,
    READ_LIMIT,
    STREAM_BACKLOG,
    WRITE_LIMIT,
    Limits,
    limits_of,
)
from msquic.asyncio._listening import Listening
from msquic.asyncio._trust import CertificateVerifier
from msquic.asyncio.connection import Connection
from msquic.asyncio.opening import Opening
from msquic.asyncio.options import ListenOptions
from msquic.enums import ServerResumptionLevel
from msquic.exceptions import InvalidArgument, InvalidState, QuicError
from msquic.settings import Settings

if TYPE_CHECKING:
    from msquic.statistics import ListenerStatistics

Handler = Callable[[Connection], Awaitable[object]]


class Server:
    """Listens for connections, from :func:`serve`. Each runs the handler in a task of its own.

    When the handler returns, its connection is closed as at the end of ``async with``: with code 0, after what it wrote
    was acknowledged. When it raises, the connection is closed with code 1 and the loop's exception handler is called.
    When what it raised only says that this connection is over, or that the peer reset or stopped one of its streams,
    that is no error of the server: :attr:`interrupted_handlers` counts it, and the connection is closed with code 0.

    A server that is open when its loop is closed ends with it, and with a :class:`ResourceWarning`.
    """

    def __init__(
        self,
        handler: Handler,
        alpn: Sequence[str | bytes],
        *,
        channel: AsyncChannel,
        gives_tickets: bool,
        grace: float | None,
    ) -> None:
        self._handler = handler
        self._gives_tickets = gives_tickets
        self._alpn = alpn
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._listener: AsyncListener | None = None
        self._connections: set[Connection] = set()
        self._handlers = HandlerTasks(self._loop, grace)
        self._giving: set[asyncio.Task[None]] = set()
        self._closed = self._loop.create_future()
        self._interrupted = 0

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

    @property
    def interrupted_handlers(self) -> int:
        """Handlers, of connections and streams, that ended because the peer reset or stopped a stream or went away."""
        return self._interrupted + sum(connection.interrupted_handlers for connection in self._connections)

    def close(self, code: int = 0, reason: str = "") -> None:
        """Accepts no more connections, and closes those that there are with the application's ``code``.

        Does not wait. What their handlers wait for on the connection raises, ``async for`` ends, and what they wrote
        still goes on its way (:meth:`Connection.close`). Handlers that are not through after the ``grace`` of
        :func:`serve` are cancelled; then their connections end at once.
        """
        self._channel.check_thread()
        if self._listener is not None:
            self._listener._close(code, reason)
        self._settled()
        for connection in list(self._connections):
            connection.close(code, reason)
        self._handlers.end()

    def stop_accepting(self) -> None:
        """Accepts no more connections. Those that there are go on, and as long as they do, new clients are refused at
        once.

        Clients that have begun their handshake are there, and still get their handlers.
        """
        self._channel.check_thread()
        if self._listener is None or self._listener._stop():
            self._settled()

    async def wait_closed(self) -> None:
        """Waits until it accepts no more and every handler has ended. Cancelling it has no effect on the server."""
        self._channel.check_loop()
        await asyncio.shield(self._closed)
        await self._handlers.wait()

    def replace_certificate(self, certificate: msquic.Certificate | Mapping[str, msquic.Certificate]) -> None:
        """Uses another certificate, or others by server name, for connections that begin from now on.

        Connections that there are go on. Raises :class:`~msquic.InvalidState` when the server is closed.
        """
        if self._listener is None or not self.port:
            raise InvalidState("the server is closed")
        self._listener._set_certificates(certificate)

    def stats(self) -> ListenerStatistics:
        """How many connections were accepted, and refused by what. Raises InvalidState when the server is closed."""
        if self._listener is None:
            raise InvalidState("the server is closed")
        return self._listener._statistics()

    async def serve_forever(self) -> None:
        """Serves until it is cancelled or closed; then closes. After :meth:`stop_accepting` until the last handler has
        ended."""
        self._channel.check_loop()
        try:
            await self.wait_closed()
        finally:
            self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()
        await self.wait_closed()

    def __repr__(self) -> str:
        return f"<Server on {self.local_address}>" if self.port else "<Server closed>"

    def _settled(self) -> None:
        """No more connections come."""
        if not self._closed.done():
            self._closed.set_result(None)

    def _accept(self, accepted: AsyncConnection | None) -> None:
        if accepted is None:
            self._settled()
            return
        connection = cast(Connection, accepted)
        self._connections.add(connection)
        self._handlers.start(self._run(connection)).add_done_callback(functools.partial(self._handled, connection))

    async def _run(self, connection: Connection) -> None:
        async with connection:
            if self._gives_tickets:
                give = self._loop.create_task(_give_ticket(connection))
                self._giving.add(give)
                give.add_done_callback(self._giving.discard)
            try:
                await self._handler(connection)
            except Exception as error:
                if not caused_by_peer(error, connection_over=connection.is_closed, stream_aborted=True):
                    raise
                self._interrupted += 1
                log.debug("the peer interrupted the handler of %r: %s", connection, error)

    def _handled(self, connection: Connection, task: asyncio.Task[None]) -> None:
        self._connections.discard(connection)
        self._interrupted += connection.interrupted_handlers
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        self._loop.call_exception_handler(
            {
                "message": "exception in the handler of a QUIC connection, which was closed with code 1",
                "exception": error,
                "task": task,
            }
        )


async def _give_ticket(connection: Connection) -> None:
    with contextlib.suppress(QuicError):  # a client that left meanwhile needs none
        await connection.wait_connected()
        connection.send_ticket()


def serve(
    handler: Handler,
    host: str | None = None,
    port: int = 0,
    *,
    alpn: str | bytes | Sequence[str | bytes] = (),
    certificate: msquic.Certificate | Mapping[str, msquic.Certificate] | None = None,
    cert_file: Path | None = None,
    key_file: Path | None = None,
    key_password: str | None = None,
    client_certificates: Literal["none", "optional", "required"] = "none",
    verify: bool | CertificateVerifier = True,
    verify_timeout: float = 5.0,
    ca_file: Path | None = None,
    ca_data: bytes | None = None,
    pinned_sha256: Sequence[str] = (),
    pinned_public_key_sha256: Sequence[str] = (),
    resumption: ServerResumptionLevel = ServerResumptionLevel.NO_RESUME,
    ticket_keys: bytes | None = None,
    keylog: Path | None = None,
    backlog: int = 1024,
    handshake_timeout: float | None = 10.0,
    grace: float | None = 5.0,
    read_limit: int = READ_LIMIT,
    write_limit: int = WRITE_LIMIT,
    connection_read_limit: int = CONNECTION_READ_LIMIT,
    stream_backlog: int = STREAM_BACKLOG,
    close_timeout: float = CLOSE_TIMEOUT,
    configuration: msquic.Configuration | None = None,
    registration: msquic.Registration | None = None,
    **settings: Unpack[Settings],
) -> Opening[Server]:
    """A server: ``async with serve(…) as server`` or ``server = await serve(…)``.

    Args:
        handler: a coroutine function that is called with each new :class:`Connection`, in a task of its own.
        host: an IP address of this machine; None for all. The socket is bound to all anyway; QUIC refuses the others.
        port: UDP port; 0 chooses a free one, see :attr:`Server.port`.
        alpn: the protocol to speak, or several, the preferred first.
        certificate: a :class:`~msquic.Certificate`, or several in a mapping by server name (``"*.example.org"`` for any
            one label, ``""`` for all other clients); or ``cert_file``, ``key_file`` and ``key_password``.
        client_certificates: whether clients are asked for a certificate. Those that are shown are verified with
            ``ca_file``, ``ca_data``, the pins, or by a ``verify`` function as in :func:`connect`. With
            ``verify=False`` whatever they show is accepted: who they are is then for the handler to find out, from
            ``connection.peer_certificate``.
        resumption: what returning clients may do. Each client gets a ticket when its handshake is complete.
            ``RESUME_AND_ZERORTT`` also admits early data, **which an attacker can replay**: streams say
            ``is_early_data``.
        ticket_keys: at least 32 random bytes, with which tickets survive a restart and are good at every server that
            has them. Secret; None: random ones.
        keylog: see :func:`connect`.
        backlog: connections that no handler has yet; further clients are refused.
        handshake_timeout: how many seconds a handshake may take, a ``verify`` function included, before the client is
            dropped; None or 0: for ever, as long as it keeps saying something.
        grace: seconds that handlers have to end by themselves after :meth:`Server.close`, before they are cancelled;
            None: as long as they like.
        read_limit, write_limit, connection_read_limit, stream_backlog, close_timeout: see :func:`connect`.
        configuration, registration, settings: see :func:`connect`.

    Raises :class:`~msquic.AddressInUse` when another socket has the port, :class:`~msquic.CertificateFileInvalid`,
    saying which file and why, and :class:`~msquic.InvalidArgument`.
    """
    if isinstance(backlog, bool) or backlog < 1:
        raise InvalidArgument("backlog must be at least 1")
    options: ListenOptions = {
        "certificate": certificate,
        "cert_file": cert_file,
        "key_file": key_file,
        "key_password": key_password,
        "client_certificates": client_certificates,
        "verify": verify,
        "verify_timeout": verify_timeout,
        "ca_file": ca_file,
        "ca_data": ca_data,
        "pinned_sha256": pinned_sha256,
        "pinned_public_key_sha256": pinned_public_key_sha256,
        "resumption": resumption,
        "ticket_keys": ticket_keys,
        "keylog": keylog,
        "handshake_timeout": handshake_timeout,
        "configuration": configuration,
        "registration": registration,
        **settings,
    }
    listening = Listening.of(alpn, options)
    limits = limits_of(read_limit, write_limit, connection_read_limit, stream_backlog, close_timeout)
    return Opening(functools.partial(_serve, handler, host, port, listening, backlog, limits, grace))


async def _serve(
    handler: Handler,
    host: str | None,
    port: int,
    listening: Listening,
    backlog: int,
    limits: Limits,
    grace: float | None,
) -> Server:
    channel = running_channel()
    registration, configuration = await listening.loaded()
    server = Server(handler, listening.alpn, channel=channel, gives_tickets=listening.gives_tickets, grace=grace)
    server._listener = AsyncListener(channel, registration, server._accept, limits, backlog)
    server._listener._start(configuration, listening.alpn, host, port, listening.handshake_timeout)
    return server
