"""What FETCH asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msquic._native.moqt import (
    AuthorizationToken,
    GroupOrder,
    Location,
    MessageParameterType,
    RangeFilter,
    TrackProgress,
)

LAST_GROUP = (1 << 62) - 1
"""The largest Group ID."""


def fetch_options(
    priority: int,
    group_order: GroupOrder | None,
    tokens: list[AuthorizationToken],
    progress: TrackProgress | None = None,
    *,
    fill_timeout_ms: int | None = None,
    range_filters: Sequence[tuple[MessageParameterType, RangeFilter]] = (),
) -> dict[str, Any]:
    """The arguments of fetch() as the native module takes them."""
    return {
        "priority": priority,
        "group_order": group_order,
        "fill_timeout_ms": fill_timeout_ms,
        "range_filters": range_filters,
        "tokens": tokens,
        "progress": progress,
    }


def options_of_past(native: dict[str, Any], progress: TrackProgress | None = None) -> dict[str, Any]:
    """The same for what has been of a subscription that asks for `native`."""
    return fetch_options(native["priority"], None, native["tokens"], progress, range_filters=native["range_filters"])


def location_of(value: Location | tuple[int, int]) -> Location:
    return value if isinstance(value, Location) else Location(*value)


def fetch_range(start: Location | tuple[int, int], end: Location | tuple[int, int] | None) -> tuple[Location, Location]:
    """A range as FETCH says it. Raises ValueError for one that ends before it starts."""
    first = location_of(start)
    last = Location(LAST_GROUP, 0) if end is None else location_of(end)
    if (last.group, last.object or LAST_GROUP + 1) <= (first.group, first.object):
        raise ValueError("the range ends before it starts: end lies one past the last object")
    return first, last


def place_behind(end: Location) -> Location:
    """The first place behind a range that ends so."""
    if end.object > 0:
        return end
    return Location(min(end.group + 1, LAST_GROUP), 0)
