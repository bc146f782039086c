"""Tracks that this endpoint receives."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from moqt.asyncio._batches import Batches
from moqt.asyncio._hub import Notice
from moqt.asyncio._session_core import SessionCore
from moqt.asyncio.authorization import TokenLike, tokens_of
from moqt.asyncio.exceptions import SessionStateError
from moqt.asyncio.fetch_options import LAST_GROUP, place_behind
from moqt.asyncio.fetching import LeftOut
from moqt.asyncio.moving import Movable
from moqt.asyncio.resume import Gap
from moqt.asyncio.statistics import SubscriptionStatistics
from moqt.asyncio.subscription_options import (
    Filter,
    RangeFilters,
    Start,
    check_draft,
    check_new_group,
    chosen_filter,
    native_range_filters,
)
from moqt.asyncio.track_options import TrackProperties, milliseconds
from moqt.exceptions import MoqtError
from msquic._native.moqt import Location, Object, PublishDoneCode, ReaderHandle, SubscriptionFilter, TrackNamespace

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


class Change(NamedTuple):
    """What a publisher tells of a subscription that has changed without an update (PUBLISH_STATE_NOTIFY, draft-22
    section 9.10)."""

    largest: Location | None
    """The largest object of the track then; None when there was none."""
    paused: bool | None
    """Whether the publisher sends no objects from then on; None when that has not changed."""
    filter: SubscriptionFilter | None
    """The Location Filter that counts from then on; None when that has not changed."""


_CHANGES = 64
"""Changes that wait for whoever wants to know them."""


class Subscription(Movable):
    """A track that is received: ``async for obj in subscription``.

    Objects of one group come in order; groups that overlap in time may be mixed. What is not read waits, at most
    `reader_queue_limit` bytes (64 MiB unless told otherwise to connect() or serve(), about 200 bytes of bookkeeping for
    each object included); beyond that the oldest are dropped, but never the newest one, and :attr:`objects_dropped`
    counts them. A reader takes up to 64 objects or a mebibyte at a time, which are its own then. One task at a time may
    read.

    An object larger than `max_object_size` is skipped, and :attr:`objects_too_large` counts it.

    One that was begun with `join` yields the past objects first, in order, then those that came since: no gap between
    them, nothing twice. What the publisher has not kept of them is told by :attr:`gaps` (from draft 16 on; in draft 15
    the join is refused, and so is one of which nothing is kept).
    """

    def __init__(self, session: SessionCore, namespace: TrackNamespace, name: bytes) -> None:
        super().__init__(session)
        self._session = session
        self._target = session._hub.add(self)
        self._handle: ReaderHandle
        self._changes: deque[Change] = deque(maxlen=_CHANGES)
        self._objects: deque[Object] = deque()
        self._readable = asyncio.Event()
        self._unsubscribed = False
        self._past: Fetch | None = None
        self._joins: tuple[bool, int] | None = None
        self._gaps: list[Gap] = []
        self._gap_count = 0
        self.namespace = namespace
        """The track's namespace."""
        self.name = name
        """The track's name."""
        self.largest: Location | None = None
        """LARGEST_OBJECT when the subscription began; None when there was no object."""
        self.track_alias = 0
        """The publisher's Track Alias (section 10.1)."""
        self.properties = TrackProperties()
        """What the publisher says of the track."""
        self.done: Done | None = None
        """How the track ended; None before its last object was read."""

    @property
    def expires_in(self) -> float | None:
        """Seconds until the publisher ends the subscription, unless :meth:`update` renews it (EXPIRES, section
        9.2.1.8); None without an end, and before the first answer."""
        return self._handle.expires_in

    @property
    def objects_dropped(self) -> int:
        """Objects that were dropped so far because they were not read in time, or because more of them were arriving
        at a time than there is room for."""
        return self._handle.dropped

    @property
    def objects_too_large(self) -> int:
        """Objects that were skipped so far because they were larger than `max_object_size`."""
        return self._handle.too_large

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be had of the past objects of a `join`, or when it came back on another session
        (:class:`Resume`): the latest thousand parts of the track, in the order of reading. A part is here before what
        comes behind it is read. ``statistics().gaps`` counts all."""
        return tuple(self._gaps)

    def _tell(self, gap: Gap) -> None:
        self._gap_count += 1
        self._gaps.append(gap)
        del self._gaps[:-1000]

    def _leave_out(self, part: LeftOut) -> None:
        """The publisher has left out a part of what a join asks for."""
        assert self._joins is not None
        assert self.largest is not None
        start = part.start or joined_from(self.largest, *self._joins)
        behind = Location(self.largest.group, self.largest.object + 1)  # there the subscription goes on
        end = min(part.end, behind, key=place_behind)
        if start < place_behind(end):
            self._tell(Gap(start, end, part.reason))

    def statistics(self) -> SubscriptionStatistics:
        """What has come, what waits to be read, and what was lost on this side."""
        return SubscriptionStatistics(**self._handle.statistics(), gaps=self._gap_count)

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
                    told, self._past = self._past._whole, None
                    if not told:
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

    def _on_answer(self, answer: tuple[Location | None, int, tuple[Any, ...]]) -> None:
        """SUBSCRIBE_OK has come, or PUBLISH was accepted."""
        self.largest, self.track_alias, properties = answer
        self.properties = TrackProperties(*properties)

    async def update(
        self,
        *,
        filter: Filter | None = None,
        start: Start | None = None,
        end_group: int | None = None,
        forward: bool | None = None,
        priority: int | None = None,
        delivery_timeout: float | None = None,
        subgroup_delivery_timeout: float | None = None,
        new_group: bool = False,
        range_filters: RangeFilters | None = None,
        authorization_tokens: Iterable[TokenLike] = (),
    ) -> Location | None:
        """SUBSCRIBE_UPDATE (section 9.11). What is left out stays as it is. Any update, also one that changes nothing,
        makes the time of :attr:`expires_in` begin anew.

        Args:
            filter, start, end_group: which objects are wanted from now on, as for :meth:`Session.subscribe`. The start
                does not go back; what is missing then is fetched.
            forward: begin or stop to receive objects.
            priority: 0 (most urgent) to 255.
            delivery_timeout: seconds that an object is worth sending; it can be changed, not taken back.
            subgroup_delivery_timeout: seconds that a subgroup may take to arrive whole, from draft 18 on; it can be
                changed, not taken back.
            new_group: ask for a new group (section 9.2.1.12); see :meth:`request_group`.
            range_filters: as of :meth:`Session.subscribe` (draft-22 section 3.3.2); those of a type replace all there
                were of it, and ``RangeFilter(removed=True)`` takes them back.
            authorization_tokens: newer tokens, each a :data:`TokenLike`.

        Gives the largest Location of the track, as the publisher saw it then; None when it told none. A wider
        `end_group` leaves a gap up to there, which can be fetched. Cancelled, the update may or may not take effect.
        Raises :class:`RequestRefused`, after which the subscription ends with UPDATE_FAILED, :class:`SessionClosed`,
        and :class:`SessionStateError` when the track has ended, has no dynamic groups and `new_group` is asked for, or
        the start would go back.
        """
        session = self._session
        session._hub.check()
        session._raise_if_closed()
        check_new_group(new_group, self.properties)
        options = {
            "filter": chosen_filter(filter, start, end_group),
            "forward": forward,
            "priority": priority,
            "delivery_timeout_ms": milliseconds(delivery_timeout, "delivery_timeout", least=1),
            "subgroup_delivery_timeout_ms": milliseconds(
                subgroup_delivery_timeout, "subgroup_delivery_timeout", least=1
            ),
            "new_group": new_group,
            "range_filters": native_range_filters(range_filters or ()),
            "tokens": tokens_of(authorization_tokens),
        }
        check_draft(session.draft, options)
        ticket, answered = session._tickets.new()
        self._handle.update(ticket, options)
        largest: Location | None = (await session._answer(ticket, answered))[0]
        return largest

    async def wait_change(self) -> Change:
        """Waits until the publisher tells of a change, and gives those that it has told, oldest first, at most the
        latest 64 of those that were not asked for. In drafts before 22 there are none. Nothing has to be done about
        one. One task at a time may wait; cancelling it loses none. Raises :class:`SessionClosed`, and
        :class:`SessionStateError` when the subscription is over.
        """
        await self._wait_news(lambda: bool(self._changes))
        return self._changes.popleft()

    async def move(self, uri: str = "") -> None:
        """GOAWAY on the stream of the PUBLISH that the subscription came of (draft-18 section 10.4, draft-22 section
        9.2): asks the publisher to offer the track at `uri` instead, anew in this session without one, and to end this
        offer. Only a server may name a URI. After 30 seconds the subscription is reset.

        Cancelled, the publisher may have been asked. Raises :class:`SessionClosed`, and :class:`SessionStateError` for
        a subscription of this endpoint's own, in drafts before 18, and when the publisher has been asked.
        """
        session = self._session
        ticket, answered = session._ask()
        self._handle.move(ticket, uri)
        await session._answer(ticket, answered)

    def _raise_if_over(self) -> None:
        self._session._raise_if_closed()
        if self._unsubscribed or self._handle.end() is not None:
            raise SessionStateError("the subscription is over")

    async def request_group(self) -> None:
        """Asks the publisher to end its group and begin a new one, as soon as it can (NEW_GROUP_REQUEST, section
        9.2.1.12): a decoder that has lost something can go on there. Returns when the publisher has heard of it; the
        group comes in its own time. Cancelled, the request may have been sent. Raises as :meth:`update` does.
        """
        await self.update(new_group=True)

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
            self._news.set()

    def _on_notice(self, kind: int, ticket: int, value: Any) -> None:
        if kind == Notice.CHANGED:
            self._changes.append(Change(*value))
            self._news.set()
        elif kind == Notice.GOING:
            self._asked_to_move(value)
        else:
            self._readable.set()
            self._news.set()

    def __repr__(self) -> str:
        return f"<Subscription {self.namespace}--{self.name!r}>"


def _named(code: int) -> int:
    try:
        return PublishDoneCode(code)
    except ValueError:
        return code


def joined_from(largest: Location, relative: bool, groups: int) -> Location:
    """Where the past objects of a join begin (section 9.16.2)."""
    return Location(max(0, largest.group - groups) if relative else min(groups, LAST_GROUP), 0)
