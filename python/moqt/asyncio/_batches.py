"""Objects in batches."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from msquic._native.moqt import Object


class Source(Protocol):
    """What objects are read from."""

    _objects: deque[Object]

    async def _fill(self, limit: int) -> None: ...


class Batches:
    """``async for batch in …``: lists of the objects that are there, at least one. Made by :meth:`Subscription.batches`
    and :meth:`Fetch.batches`. One task at a time may read, here or there."""

    def __init__(self, source: Source, max: int) -> None:
        if max < 1:
            raise ValueError("max must be at least 1")
        self._source, self._max = source, max

    def __aiter__(self) -> Batches:
        return self

    async def __anext__(self) -> list[Object]:
        """The next batch. Ends, and raises, as the iteration over single objects does; cancelling it loses none."""
        await self._source._fill(self._max)
        objects = self._source._objects
        if len(objects) <= self._max:
            batch = list(objects)
            objects.clear()
            return batch
        return [objects.popleft() for _ in range(self._max)]
