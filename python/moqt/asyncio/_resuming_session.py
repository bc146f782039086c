"""A session that comes back: one connection after the other, and what was asked of the first is asked of the next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Unpack

from moqt.asyncio._hub import Hub
from moqt.asyncio._joining import join_on, wait_joined
from moqt.asyncio._redirects import following
from moqt.asyncio._resuming_fetch import ResumingFetch
from moqt.asyncio._resuming_requests import ResumingAnnouncements, ResumingOffer, ResumingPublication
from moqt.asyncio._resuming_subscription import ResumingSubscription
from moqt.asyncio._returning_session import Dial, Life, ReturningSession
from moqt.asyncio._session_notices import OFFER_SECONDS
from moqt.asyncio.announcing import NamespacePublication
from moqt.asyncio.authorization import TokenLike, tokens_of
from moqt.asyncio.exceptions import RequestRefused, SessionClosed, SessionStateError
from moqt.asyncio.fetch_options import fetch_options, fetch_range
from moqt.asyncio.fetching import Fetch
from moqt.asyncio.names import NamespaceLike, namespace_of, track_name_of
from moqt.asyncio.offering import Announcement, Announcements, Offer
from moqt.asyncio.publishing import TrackWriter, add_track
from moqt.asyncio.resume import Resume
from moqt.asyncio.retention import Retention
from moqt.asyncio.session import Session
from moqt.asyncio.subscribing import Subscription, joined_from
from moqt.asyncio.subscription_options import (
    RangeFilters,
    SubscriptionOptions,
    check_draft,
    check_join,
    native_range_filters,
    native_subscription_options,
)
from moqt.asyncio.track_options import TrackOptions, milliseconds
from msquic._native.moqt import (
    AuthorizationToken,
    FilterType,
    GroupOrder,
    Location,
    RequestErrorCode,
    SubscriptionFilter,
    TrackNamespace,
)

_log = logging.getLogger("moqt.asyncio")

KEEP = Retention(bytes=16 * 1024 * 1024, groups=1 << 32, seconds=60.0)
"""What is kept of a track unless its `retention` says otherwise, so that what was not delivered can be fetched."""


class ResumingSession(ReturningSession):
    """What a :class:`Session` is when ``resume`` was given to :func:`connect`. Requests wait while there is none."""

    def __init__(self, hub: Hub, resume: Resume, dial: Dial) -> None:
        super().__init__(hub, resume, dial)
        self._publishing: list[tuple[TrackWriter, bool, list[AuthorizationToken]]] = []
        self._announced: set[ResumingPublication] = set()
        self._announcements = []
        self._offer_queues = []
        self._offer_waiters: dict[tuple[TrackNamespace, bytes], asyncio.Future[Offer]] = {}
        self._subscriptions: set[ResumingSubscription] = set()

    # ---- the next session ----

    def _resume_all(self, life: Life) -> None:
        for publication in self._announced:
            self._start(publication._resume(life))
        for track, forward, tokens in self._publishing:
            self._start(self._offer_again(life, track, forward, tokens))
        for announcements in self._announcements:
            self._start(announcements._resume(life))
        for subscription in list(self._subscriptions):
            subscription._come_back(life)

    async def _offer_again(
        self, life: Session, track: TrackWriter, forward: bool, tokens: list[AuthorizationToken]
    ) -> None:
        while not track.ended:
            try:
                return await life._offer(track, forward, tokens)
            except RequestRefused as refused:
                if refused.retry_after is None:
                    return _log.warning("%r is not offered any more: %s", track, refused)
                await asyncio.sleep(refused.retry_after)
            except SessionClosed:
                return

    def _life_over(self, life: Life) -> None:
        for subscription in self._subscriptions:
            if subscription._life is life:
                subscription._life_ended()

    def _is_moving(self) -> bool:
        return any(each._coming_back for each in self._subscriptions)

    def _wake(self) -> None:
        for track in self._tracks.values():
            track._changed.set()
        for each in (*self._announcements, *self._offer_queues):
            each._queue.changed.set()
        for subscription in self._subscriptions:
            subscription._readable.set()
        self._hub.wake_waiting()
        self._wake_up()

    # ---- publishing ----

    async def publish_namespace(
        self, namespace: NamespaceLike, *, authorization_tokens: Iterable[TokenLike] = ()
    ) -> NamespacePublication:
        publication = ResumingPublication(self, namespace_of(namespace), tokens_of(authorization_tokens))
        await self._through(publication._ask)
        self._announced.add(publication)
        if publication._session is not self._life:  # there is another one already
            self._start(publication._resume(self._life))
        return publication

    def create_track(self, namespace: NamespaceLike, name: str | bytes, **options: Unpack[TrackOptions]) -> TrackWriter:
        self._hub.check()
        self._raise_if_closed()
        key = namespace_of(namespace), track_name_of(name)
        if key in self._tracks:
            raise SessionStateError("there is a track of that name already: end() it first")
        if options.get("retention") is None:
            options["retention"] = KEEP
        return add_track(self._owner, key, options)

    async def _offer(self, track: TrackWriter, forward: bool, tokens: list[AuthorizationToken]) -> None:
        asked: list[Life] = []

        async def ask() -> None:
            asked.append(self._life)
            await self._life._offer(track, forward, tokens)

        await self._through(ask)
        self._publishing = [each for each in self._publishing if not each[0].ended]
        self._publishing.append((track, forward, tokens))
        if asked[-1] is not self._life:
            self._start(self._offer_again(self._life, track, forward, tokens))

    # ---- subscribing ----

    async def subscribe(
        self,
        namespace: NamespaceLike,
        name: str | bytes,
        *,
        filter: FilterType | SubscriptionFilter = FilterType.LARGEST_OBJECT,
        join: int | None = None,
        join_absolute: int | None = None,
        rendezvous_timeout: float | None = None,
        range_filters: RangeFilters = (),
        authorization_tokens: Iterable[TokenLike] = (),
        **options: Unpack[SubscriptionOptions],
    ) -> Subscription:
        joins = check_join(filter, join, join_absolute)
        native = native_subscription_options(
            filter,
            options,
            authorization_tokens,
            rendezvous_timeout=rendezvous_timeout,
            range_filters=range_filters,
        )
        key = namespace_of(namespace), track_name_of(name)
        return await following(key, lambda track: self._through(lambda: self._subscribe(track, native, joins)))

    async def _subscribe(
        self, key: tuple[TrackNamespace, bytes], native: dict[str, Any], joins: tuple[bool, int] | None
    ) -> ResumingSubscription:
        life = self._life
        check_draft(life.draft, native)
        ticket, answered = life._ask()
        subscription = ResumingSubscription(self, *key, native, offered=False)
        subscription._handle = life._handle.subscribe(ticket, subscription._target, *key, native)
        try:
            past = None if joins is None else join_on(life, subscription, joins, native, subscription._progress)
            subscription._on_answer(await life._answer(ticket, answered))
            subscription._past = past
            await wait_joined(subscription)
        except BaseException:
            await subscription.unsubscribe()
            raise
        begins = None
        if joins is not None and subscription._past is not None and subscription.largest is not None:
            begins = joined_from(subscription.largest, *joins)
        subscription._began(life, begins)
        self._keep_alive(subscription, life)
        return subscription

    def _keep_alive(self, subscription: ResumingSubscription, life: Life) -> None:
        """It was begun on `life`, and comes back from now on."""
        self._subscriptions.add(subscription)
        if self._life is not life:
            subscription._come_back(self._life)

    def _forget(self, subscription: ResumingSubscription) -> None:
        self._subscriptions.discard(subscription)

    def fetch(
        self,
        namespace: NamespaceLike,
        name: str | bytes,
        start: Location | tuple[int, int],
        end: Location | tuple[int, int] | None = None,
        *,
        priority: int = 128,
        group_order: GroupOrder | None = None,
        fill_timeout: float | None = None,
        range_filters: RangeFilters = (),
        authorization_tokens: Iterable[TokenLike] = (),
    ) -> Fetch:
        key = namespace_of(namespace), track_name_of(name)
        longest = milliseconds(fill_timeout, "fill_timeout")
        options = fetch_options(
            priority,
            group_order,
            tokens_of(authorization_tokens),
            fill_timeout_ms=longest,
            range_filters=native_range_filters(range_filters),
        )
        return ResumingFetch(self, *key, fetch_range(start, end), options)

    async def track_status(
        self, namespace: NamespaceLike, name: str | bytes, *, authorization_tokens: Iterable[TokenLike] = ()
    ) -> Location | None:
        ask = super().track_status
        tokens = list(authorization_tokens)
        return await self._through(lambda: ask(namespace, name, authorization_tokens=tokens))

    def subscribe_namespace(
        self, prefix: NamespaceLike, *, authorization_tokens: Iterable[TokenLike] = ()
    ) -> Announcements:
        self._raise_if_closed()
        return ResumingAnnouncements(self, namespace_of(prefix), tokens_of(authorization_tokens))

    # ---- what the peer offers and announces ----

    def _offer_came(self, life: Life, offer: Offer) -> None:
        waiter = self._offer_waiters.pop((offer.namespace, offer.name), None)
        if waiter is not None and not waiter.done():
            waiter.set_result(offer)
            return
        whole = ResumingOffer(self, life, offer)
        life._offers[offer._request] = whole
        for queue in self._offer_queues:
            queue._queue.put(whole)
        self._hub.loop.call_later(OFFER_SECONDS, self._refuse_unwanted, whole)

    def _refuse_unwanted(self, offer: Offer) -> None:
        if not self._offer_queues and offer._session._closed is None:
            offer._refuse(int(RequestErrorCode.UNINTERESTED), "nobody takes offers here")

    async def _offered_again(
        self, life: Session, namespace: TrackNamespace, name: bytes, patience: float
    ) -> Offer | None:
        """The peer's offer of that track on its new session; None when it makes none for so many seconds."""
        known: Offer
        for known in life._offers.values():
            if (known.namespace, known.name) == (namespace, name) and not known._answered:
                return known
        waiter: asyncio.Future[Offer] = self._hub.loop.create_future()
        self._offer_waiters[namespace, name] = waiter
        try:
            async with asyncio.timeout(patience):
                return await waiter
        except TimeoutError:
            return None
        finally:
            self._offer_waiters.pop((namespace, name), None)

    def _announcement_came(self, life: Life, announcement: Announcement) -> None:
        for each in self._announcements:
            each._heard(life, announcement)
