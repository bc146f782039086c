"""Connections."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from asyncio import CancelledError, get_running_loop
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Self

from msquic._native.quic import AsyncConnection
from msquic.asyncio._stream_service import StreamService
from msquic.asyncio._trust import judge
from msquic.asyncio.stream import Stream
from msquic.enums import DatagramSendState
from msquic.exceptions import ConnectionClosed, ConnectionFailed, InvalidArgument, PeerClosed

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Buffer

    from msquic._peer_certificate import PeerCertificate
    from msquic._session_ticket import SessionTicket
    from msquic.statistics import ConnectionStatistics


class _Wait(IntEnum):
    """``AsyncConnectionWait`` of the native module, in its order."""

    CONNECTED = 0
    PEER_STREAM = 1
    DATAGRAM = 2
    BIDIRECTIONAL_CREDIT = 3
    UNIDIRECTIONAL_CREDIT = 4
    TICKET = 5
    SENT = 6
    DATAGRAM_ROOM = 7
    OVER = 8
    EARLY_DATA = 9


_lingering: set[asyncio.Task[None]] = set()
"""Connections that close when the peer has what was written."""

_LOOKS = 4
"""How often within ``close_timeout`` somebody looks whether the peer took something."""

_log = logging.getLogger("msquic.asyncio")


_LONGEST_REASON = 511


def _check_reason(reason: object) -> None:
    """Before anything is closed: MsQuic refuses a longer one when the connection counts as closing."""
    if isinstance(reason, str) and len(reason.encode()) > _LONGEST_REASON:
        raise InvalidArgument(f"a reason phrase is at most {_LONGEST_REASON} bytes")


class Connection(AsyncConnection):
    """A QUIC connection, from :func:`~msquic.asyncio.connect` or given to the handler of :func:`~msquic.asyncio.serve`.

    Iterating over it gives the streams that the peer opens. It belongs to the loop where it was made; used on another
    thread, it raises :class:`RuntimeError`.

    ``async with`` ends with :meth:`close`, or with ``abort(1)`` when the body raised, and waits until the connection is
    over.

    **Cancellation.** Every await may be cancelled without loss: the stream or datagram that was about to be returned
    stays for the next call.

    **What arrived stays readable.** Whatever this side's QUIC has acknowledged to the peer can be read, also after the
    peer has closed the connection.

    A connection that is dropped without :meth:`close` is closed with code 0. One that is open when its loop is closed
    ends with it, and with a :class:`ResourceWarning`.
    """

    __slots__ = ()

    @property
    def alpn(self) -> str:
        """The protocol that was agreed on (ALPN, RFC 7301); ``""`` before the handshake decided it."""
        return self._alpn.decode("utf-8", "surrogateescape")

    def __aiter__(self) -> Self:
        return self

    async def serve_streams(self, handler: Callable[[Stream], Awaitable[object]], *, limit: int | None = None) -> None:
        """Runs ``handler(stream)`` for each stream that the peer opens, side by side, until the connection is over.

        At its end the stream is finished, as by ``async with stream``; when it raises, the stream is aborted with code
        1, the loop's exception handler is told, and the others go on. When it raises because the peer reset or stopped
        the stream, or went away, that is no error of this side: the exception handler is not told, and
        :attr:`interrupted_handlers` counts it. ``limit``: no more handlers than that at a time;
        the peer's further streams wait. Several handlers run in one task after each other, so a context variable that
        one sets may be seen by a later one.

        Returns when either side closed with code 0 and the handlers have ended. When the connection ended otherwise, it
        raises why, having cancelled the handlers; cancelled, it cancels them too. It waits for them in any case.

        The fastest way to serve small requests: a handler that finds its request complete needs no task of its own.
        """
        if limit is not None and limit < 1:
            raise ValueError("limit must be at least 1")
        self._check_loop()
        await StreamService(self, handler, limit).run()

    def send_datagram(self, data: Buffer, *, priority: bool = False, cancel_on_blocked: bool = False) -> None:
        """Sends an unreliable datagram (RFC 9221); the bytes are copied.

        What the path or the peer does not take now waits, up to ``datagram_send_queue_bytes`` of the settings; beyond
        that the oldest ones are dropped, those without ``priority`` first, see :attr:`datagrams_dropped_unsent`.
        :meth:`drain_datagrams` waits for room. ``priority``: ahead of the datagrams that are waiting.
        ``cancel_on_blocked``: dropped when it cannot be sent at once.

        Raises :class:`~msquic.DatagramTooLarge` when it is larger than :attr:`max_datagram_size`,
        :class:`~msquic.DatagramUnavailable` when the peer takes none.
        """
        self._send_datagram(data, priority, cancel_on_blocked, None)

    async def drain_datagrams(self) -> None:
        """Waits, when more than half of ``datagram_send_queue_bytes`` waits to be sent, until at most a quarter of it
        does; a sender that awaits this after each datagram loses none for want of room.

        Raises a :class:`~msquic.ConnectionFailed` when the connection is closed.
        """
        self._check_loop()
        while not self.is_closed:
            if self._has_datagram_room:
                return
            await self._wait_for(_Wait.DATAGRAM_ROOM)
        raise self.close_error or ConnectionClosed("this side closed the connection")

    async def send_datagram_tracked(
        self, data: Buffer, *, priority: bool = False, cancel_on_blocked: bool = False
    ) -> DatagramSendState:
        """The same, and waits for what became of it: ``ACKNOWLEDGED``, ``ACKNOWLEDGED_SPURIOUS``, ``LOST_DISCARDED`` or
        ``CANCELED``. Cancelled, the datagram is sent all the same.

        MsQuic gives up a lost datagram only when something that was sent later is acknowledged. So when it was the last
        thing for a while, this waits until the connection sends again, or ends: set ``keep_alive_interval_ms``, which
        sends by itself, or use :func:`asyncio.timeout`.
        """
        self._check_loop()
        future: asyncio.Future[int] = get_running_loop().create_future()
        self._send_datagram(data, priority, cancel_on_blocked, future)
        return DatagramSendState(await future)

    async def datagrams(self) -> AsyncIterator[bytes]:
        """Iterates over the datagrams; ends when either side closed with code 0, else raises why it ended."""
        try:
            while True:
                datagram = self._take_datagram()
                if datagram is None:
                    await self._wait_for(_Wait.DATAGRAM)
                else:
                    yield datagram
        except ConnectionClosed:
            return
        except PeerClosed as error:
            if error.app_code != 0:
                raise

    def close(self, code: int = 0, reason: str = "") -> None:
        """Closes with the application's ``code``, 0 to 2**62 - 1, and a ``reason`` of at most 511 bytes; the peer gets
        both together.

        Does not wait, but what was written still goes on its way: the connection closes when the peer's QUIC has
        acknowledged it, or has acknowledged nothing for ``close_timeout`` seconds. Meanwhile streams can be read to
        their end, and everything else raises :class:`~msquic.ConnectionClosed`. A second call does nothing, and
        :meth:`abort` ends it at once. The loop must run on: ``await wait_closed()``.
        """
        _check_reason(reason)
        if self._begin_close(code, reason):
            task = self._loop.create_task(self._linger(code, reason))
            _lingering.add(task)
            task.add_done_callback(_lingering.discard)

    def abort(self, code: int = 0, reason: str = "") -> None:
        """Closes at once, like :meth:`close` otherwise: what the peer has not received yet may be lost."""
        _check_reason(reason)
        self._shutdown(code, reason)

    async def wait_closed(self) -> ConnectionFailed | None:
        """Waits until the connection is over, and tells why: None when this side closed it. Does not close it."""
        while not self._is_over:
            await self._wait_for(_Wait.OVER)
        self._tell_log()  # the loop may end before it gets to what it was to tell the log
        return self.close_error

    async def wait_connected(self) -> None:
        """Waits for the end of the handshake, after ``connect(early_data=True)``. Raises why it failed."""
        self._check_loop()
        while not self._is_connected:
            if self._is_over:
                self._tell_log()
                raise self.close_error or ConnectionClosed("this side closed the connection")
            await self._wait_for(_Wait.CONNECTED)
        self._tell_log()

    async def wait_ticket(self) -> SessionTicket:
        """The newest ticket of the server, or its first one when there is none yet; see :attr:`ticket`.

        Raises a :class:`~msquic.ConnectionFailed` when the connection ends without one.
        """
        self._check_loop()
        while (ticket := self.ticket) is None:
            if self._is_over:
                raise self.close_error or ConnectionClosed("this side closed the connection")
            await self._wait_for(_Wait.TICKET)
        return ticket

    async def wait_early_data(self) -> bool:
        """Clients that sent early data: whether the server took it, see :attr:`early_data_accepted`.

        It says no by not resuming the session, which is known with the handshake. Otherwise MsQuic knows it when the
        peer has acknowledged all of the first stream with early data, its end included. Raises a
        :class:`~msquic.ConnectionFailed` when the connection ends before.
        """
        self._check_loop()
        while (accepted := self.early_data_accepted) is None:
            if self._is_over:
                raise self.close_error or ConnectionClosed("this side closed the connection")
            await self._wait_for(_Wait.EARLY_DATA)
        return accepted

    def send_ticket(self, data: Buffer = b"") -> None:
        """Servers, after the handshake: gives the client a ticket that carries at most 1000 bytes.

        ``serve(resumption=…)`` gives each client one by itself. ``data`` comes back as :attr:`resumption_data` when the
        client does. Raises :class:`~msquic.InvalidState` on a client and on a server without resumption.
        """
        self._send_ticket(data)

    async def stats(self) -> ConnectionStatistics:
        """What MsQuic counted on this connection so far.

        Asks MsQuic's worker thread, on a thread of the loop's executor. Raises :class:`~msquic.ClosedHandle` when the
        connection is over. Cancelled, nobody hears the answer.
        """
        self._check_loop()
        return await get_running_loop().run_in_executor(None, self._statistics)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is GeneratorExit:  # its task was dropped, with its loop for example, and must not wait for anything
            with contextlib.suppress(RuntimeError):  # the garbage collector drops it on any thread
                self.abort()
            return
        if kind is None:
            self.close()
        elif not (issubclass(kind, ConnectionFailed) and self.is_closed):
            self.abort(0 if issubclass(kind, CancelledError) else 1)
        try:
            await self.wait_closed()
        except CancelledError:
            self.abort()
            raise

    async def _linger(self, code: int, reason: str) -> None:
        """Shuts down when the peer has everything, or takes nothing any more."""
        patience = _LOOKS
        try:
            while patience and not self._is_over:
                before = self._acknowledged
                future: asyncio.Future[None] = get_running_loop().create_future()
                if not self._wait(_Wait.SENT, future):
                    break
                try:
                    done, _ = await asyncio.wait((future,), timeout=self._close_timeout / _LOOKS)
                finally:
                    self._forget(_Wait.SENT, future, False)
                if done:
                    break
                patience = patience - 1 if self._acknowledged == before else _LOOKS
        finally:
            self._shutdown(code, reason)

    def _flooded(self) -> None:
        """The native layer: the peer opens streams without bytes faster than anybody accepts them."""
        _log.warning("%r: far too many streams wait to be accepted; it is closed with code 1", self)
        self.abort(1, "far too many streams wait to be accepted")

    def _judge(self, verifier: Callable[[PeerCertificate], object], certificate: PeerCertificate) -> None:
        """The native layer asks ``verifier`` about the peer's certificate; the handshake waits."""
        judge(verifier, certificate, self._complete_certificate)

    async def _wait_for(self, wait: _Wait) -> None:
        self._check_loop()
        future: asyncio.Future[None] = get_running_loop().create_future()
        if not self._wait(wait, future):
            return
        try:
            await future
        except BaseException:
            self._forget(wait, future, future.done() and not future.cancelled())
            raise
