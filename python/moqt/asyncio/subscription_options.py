"""What a subscriber asks for, in SUBSCRIBE, PUBLISH_OK and SUBSCRIBE_UPDATE."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

from moqt.asyncio._arguments import check_type
from moqt.asyncio.authorization import TokenLike, tokens_of
from moqt.asyncio.exceptions import SessionStateError
from moqt.asyncio.track_options import TrackProperties, milliseconds
from msquic._native.moqt import (
    FilterType,
    GroupOrder,
    Location,
    MessageParameterType,
    RangeFilter,
    SubscriptionFilter,
)
from msquic.asyncio._configurations import check_options

Filter = FilterType | SubscriptionFilter
Start = Location | tuple[int, int]
RangeFilters = Iterable[tuple[MessageParameterType, RangeFilter]]
"""Range Filters of draft-22 (section 3.3.2), each with the parameter that it is the value of."""


class SubscriptionOptions(TypedDict, total=False):
    """What :meth:`Session.subscribe` and :meth:`Offer.accept` take alike, as a type for keyword arguments."""

    start: Location | tuple[int, int] | None
    end_group: int | None
    priority: int
    group_order: GroupOrder | None
    forward: bool
    group_ends: bool
    delivery_timeout: float | None
    subgroup_delivery_timeout: float | None
    new_group: bool
    renew: bool


def chosen_filter(
    filter: Filter | None, start: Start | None = None, end_group: int | None = None
) -> SubscriptionFilter | None:
    """The filter that the three arguments mean together. Raises ValueError for what does not go together."""
    if filter is None or isinstance(filter, SubscriptionFilter):
        if start is not None or end_group is not None:
            raise ValueError("start and end_group go with filter=FilterType.ABSOLUTE_START or ABSOLUTE_RANGE")
        return filter
    if filter in (FilterType.ABSOLUTE_START, FilterType.ABSOLUTE_RANGE):
        if start is None:
            raise ValueError("an absolute filter needs start, a Location")
        place = start if isinstance(start, Location) else Location(*start)
        if filter == FilterType.ABSOLUTE_START:
            if end_group is not None:
                raise ValueError("end_group goes with ABSOLUTE_RANGE")
            return SubscriptionFilter.absolute_start(place)
        if end_group is None or end_group < place.group:
            raise ValueError("ABSOLUTE_RANGE needs end_group, at least the group of start")
        return SubscriptionFilter.absolute_range(place, end_group)
    if start is not None or end_group is not None:
        raise ValueError("start and end_group go with an absolute filter only")
    return SubscriptionFilter(filter)


_OBJECT_FILTERS = (
    MessageParameterType.SUBGROUP_FILTER,
    MessageParameterType.OBJECT_ID_FILTER,
    MessageParameterType.PRIORITY_FILTER,
    MessageParameterType.OBJECT_PROPERTY_FILTER,
)
_PAIRS = "pairs of a MessageParameterType and a RangeFilter"


def native_range_filters(filters: RangeFilters) -> list[tuple[MessageParameterType, RangeFilter]]:
    """Checked. Raises TypeError for what is no such pair, ValueError for a filter that looks at no object."""
    pairs: list[tuple[MessageParameterType, RangeFilter]] = []
    for pair in filters:
        check_type(pair, tuple, "range_filters", _PAIRS)
        kind, value = pair
        check_type(value, RangeFilter, "range_filters", _PAIRS)
        if kind not in _OBJECT_FILTERS:
            raise ValueError(
                "range_filters take SUBGROUP_FILTER, OBJECT_ID_FILTER, PRIORITY_FILTER and OBJECT_PROPERTY_FILTER of "
                f"MessageParameterType, not {kind!r}"
            )
        pairs.append((kind, value))
    return pairs


def filters_after(
    before: list[tuple[MessageParameterType, RangeFilter]], update: RangeFilters
) -> list[tuple[MessageParameterType, RangeFilter]]:
    """What is in effect after an update."""
    news = native_range_filters(update)
    types = {type for type, _ in news}
    return [pair for pair in before if pair[0] not in types] + [pair for pair in news if not pair[1].removed]


def native_subscription_options(
    filter: Filter | None,
    options: SubscriptionOptions,
    authorization_tokens: Iterable[TokenLike] = (),
    *,
    rendezvous_timeout: float | None = None,
    range_filters: RangeFilters = (),
) -> dict[str, Any]:
    """The arguments of subscribe() and accept() as the native module takes them."""
    check_options(options, SubscriptionOptions)
    return {
        "filter": chosen_filter(filter, options.get("start"), options.get("end_group")),
        "priority": options.get("priority", 128),
        "group_order": options.get("group_order"),
        "forward": options.get("forward", True),
        "group_ends": options.get("group_ends", False),
        "delivery_timeout_ms": milliseconds(options.get("delivery_timeout"), "delivery_timeout", least=1),
        "subgroup_delivery_timeout_ms": milliseconds(
            options.get("subgroup_delivery_timeout"), "subgroup_delivery_timeout", least=1
        ),
        # The subscriber knows no group yet: 0 (section 9.2.1.12).
        "new_group": 0 if options.get("new_group") else None,
        "renew": options.get("renew", False),
        "rendezvous_timeout_ms": milliseconds(rendezvous_timeout, "rendezvous_timeout"),
        "range_filters": native_range_filters(range_filters),
        "tokens": tokens_of(authorization_tokens),
        "progress": None,
    }


def check_draft(draft: int, native: dict[str, Any]) -> None:
    """What the session's draft has no words for is not asked for in vain."""
    if native.get("rendezvous_timeout_ms") is not None and draft < 18:
        raise SessionStateError(f"draft {draft}, which this session speaks, has no rendezvous_timeout; 18 has one")
    if native["range_filters"] and draft < 22:
        raise SessionStateError(f"draft {draft}, which this session speaks, has no range_filters; 22 has them")


def check_new_group(wanted: bool, properties: TrackProperties) -> None:
    """Whoever knows what the publisher can do asks it for a new group only if it listens (section 9.2.1.12)."""
    if wanted and not properties.dynamic_groups:
        raise SessionStateError("the publisher of this track begins no groups on demand (DYNAMIC_GROUPS is not set)")


def check_join(filter: Filter | None, join: int | None, join_absolute: int | None) -> tuple[bool, int] | None:
    """Whether a joining FETCH counts groups backwards, and how many, or from which group on; None without one."""
    if join is None and join_absolute is None:
        return None
    if join is not None and join_absolute is not None:
        raise ValueError("join and join_absolute exclude each other")
    kind = filter.type if isinstance(filter, SubscriptionFilter) else filter
    if kind != FilterType.LARGEST_OBJECT:
        raise ValueError("join needs the filter LARGEST_OBJECT (section 9.16.2)")
    number = join if join is not None else join_absolute
    assert number is not None
    if not 0 <= number < 1 << 62:
        raise ValueError("join and join_absolute must be from 0 to 2**62 - 1")
    return join is not None, number
