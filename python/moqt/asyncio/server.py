"""Servers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Unpack

import msquic
from moqt.asyncio._arguments import check_callable, checked_seconds
from moqt.asyncio._certificate import check_names, with_certificate
from moqt.asyncio._hub import Hub, Notice, Tickets
from moqt.asyncio._listening import Closing, Listening, transport_of
from moqt.asyncio._places import check_successor
from moqt.asyncio.authorization import Authorize, Authorizing
from moqt.asyncio.client import FETCH_QUEUE_LIMIT, MAX_OBJECT_SIZE, READER_QUEUE_LIMIT, RECEIVE_LIMIT
from moqt.asyncio.exceptions import SessionClosed, SessionStateError
from moqt.asyncio.names import NamespaceLike, namespace_of, track_name_of
from moqt.asyncio.publishing import TrackWriter, add_track
from moqt.asyncio.session import NamespaceJudge, Session
from moqt.asyncio.track_options import TrackOptions
from msquic._native.moqt import ClientSetup, ErrorCode, ListenerHandle, TrackNamespace, listen
from msquic.asyncio import ListenOptions, Opening
from msquic.asyncio._handler_tasks import HandlerTasks

_log = logging.getLogger("moqt.asyncio")

Handler = Callable[[Session], Awaitable[object]]


class Server(Listening[ListenerHandle]):
    """A server that :func:`serve` started. ``async with server`` closes it at the end."""

    def __init__(self, handler: Handler, hub: Hub, grace: float | None) -> None:
        super().__init__(hub)
        self._handler = handler
        self._handlers = HandlerTasks(hub.loop, grace)
        self._accept_namespace: NamespaceJudge | None = None
        self._sessions: set[Session] = set()
        self._tickets = Tickets(hub.loop)
        self._tracks: dict[tuple[TrackNamespace, bytes], TrackWriter] = {}

    @property
    def sessions(self) -> list[Session]:
        """The sessions that are open."""
        return list(self._sessions)

    def create_track(self, namespace: NamespaceLike, name: str | bytes, **options: Unpack[TrackOptions]) -> TrackWriter:
        """A track that all sessions of the server share, those that come as well: each object is written, encoded and
        kept once. The arguments are those of :meth:`Session.create_track`.

        It lives until it is ended, whichever sessions come and go. A session that has a track of that name of its own
        keeps that. Raises :class:`SessionStateError` when the server is closing or has such a track.
        """
        self._hub.check()
        self._raise_if_closed()
        key = namespace_of(namespace), track_name_of(name)
        if key in self._tracks:
            raise SessionStateError("this server has a track of that name already: end() it first")
        return add_track(self, key, options)

    def close(self) -> Closing:
        """Accepts no more clients and closes every session with NO_ERROR, after what was written has arrived.

        Handlers get :class:`SessionClosed` from what they await. Those that are not through after the `grace` of
        :func:`serve` are cancelled. Begins at once; ``await server.close()`` also waits as :meth:`wait_closed` does.
        """
        if not self._closing:
            self._closing = True
            self._handle.close()
            self._end_authorizing()
            self._tickets.fail_all(self._closed_error)
            for track in self._tracks.values():
                track._changed.set()
            self._hub.wake_waiting()
            for session in self._sessions:
                session._begin_close(0, "the server is closing")
            self._handlers.end()
        return Closing(self.wait_closed)

    async def drain(self, grace: float = 30.0, successor: str = "") -> None:
        """Lets the clients leave: accepts no more of them, asks those that are there with GOAWAY (section 3.5) to go to
        `successor`, a moqt URI, or to come back here when it is empty, and serves them as before until they do.

        After `grace` seconds, at most 30, and when none is left, it is closed as by :meth:`close`, and this returns.
        Cancelled, the clients have been asked, and nothing is closed. Raises ``ValueError`` for a `successor` that is
        no moqt URI.
        """
        self._hub.check()
        grace = checked_seconds(grace, "grace")
        check_successor(successor)
        self.stop_accepting()
        for session in self.sessions:
            with contextlib.suppress(SessionClosed, SessionStateError):  # it is leaving already
                await session.goaway(successor)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                for session in self.sessions:
                    await session.wait_closed()
        self.close()
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Waits until the last session and its handler are over. Cancelling it has no effect on the server."""
        self._hub.check()
        await self._stopped.wait()
        await self._handlers.wait()

    async def serve_forever(self) -> None:
        """Waits until the server is closed; after :meth:`stop_accepting` until the last handler has ended. Cancelled,
        it closes the server, as asyncio's servers do."""
        self._hub.check()
        try:
            await self.wait_closed()
        finally:
            self.close()

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()
        await self.wait_closed()

    def __repr__(self) -> str:
        return f"<Server port={self.port} sessions={len(self._sessions)}>"

    def _on_notice(self, kind: int, ticket: int, value: Any) -> None:
        if kind == Notice.ACCEPTED:
            self._accept(*value)
        elif kind in (Notice.DRAINED, Notice.TOLD):
            self._tickets.settle(kind, ticket, value)
        else:
            super()._on_notice(kind, ticket, value)

    def _session_of(self, whose: int) -> Session | None:
        return next((each for each in self._sessions if each._target == whose), None)

    def _raise_if_closed(self) -> None:
        if self._closing:
            raise self._closed_error()

    def _closed_error(self) -> SessionStateError:
        return SessionStateError("the server is closed")

    def _answering_sessions(self) -> Iterable[Session]:
        return self._sessions

    def _give_up(self) -> None:
        self._handle.close()

    def _accept(self, handle: Any, parameters: Any, transport: Any) -> None:
        session = Session(self._hub, handle.target)
        session._handle = handle
        session._transport = transport
        session._of_server = True
        session._accept_namespace = self._accept_namespace
        session._server_tracks = self._tracks
        session.peer_setup = ClientSetup(parameters)
        session._established.set_result(None)
        self._sessions.add(session)
        self._handlers.start(self._run(session)).add_done_callback(lambda _: self._sessions.discard(session))
        if self._closing:
            session._begin_close(0, "the server is closing")
            self._handlers.end()

    async def _run(self, session: Session) -> None:
        try:
            await self._handler(session)
        except SessionClosed as closed:
            _log.debug("session over: %s", closed)
        except asyncio.CancelledError:
            session._begin_close(0, "the server is closing")
            raise
        except Exception as error:
            self._hub.loop.call_exception_handler(
                {"message": "exception in the handler of a session; it is closed", "exception": error}
            )
            session._begin_close(int(ErrorCode.INTERNAL_ERROR), "the application failed")
        await session.close()


