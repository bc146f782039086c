"""Past objects: FETCH, asked and answered."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from moqt.asyncio._arguments import LARGEST_CODE
from moqt.asyncio._batches import Batches
from moqt.asyncio._hub import Notice
from moqt.asyncio._session_core import SessionCore
from moqt.asyncio.exceptions import (
    FetchInterrupted,
    FetchRefused,
    ObjectRefused,
    RequestRefused,
    SessionStateError,
)
from moqt.asyncio.moving import Movable
from msquic._native.moqt import (
    AuthorizationToken,
    FetchHandle,
    GroupOrder,
    Location,
    Object,
    ObjectExtensions,
    ObjectStatus,
    RequestErrorCode,
    ResponseHandle,
    StreamResetCode,
    TrackNamespace,
    TrackProgress,
)

if TYPE_CHECKING:
    from moqt.asyncio.publishing import ExtensionsLike

_BATCH = 64
_FINISHED, _REJECTED, _RESET, _MALFORMED, _CANCELLED, _SESSION_CLOSED, _GAPS = range(7)

LAST_GROUP = (1 << 62) - 1
"""The largest Group ID."""


def fetch_options(
    priority: int,
    group_order: GroupOrder | None,
    tokens: list[AuthorizationToken],
    progress: TrackProgress | None = None,
    *,
    fill_timeout_ms: int | None = None,
) -> dict[str, Any]:
    """The arguments of fetch() as the native module takes them."""
    return {
        "priority": priority,
        "group_order": group_order,
        "fill_timeout_ms": fill_timeout_ms,
        "tokens": tokens,
        "progress": progress,
    }


def _name_of(codes: type[StreamResetCode] | type[RequestErrorCode], code: int) -> str:
    try:
        return codes(code).name
    except ValueError:
        return "UNKNOWN"


def location_of(value: Location | tuple[int, int]) -> Location:
    return value if isinstance(value, Location) else Location(*value)


def fetch_range(start: Location | tuple[int, int], end: Location | tuple[int, int] | None) -> tuple[Location, Location]:
    """A range as FETCH says it. Raises ValueError for one that ends before it starts."""
    first = location_of(start)
    last = Location(LAST_GROUP, 0) if end is None else location_of(end)
    if (last.group, last.object or LAST_GROUP + 1) <= (first.group, first.object):
        raise ValueError("the range ends before it starts: end lies one past the last object")
    return first, last


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


def place_behind(end: Location) -> Location:
    """The first place behind a range that ends so."""
    if end.object > 0:
        return end
    return Location(min(end.group + 1, LAST_GROUP), 0)


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
                    before, end, timed_out = part
                    self._left_out(LeftOut(None if before is None else place_behind(before), end, timed_out))
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


@dataclass(frozen=True)
class PastObject:
    """An object that answers a FETCH: what an `on_fetch` callback yields. A received :class:`Object` serves as well."""

    group_id: int
    """Group ID."""
    object_id: int
    """Object ID within the group."""
    payload: bytes | bytearray | memoryview = b""
    """The payload; empty for a status other than NORMAL."""
    subgroup_id: int = 0
    """Subgroup ID."""
    publisher_priority: int = 128
    """0 (most urgent) to 255."""
    extensions: ExtensionsLike = None
    """Extension headers; see :class:`moqt.ObjectExtensions`."""
    status: ObjectStatus = ObjectStatus.NORMAL
    """In place of a payload."""


@dataclass(frozen=True)
class PastGap:
    """A part of the range of a FETCH of which nobody knows what is there: what an `on_fetch` callback yields between
    objects (draft-22 section 3.2.2). It begins behind the object or gap before; what is not in a gap and does not come
    does not exist. The fetch of a subscriber ends with UNKNOWN_OBJECT_STATUS then, after all that comes.

    In draft 15, which has no words for it, a FETCH with a gap is refused with UNKNOWN_STATUS_IN_RANGE.
    """

    group_id: int
    """The group that the part ends in."""
    object_id: int | None = None
    """The last place of it there; None for all of the group."""
    timed_out: bool = False
    """Whether it was not to be had in time (FILL_TIMEOUT); drafts before 22 say that it is unknown."""


Past: TypeAlias = "PastObject | Object | PastGap"
"""What answers a FETCH."""


class FetchRequest:
    """A FETCH of a subscriber that the application answers; an `on_fetch` callback gets it."""

    def __init__(
        self,
        namespace: TrackNamespace,
        name: bytes,
        start: Location,
        end: Location,
        group_order: GroupOrder,
        priority: int,
    ) -> None:
        self.namespace = namespace
        """The track's namespace."""
        self.name = name
        """The track's name."""
        self.start = start
        """The first place that is wanted."""
        self.end = end
        """One past the last one; with Object ID 0 all of the group."""
        self.group_order = group_order
        """Which groups are to come first."""
        self.priority = priority
        """0 (most urgent) to 255, as the subscriber says."""

    def covers(self, group_id: int, object_id: int) -> bool:
        """Whether the object at this place is wanted."""
        last = (self.end.group, self.end.object - 1 if self.end.object else LAST_GROUP)
        return (self.start.group, self.start.object) <= (group_id, object_id) <= last

    def __repr__(self) -> str:
        return f"<FetchRequest {self.namespace}--{self.name!r} {self.start} to {self.end}>"


