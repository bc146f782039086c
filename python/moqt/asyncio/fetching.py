"""Past objects: FETCH, asked."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moqt.asyncio._batches import Batches
from moqt.asyncio._hub import Notice
from moqt.asyncio._session_core import SessionCore
from moqt.asyncio.exceptions import FetchInterrupted, FetchRefused, RequestRefused, SessionStateError
from moqt.asyncio.fetch_options import place_behind
from moqt.asyncio.moving import Movable
from msquic._native.moqt import (
    FetchHandle,
    Location,
    Object,
    RequestErrorCode,
    StreamResetCode,
    TrackNamespace,
)

_BATCH = 64
_FINISHED, _REJECTED, _RESET, _MALFORMED, _CANCELLED, _SESSION_CLOSED, _GAPS = range(7)


def _name_of(codes: type[StreamResetCode] | type[RequestErrorCode], code: int) -> str:
    try:
        return codes(code).name
    except ValueError:
        return "UNKNOWN"


@dataclass(frozen=True)
class LeftOut:
    """A part of the range of a FETCH that its publisher has left out (draft-22 section 3.2.2)."""

    start: Location | None
    """Behind the object or part before it; None: it begins where the answer does."""
    end: Location
    """One past the last place, as FETCH says it: with Object ID 0 all of the group is left out."""
    timed_out: bool
    """There was no time to find out what is there; otherwise nobody knows."""

    @property
    def reason(self) -> str:
        """For people."""
        if self.timed_out:
            return "the publisher had no time to find out what was there"
        return "the publisher does not know what was there"


class Fetch(Movable):
    """Past objects of a track: ``async with session.fetch(…) as fetch: async for obj in fetch``.

    Entering it, or reading from it, sends FETCH (section 9.16); leaving it before the end cancels that. Objects come
    group by group in the order that was asked for, and within a group by Object ID; what does not come of the range
    does not exist. Where the publisher has left something out that it does not keep (from draft 16 on), reading ends
    with :class:`FetchInterrupted` and UNKNOWN_OBJECT_STATUS, after all that comes. Nothing is dropped for a slow
    reader: while more than `fetch_queue_limit` bytes (4 MiB) wait, the publisher is made to wait as well. One task at a
    time may read.
    """

    def __init__(
        self, session: SessionCore, namespace: TrackNamespace, name: bytes, ask: Callable[[int, int], FetchHandle]
    ) -> None:
        super().__init__(session)
        self._session = session
        self._target = session._hub.add(self)
        self._ask = ask
        self._handle: FetchHandle | None = None
        self._begun: asyncio.Future[Any] | None = None
        self._ticket = 0
        self._objects: deque[Object] = deque()
        self._readable = asyncio.Event()
        self._cancelled = False
        self._over = False
        self._left_out: Callable[[LeftOut], None] | None = None
        """Told of each part that is left out, before what comes behind it is read. What it raises, reading does."""
        self._whole = False
        """All has come but what was left out."""
        self.namespace = namespace
        """The track's namespace."""
        self.name = name
        """The track's name."""

    @property
    def end(self) -> Location | None:
        """Where the answer ends, as FETCH_OK has it: one past the last place, with Object ID 0 all of the group. Less
        than what was asked for when the track does not go so far yet. None before FETCH_OK; objects may come first."""
        accepted = None if self._handle is None else self._handle.accepted
        return None if accepted is None else accepted[0]

    @property
    def end_of_track(self) -> bool:
        """Whether FETCH_OK said that the track ends there."""
        accepted = None if self._handle is None else self._handle.accepted
        return accepted is not None and accepted[1]

    @property
    def objects_too_large(self) -> int:
        """Objects that were skipped so far because they were larger than `max_object_size`."""
        return 0 if self._handle is None else self._handle.too_large

    async def __aenter__(self) -> Fetch:
        await self._begin()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._cancel()

    def __aiter__(self) -> Fetch:
        return self

    async def __anext__(self) -> Object:
        """The next object; ends when everything has been read, or after :meth:`cancel`.

        Cancelling it loses no object. Raises :class:`FetchRefused` when it is what sends FETCH,
        :class:`FetchInterrupted` when the publisher breaks the answer off, and :class:`SessionClosed`.
        """
        await self._fill(_BATCH)
        return self._objects.popleft()

    def batches(self, max: int = _BATCH) -> Batches:
        """The same objects as lists: ``async for batch in fetch.batches()``, each with 1 to `max` objects."""
        return Batches(self, max)

    async def cancel(self) -> None:
        """FETCH_CANCEL (section 9.18). The iteration ends, unread objects are dropped. There is nothing to cancel."""
        self._session._hub.check()
        self._cancel()

    def __repr__(self) -> str:
        return f"<Fetch {self.namespace}--{self.name!r}>"

    # ---- for the rest of the package ----

    def _send(self) -> None:
        session = self._session
        session._hub.check()
        session._raise_if_closed()
        if self._handle is None:
            self._ticket, self._begun = session._tickets.new()
            self._handle = self._ask(self._ticket, self._target)

    async def _begin(self) -> None:
        """Waits for FETCH_OK, or for an object that comes before it."""
        if self._cancelled:
            raise SessionStateError("the fetch was cancelled")
        self._send()
        if self._begun is None:
            return
        try:
            await self._session._answer(self._ticket, self._begun)
        except RequestRefused as refused:
            self._over = True
            raise FetchRefused(
                refused.code, refused.name, refused.reason, refused.retry_after, refused.redirect
            ) from None
        except BaseException:
            self._cancel()
            raise
        finally:
            self._begun = None

    async def _fill(self, limit: int) -> None:
        """Waits for objects; ends the iteration when there are no more."""
        while not self._objects:
            if self._cancelled or self._over:
                raise StopAsyncIteration
            if self._handle is None or self._begun is not None:
                await self._begin()
            assert self._handle is not None
            self._session._hub.check()
            self._readable.clear()
            self._objects.extend(self._handle.take(limit))
            if self._objects:
                return
            if (part := self._handle.take_gap()) is not None:
                if self._left_out is not None:
                    before, until, timed_out = part
                    self._left_out(LeftOut(None if before is None else place_behind(before), until, timed_out))
                continue
            if (end := self._handle.end()) is not None:
                if end[0] == _SESSION_CLOSED:
                    await self._session._over.wait()
                    raise self._session._closed_error()
                self._over = True
                self._whole = end[0] == _GAPS
                if end[0] in (_RESET, _GAPS):
                    raise FetchInterrupted(end[1], _name_of(StreamResetCode, end[1]), end[2])
                if end[0] == _MALFORMED:
                    raise FetchInterrupted(end[1], "MALFORMED_TRACK", end[2])
                if end[0] == _REJECTED:
                    raise FetchRefused(end[1], _name_of(RequestErrorCode, end[1]), *end[2:])
                continue
            await self._readable.wait()

    def _cancel(self) -> None:
        if not self._cancelled:
            self._cancelled = True
            self._objects.clear()
            if self._handle is not None:
                self._handle.cancel()
            if self._begun is not None:
                self._session._tickets.forget(self._ticket)
                if not self._begun.done():
                    self._begun.set_exception(SessionStateError("the fetch was cancelled"))
                if not self._begun.cancelled():
                    self._begun.exception()  # perhaps nobody waits for it
            self._readable.set()

    def _on_notice(self, kind: int, ticket: int, value: Any) -> None:
        if kind == Notice.GOING:
            self._asked_to_move(value)
        self._readable.set()
