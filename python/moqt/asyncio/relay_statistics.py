"""What a relay has counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class RelayStatistics(Mapping[str, int]):
    """Counters of a relay since its start, but for those that say "now". Also a mapping: ``dict(statistics)``."""

    sessions: int
    """Sessions that are open now."""
    tracks: int
    """Tracks that the relay knows now: subscribed to, published, or with something of them in its cache."""
    upstream_subscriptions: int
    """Subscriptions of the relay at publishers, now."""
    downstream_subscriptions: int
    """Subscriptions of clients, now."""
    published_namespaces: int
    """Namespaces that clients have announced, now."""
    objects_received: int
    """Objects that came from publishers by subscription."""
    objects_delivered: int
    """Objects that went to subscribers, once for each."""
    bytes_received: int
    """Bytes of those objects, headers included."""
    bytes_delivered: int
    """Bytes of those objects, headers included."""
    duplicates_dropped: int
    """Objects that a second publisher brought again."""
    groups_skipped: int
    """Groups given up for subscribers that were too slow."""
    subscribers_too_far_behind: int
    """Subscribers that were ended with TOO_FAR_BEHIND."""
    malformed_tracks: int
    """Tracks that were ended because their publisher broke the rules of section 2.4.2."""
    fetches: int
    """FETCHes of clients, refused ones too."""
    fetch_hits: int
    """Of these, those that were accepted out of the cache alone."""
    fetch_misses: int
    """Of these, those for which a publisher was to be asked, for objects or for the largest one."""
    upstream_fetches: int
    """FETCHes of the relay at publishers: one for all clients that wait for the same objects."""
    objects_fetched: int
    """Objects that these brought."""
    groups_evicted: int
    """Groups that the cache has let go of."""
    upstreams: int
    """Upstreams with a session, now."""
    publishers_lost: int
    """Times that a track with subscribers lost its last publisher or upstream, and they waited for another."""
    publishers_replaced: int
    """Of these, those where another one, or the same again, went on with the track."""
    objects_backfilled: int
    """Objects fetched then, because they might have been missed."""
    backfills_failed: int
    """Times that what was missed could not be had."""
    subscriptions_held: int
    """SUBSCRIBEs that had to wait for a publisher or an upstream."""
    publishes_skipped: int
    """Tracks that a client asked for with SUBSCRIBE_TRACKS and was told not to be offered, for want of streams."""
    loops_noticed: int
    """Clients that turned out to be relays below this one and above it at once, and are refused."""
    cached_tracks: int
    """Tracks with something in the cache, now."""
    cached_bytes: int
    """Bytes in the cache, now: objects and about 200 bytes of bookkeeping for each."""
    memory_bytes: int
    """Bytes of memory that the relay holds, now: the sum of the next three. MsQuic's own is not counted."""
    memory_connections_bytes: int
    """Of these, what has been received and not been looked at, and the memory that is ready for it."""
    memory_sessions_bytes: int
    """Requests with their names and tokens, headers, control messages that wait to be sent."""
    memory_tracks_bytes: int
    """Objects, until every transport has let go of them, and their bookkeeping: the cache and what waits."""
    memory_refusals: int
    """Tracks that were refused because no memory was left."""

    def __getitem__(self, name: str) -> int:
        if name not in _NAMES:
            raise KeyError(name)
        value: int = getattr(self, name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


_NAMES = tuple(each.name for each in fields(RelayStatistics))
