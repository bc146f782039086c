"""The relay in this process."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, Unpack

import msquic
from moqt.asyncio._arguments import check_callable, checked_seconds
from moqt.asyncio._certificate import check_names, with_certificate
from moqt.asyncio._hub import Hub
from moqt.asyncio._listening import Closing, Listening, transport_of
from moqt.asyncio._places import check_successor
from moqt.asyncio.authorization import Authorize, Authorizing, TokenLike, tokens_of
from moqt.asyncio.relay_statistics import RelayStatistics
from moqt.asyncio.statistics import DeliveryStatistics
from moqt.asyncio.upstreams import UpstreamLike, upstreams_of
from msquic._native.moqt import RelayHandle, start_relay
from msquic.asyncio import ListenOptions, Opening

MAX_REQUEST_ID = 512
MAX_LOOPS = 64


class Relay(Listening[RelayHandle]):
    """A relay that :func:`relay` started, on a thread of its own. ``async with`` closes it at the end."""

    def stats(self) -> RelayStatistics:
        """What the relay has counted: sessions, objects, what its cache holds and answers. A consistent snapshot."""
        return RelayStatistics(**self._handle.stats())

    def deliveries(self) -> DeliveryStatistics:
        """What became of every object, over all subscriptions that the relay has or had."""
        return DeliveryStatistics(**self._handle.deliveries())

    async def drain(self, grace: float = 30.0, successor: str = "") -> None:
        """Lets the clients leave: accepts no more of them, asks those that are there with GOAWAY (section 3.5) to go to
        `successor`, a moqt URI, or to come back here when it is empty, and serves them as before until they do.

        Sessions that are left after `grace` seconds are closed with GOAWAY_TIMEOUT. Returns when no session is left;
        the relay is closed then. Cancelled, it goes on; close() ends it at once. Raises ``ValueError`` for a
        `successor` that is no moqt URI.
        """
        check_successor(successor)
        self._leave(checked_seconds(grace, "grace"), successor)
        await self.wait_closed()

    def close(self) -> Closing:
        """Accepts no more clients and closes every session. See :meth:`drain`, which cuts nobody off.

        Begins at once; ``await relay.close()`` also waits as :meth:`wait_closed` does.
        """
        self._leave(0.0, "")
        return Closing(self.wait_closed)

    def _leave(self, grace: float, successor: str) -> None:
        self._hub.check()
        self._closing = True
        if not self._stopped.is_set():
            self._handle.drain(grace, successor)

    async def wait_closed(self) -> None:
        """Waits until no session is left. Cancelling it has no effect on the relay."""
        self._hub.check()
        await self._stopped.wait()

    async def serve_forever(self) -> None:
        """Waits until the relay is closed. Cancelled, it closes the relay, as asyncio's servers do."""
        self._hub.check()
        try:
            await self.wait_closed()
        finally:
            self.close()

    async def __aenter__(self) -> Relay:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def _give_up(self) -> None:
        self._handle.drain(0.0, "")

    def __repr__(self) -> str:
        return f"<Relay port={self.port}>"


