"""What the peer announces and offers."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, NamedTuple, Unpack

from moqt.asyncio._arguments import checked_end
from moqt.asyncio._session_core import SessionCore
from moqt.asyncio.exceptions import SessionStateError
from moqt.asyncio.moving import Movable
from moqt.asyncio.subscribing import Subscription
from moqt.asyncio.subscription_options import (
    Filter,
    SubscriptionOptions,
    check_new_group,
    native_subscription_options,
)
from moqt.asyncio.track_options import TrackProperties
from msquic._native.moqt import AuthorizationToken, Location, RequestErrorCode, TrackNamespace


class Offer:
    """A track that the peer offers with PUBLISH (section 9.13): accept or refuse it."""

    def __init__(
        self,
        session: SessionCore,
        request: int,
        namespace: TrackNamespace,
        name: bytes,
        largest: Location | None,
        properties: tuple[Any, ...],
    ) -> None:
        self._session, self._request = session, request
        self._answered = False
        self.namespace = namespace
        """The track's namespace."""
        self.name = name
        """The track's name."""
        self.largest = largest
        """LARGEST_OBJECT of the offer; None when there is no object yet."""
        self.properties = TrackProperties(*properties)
        """What the publisher says of the track."""

    async def accept(self, *, filter: Filter | None = None, **options: Unpack[SubscriptionOptions]) -> Subscription:
        """PUBLISH_OK. The arguments are those of :meth:`Session.subscribe`; no filter takes all objects.

        Cancelled, the offer is accepted and unsubscribed from again. Raises :class:`SessionClosed`, and
        :class:`SessionStateError` when the offer was answered or withdrawn, or asks for a new group of a publisher
        without dynamic groups.
        """
        native = native_subscription_options(filter, options)
        check_new_group(options.get("new_group", False), self.properties)
        session = self._session
        session._hub.check()
        session._raise_if_closed()
        self._raise_if_answered()
        subscription = Subscription(session, self.namespace, self.name)
        ticket, answered = session._tickets.new()
        subscription._handle = session._handle.accept_offer(self._request, ticket, subscription._target, native)
        self._taken()
        subscription._on_answer(await session._answer(ticket, answered))
        subscription.largest = self.largest
        return subscription

    async def refuse(self, code: RequestErrorCode | int = RequestErrorCode.UNINTERESTED, reason: str = "") -> None:
        """REQUEST_ERROR. A second answer does nothing. Nothing to cancel."""
        self._session._hub.check()
        self._refuse(*checked_end(int(code), reason))

    def _raise_if_answered(self) -> None:
        if self._answered:
            raise SessionStateError("the offer has been answered or was withdrawn")

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
    """The track, when it was announced with PUBLISH; None for a namespace.

    From draft 18 on also a track that the peer did not offer for want of streams (PUBLISH_BLOCKED, PUBLISH_SKIPPED):
    :meth:`Session.subscribe` takes it. No offer of it and no end follow.
    """


class _Queue:
    """What an ``async for`` reads while events come in; ends with the session."""

    def __init__(self) -> None:
        self.items: deque[Any] = deque()
        self.changed = asyncio.Event()
        self.ended = False

    def put(self, item: Any) -> None:
        self.items.append(item)
        self.changed.set()

    async def get(self, session: SessionCore) -> Any:
        session._hub.check()
        while not self.items:
            if self.ended:
                raise StopAsyncIteration
            session._raise_if_closed()
            self.changed.clear()
            await self.changed.wait()
        return self.items.popleft()


class Announcements(Movable):
    """``async with session.subscribe_namespace(prefix) as announcements: async for a in announcements``.

    First come the namespaces that are known already, then changes as they happen. Entering asks the peer
    (SUBSCRIBE_NAMESPACE, section 9.23), leaving takes the question back.
    """

    def __init__(self, session: SessionCore, prefix: TrackNamespace, tokens: list[AuthorizationToken]) -> None:
        super().__init__(session)
        self._session, self._queue, self._ticket, self._tokens = session, _Queue(), 0, tokens
        self.prefix = prefix
        """The prefix that was asked for."""

    async def __aenter__(self) -> Announcements:
        session = self._session
        session._hub.check()
        session._raise_if_closed()
        ticket, answered = session._tickets.new()
        session._handle.subscribe_namespace(ticket, self.prefix, self._tokens)
        self._ticket = ticket
        self._queue.ended = False
        for namespace in session._namespaces:
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

    def __init__(self, session: SessionCore) -> None:
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
