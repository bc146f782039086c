"""Puts objects back into decoding order."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class GroupSorter(Generic[T]):
    """Groups travel on streams of their own, so the tail of one may arrive after the head of the next.

    Items leave in (group, object) order. A group is closed once one that is `depth` groups later has
    begun: a recorder can wait, and needs no clock for it. Memory is bounded by `depth` + 1 groups.
    """

    def __init__(self, depth: int = 2) -> None:
        self._depth = self.depth = depth
        self._heap: list[tuple[int, int, int, T]] = []
        self._newest = -1
        self._count = 0
        self.late = 0
        """Items dropped because their group had been closed."""

    def add(self, group: int, object_id: int, item: T) -> Iterator[T]:
        """Take an item, give those that are now in order."""
        if group <= self._newest - self._depth:
            self.late += 1
            return
        self._count += 1  # breaks ties, so that items themselves are never compared
        heapq.heappush(self._heap, (group, object_id, self._count, item))
        self._newest = max(self._newest, group)
        while self._heap and self._heap[0][0] <= self._newest - self._depth:
            yield heapq.heappop(self._heap)[3]

    def drain(self) -> Iterator[T]:
        """Everything left, at the end of the track."""
        while self._heap:
            yield heapq.heappop(self._heap)[3]
