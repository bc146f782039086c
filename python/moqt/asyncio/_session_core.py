"""What tracks, subscriptions and offers need of the session that they belong to."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from moqt.asyncio._hub import Hub, Tickets
from moqt.asyncio.exceptions import SessionClosed
from msquic._native.moqt import ReaderHandle, SessionHandle, SessionTransport, TrackNamespace

FLUSH_SECONDS = 5.0
"""How long closing waits for the peer to have everything that was written."""


class SessionCore:
    """Requests and their answers, what is open by number or name, and the end."""

    def __init__(self, hub: Hub, target: int = 0) -> None:
        self._hub = hub
        self._target = hub.add(self, target)
        self._handle: SessionHandle
        self._transport: SessionTransport | None = None
        self._tickets = Tickets(hub.loop)
        self._over = asyncio.Event()
        self._closed: tuple[int, str, str, bool] | None = None
        self._error: BaseException | None = None
        self._closing = False
        # Any: what these are is for those who put them there, whose modules build on this one.
        self._tracks: dict[tuple[TrackNamespace, bytes], Any] = {}
        self._server_tracks: dict[tuple[TrackNamespace, bytes], Any] = {}
        self._answering: dict[tuple[Any, int], asyncio.Task[None]] = {}
        self._publications: dict[int, Any] = {}
        self._announcements: list[Any] = []
        self._offer_queues: list[Any] = []
        self._offers: dict[int, Any] = {}
        self._namespaces: list[TrackNamespace] = []

    @property
    def alpn(self) -> str:
        """The ALPN that was agreed on, which says which draft is spoken (section 3.1), for instance
        ``"moqt-18"``."""
        return "" if self._transport is None else self._transport._alpn.decode("utf-8", "surrogateescape")

    @property
    def draft(self) -> int:
        """The number of the draft that was agreed on, for instance 18."""
        return int(self.alpn.rpartition("-")[2] or 0)

    def _begin_close(self, code: int = 0, reason: str = "") -> None:
        if not self._closing and self._closed is None:
            self._closing = True
            self._handle.close(code, reason, FLUSH_SECONDS)
            self._wake()

    def _ask(self) -> tuple[int, asyncio.Future[Any]]:
        self._hub.check()
        self._raise_if_closed()
        return self._tickets.new()

    async def _answer(self, ticket: int, answered: asyncio.Future[Any]) -> Any:
        return await self._tickets.answer(ticket, answered)

    def _closed_error(self) -> SessionClosed:
        """How the session ended; why its connection did is the cause."""
        error = SessionClosed(*(self._closed or (0, "NO_ERROR", "close() was called", False)))
        error.__cause__ = self._error
        return error

    def _raise_if_closed(self) -> None:
        if self._closed is not None or self._closing:
            raise self._closed_error()

    def _raise_if_lost(self, handle: ReaderHandle) -> None:
        # close() of one's own lets what has arrived be read; the loop of the reader then ends with the session.
        if self._closed is not None and handle.end() is not None:
            raise self._closed_error()

    def _answering_sessions(self) -> Iterable[SessionCore]:
        return (self,)

    def _answer_in_task(self, track: Any, request: int, answering: Coroutine[Any, Any, None]) -> None:
        task = self._hub.loop.create_task(answering)
        self._answering[track, request] = task
        task.add_done_callback(lambda _: self._answering.pop((track, request), None))

    def _stop_answering(self, track: Any, request: int) -> None:
        if (task := self._answering.get((track, request))) is not None:
            task.cancel()

    def _wake(self) -> None:
        """The session is over or closing: whoever waits for something of it looks."""
        raise NotImplementedError

    def _on_notice(self, kind: int, ticket: int, value: Any) -> None:
        raise NotImplementedError