def serve(
    handler: Handler,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    max_request_id: int = 512,
    max_sessions: int = 10_000,
    timeout: float = 10.0,
    grace: float | None = 5.0,
    authorize: Authorize | None = None,
    authorize_timeout: float = 10.0,
    token_cache_size: int = 4096,
    accept_namespace: NamespaceJudge | None = None,
    drafts: Iterable[int] | None = None,
    tolerances: Iterable[str] = ("leading-stream-type",),
    reader_queue_limit: int = READER_QUEUE_LIMIT,
    max_object_size: int = MAX_OBJECT_SIZE,
    receive_limit: int = RECEIVE_LIMIT,
    fetch_queue_limit: int = FETCH_QUEUE_LIMIT,
    **options: Unpack[ListenOptions],
) -> Opening[Server]:
    """Listens for clients; every session is given to ``async def handler(session)`` in a task of its own.

    ``async with serve(…) as server`` or ``server = await serve(…)``. The session closes when its handler returns. A
    handler that raises is logged (logger ``moqt.asyncio``) and closes its session with INTERNAL_ERROR; no other session
    notices. A server that is not closed runs until its loop ends, whether anybody refers to it or not.

    Args:
        handler: gets the :class:`Session` when both SETUP messages have been exchanged.
        host: an IP literal; ``"::"`` listens on both families.
        port: UDP port; 0 takes a free one, see :attr:`Server.port`.
        max_request_id: MAX_REQUEST_ID of SERVER_SETUP: half as many requests of a client may be open at once;
            in drafts from 17 on, of which the transport holds the others back, at least four.
        max_sessions: further clients are refused.
        timeout: seconds a client has for CLIENT_SETUP.
        grace: seconds that handlers have to end by themselves after :meth:`Server.close`, before they are cancelled;
            None: as long as they like.
        authorize: says who may do what: a coroutine function, or a function, that gets an :class:`AuthorizationRequest`
            for each CLIENT_SETUP, before the session is there, and for each request that may carry tokens; it returns
            None to allow it, or the seconds that a subscription is allowed for (:data:`Authorize`), and raises
            :class:`Refused` to refuse it. The request waits meanwhile, and nothing else hears of it. When it raises
            anything else the request is refused with INTERNAL_ERROR and the loop's exception handler is called.
            Cancelled when the client takes its request back. None: everything is allowed.
        authorize_timeout: seconds that `authorize` has: then a request is refused with TIMEOUT, and a session closed
            with INTERNAL_ERROR.
        token_cache_size: MAX_AUTH_TOKEN_CACHE_SIZE: bytes of tokens that a client may register, each counting for 16
            more than its value (section 9.3.1.4). 0 allows no alias.
        accept_namespace: decides whether a client may announce a namespace; see :func:`connect`.
        drafts: the numbers of the drafts of MOQT that clients may speak: of those that a client offers, the first of
            these. None: all that there are, the newest first.
        tolerances: deviations from the draft to allow, by name: ``leading-stream-type`` (one 0x00 before
            CLIENT_SETUP, on unless left out) and ``empty-namespace-prefix``.
        reader_queue_limit, max_object_size, receive_limit, fetch_queue_limit: see :func:`connect`.
        options: those of :func:`msquic.asyncio.serve` under the same names: certificates, trust in clients, `verify`,
            `resumption` (but for early data), `ticket_keys`, `keylog`, `handshake_timeout`, `registration`,
            `configuration`, and the transport settings, with the defaults of :func:`connect`. Without a certificate one
            is made for development, for this machine's names and `host`.

    Raises :class:`msquic.AddressError` (for one, when the port is taken), :class:`msquic.CertificateFileInvalid`.
    Cancelled, nothing listens.
    """
    if not 0 <= port <= 65535:
        raise ValueError("port must be from 0 to 65535")
    if isinstance(tolerances, str):
        raise TypeError("tolerances is a set or list of str")
    check_names(options)
    if not callable(handler):
        raise TypeError(f"handler must be a coroutine function, not {type(handler).__name__}")
    check_callable(authorize, "authorize")
    check_callable(accept_namespace, "accept_namespace")
    if grace is not None:
        grace = checked_seconds(grace, "grace")
    native: dict[str, Any] = {
        "max_request_id": max_request_id,
        "max_sessions": max_sessions,
        "timeout": checked_seconds(timeout, "timeout"),
        "tolerances": list(tolerances),
        "reader_queue_limit": reader_queue_limit,
        "max_object_size": max_object_size,
        "receive_limit": receive_limit,
        "fetch_queue_limit": fetch_queue_limit,
        "asks_namespaces": accept_namespace is not None,
        "asks_authorization": authorize is not None,
        "authorize_timeout": checked_seconds(authorize_timeout, "authorize_timeout"),
        "token_cache_size": token_cache_size,
    }
    return Opening(
        functools.partial(_serve, handler, host, port, grace, authorize, accept_namespace, drafts, options, native)
    )


async def _serve(
    handler: Handler,
    host: str,
    port: int,
    grace: float | None,
    authorize: Authorize | None,
    accept_namespace: NamespaceJudge | None,
    drafts: Iterable[int] | None,
    options: ListenOptions,
    native: dict[str, Any],
) -> Server:
    complete, fingerprint = await with_certificate(host, options)
    server = Server(handler, Hub.running(), grace)
    server.certificate_sha256 = fingerprint
    server._accept_namespace = accept_namespace
    server._authorizing = None if authorize is None else Authorizing(server._hub.loop, authorize)

    def start(registration: msquic.Registration, configuration: msquic.Configuration, how: dict[str, Any]) -> None:
        server._handle = listen(
            server._hub.channel, server._target, registration, configuration, host, port, native | how
        )

    await server._listen(transport_of(complete, drafts, native["max_request_id"]), start)
    return server
