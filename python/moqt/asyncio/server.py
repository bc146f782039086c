"""Servers."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from moqt.asyncio._certificate import certificate_files
from moqt.asyncio._hub import Hub, Notice
from moqt.asyncio._listening import Listening
from moqt.asyncio.exceptions import SessionClosed
from moqt.asyncio.session import Session
from msquic._native.moqt import ClientSetup, ErrorCode, ListenerHandle, listen

_log = logging.getLogger("moqt.asyncio")

Handler = Callable[[Session], Awaitable[object]]


class Server(Listening):
    """A server that :func:`serve` started. ``async with server`` closes it at the end."""

    def __init__(self, handler: Handler, hub: Hub) -> None:
        super().__init__(hub)
        self._handler = handler
        self._handle: ListenerHandle
        self._closing = False
        self._sessions: dict[Session, asyncio.Task[None]] = {}

    @property
    def sessions(self) -> list[Session]:
        """The sessions that are open."""
        return list(self._sessions)

    def close(self) -> None:
        """Accepts no more clients and closes every session with NO_ERROR, after what was written has arrived.

        Handlers get :class:`SessionClosed` from what they await; :meth:`wait_closed` cancels those that go on.
        """
        if not self._closing:
            self._closing = True
            self._handle.close()
            for session in self._sessions:
                session._begin_close(0, "the server is closing")

    async def wait_closed(self) -> None:
        """Waits until the last session and its handler are over. Cancelling it has no effect on the server."""
        self._hub.check()
        if not self._closing:
            await self._stopped.wait()
        if tasks := set(self._sessions.values()):
            _, late = await asyncio.wait(tasks, timeout=1.0)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        await self._stopped.wait()

    async def serve_forever(self) -> None:
        """Waits until the server is closed. Cancelled, it closes the server, as asyncio's servers do."""
        self._hub.check()
        try:
            await self._stopped.wait()
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
        else:
            super()._on_notice(kind, ticket, value)

    def _accept(self, handle: Any, parameters: Any) -> None:
        session = Session(self._hub, handle.target)
        session._handle = handle
        session.peer_setup = ClientSetup(parameters)
        session._established.set_result(None)
        if self._closing:
            session._begin_close(0, "the server is closing")
        task = self._hub.loop.create_task(self._run(session))
        self._sessions[session] = task
        task.add_done_callback(lambda _: self._sessions.pop(session, None))

    async def _run(self, session: Session) -> None:
        try:
            await self._handler(session)
        except SessionClosed as closed:
            _log.debug("session over: %s", closed)
        except asyncio.CancelledError:
            session._begin_close(0, "the server is closing")
            raise
        except Exception:
            _log.exception("the handler of a session failed")
            session._begin_close(int(ErrorCode.INTERNAL_ERROR), "the application failed")
        await session.close()


async def serve(
    handler: Handler,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    cert_file: str | os.PathLike[str] | None = None,
    key_file: str | os.PathLike[str] | None = None,
    max_request_id: int = 512,
    max_sessions: int = 10_000,
    timeout: float = 10.0,  # noqa: ASYNC109 - the client's, not the caller's
    tolerances: Iterable[str] = ("leading-stream-type",),
    reader_queue_limit: int = 64 * 1024 * 1024,
) -> Server:
    """Listens for clients; every session is given to ``async def handler(session)`` in a task of its own.

    The session closes when its handler returns. A handler that raises is logged (logger ``moqt.asyncio``) and
    closes its session with INTERNAL_ERROR; no other session notices.

    Args:
        handler: gets the :class:`Session` when both SETUP messages have been exchanged.
        host: an IP literal; ``"::"`` listens on both families.
        port: UDP port; 0 takes a free one, see :attr:`Server.port`.
        cert_file: certificate chain in PEM; without it a development certificate is made.
        key_file: its private key in PEM.
        max_request_id: MAX_REQUEST_ID of SERVER_SETUP: half as many requests of a client may be open at once.
        max_sessions: further clients are refused.
        timeout: seconds a client has for CLIENT_SETUP.
        tolerances: deviations from the draft to allow, by name: ``leading-stream-type`` (one 0x00 before
            CLIENT_SETUP, on unless left out) and ``empty-namespace-prefix``.
        reader_queue_limit: bytes that may wait in one subscription that is not read.

    Raises :class:`msquic.AddressError` (for one, when the port is taken), :class:`msquic.CertificateFileInvalid`.
    Cancelled, nothing listens.
    """
    if not 0 <= port <= 65535:
        raise ValueError("port must be from 0 to 65535")
    if isinstance(tolerances, str):
        raise TypeError("tolerances is a set or list of str")
    hub = Hub.running()
    server = Server(handler, hub)
    with certificate_files(host, cert_file, key_file) as files:
        options = {
            "cert_file": files.cert_file,
            "key_file": files.key_file,
            "max_request_id": max_request_id,
            "timeout": timeout,
            "tolerances": list(tolerances),
            "reader_queue_limit": reader_queue_limit,
        }
        server._handle = listen(hub.channel, server._target, host, port, max_sessions, options)
        try:
            await server._listening
        except BaseException:
            server.close()
            raise
        server.certificate_sha256 = files.sha256
    return server