def relay(
    host: str = "127.0.0.1",
    port: int = 4433,
    *,
    authorize: Authorize | None = None,
    authorize_timeout: float = 10.0,
    token_cache_size: int = 4096,
    drafts: Iterable[int] | None = None,
    publisher_tokens: Iterable[TokenLike] = (),
    tolerances: Iterable[str] = ("leading-stream-type",),
    max_sessions: int | None = None,
    max_tracks: int | None = None,
    max_namespaces: int | None = None,
    min_prefix_fields: int | None = None,
    max_queued_bytes_per_subscription: int | None = None,
    max_queued_time: float | None = None,
    max_consecutive_skips: int | None = None,
    cache_duration: float | None = None,
    cache_bytes: int | None = None,
    cache_bytes_per_track: int | None = None,
    max_memory_bytes: int | None = None,
    upstream: Iterable[UpstreamLike] = (),
    upstream_loss_timeout: float | None = None,
    upstream_linger: float | None = None,
    rendezvous_timeout: float | None = None,
    loops: int | None = None,
    **options: Unpack[ListenOptions],
) -> Opening[Relay]:
    """A relay: publishers and subscribers connect to it, it forwards what is subscribed to (section 8).

    ``async with relay(…) as it`` or ``it = await relay(…)``.

    Args:
        host: an IP literal; ``"::"`` listens on both families.
        port: UDP port; 0 takes a free one, see :attr:`Relay.port`.
        authorize: says who may connect, publish, subscribe and fetch, as that of :func:`serve` does. Tokens are for the
            relay: it does not pass them on.
        authorize_timeout, token_cache_size: as for :func:`serve`.
        drafts: as for :func:`serve`. Whoever speaks one of them receives what was published in another.
        publisher_tokens: what the relay itself shows to publishers, with each SUBSCRIBE, SUBSCRIBE_UPDATE, FETCH and
            TRACK_STATUS that it sends to them: each a :data:`TokenLike`.
        tolerances: as for :func:`serve`.
        max_sessions: further clients are refused; 10 000 when not given.
        max_tracks, max_namespaces: open at a time.
        min_prefix_fields: SUBSCRIBE_NAMESPACE with fewer fields is refused.
        max_queued_bytes_per_subscription: bytes that wait for one slow subscriber before it skips to the next group.
        max_queued_time: seconds of a live track that may wait for one subscriber, by the time in which they came,
            before it goes on with the newest group; a DELIVERY_TIMEOUT takes its place, 0 is without limit. 4 when not
            given.
        max_consecutive_skips: before such a subscriber is ended with TOO_FAR_BEHIND.
        cache_duration: seconds that a group is kept after its newest object came, for FETCH and late joins; a track's
            MAX_CACHE_DURATION may shorten it, 0 keeps nothing. 60 when not given.
        cache_bytes: what is kept of all tracks together; whole groups go, the oldest first. 512 MiB when not given.
        cache_bytes_per_track: what is kept of one track. 64 MiB when not given.
        max_memory_bytes: what the relay may hold of everything, MsQuic's memory apart; then it refuses new sessions and
            requests, and shrinks its cache. 2 GiB when not given.
        upstream: relays that are dialled, and dialled again whenever their session ends: asked in this order for what
            nobody publishes here, and told what is published. Each a URL or an :class:`Upstream`. A loop of relays is
            noticed and refused.
        upstream_loss_timeout: seconds that subscribers wait for an upstream that was lost, or for another in its place;
            what was missed meanwhile is fetched. 30 when not given.
        upstream_linger: seconds that a subscription at an upstream outlives the last subscriber here; 2 when not given.
        rendezvous_timeout: seconds that a SUBSCRIBE for a track that nobody publishes waits for a publisher, and that
            subscribers of a publisher that was lost wait for another. Not at all when not given.
        loops: event loops, each with a thread of the library, that clients are spread over, 1 to 64; to clients the
            relay is one. One for every four processors, at least one, when not given.
        options: those of :func:`serve` that are not about sessions.

    Raises :class:`msquic.AddressError` (for one, when the port is taken), :class:`msquic.CertificateFileInvalid`.
    """
    if not 0 <= port <= 65535:
        raise ValueError("port must be from 0 to 65535")
    if isinstance(tolerances, str):
        raise TypeError("tolerances is a set or list of str")
    check_callable(authorize, "authorize")
    if loops is not None and not 1 <= loops <= MAX_LOOPS:
        raise ValueError(f"loops must be from 1 to {MAX_LOOPS}")
    check_names(options)
    limits = {
        "max_sessions": max_sessions,
        "max_tracks": max_tracks,
        "max_namespaces": max_namespaces,
        "min_prefix_fields": min_prefix_fields,
        "max_queued_bytes_per_subscription": max_queued_bytes_per_subscription,
        "max_consecutive_skips": max_consecutive_skips,
        "cache_bytes": cache_bytes,
        "cache_bytes_per_track": cache_bytes_per_track,
        "max_memory_bytes": max_memory_bytes,
        "loops": loops,
    }
    times = {
        "cache_duration": cache_duration,
        "max_queued_time": max_queued_time,
        "upstream_loss_timeout": upstream_loss_timeout,
        "upstream_linger": upstream_linger,
        "rendezvous_timeout": rendezvous_timeout,
    }
    for name, seconds in times.items():
        if seconds is not None:
            limits[f"{name}_ms"] = int(checked_seconds(seconds, name, most=1e9) * 1000)
    native: dict[str, Any] = {name: value for name, value in limits.items() if value is not None}
    native["tolerances"] = list(tolerances)
    native["upstreams"] = upstreams_of(upstream)
    native["asks_authorization"] = authorize is not None
    native["authorize_timeout"] = checked_seconds(authorize_timeout, "authorize_timeout")
    native["token_cache_size"] = token_cache_size
    native["publisher_tokens"] = tokens_of(publisher_tokens)
    return Opening(functools.partial(_relay, host, port, authorize, drafts, options, native))


async def _relay(
    host: str,
    port: int,
    authorize: Authorize | None,
    drafts: Iterable[int] | None,
    options: ListenOptions,
    native: dict[str, Any],
) -> Relay:
    complete, fingerprint = await with_certificate(host, options)
    started = Relay(Hub.running())
    started.certificate_sha256 = fingerprint
    started._authorizing = None if authorize is None else Authorizing(started._hub.loop, authorize)

    def start(registration: msquic.Registration, configuration: msquic.Configuration, how: dict[str, Any]) -> None:
        started._handle = start_relay(
            started._hub.channel, started._target, registration, configuration, host, port, native | how
        )

    await started._listen(transport_of(complete, drafts, MAX_REQUEST_ID), start)
    return started
