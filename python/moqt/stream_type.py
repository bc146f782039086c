"""Types of streams."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["StreamType"]


class StreamType(IntEnum):
    """What the first number on a stream says about it (section 10).

    The 24 types of a subgroup stream are :class:`SubgroupHeaderType`; ``SUBGROUP`` is the smallest of them.
    """

    CONTROL = 0x00
    """Not in draft-15, whose control stream begins with CLIENT_SETUP itself. Kept for programs that were written
    for a server which tolerates one such byte; endpoints of this package never send it."""
    FETCH = 0x05
    """FETCH_HEADER (section 10.4.4)."""
    SUBGROUP = 0x10
    """SUBGROUP_HEADER (section 10.4.2) with Subgroup ID 0, no extensions and a priority."""
