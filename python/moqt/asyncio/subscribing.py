"""Tracks that this endpoint receives, and what the peer announces."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from moqt.asyncio._batches import Batches
from moqt.asyncio.exceptions import SessionStateError
from moqt.exceptions import MoqtError
from msquic._native.moqt import (
    FilterType,
    GroupOrder,
    Location,
    Object,
    PublishDoneCode,
    ReaderHandle,
    RequestErrorCode,
    SubscriptionFilter,
    TrackNamespace,
)

if TYPE_CHECKING:
    from moqt.asyncio.fetching import Fetch
    from moqt.asyncio.session import Session

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

    def __init__(self, session: Session, namespace: TrackNamespace, name: bytes) -> None:
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
            self._session._raise_if_lost(self)
            await self._readable.wait()

    def _finish(self, cause: int, code: int, reason: str, streams: int, missing: int) -> None:
        if cause == _SESSION_CLOSED:
            self._session._raise_if_lost(self)
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


class Offer:
    """A track that the peer offers with PUBLISH (section 9.13): accept or refuse it."""

    def __init__(
        self, session: Session, request: int, namespace: TrackNamespace, name: bytes, largest: Location | None
    ) -> None:
        self._session, self._request = session, request
        self._answered = False
        self.namespace = namespace
        """The track's namespace."""
        self.name = name
        """The track's name."""
        self.largest = largest
        """LARGEST_OBJECT of the offer; None when there is no object yet."""

    async def accept(
        self,
        *,
        filter: FilterType | SubscriptionFilter | None = None,
        start: Location | tuple[int, int] | None = None,
        end_group: int | None = None,
        priority: int = 128,
        group_order: GroupOrder | None = None,
        forward: bool = True,
        group_ends: bool = False,
    ) -> Subscription:
        """PUBLISH_OK. The arguments are those of :meth:`Session.subscribe`; no filter takes all objects.

        Cancelled, the offer is accepted and unsubscribed from again. Raises :class:`SessionClosed`, and
        :class:`SessionStateError` when the offer was answered or withdrawn.
        """
        options = subscription_options(filter, start, end_group, priority, group_order, forward, group_ends)
        session = self._session
        session._hub.check()
        session._raise_if_closed()
        if self._answered:
            raise SessionStateError("the offer has been answered or was withdrawn")
        self._taken()
        subscription = Subscription(session, self.namespace, self.name)
        ticket, answered = session._tickets.new()
        subscription._handle = session._handle.accept_offer(self._request, ticket, subscription._target, options)
        _, subscription.track_alias = await session._answer(ticket, answered)
        subscription.largest = self.largest
        return subscription

    async def refuse(self, code: RequestErrorCode | int = RequestErrorCode.UNINTERESTED, reason: str = "") -> None:
        """REQUEST_ERROR. A second answer does nothing. Nothing to cancel."""
        self._session._hub.check()
        self._refuse(int(code), reason)

    def _taken(self) -> None:
        self._answered = True
        self._session._offers.pop(self._request, None)

    def _refuse(self, code: int, reason: str) -> None:
        if not self._answered:
            self._taken()
            self._session._handle.refuse_offer(self._request, code, reason)

    def __repr__(self) -> str:
        return f"<Offer {self.namespace}--{self.name!r}>"


class Announcement(NamedTuple):
    """Something that appeared or went, under a prefix that was asked for."""

    namespace: TrackNamespace
    """The whole namespace."""
    active: bool
    """False: it was announced before and is no more."""
    track_name: bytes | None = None
    """The track, when it was announced with PUBLISH; None for a namespace."""


class _Queue:
    """What an ``async for`` reads while events come in; ends with the session."""

    def __init__(self) -> None:
        self.items: deque[Any] = deque()
        self.changed = asyncio.Event()
        self.ended = False

    def put(self, item: Any) -> None:
        self.items.append(item)
        self.changed.set()

    async def get(self, session: Session) -> Any:
        session._hub.check()
        while not self.items:
            if self.ended:
                raise StopAsyncIteration
            session._raise_if_closed()
            self.changed.clear()
            await self.changed.wait()
        return self.items.popleft()


class Announcements:
    """``async with session.subscribe_namespace(prefix) as announcements: async for a in announcements``.

    First come the namespaces that are known already, then changes as they happen. Entering asks the peer
    (SUBSCRIBE_NAMESPACE, section 9.23), leaving takes the question back.
    """

    def __init__(self, session: Session, prefix: TrackNamespace) -> None:
        self._session, self._queue, self._ticket = session, _Queue(), 0
        self.prefix = prefix
        """The prefix that was asked for."""

    async def __aenter__(self) -> Announcements:
        session = self._session
        session._hub.check()
        session._raise_if_closed()
        ticket, answered = session._tickets.new()
        session._handle.subscribe_namespace(ticket, self.prefix)
        self._ticket = ticket
        self._queue.ended = False
        for namespace in session.published_namespaces:
            self._tell(Announcement(namespace, True))
        for offer in session._offers.values():
            self._tell(Announcement(offer.namespace, True, offer.name))
        session._announcements.append(self)
        try:
            await session._answer(ticket, answered)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self in self._session._announcements:
            self._session._announcements.remove(self)
            self._session._handle.cancel(self._ticket)
            self._queue.ended = True
            self._queue.changed.set()

    def __aiter__(self) -> Announcements:
        return self

    async def __anext__(self) -> Announcement:
        """The next announcement; cancelling it loses none. Ends when ``async with`` is left, and what came before has
        been read. Raises :class:`SessionClosed`."""
        announcement: Announcement = await self._queue.get(self._session)
        return announcement

    def _tell(self, announcement: Announcement) -> None:
        if self.prefix.is_prefix_of(announcement.namespace):
            self._queue.put(announcement)


class Offers:
    """The tracks that the peer offers with PUBLISH: ``async for offer in session.offers()``."""

    def __init__(self, session: Session) -> None:
        self._session, self._queue = session, _Queue()
        for offer in session._offers.values():
            self._queue.put(offer)

    def __aiter__(self) -> Offers:
        return self

    async def __anext__(self) -> Offer:
        """The next offer; cancelling it loses none. Raises :class:`SessionClosed`."""
        while True:
            offer: Offer = await self._queue.get(self._session)
            if not offer._answered:
                return offer


__all__ = ["Announcement", "Announcements", "Done", "Object", "Offer", "Offers", "Subscription"]
