"""One MOQT session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias, Unpack

from moqt.asyncio._arguments import checked_end
from moqt.asyncio._joining import join_on, wait_joined
from moqt.asyncio._redirects import Key, following
from moqt.asyncio._session_notices import SessionNotices
from moqt.asyncio.announcing import NamespacePublication
from moqt.asyncio.authorization import TokenLike, tokens_of
from moqt.asyncio.exceptions import SessionClosed, SessionStateError
from moqt.asyncio.fetch_options import fetch_options, fetch_range
from moqt.asyncio.fetching import Fetch
from moqt.asyncio.names import NamespaceLike, namespace_of, track_name_of
from moqt.asyncio.offering import Announcements, Offers
from moqt.asyncio.publishing import TrackWriter, add_track
from moqt.asyncio.subscribing import Subscription
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
    FetchHandle,
    FilterType,
    GroupOrder,
    Location,
    SubscriptionFilter,
    TrackNamespace,
)


class Session(SessionNotices):
    """A session, as :func:`connect` gives it and the handler of :func:`serve` gets it.

    It belongs to the asyncio loop that it was made on; other loops and threads get ``RuntimeError``. Leaving
    ``async with`` closes it, and so does dropping the last reference. Every ``await`` may be cancelled; what that
    does is said at each method, and it never damages the session.
    """

    # ---- publishing ----

    async def publish_namespace(
        self, namespace: NamespaceLike, *, authorization_tokens: Iterable[TokenLike] = ()
    ) -> NamespacePublication:
        """PUBLISH_NAMESPACE (section 9.20): tells the peer that tracks of this namespace are to be had here.

        `authorization_tokens`: what it shows, each a :data:`TokenLike`.

        Cancelled before the answer, the announcement is taken back. Raises :class:`RequestRefused`,
        :class:`SessionClosed`, and :class:`SessionStateError`, for example when it is announced already.
        """
        value, tokens = namespace_of(namespace), tokens_of(authorization_tokens)
        ticket, answered = self._ask()
        self._handle.publish_namespace(ticket, value, tokens)
        publication = NamespacePublication(self, value, ticket)
        self._publications[ticket] = publication
        try:
            await self._answer(ticket, answered)
        except BaseException:
            await publication.done()
            raise
        return publication

    def create_track(self, namespace: NamespaceLike, name: str | bytes, **options: Unpack[TrackOptions]) -> TrackWriter:
        """A track to publish here. From now on the library answers SUBSCRIBE and TRACK_STATUS for it.

        Args:
            namespace: see :data:`moqt.asyncio.NamespaceLike`.
            name: str as UTF-8, or bytes; with the namespace at most 4096 bytes (section 2.4.1).
            priority: 0 (most urgent) to 255.
            group_order: which groups come first when not all can be sent; ascending when not given.
            delivery_timeout: seconds that an object is worth sending (section 9.2.1.2). What has not been sent by then
                is not sent any more: its stream is reset, and later groups go on. No limit when not given.
            subgroup_delivery_timeout: seconds that a subgroup may take to arrive whole once its last object has been
                written (draft-22 section 5.2): then its stream is reset. From draft 18 on; no limit when not given.
            max_cache_duration: seconds for which relays may serve an object (section 9.2.1.3), and this endpoint too;
                0: not at all. As long as they like when not given.
            queue_limit: bytes that may wait for one subscriber; beyond it that one skips to the next group. 8 MiB.
            dynamic_groups: whether subscribers may ask for a new group; see :attr:`TrackWriter.group_requested`.
            retention: how much of the track is kept for FETCH and late joins; :class:`Retention` ``()`` when not given.
            on_fetch: answers a FETCH that asks for more than what is kept: gets a :class:`FetchRequest`, and is an
                async generator function that yields the objects, or a coroutine function that returns them
                (:class:`PastObject`, or a received :class:`Object`); raising :class:`RequestRefused` refuses it. It
                answers all of the range. Cancelled when nobody waits for the answer any more.
            expires: seconds that a subscription lasts before it is ended with EXPIRED, unless the subscriber renews it
                with an update (section 9.2.1.8); as long as the track when not given.

        Raises :class:`SessionClosed`, :class:`moqt.EncodeError`, and :class:`SessionStateError` when the session
        has a track of that name already.
        """
        self._hub.check()
        self._raise_if_closed()
        key = namespace_of(namespace), track_name_of(name)
        if key in self._tracks or key in self._server_tracks:
            raise SessionStateError("there is a track of that name already: end() it first")
        return add_track(self, key, options)

    async def publish(
        self,
        namespace: NamespaceLike,
        name: str | bytes,
        *,
        forward: bool = True,
        authorization_tokens: Iterable[TokenLike] = (),
        **options: Unpack[TrackOptions],
    ) -> TrackWriter:
        """Like :meth:`create_track`, whose options it takes, and offers the track with PUBLISH (section 9.13).

        Returns when the peer has answered PUBLISH_OK. `forward` False: objects flow only when the peer asks for
        them. `authorization_tokens`: what PUBLISH shows. Cancelled or refused, the track is ended. Raises
        :class:`RequestRefused` and what create_track() does.
        """
        self._hub.check()
        tokens = tokens_of(authorization_tokens)
        track = self.create_track(namespace, name, **options)
        try:
            await self._offer(track, forward, tokens)
        except BaseException:
            await track.end()
            raise
        return track

    async def _offer(self, track: TrackWriter, forward: bool, tokens: list[AuthorizationToken]) -> None:
        ticket, answered = self._ask()
        self._handle.publish(ticket, track._handle, forward, tokens)
        await self._answer(ticket, answered)

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
        """SUBSCRIBE (section 9.9); returns when the publisher has answered SUBSCRIBE_OK.

        Args:
            namespace: see :data:`moqt.asyncio.NamespaceLike`.
            name: str as UTF-8, or bytes.
            filter: which objects are wanted (section 5.1.2); it does not bring back past ones.
            start: the first location, for the two absolute filters.
            end_group: the last group, for ABSOLUTE_RANGE.
            priority: 0 (most urgent) to 255, among the subscriptions of this session.
            group_order: which groups come first when not all can be sent; the publisher's when not given.
            forward: False asks for no objects yet; see :meth:`Subscription.update`.
            delivery_timeout: seconds that an object is worth sending to this end (section 9.2.1.2); the shorter one of
                it and the publisher's counts. None: the publisher's.
            subgroup_delivery_timeout: seconds that a subgroup may take to arrive whole once all of it has been
                published (draft-22 section 5.2), from draft 18 on; the shorter one of it and the publisher's counts.
            new_group: ask the publisher for a new group (section 9.2.1.12), to begin soon with what a decoder can begin
                with. A publisher without `dynamic_groups` ignores it.
            group_ends: also yield an object of status END_OF_GROUP when a group is known to be complete (not for the
                past groups of a join).
            join: join late: also fetch the present group from its beginning, and so many groups before it (0: none). A
                joining FETCH (section 9.16.2) goes out with the SUBSCRIBE; its objects are read first, and between them
                and what follows there is no gap and nothing twice. A track without objects is simply live.
            join_absolute: the same from this group on.
            rendezvous_timeout: seconds that a relay may hold the SUBSCRIBE while nobody publishes the track
                (RENDEZVOUS_TIMEOUT, draft-18 section 10.2.6), from draft 18 on.
            range_filters: which objects of the track are wanted, by their Subgroup ID, Object ID, priority or a number
                among their properties (draft-22 section 3.3.2): pairs such as ``(MessageParameterType.OBJECT_ID_FILTER,
                RangeFilter([(0, 3)]))``. Of one `set_id` all are to be passed, and one set is enough. The past objects
                of a join pass the same.
            renew: send a SUBSCRIBE_UPDATE before the time that the publisher gives is over (EXPIRES, section 9.2.1.8);
                otherwise :attr:`Subscription.expires_in` tells when it will be.
            authorization_tokens: what SUBSCRIBE shows, and the FETCH of a join; each a :data:`TokenLike`.

        Cancelled before the answer, the subscription is withdrawn. Raises :class:`RequestRefused`,
        :class:`SessionClosed`, :class:`SessionStateError`, for example when the track is subscribed to already, and
        :class:`FetchRefused`, with nothing subscribed, when the past objects of a join are not to be had: the publisher
        answers no FETCH (NOT_SUPPORTED), or does not keep them (UNKNOWN_STATUS_IN_RANGE).

        A publisher may answer that another track of this session is to be asked for (REDIRECT, draft-18 section
        10.6.1). That is done, up to three times, with the same options and tokens; :attr:`Subscription.namespace` and
        :attr:`Subscription.name` are then those of that track. A redirect to another server is not followed: whom
        tokens are shown to and who is trusted is the application's to say. It raises, and
        :attr:`RequestRefused.redirect` tells where to; :func:`moqt.asyncio.place_of` takes its URI apart.
        """
        joins = check_join(filter, join, join_absolute)
        native = native_subscription_options(
            filter,
            options,
            authorization_tokens,
            rendezvous_timeout=rendezvous_timeout,
            range_filters=range_filters,
        )
        key = namespace_of(namespace), track_name_of(name)
        return await following(key, lambda track: self._subscribe_to(track, native, joins))

    async def _subscribe_to(self, key: Key, native: dict[str, Any], joins: tuple[bool, int] | None) -> Subscription:
        check_draft(self.draft, native)
        ticket, answered = self._ask()
        subscription = Subscription(self, *key)
        subscription._handle = self._handle.subscribe(ticket, subscription._target, *key, native)
        if joins is not None:
            subscription._past = join_on(self, subscription, joins, native)
        try:
            subscription._on_answer(await self._answer(ticket, answered))
            await wait_joined(subscription)
        except BaseException:
            await subscription.unsubscribe()
            raise
        return subscription

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
        """FETCH (section 9.16), past objects: ``async with session.fetch(…) as fetch: async for obj in fetch``.

        Args:
            namespace: see :data:`moqt.asyncio.NamespaceLike`.
            name: str as UTF-8, or bytes.
            start: the first place that is wanted: Group ID and Object ID.
            end: one past the last one; with Object ID 0 all of the group. None: all that has been published.
            priority: 0 (most urgent) to 255, among the subscriptions and fetches of this session.
            group_order: which groups come first; ascending when not given.
            fill_timeout: seconds that a relay may wait for publishers (FILL_TIMEOUT, draft-22 section 9.20.5), from
                draft 18 on; 0: only what it has. Then the fetch brings the rest, and ends as one that was broken off,
                with UNKNOWN_OBJECT_STATUS. As long as the relay likes when not given.
            range_filters: which objects of the range are wanted, as of :meth:`subscribe` (draft-22 section 3.3.2).
            authorization_tokens: what FETCH shows, each a :data:`TokenLike`.

        Nothing is sent before the fetch is entered or read from, which raises :class:`FetchRefused` and
        :class:`SessionClosed`. A redirect is not followed: :attr:`FetchRefused.redirect` tells of it. Raises
        ``ValueError`` when the range ends before it starts.
        """
        key = namespace_of(namespace), track_name_of(name)
        first, last = fetch_range(start, end)
        longest = milliseconds(fill_timeout, "fill_timeout")
        options = fetch_options(
            priority,
            group_order,
            tokens_of(authorization_tokens),
            fill_timeout_ms=longest,
            range_filters=native_range_filters(range_filters),
        )

        def ask(ticket: int, target: int) -> FetchHandle:
            check_draft(self.draft, options)
            return self._handle.fetch(ticket, target, *key, first, last, options)

        return Fetch(self, *key, ask)

    async def track_status(
        self, namespace: NamespaceLike, name: str | bytes, *, authorization_tokens: Iterable[TokenLike] = ()
    ) -> Location | None:
        """TRACK_STATUS (section 9.19): the track's largest object, None when it has none yet.

        `authorization_tokens`: what it shows.

        Cancelled, the answer is ignored. Redirects are followed as by :meth:`subscribe`. Raises
        :class:`RequestRefused` (DOES_NOT_EXIST, for one) and :class:`SessionClosed`.
        """
        tokens = tokens_of(authorization_tokens)

        async def ask(key: Key) -> Location | None:
            ticket, answered = self._ask()
            self._handle.track_status(ticket, *key, tokens)
            largest: Location | None
            largest, *_ = await self._answer(ticket, answered)
            return largest

        return await following((namespace_of(namespace), track_name_of(name)), ask)

    def subscribe_namespace(
        self, prefix: NamespaceLike, *, authorization_tokens: Iterable[TokenLike] = ()
    ) -> Announcements:
        """What the peer has under a prefix; see :class:`Announcements`.

        `authorization_tokens`: what SUBSCRIBE_NAMESPACE shows.

        Entering it raises :class:`RequestRefused`, :class:`SessionClosed` and, when the prefix overlaps one that is
        subscribed to (section 9.23), :class:`SessionStateError`.
        """
        self._raise_if_closed()
        return Announcements(self, namespace_of(prefix), tokens_of(authorization_tokens))

    def offers(self) -> Offers:
        """The tracks that the peer offers with PUBLISH. An offer that nobody answers, because offers() is not in
        use, is refused after 5 seconds."""
        self._hub.check()
        self._raise_if_closed()
        queue = Offers(self)
        self._offer_queues.append(queue)
        return queue

    @property
    def published_namespaces(self) -> list[TrackNamespace]:
        """The namespaces that the peer has announced with PUBLISH_NAMESPACE and not taken back."""
        return list(self._namespaces)

    # ---- the end ----

    async def goaway(self, uri: str = "") -> None:
        """GOAWAY (section 9.4): asks the peer to leave, to `uri` when it is given, which only a server may.

        The session closes with GOAWAY_TIMEOUT when it stays for 30 seconds. Cancelled, GOAWAY may have been sent.
        Raises :class:`SessionClosed`, and :class:`SessionStateError` when it was sent already.
        """
        ticket, answered = self._ask()
        self._handle.goaway(ticket, uri)
        await self._answer(ticket, answered)

    async def move_namespace(self, namespace: NamespaceLike, uri: str = "") -> None:
        """GOAWAY on the stream of the peer's PUBLISH_NAMESPACE (draft-18 section 10.4, draft-22 section 9.2): asks it
        to announce the namespace at `uri` instead, anew in this session without one, and to take this one back. Only a
        server may name a URI. After 30 seconds what is left of it is reset.

        Cancelled, the peer may have been asked. Raises :class:`SessionClosed`, and :class:`SessionStateError` when the
        peer has not announced that namespace, in drafts before 18, and when it has been asked.
        """
        ticket, answered = self._ask()
        self._handle.move_namespace(ticket, namespace_of(namespace), uri)
        await self._answer(ticket, answered)

    @property
    def goaway_uri(self) -> str | None:
        """Where the peer's GOAWAY wants this endpoint to go, "" for the same place; None before GOAWAY."""
        return self._goaway_uri

    async def wait_goaway(self) -> str:
        """Waits for the peer's GOAWAY and gives its URI. Cancelling it has no effect. Raises SessionClosed."""
        self._hub.check()
        while self._goaway_uri is None:
            self._raise_if_closed()
            self._going.clear()
            await self._going.wait()
        return self._goaway_uri

    @property
    def is_closed(self) -> bool:
        """Whether the session is over or closing."""
        return self._closing or self._closed is not None

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection: not so while a session with `resume` is on its way back."""
        return not self.is_closed

    async def wait_connected(self) -> None:
        """Waits until there is a connection; see :attr:`is_connected`. Cancelling it has no effect. Raises
        SessionClosed."""
        self._hub.check()
        self._raise_if_closed()

    async def close(self, code: int = 0, reason: str = "") -> None:
        """Closes the session with a session error code (section 13.3.1), NO_ERROR unless told otherwise.

        First, for at most 5 seconds, everything in groups and tracks that were ended reaches the peer; groups that
        are still open are reset. Cancelled, the closing goes on by itself. Closing twice is fine.
        """
        self._hub.check()
        self._begin_close(*checked_end(code, reason))
        await self._over.wait()

    async def wait_closed(self) -> None:
        """Waits for the end of the session, whoever ends it. Cancelling it has no effect."""
        self._hub.check()
        await self._over.wait()

    @property
    def closed_by(self) -> SessionClosed | None:
        """How the session ended; None while it is open."""
        return None if self._closed is None else self._closed_error()

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "closing" if self._closing else "open"
        return f"<Session {state}>"


NamespaceJudge: TypeAlias = Callable[[Session, TrackNamespace], bool | Awaitable[bool]]
"""Says whether the peer may announce a namespace: a function or a coroutine function that returns True or False."""
