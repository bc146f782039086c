"""What a publisher says of a track, and the options that both ``create_track()`` take."""

from __future__ import annotations

from typing import Any, NamedTuple, TypedDict

from moqt.asyncio._arguments import check_callable, check_type
from moqt.asyncio.answering import FetchHandler
from moqt.asyncio.retention import Retention
from msquic._native.moqt import GroupOrder
from msquic.asyncio._configurations import check_options

QUEUE_LIMIT = 8 * 1024 * 1024
_FOREVER_MS = (1 << 62) - 1


class TrackOptions(TypedDict, total=False):
    """The options of :meth:`Session.create_track` and :meth:`Server.create_track`, as a type for keyword arguments."""

    priority: int
    group_order: GroupOrder | None
    delivery_timeout: float | None
    subgroup_delivery_timeout: float | None
    max_cache_duration: float | None
    queue_limit: int
    dynamic_groups: bool
    retention: Retention | None
    on_fetch: FetchHandler | None
    expires: float | None


class TrackProperties(NamedTuple):
    """What the publisher says of a track in SUBSCRIBE_OK or PUBLISH (sections 9.10, 9.13). Times are seconds."""

    delivery_timeout: float | None = None
    """DELIVERY_TIMEOUT (section 9.2.1.2): how long an object is worth sending; None: without limit."""
    max_cache_duration: float | None = None
    """MAX_CACHE_DURATION (section 9.2.1.3): how long a relay may serve an object; None: as long as it likes."""
    priority: int = 128
    """PUBLISHER_PRIORITY (section 9.2.1.4), 0 (most urgent) to 255."""
    group_order: GroupOrder = GroupOrder.ASCENDING
    """GROUP_ORDER (section 9.2.1.6) in which the publisher sends groups."""
    dynamic_groups: bool = False
    """DYNAMIC_GROUPS (section 9.2.1.11): whether a new group may be asked for."""
    subgroup_delivery_timeout: float | None = None
    """SUBGROUP_DELIVERY_TIMEOUT (draft-22 section 10.1): how long a subgroup may take to arrive; None: any time."""


def milliseconds(seconds: float | None, name: str, *, least: int = 0) -> int | None:
    """A time as a parameter carries it, rounded up so that no time becomes none."""
    if seconds is None:
        return None
    if not seconds >= 0 or (least and seconds == 0):
        raise ValueError(f"{name} must be {'above' if least else 'at least'} 0 seconds")
    return min(-int(-seconds * 1000 // 1) if seconds != float("inf") else _FOREVER_MS, _FOREVER_MS)


def native_track_options(options: TrackOptions) -> dict[str, Any]:
    """The arguments of create_track() as the native module takes them."""
    check_options(options, TrackOptions)
    check_callable(options.get("on_fetch"), "on_fetch")
    retention = options.get("retention")
    check_type(retention, Retention | None, "retention", "a Retention")
    return {
        "priority": options.get("priority", 128),
        "group_order": options.get("group_order"),
        "delivery_timeout_ms": milliseconds(options.get("delivery_timeout"), "delivery_timeout", least=1),
        "subgroup_delivery_timeout_ms": milliseconds(
            options.get("subgroup_delivery_timeout"), "subgroup_delivery_timeout", least=1
        ),
        "max_cache_duration_ms": milliseconds(options.get("max_cache_duration"), "max_cache_duration"),
        "queue_limit": options.get("queue_limit", QUEUE_LIMIT),
        "dynamic_groups": options.get("dynamic_groups", False),
        "answers_fetch": options.get("on_fetch") is not None,
        "expires_ms": milliseconds(options.get("expires"), "expires", least=1),
        **(retention or Retention())._native(),
    }
