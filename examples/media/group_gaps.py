"""Which objects of a group a decoder can use when others are missing."""

from __future__ import annotations


class GroupGaps:
    """Looks at the objects of one track in their order.

    An object may build on all before it in its own subgroup and in those with lower IDs (draft-15, section 2.2). A
    stream brings everything or breaks: a subgroup that goes on behind a gap has lost nothing there, and where the track
    has higher subgroups, what is missing belongs to them.
    """

    def __init__(self) -> None:
        self._group = -1
        self._expected = 0
        self._subgroups: set[int] = set()
        self._went_on: set[int] | None = None  # behind a gap of this group
        self._broken_from: int | None = None
        self.left_out = 0
        """Objects that build on missing ones."""

    def usable(self, group: int, object_id: int, subgroup: int) -> bool:
        if group != self._group:
            self._group, self._expected, self._went_on, self._broken_from = group, 0, None, None
        self._subgroups.add(subgroup)
        if object_id > self._expected:
            if self._expected == 0 or len(self._subgroups) == 1:  # nothing to begin with, or no other layer
                self._broken_from = 0
            self._went_on = set()
        self._expected = object_id + 1
        if self._went_on is not None:
            self._went_on.add(subgroup)
            if not {lower for lower in self._subgroups if lower < subgroup} <= self._went_on:
                self._broken_from = min(subgroup, subgroup if self._broken_from is None else self._broken_from)
        usable = self._broken_from is None or subgroup < self._broken_from
        self.left_out += not usable
        return usable
