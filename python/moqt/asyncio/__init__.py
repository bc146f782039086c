"""MOQT sessions for asyncio: connect, serve, publish, subscribe, relay.

    async with moqt.asyncio.connect("relay.example", 4433) as session:
        subscription = await session.subscribe("live/demo", "video")
        async for obj in subscription:
            print(obj.group_id, obj.object_id, len(obj.payload))

The protocol runs on a thread of the library, without Python and without the GIL; a loop is woken once per batch of
events. Objects belong to the loop that they were made on; any number of loops, in any threads, may be used, uvloop's
included. Objects that are not read yet stay outside of Python, up to a limit.

Every ``await`` may be cancelled without harm to the session. When the interpreter ends, live sessions are closed
without waiting. A child that is forked while there are any cannot use this package: everything raises
:class:`msquic.ForkedProcess`.

Errors: :class:`SessionClosed`, :class:`RequestRefused` and :class:`SessionStateError` are :class:`moqt.MoqtError`;
why a connection could not be made is a :class:`msquic.QuicError`.
"""

from __future__ import annotations

from moqt.asyncio._batches import Batches
from moqt.asyncio._places import place_of
from moqt.asyncio.announcing import NamespacePublication
from moqt.asyncio.answering import FetchAnswer, FetchHandler, FetchRequest, Past, PastGap, PastObject
from moqt.asyncio.authorization import AuthorizationRequest, Authorize, TokenLike
from moqt.asyncio.client import connect
from moqt.asyncio.exceptions import (
    FetchInterrupted,
    FetchRefused,
    ObjectRefused,
    Refused,
    RequestRefused,
    SessionClosed,
    SessionStateError,
)
from moqt.asyncio.fetching import Fetch
from moqt.asyncio.moving import Movable
from moqt.asyncio.names import NamespaceLike
from moqt.asyncio.offering import Announcement, Announcements, Offer, Offers
from moqt.asyncio.options import ConnectOptions, RelayOptions, ServeOptions
from moqt.asyncio.publishing import GroupWriter, TrackWriter
from moqt.asyncio.relay_statistics import RelayStatistics
from moqt.asyncio.relaying import Relay, relay
from moqt.asyncio.resume import Gap, GapFound, Resume, ResumeEvent, SessionLost, SessionResumed
from moqt.asyncio.retention import Retention
from moqt.asyncio.server import Server, serve
from moqt.asyncio.session import NamespaceJudge, Session
from moqt.asyncio.statistics import DeliveryStatistics, SubscriptionStatistics
from moqt.asyncio.subscribing import Change, Done, Subscription
from moqt.asyncio.subscription_options import SubscriptionOptions
from moqt.asyncio.track_options import TrackOptions, TrackProperties
from moqt.asyncio.upstreams import Upstream, UpstreamLike
from msquic._native.moqt import Object
from msquic.asyncio import Opening

__all__ = [
    "Announcement",
    "Announcements",
    "AuthorizationRequest",
    "Authorize",
    "Batches",
    "Change",
    "ConnectOptions",
    "DeliveryStatistics",
    "Done",
    "Fetch",
    "FetchAnswer",
    "FetchHandler",
    "FetchInterrupted",
    "FetchRefused",
    "FetchRequest",
    "Gap",
    "GapFound",
    "GroupWriter",
    "Movable",
    "NamespaceJudge",
    "NamespaceLike",
    "NamespacePublication",
    "Object",
    "ObjectRefused",
    "Offer",
    "Offers",
    "Opening",
    "Past",
    "PastGap",
    "PastObject",
    "Refused",
    "Relay",
    "RelayOptions",
    "RelayStatistics",
    "RequestRefused",
    "Resume",
    "ResumeEvent",
    "Retention",
    "ServeOptions",
    "Server",
    "Session",
    "SessionClosed",
    "SessionLost",
    "SessionResumed",
    "SessionStateError",
    "Subscription",
    "SubscriptionOptions",
    "SubscriptionStatistics",
    "TokenLike",
    "TrackOptions",
    "TrackProperties",
    "TrackWriter",
    "Upstream",
    "UpstreamLike",
    "connect",
    "place_of",
    "relay",
    "serve",
]

for _class in (
    Announcement, Announcements, AuthorizationRequest, Batches, Change, DeliveryStatistics, Done, Fetch,
    FetchInterrupted, FetchRefused, FetchRequest, Gap, GapFound, GroupWriter, Movable, NamespacePublication, Object,
    ObjectRefused, Offer, Offers, PastGap, PastObject, Refused, Relay, RelayStatistics, RequestRefused, Resume,
    Retention, Server, Session, SessionClosed, SessionLost, SessionResumed, SessionStateError, Subscription,
    SubscriptionStatistics, TrackProperties, TrackWriter, Upstream,
):  # fmt: skip
    _class.__module__ = __name__
del _class
