"""One MOQT session."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from moqt.asyncio._hub import Hub, Notice, Tickets
from moqt.asyncio.exceptions import FetchRefused, RequestRefused, SessionClosed, SessionStateError
from moqt.asyncio.fetching import LAST_GROUP, Fetch, FetchHandler, fetch_options, location_of
from moqt.asyncio.names import NamespaceLike, namespace_of, track_name_of
from moqt.asyncio.publishing import NamespacePublication, TrackWriter, track_options
from moqt.asyncio.retention import Retention
from moqt.asyncio.subscribing import (
    Announcement,
    Announcements,
    Offer,
    Offers,
    Subscription,
    check_join,
    subscription_options,
)
from msquic._native.moqt import (
    ClientSetup,
    FetchHandle,
    FilterType,
    GroupOrder,
    Location,
    RequestErrorCode,
    ServerSetup,
    SessionHandle,
    SessionTransport,
    SubscriptionFilter,
    TrackNamespace,
)
from msquic.asyncio._trust import judge
from msquic.exceptions import PeerClosed

if TYPE_CHECKING:
    from msquic import PeerCertificate, SessionTicket
    from msquic.statistics import ConnectionStatistics, HandshakeInfo

FLUSH_SECONDS = 5.0
"""How long closing waits for the peer to have everything that was written."""

OFFER_SECONDS = 5.0
"""How long an offer waits for somebody to ask for offers."""


class Session:
    """A session, as :func:`connect` gives it and the handler of :func:`serve` gets it.

    It belongs to the asyncio loop that it was made on; other loops and threads get ``RuntimeError``. Leaving
    ``async with`` closes it, and so does dropping the last reference. Every ``await`` may be cancelled; what that
    does is said at each method, and it never damages the session.
    """

    def __init__(self, hub: Hub, target: int = 0) -> None:
        self._hub = hub
        self._target = hub.add(self, target)
        self._handle: SessionHandle
        self._tickets = Tickets(hub.loop)
        self._connected: asyncio.Future[None] = hub.loop.create_future()
        self._established: asyncio.Future[None] = hub.loop.create_future()
        self._over = asyncio.Event()
        self._transport: SessionTransport | None = None
        self._verifier: Callable[[PeerCertificate], object] | None = None
        self._ticket: SessionTicket | None = None
        self._ticket_came = asyncio.Event()
        self._of_server = False
        self._accept_namespace: NamespaceJudge | None = None
        self._judging: set[asyncio.Task[None]] = set()
        self._answering: dict[tuple[TrackWriter, int], asyncio.Task[None]] = {}
        self._closed: tuple[int, str, str, bool] | None = None
        self._error: BaseException | None = None
        self._closing = False
        self._goaway_uri: str | None = None
        self._going = asyncio.Event()
        self._tracks: dict[tuple[TrackNamespace, bytes], TrackWriter] = {}
        self._server_tracks: dict[tuple[TrackNamespace, bytes], TrackWriter] = {}
        self._publications: dict[int, NamespacePublication] = {}
        self._announcements: list[Announcements] = []
        self._offer_queues: list[Offers] = []
        self._offers: dict[int, Offer] = {}
        self._namespaces: list[TrackNamespace] = []
        self.peer_setup: ServerSetup | ClientSetup
        """The peer's SETUP message (section 9.3)."""

    # ---- the connection ----

    @property
    def alpn(self) -> str:
        """The ALPN that was agreed on, which says which draft is spoken (section 3.1): ``"moqt-15"``."""
        return "" if self._transport is None else self._transport._alpn.decode("utf-8", "surrogateescape")

    @property
    def draft(self) -> int:
        """The number of the draft that was agreed on: 15."""
        return int(self.alpn.rpartition("-")[2] or 0)

    @property
    def remote_address(self) -> tuple[str, int] | None:
        """(IP address, port) of the peer."""
        return None if self._transport is None else self._transport.remote_address

    @property
    def local_address(self) -> tuple[str, int] | None:
        """(IP address, port) of this side."""
        return None if self._transport is None else self._transport.local_address

    @property
    def server_name(self) -> str:
        """The name that the client dialled; on a server the SNI, ``""`` without."""
        return "" if self._transport is None else self._transport.server_name

    @property
    def handshake(self) -> HandshakeInfo | None:
        """The versions of QUIC and TLS, the cipher suite and the group in use."""
        return None if self._transport is None else self._transport.handshake

    @property
    def original_destination_cid(self) -> bytes:
        """The connection ID that the client chose for the server at first (RFC 9000 section 7.2), for finding the
        connection in both sides' logs."""
        return b"" if self._transport is None else self._transport.original_destination_cid

    @property
    def peer_certificate(self) -> bytes | None:
        """The peer's certificate in DER; None when it showed none, when a session was resumed, and without
        verification."""
        return None if self._transport is None else self._transport.peer_certificate

    @property
    def peer_certificate_chain(self) -> tuple[bytes, ...]:
        """All certificates that the peer sent, in DER, its own first."""
        return () if self._transport is None else self._transport.peer_certificate_chain

    @property
    def resumed(self) -> bool:
        """Whether the TLS handshake resumed an earlier session."""
        return self._transport is not None and self._transport.resumed

    @property
    def ticket(self) -> SessionTicket | None:
        """Clients: the newest ticket that the server gave, for ``connect(ticket=…)``; None before one came. Secret."""
        return self._ticket

    async def wait_ticket(self) -> SessionTicket:
        """The newest ticket, or the first when there is none yet. Cancelling it has no effect. Raises SessionClosed."""
        self._hub.check()
        while self._ticket is None:
            self._raise_if_closed()
            self._ticket_came.clear()
            await self._ticket_came.wait()
        return self._ticket

    async def stats(self) -> ConnectionStatistics:
        """What MsQuic counted on the connection so far: round-trip time, bytes, losses.

        Asks MsQuic's worker thread, on a thread of the loop's executor. Raises :class:`SessionClosed`, and
        :class:`msquic.ClosedHandle` when the connection ends meanwhile. Cancelled, nobody hears the answer.
        """
        self._hub.check()
        if self._closed is not None or self._transport is None:
            raise self._closed_error()
        return await self._hub.loop.run_in_executor(None, self._transport._statistics)

    # ---- publishing ----

    async def publish_namespace(self, namespace: NamespaceLike) -> NamespacePublication:
        """PUBLISH_NAMESPACE (section 9.20): tells the peer that tracks of this namespace are to be had here.

        Cancelled before the answer, the announcement is taken back. Raises :class:`RequestRefused`,
        :class:`SessionClosed`, and :class:`SessionStateError`, for example when it is announced already.
        """
        value = namespace_of(namespace)
        ticket, answered = self._ask()
        self._handle.publish_namespace(ticket, value)
        publication = NamespacePublication(self, value, ticket)
        self._publications[ticket] = publication
        try:
            await self._answer(ticket, answered)
        except BaseException:
            await publication.done()
            raise
        return publication

    def create_track(
        self,
        namespace: NamespaceLike,
        name: str | bytes,
        *,
        priority: int = 128,
        group_order: GroupOrder | None = None,
        queue_limit: int = 8 * 1024 * 1024,
        dynamic_groups: bool = False,
        retention: Retention | None = None,
        on_fetch: FetchHandler | None = None,
    ) -> TrackWriter:
        """A track to publish here. From now on the library answers SUBSCRIBE and TRACK_STATUS for it.

        Args:
            namespace: see :data:`moqt.asyncio.NamespaceLike`.
            name: str as UTF-8, or bytes; with the namespace at most 4096 bytes (section 2.4.1).
            priority: 0 (most urgent) to 255.
            group_order: which groups come first when not all can be sent; ascending when not given.
            queue_limit: bytes that may wait for one subscriber; beyond it that one skips to the next group.
            dynamic_groups: whether subscribers may ask for a new group; see :attr:`TrackWriter.group_requested`.
            retention: how much of the track is kept for FETCH and late joins; :class:`Retention` ``()`` when not given.
            on_fetch: answers a FETCH that asks for more than what is kept: gets a :class:`FetchRequest`, and is an
                async generator function that yields the objects, or a coroutine function that returns them
                (:class:`PastObject`, or a received :class:`Object`); raising :class:`RequestRefused` refuses it. It
                answers all of the range. Cancelled when nobody waits for the answer any more.

        Raises :class:`SessionClosed`, :class:`moqt.EncodeError`, and :class:`SessionStateError` when the session
        has a track of that name already.
        """
        self._raise_if_closed()
        key = namespace_of(namespace), track_name_of(name)
        if key in self._tracks or key in self._server_tracks:
            raise SessionStateError("there is a track of that name already: end() it first")
        track = TrackWriter(self, *key)
        options = track_options(priority, group_order, queue_limit, dynamic_groups, retention, on_fetch)
        track._on_fetch = on_fetch
        track._handle = self._handle.create_track(track._target, *key, options)
        self._tracks[key] = track
        return track

    async def publish(
        self, namespace: NamespaceLike, name: str | bytes, *, forward: bool = True, **options: Any
    ) -> TrackWriter:
        """Like :meth:`create_track`, whose options it takes, and offers the track with PUBLISH (section 9.13).

        Returns when the peer has answered PUBLISH_OK. `forward` False: objects flow only when the peer asks for
        them. Cancelled or refused, the track is ended. Raises :class:`RequestRefused` and what create_track() does.
        """
        self._hub.check()
        track = self.create_track(namespace, name, **options)
        ticket, answered = self._ask()
        track._handle.publish(ticket, forward)
        try:
            await self._answer(ticket, answered)
        except BaseException:
            await track.end()
            raise
        return track

    # ---- subscribing ----

    async def subscribe(
        self,
        namespace: NamespaceLike,
        name: str | bytes,
        *,
        filter: FilterType | SubscriptionFilter = FilterType.LARGEST_OBJECT,
        start: Location | tuple[int, int] | None = None,
        end_group: int | None = None,
        priority: int = 128,
        group_order: GroupOrder | None = None,
        forward: bool = True,
        group_ends: bool = False,
        join: int | None = None,
        join_absolute: int | None = None,
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
            group_ends: also yield an object of status END_OF_GROUP when a group is known to be complete (not for the
                past groups of a join).
            join: join late: also fetch the present group from its beginning, and so many groups before it (0: none). A
                joining FETCH (section 9.16.2) goes out with the SUBSCRIBE; its objects are read first, and between them
                and what follows there is no gap and nothing twice. A track without objects is simply live.
            join_absolute: the same from this group on.

        Cancelled before the answer, the subscription is withdrawn. Raises :class:`RequestRefused`,
        :class:`SessionClosed`, :class:`SessionStateError`, for example when the track is subscribed to already, and
        :class:`FetchRefused`, with nothing subscribed, when the past objects of a join are not to be had: the publisher
        answers no FETCH (NOT_SUPPORTED), or does not keep them (UNKNOWN_STATUS_IN_RANGE).
        """
        joins = check_join(filter, join, join_absolute)
        options = subscription_options(filter, start, end_group, priority, group_order, forward, group_ends)
        key = namespace_of(namespace), track_name_of(name)
        ticket, answered = self._ask()
        subscription = Subscription(self, *key)
        subscription._handle = self._handle.subscribe(ticket, subscription._target, *key, options)
        if joins is not None:
            subscription._past = self._join(subscription, *joins, priority)
        try:
            subscription.largest, subscription.track_alias = await self._answer(ticket, answered)
            if subscription._past is not None:
                await self._wait_joined(subscription, subscription._past)
        except BaseException:
            await subscription.unsubscribe()
            raise
        return subscription

    def _join(self, subscription: Subscription, relative: bool, groups: int, priority: int) -> Fetch:
        def ask(ticket: int, target: int) -> FetchHandle:
            return self._handle.join(
                ticket, target, subscription._handle, relative, groups, fetch_options(priority, None)
            )

        past = Fetch(self, subscription.namespace, subscription.name, ask)
        past._send()
        return past

    async def _wait_joined(self, subscription: Subscription, past: Fetch) -> None:
        try:
            await past._begin()
        except FetchRefused as refused:
            if subscription.largest is not None or refused.code != RequestErrorCode.INVALID_RANGE:
                raise
            subscription._past = None  # there was no object yet: everything is live

    def fetch(
        self,
        namespace: NamespaceLike,
        name: str | bytes,
        start: Location | tuple[int, int],
        end: Location | tuple[int, int] | None = None,
        *,
        priority: int = 128,
        group_order: GroupOrder | None = None,
    ) -> Fetch:
        """FETCH (section 9.16), past objects: ``async with session.fetch(…) as fetch: async for obj in fetch``.

        Args:
            namespace: see :data:`moqt.asyncio.NamespaceLike`.
            name: str as UTF-8, or bytes.
            start: the first place that is wanted: Group ID and Object ID.
            end: one past the last one; with Object ID 0 all of the group. None: all that has been published.
            priority: 0 (most urgent) to 255, among the subscriptions and fetches of this session.
            group_order: which groups come first; ascending when not given.

        Nothing is sent before the fetch is entered or read from, which raises :class:`FetchRefused` and
        :class:`SessionClosed`. Raises ``ValueError`` when the range ends before it starts.
        """
        key = namespace_of(namespace), track_name_of(name)
        first = location_of(start)
        last = Location(LAST_GROUP, 0) if end is None else location_of(end)
        if (last.group, last.object or LAST_GROUP + 1) <= (first.group, first.object):
            raise ValueError("the range ends before it starts: end lies one past the last object")

        def ask(ticket: int, target: int) -> FetchHandle:
            return self._handle.fetch(ticket, target, *key, first, last, fetch_options(priority, group_order))

        return Fetch(self, *key, ask)

    async def track_status(self, namespace: NamespaceLike, name: str | bytes) -> Location | None:
        """TRACK_STATUS (section 9.19): the track's largest object, None when it has none yet.

        Cancelled, the answer is ignored. Raises :class:`RequestRefused` (DOES_NOT_EXIST, for one) and
        :class:`SessionClosed`.
        """
        ticket, answered = self._ask()
        self._handle.track_status(ticket, namespace_of(namespace), track_name_of(name))
        largest: Location | None
        largest, _ = await self._answer(ticket, answered)
        return largest

    def subscribe_namespace(self, prefix: NamespaceLike) -> Announcements:
        """What the peer has under a prefix; see :class:`Announcements`.

        Entering it raises :class:`RequestRefused`, :class:`SessionClosed` and, when the prefix overlaps one that is
        subscribed to (section 9.23), :class:`SessionStateError`.
        """
        self._raise_if_closed()
        return Announcements(self, namespace_of(prefix))

    def offers(self) -> Offers:
        """The tracks that the peer offers with PUBLISH. An offer that nobody answers, because offers() is not in
        use, is refused after 5 seconds."""
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

    async def close(self, code: int = 0, reason: str = "") -> None:
        """Closes the session with a session error code (section 13.3.1), NO_ERROR unless told otherwise.

        First, for at most 5 seconds, everything in groups and tracks that were ended reaches the peer; groups that
        are still open are reset. Cancelled, the closing goes on by itself. Closing twice is fine.
        """
        self._hub.check()
        self._begin_close(code, reason)
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

    # ---- for the rest of the package ----

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
        try:
            return await answered
        finally:
            self._tickets.forget(ticket)

    def _closed_error(self) -> SessionClosed:
        """How the session ended; why its connection did is the cause."""
        error = SessionClosed(*(self._closed or (0, "NO_ERROR", "close() was called", False)))
        error.__cause__ = self._error
        return error

    def _raise_if_closed(self) -> None:
        if self._closed is not None or self._closing:
            raise self._closed_error()

    def _raise_if_lost(self, subscription: Subscription) -> None:
        # close() of one's own lets what has arrived be read; the loop of the reader then ends with the session.
        if self._closed is not None and subscription._handle.end() is not None:
            raise self._closed_error()

    def _forget_track(self, track: TrackWriter) -> None:
        if self._tracks.get((track.namespace, track.name)) is track:
            del self._tracks[track.namespace, track.name]

    def _wake(self) -> None:
        for track in self._tracks.values():
            track._changed.set()
        for announcements in self._announcements:
            announcements._queue.changed.set()
        for offers in self._offer_queues:
            offers._queue.changed.set()
        self._going.set()
        self._ticket_came.set()

    def _on_loop_end(self) -> None:
        if self._closed is not None or self._closing:
            return
        text = f"unclosed {self!r}: it ends with its event loop"
        self._closing = True
        self._handle.close(0, "", FLUSH_SECONDS)
        if not self._of_server:
            warnings.warn(text, ResourceWarning, stacklevel=1, source=self)

    def _on_notice(self, kind: int, ticket: int, value: Any) -> None:
        if kind in (Notice.ANSWERED, Notice.REFUSED, Notice.FAILED, Notice.DRAINED):
            self._tickets.settle(kind, ticket, value)
        elif kind == Notice.ESTABLISHED:
            self.peer_setup = ServerSetup(value)
            if not self._established.done():
                self._established.set_result(None)
        elif kind == Notice.CONNECTED:
            self._transport = value
            if not self._connected.done():
                self._connected.set_result(None)
        elif kind == Notice.CERTIFICATE:
            if self._verifier is not None:
                connection, certificate = value
                judge(self._verifier, certificate, connection._complete_certificate)
        elif kind == Notice.ASKED:
            task = self._hub.loop.create_task(self._judge_namespace(ticket, value))
            self._judging.add(task)
            task.add_done_callback(self._judging.discard)
        elif kind == Notice.TICKET:
            self._ticket = value
            self._ticket_came.set()
        elif kind == Notice.CLOSED:
            self._on_closed(*value)
        elif kind == Notice.NAMESPACE:
            self._on_namespace(*value)
        elif kind == Notice.OFFER:
            self._on_offer(Offer(self, ticket, *value))
        elif kind == Notice.ENDED:
            offer = self._offers.pop(ticket, None)
            if offer is not None:
                offer._answered = True
                self._announce(Announcement(offer.namespace, False, offer.name))
        elif kind == Notice.CANCELLED:
            publication = self._publications.pop(ticket, None)
            if publication is not None:
                publication.cancelled = RequestRefused(*value)
        elif kind == Notice.GOING:
            self._goaway_uri = value
            self._going.set()

    def _answering_sessions(self) -> Iterable[Session]:
        return (self,)

    def _answer_in_task(self, track: TrackWriter, request: int, answering: Coroutine[Any, Any, None]) -> None:
        task = self._hub.loop.create_task(answering)
        self._answering[track, request] = task
        task.add_done_callback(lambda _: self._answering.pop((track, request), None))

    def _stop_answering(self, track: TrackWriter, request: int) -> None:
        if (task := self._answering.get((track, request))) is not None:
            task.cancel()

    async def _judge_namespace(self, request: int, namespace: TrackNamespace) -> None:
        refusal: int | None = int(RequestErrorCode.INTERNAL_ERROR)
        reason = "the application failed"
        try:
            assert self._accept_namespace is not None
            answer = cast(object, self._accept_namespace(self, namespace))
            if inspect.isawaitable(answer):
                answer = await answer
            if not isinstance(answer, bool):
                raise TypeError(f"accept_namespace must return True or False, not {answer!r}")
            refusal, reason = (None, "") if answer else (int(RequestErrorCode.UNAUTHORIZED), "not this namespace")
        except SessionClosed:
            pass
        except Exception as error:
            self._hub.loop.call_exception_handler(
                {"message": "exception in accept_namespace; the namespace was refused", "exception": error}
            )
        finally:
            self._handle.answer_namespace(request, refusal, reason)

    def _on_closed(self, code: int, name: str, reason: str, remote: bool, error: BaseException | None) -> None:
        self._closed = code, name, reason, remote
        # With the application's code, as both sides of a session close it, all is said.
        self._error = None if isinstance(error, PeerClosed) else error
        for future in (self._connected, self._established):
            if not future.done():
                future.set_exception(self._error or self._closed_error())
                future.exception()
        self._tickets.fail_all(self._closed_error)
        for task in self._answering.values():
            task.cancel()
        self._over.set()
        self._wake()

    def _on_namespace(self, namespace: TrackNamespace, active: bool) -> None:
        if active:
            self._namespaces.append(namespace)
        elif namespace in self._namespaces:
            self._namespaces.remove(namespace)
        self._announce(Announcement(namespace, active))

    def _on_offer(self, offer: Offer) -> None:
        self._offers[offer._request] = offer
        for queue in self._offer_queues:
            queue._queue.put(offer)
        self._announce(Announcement(offer.namespace, True, offer.name))
        self._hub.loop.call_later(OFFER_SECONDS, self._refuse_unwanted, offer)

    def _refuse_unwanted(self, offer: Offer) -> None:
        if not self._offer_queues and self._closed is None:
            offer._refuse(int(RequestErrorCode.UNINTERESTED), "nobody takes offers here")

    def _announce(self, announcement: Announcement) -> None:
        for each in self._announcements:
            each._tell(announcement)


NamespaceJudge: TypeAlias = Callable[[Session, TrackNamespace], bool | Awaitable[bool]]
"""Says whether the peer may announce a namespace: a function or a coroutine function that returns True or False."""
