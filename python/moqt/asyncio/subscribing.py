"""Tracks that this endpoint receives."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from moqt.asyncio._batches import Batches
from moqt.asyncio._session_core import SessionCore
from moqt.asyncio.exceptions import SessionStateError
from moqt.exceptions import MoqtError
from msquic._native.moqt import (
    FilterType,
    GroupOrder,
    Location,
    Object,
    PublishDoneCode,
    ReaderHandle,
    SubscriptionFilter,
    TrackNamespace,
)

if TYPE_CHECKING:
    from moqt.asyncio.fetching import Fetch

_BATCH = 64
_REJECTED, _DONE, _MALFORMED, _CANCELLED, _SESSION_CLOSED = range(5)


class Done(NamedTuple):
    """How a track ended: PUBLISH_DONE (sections 9.15, 13.3.3)."""

    status_code: int
    """A :class:`moqt.PublishDoneCode` where it has a name."""
    stream_count: int
    """Streams that the publisher opened for the subscription."""
    reason: str
    """For people; may be empty."""


def subscription_options(
    filter: FilterType | SubscriptionFilter | None,
    start: Location | tuple[int, int] | None,
    end_group: int | None,
    priority: int,
    group_order: GroupOrder | None,
    forward: bool,
    group_ends: bool,
) -> dict[str, Any]:
    """The arguments of subscribe() as the native module takes them."""
    chosen: SubscriptionFilter | None
    if filter is None or isinstance(filter, SubscriptionFilter):
        chosen = filter
    elif filter in (FilterType.ABSOLUTE_START, FilterType.ABSOLUTE_RANGE):
        if start is None:
            raise ValueError("an absolute filter needs start, a Location")
        place = start if isinstance(start, Location) else Location(*start)
        if filter == FilterType.ABSOLUTE_START:
            chosen = SubscriptionFilter.absolute_start(place)
        elif end_group is None or end_group < place.group:
            raise ValueError("ABSOLUTE_RANGE needs end_group, at least the group of start")
        else:
            chosen = SubscriptionFilter.absolute_range(place, end_group)
    elif start is not None or end_group is not None:
        raise ValueError("start and end_group go with an absolute filter only")
    else:
        chosen = SubscriptionFilter(filter)
    return {
        "filter": chosen,
        "priority": priority,
        "group_order": group_order,
        "forward": forward,
        "group_ends": group_ends,
    }


def check_join(
    filter: FilterType | SubscriptionFilter | None, join: int | None, join_absolute: int | None
) -> tuple[bool, int] | None:
    """Whether a joining FETCH counts groups backwards, and how many, or from which group on; None without one."""
    if join is None and join_absolute is None:
        return None
    if join is not None and join_absolute is not None:
        raise ValueError("join and join_absolute exclude each other")
    kind = filter.type if isinstance(filter, SubscriptionFilter) else filter
    if kind != FilterType.LARGEST_OBJECT:
        raise ValueError("join needs the filter LARGEST_OBJECT (section 9.16.2)")
    number = join if join is not None else join_absolute
    assert number is not None
    if not 0 <= number < 1 << 62:
        raise ValueError("join and join_absolute must be from 0 to 2**62 - 1")
    return join is not None, number


class Subscription:
    """A track that is received: ``async for obj in subscription``.

    Objects of one group come in order; groups that overlap in time may be mixed. What is not read waits, at most
    `reader_queue_limit` bytes (64 MiB unless told otherwise to connect() or serve(), about 200 bytes of bookkeeping for
    each object included); beyond that the oldest are dropped, but never the newest one, and :attr:`objects_dropped`
    counts them. A reader takes up to 64 objects or a mebibyte at a time, which are its own then. One task at a time may
    read.

    An object larger than `max_object_size` is skipped, and :attr:`objects_too_large` counts it.

    One that was begun with `join` yields the past objects first, in order, then those that came since: no gap between
    them, nothing twice.
    """

    def __init__(self, session: SessionCore, namespace: TrackNamespace, name: bytes) -> None:
        self._session = session
        self._target = session._hub.add(self)
        self._handle: ReaderHandle
        self._objects: deque[Object] = deque()
        self._readable = asyncio.Event()
        self._unsubscribed = False
        self._past: Fetch | None = None
        self.namespace = namespace
        """The track's namespace."""
        self.name = name
        """The track's name."""
        self.largest: Location | None = None
        """LARGEST_OBJECT when the subscription began; None when there was no object."""
        self.track_alias = 0
        """The publisher's Track Alias (section 10.1)."""
        self.done: Done | None = None
        """How the track ended; None before its last object was read."""

    @property
    def objects_dropped(self) -> int:
        """Objects that were dropped so far because they were not read in time, or because more of them were arriving
        at a time than there is room for."""
        return self._handle.dropped

    @property
    def objects_too_large(self) -> int:
        """Objects that were skipped so far because they were larger than `max_object_size`."""
        return self._handle.too_large

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Object:
        """The next object; ends after PUBLISH_DONE or :meth:`unsubscribe`, when everything has been read.

        Cancelling it loses no object. Raises :class:`SessionClosed`, :class:`SessionStateError` when the
        publisher broke the rules of section 2.4.2 with this track, and :class:`FetchInterrupted` when it broke off the
        past objects of a `join`; reading on gives those that came since the beginning.
        """
        await self._fill(_BATCH)
        return self._objects.popleft()

    def batches(self, max: int = _BATCH) -> Batches:
        """The same objects as lists: ``async for batch in subscription.batches()``.

        A batch has what is there, from 1 to `max` objects and, but for one, a mebibyte of payload. A payload is
        copied once, out of the library's memory, whichever way it is read; batches save the turn of the loop for each.
        """
        return Batches(self, max)

    async def _fill(self, limit: int) -> None:
        """Waits for objects; ends the iteration when there are no more."""
        while not self._objects:
            if self._unsubscribed:
                raise StopAsyncIteration
            self._session._hub.check()
            if self._past is not None:
                try:
                    await self._past._fill(limit)
                except StopAsyncIteration:
                    self._past = None
                except MoqtError:
                    self._past = None
                    raise
                else:
                    self._objects, self._past._objects = self._past._objects, self._objects
                continue
            self._readable.clear()
            self._objects.extend(self._handle.take(limit))
            if self._objects:
                break
            if (end := self._handle.end()) is not None:
                if end[0] == _SESSION_CLOSED and self._session._closed is None:
                    # The session hears of its end behind its subscriptions, which nothing wakes once more.
                    await self._session._over.wait()
                    continue
                self._finish(*end)
            self._session._raise_if_lost(self._handle)
            await self._readable.wait()

    def _finish(self, cause: int, code: int, reason: str, streams: int, missing: int) -> None:
        if cause == _SESSION_CLOSED:
            self._session._raise_if_lost(self._handle)
            return
        if cause == _MALFORMED:
            raise SessionStateError(f"the publisher sent a malformed track and was unsubscribed from: {reason}")
        if cause == _DONE and self.done is None:
            self.done = Done(_named(code), streams, reason)
        raise StopAsyncIteration

    async def update(self, *, forward: bool | None = None, priority: int | None = None) -> None:
        """SUBSCRIBE_UPDATE (section 9.11): begin or stop to receive objects, or change the priority (0 most urgent).

        What is None stays. When it is cancelled the update may or may not take effect. Raises
        :class:`RequestRefused`, :class:`SessionClosed`, and :class:`SessionStateError` when the track has ended.
        """
        session = self._session
        session._hub.check()
        session._raise_if_closed()
        ticket, answered = session._tickets.new()
        self._handle.update(ticket, forward, priority)
        await session._answer(ticket, answered)

    async def unsubscribe(self) -> None:
        """UNSUBSCRIBE (section 9.12). The iteration ends, objects that were not read are dropped. Nothing to cancel."""
        self._session._hub.check()
        if not self._unsubscribed:
            self._unsubscribed = True
            self._objects.clear()
            if self._past is not None:
                self._past._cancel()
            self._handle.unsubscribe()
            self._readable.set()

    def _on_notice(self, kind: int, ticket: int, value: Any) -> None:
        self._readable.set()

    def __repr__(self) -> str:
        return f"<Subscription {self.namespace}--{self.name!r}>"


def _named(code: int) -> int:
    try:
        return PublishDoneCode(code)
    except ValueError:
        return code
