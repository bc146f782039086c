"""What a :class:`moqt.session.MoqtSession` keeps about itself and its tracks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from msquic._native.moqt import GroupOrder, SubscriptionFilter, TrackNamespace

__all__ = ["Role", "SessionState", "TrackInfo"]


class Role(Enum):
    """Which end of the session this is. The client opened the connection; its Request IDs are even (section 9.1)."""

    CLIENT = auto()
    SERVER = auto()


class SessionState(Enum):
    """How far a :class:`MoqtSession` has come."""

    IDLE = auto()
    """Nothing was sent or received."""
    CONNECTING = auto()
    """A connection is there (``set_connection()``), no SETUP yet."""
    SETUP = auto()
    """A client has sent CLIENT_SETUP; a server has received it (section 9.3)."""
    ESTABLISHED = auto()
    """Both SETUP messages went over: requests are possible."""
    GOAWAY = auto()
    """GOAWAY went over in either direction; what was established goes on (section 9.4)."""
    CLOSED = auto()
    """Over. Nothing more is sent, and what arrives is ignored."""


@dataclass
class TrackInfo:
    """A track that a subscription of this session is about, whichever end asked for it."""

    request_id: int
    """Of the SUBSCRIBE or PUBLISH."""
    track_alias: int
    """What data streams and datagrams carry in place of the name. The publisher chooses it (section 10.1)."""
    track_namespace: TrackNamespace
    track_name: bytes
    subscription_filter: SubscriptionFilter | None = None
    """None: unfiltered."""
    group_order: GroupOrder | None = None
    """None: the publisher's choice."""
    delivery_timeout: int | None = None
    """Milliseconds. None: no timeout."""