FetchAnswer: TypeAlias = "AsyncIterator[Past] | Awaitable[Iterable[Past] | None]"
FetchHandler: TypeAlias = Callable[[FetchRequest], FetchAnswer]
"""Answers a FETCH: an async generator function that yields the objects, or a coroutine function that returns them."""

_UNSENT = 64 * 1024


async def answer_fetch(
    session: SessionCore, handle: ResponseHandle, handler: FetchHandler, request: FetchRequest
) -> None:
    """Runs the application's callback and sends what it gives, as fast as the subscriber takes it."""
    try:
        answer = handler(request)
        sending = _Sending(session, handle)
        if inspect.isawaitable(answer):
            for past in await answer or ():
                await sending.send(past)
        else:
            try:
                async for past in answer:
                    await sending.send(past)
            finally:
                if isinstance(answer, AsyncGenerator):
                    await answer.aclose()
        await sending.finish()
    except RequestRefused as refused:
        # One that came from a peer may have what cannot be said here.
        code = refused.code if 0 <= refused.code <= LARGEST_CODE else int(RequestErrorCode.INTERNAL_ERROR)
        handle.refuse(code, refused.reason.encode(errors="replace").decode())
    except Exception as error:
        if session._closed is not None:
            return
        handle.refuse(int(RequestErrorCode.INTERNAL_ERROR), "the application failed")
        session._hub.loop.call_exception_handler(
            {"message": "exception in on_fetch; the fetch was refused or broken off", "exception": error}
        )


class _Sending:
    def __init__(self, session: SessionCore, handle: ResponseHandle) -> None:
        self._session, self._handle = session, handle
        self._unsent = 0

    async def finish(self) -> None:
        """Ends the answer. Raises :class:`ObjectRefused` for an object of it that was not taken."""
        await self._drain()
        self._raise_if_refused()
        self._handle.finish()

    async def send(self, past: Past) -> None:
        self._raise_if_refused()
        if isinstance(past, PastGap):
            self._handle.write_gap(past.group_id, 0 if past.object_id is None else past.object_id + 1, past.timed_out)
            return
        extensions: ExtensionsLike | ObjectExtensions = past.extensions
        self._handle.write(
            past.group_id,
            past.object_id,
            past.subgroup_id,
            past.publisher_priority,
            past.payload,
            extensions,
            past.status,
        )
        self._unsent += len(past.payload) + 64
        if self._unsent >= _UNSENT:
            self._unsent = 0
            await self._drain()

    async def _drain(self) -> None:
        ticket, drained = self._session._tickets.new()
        self._handle.drain(ticket)
        await self._session._answer(ticket, drained)

    def _raise_if_refused(self) -> None:
        if (refusal := self._handle.take_refusal()) is not None:
            raise ObjectRefused(*refusal)
