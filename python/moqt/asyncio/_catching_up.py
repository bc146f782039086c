"""What a subscription has missed while its session was away, as far as the peer has it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from moqt.asyncio._refusals import may_pass
from moqt.asyncio.exceptions import FetchInterrupted, FetchRefused, SessionStateError
from moqt.asyncio.fetch_options import place_behind
from moqt.asyncio.fetching import Fetch, LeftOut
from moqt.asyncio.resume import Gap
from msquic._native.moqt import Location, Object, RequestErrorCode, TrackProgress

Part = tuple[Location, Location]
"""From one place up to another, as FETCH says it: an end with Object ID 0 takes all of its group in."""

PATIENCE = 10.0
"""Seconds that a refusal which may pass is borne."""
AGAIN = 0.25
"""Seconds after which what an answer has left out is asked for once more."""
MOST_AGAIN = 4
"""Parts that are asked for once more."""


class Asker(Protocol):
    """Begins a FETCH whose objects go through the track's progress."""

    def __call__(self, start: Location, end: Location) -> Fetch: ...


class CatchingUp:
    """The objects from the progress's floor up to a place; read like a :class:`Fetch`.

    What is refused is looked for in smaller parts: the largest newest part that is to be had is found by halving, since
    whoever keeps objects for a while lets go of the oldest ones first; of the rest the older half is tried once. What
    is not to be had is told as a :class:`Gap`, and counts as settled.

    What an answer leaves out (from draft 16 on, draft-22 section 3.2.2) is asked for once more, after a moment and
    before what comes behind it is given: a relay may have lost its publisher, and have it again by then. Whatever is
    left out or refused then is told as a gap. Of many such parts the first `MOST_AGAIN` are asked for.
    """

    def __init__(
        self,
        progress: TrackProgress,
        ask: Asker,
        end: Location,
        held: Iterable[Object],
        tell: Callable[[Gap], None],
    ) -> None:
        self._progress, self._ask, self._tell = progress, ask, tell
        self._objects: deque[Object] = deque()
        self._held = deque(sorted(held, key=lambda each: (each.group_id, each.object_id)))
        """What has come already of what lies behind, and is given in its turn."""
        self._parts: deque[tuple[Part, Fetch | None]] = deque()
        start = progress.floor(0.0)
        if start < end:
            self._parts.append(((start, end), None))
        self._fetch: Fetch | None = None
        self._cancelled = False
        self._waits: tuple[float, float] | None = None
        """Since when nothing has come because the peer refuses for now, and how long to wait next."""
        self._again: Location | None = None
        """Where the part ends that is asked for once more."""
        self._agains = 0

    async def _fill(self, limit: int) -> None:
        """As :meth:`Fetch._fill`. Raises SessionClosed when the session of the fetches ends."""
        while not self._objects:
            if self._cancelled:
                raise StopAsyncIteration
            if self._fetch is None:
                if not self._parts:
                    if self._held:
                        self._objects, self._held = self._held, self._objects
                        return
                    raise StopAsyncIteration
                await self._open(*self._parts[0])
                continue
            part = self._parts[0][0]
            try:
                await self._fetch._fill(limit)
            except StopAsyncIteration:
                if self._cancelled:
                    raise
                self._finish(part)
            except _Absent as absent:
                await self._absent(part, absent.part)
            except FetchInterrupted as interrupted:
                if self._fetch._whole:
                    self._finish(part)
                else:
                    await self._interrupted(part, interrupted)
            else:
                self._waits = None
                self._give(self._fetch._objects)

    def _give(self, objects: deque[Object]) -> None:
        for each in objects:
            while self._held and (self._held[0].group_id, self._held[0].object_id) < (each.group_id, each.object_id):
                self._objects.append(self._held.popleft())
            self._objects.append(each)
        objects.clear()

    async def _open(self, part: Part, opened: Fetch | None) -> None:
        if opened is None:
            try:
                opened = await self._begun(*part)
            except FetchRefused as refused:
                if part[1] == self._again and refused.code == RequestErrorCode.INTERNAL_ERROR:
                    return self._miss(part, str(refused))
                if await self._is_kept_in_part(part, refused):
                    return
                if may_pass(refused) and await self._waited(refused.retry_after or 0.0):
                    return
                return await self._refused(part, refused)
        self._fetch = opened

    async def _begun(self, start: Location, end: Location) -> Fetch:
        self._fetch = fetch = self._ask(start, end)
        fetch._left_out = _absent
        try:
            await fetch._begin()
        except SessionStateError:
            if self._cancelled:
                raise StopAsyncIteration from None
            raise
        except BaseException:
            fetch._cancel()
            raise
        finally:
            if self._fetch is fetch:
                self._fetch = None
        if self._cancelled:
            fetch._cancel()
            raise StopAsyncIteration
        return fetch

    async def _absent(self, part: Part, left_out: LeftOut) -> None:
        """The answer leaves out what comes next."""
        start = max(left_out.start or part[0], part[0])
        end = min(left_out.end, part[1], key=place_behind)
        if start >= place_behind(end):
            return
        if part[1] == self._again or self._agains >= MOST_AGAIN:
            self._progress.passed(place_behind(end))
            return self._tell(Gap(start, end, left_out.reason))
        self._agains += 1
        self._again = end
        fetch, self._fetch = self._fetch, None
        assert fetch is not None
        rest: Part = (place_behind(end), part[1])
        self._parts.popleft()
        if rest[0] < place_behind(rest[1]):
            self._parts.appendleft((rest, fetch))
        else:
            fetch._cancel()
        self._parts.appendleft(((start, end), None))
        await asyncio.sleep(AGAIN)

    async def _interrupted(self, part: Part, interrupted: FetchInterrupted) -> None:
        """The peer broke an answer off: it is asked for the rest."""
        self._fetch = None
        rest: Part = (max(self._progress.floor(0.0), part[0]), part[1])
        self._parts[0] = (rest, None)
        if rest[0] >= place_behind(rest[1]):
            self._finish(rest)
        elif not await self._waited():
            self._miss(rest, str(interrupted))

    async def _waited(self, least: float = 0.0) -> bool:
        """Waits a moment, at least so many seconds; False when that was done, or would be, for long enough."""
        now = asyncio.get_running_loop().time()
        since, wait = self._waits or (now, 0.1)
        if now + least - since >= PATIENCE:
            return False
        self._waits = since, min(2 * wait, 1.0)
        await asyncio.sleep(max(wait, least))
        return True

    async def _refused(self, part: Part, refused: FetchRefused) -> None:
        start, end = part
        last = end.group
        if refused.code == RequestErrorCode.INVALID_RANGE:  # nothing of it has been published
            return self._finish(part)
        if refused.code != RequestErrorCode.UNKNOWN_STATUS_IN_RANGE or last <= start.group:
            return self._miss(part, str(refused))
        await self._split(part, await self._newest(start.group + 1, part), refused)

    async def _is_kept_in_part(self, part: Part, refused: FetchRefused) -> bool:
        """Drafts from 16 on have no code of their own for what is not kept any more: that it is said of a part, and not
        of all, tells. False: nothing has been done."""
        if refused.code != RequestErrorCode.INTERNAL_ERROR or part[1].group <= part[0].group:
            return False
        newest = await self._newest(part[0].group + 1, part)
        if newest is None:
            return False
        await self._split(part, newest, refused)
        return True

    async def _split(self, part: Part, newest: tuple[Part, Fetch] | None, refused: FetchRefused) -> None:
        """Goes on with the newest part that is to be had; of the rest the older half is tried."""
        start, end = part
        older: Part = (start, end if newest is None else Location(newest[0][0].group - 1, 0))
        self._parts.popleft()
        if newest is not None:
            self._parts.appendleft(newest)
        middle = (older[0].group + older[1].group) // 2
        if older[0].group < older[1].group:
            first: Part = (start, Location(middle, 0))
            try:
                fetch = await self._begun(*first)
            except FetchRefused:
                pass
            else:
                self._parts.appendleft(((Location(middle + 1, 0), older[1]), None))
                self._parts.appendleft((first, fetch))
                return
        self._parts.appendleft((older, None))
        self._miss(older, str(refused))

    async def _newest(self, first: int, part: Part) -> tuple[Part, Fetch] | None:
        """The largest part with the end of `part` that is to be had, beginning with group `first` or later."""
        low, high = first, part[1].group + 1  # the answer lies in [low, high]; high: nothing is to be had
        best: tuple[Part, Fetch] | None = None
        # The newest group first: when that is not to be had, nothing is that ends with it.
        probe = part[1].group
        while low < high:
            candidate: Part = (Location(probe, 0), part[1])
            try:
                fetch = await self._begun(*candidate)
            except FetchRefused:
                if best is None:
                    return None
                low = probe + 1
            else:
                if best is not None:
                    best[1]._cancel()
                best, high = (candidate, fetch), probe
            probe = (low + high) // 2
        return best

    def _finish(self, part: Part) -> None:
        """Everything that exists of it has come."""
        self._parts.popleft()
        self._fetch = None
        self._progress.passed(place_behind(part[1]))

    def _miss(self, part: Part, reason: str) -> None:
        self._finish(self._parts[0][0])
        if part[0] < place_behind(part[1]):
            self._tell(Gap(part[0], part[1], reason))

    def _cancel(self) -> None:
        self._cancelled = True
        if self._fetch is not None:
            self._fetch._cancel()
        for _, fetch in self._parts:
            if fetch is not None:
                fetch._cancel()

    def _rest(self) -> list[Object]:
        """What has come and was not read; afterwards it is read no more."""
        if self._fetch is not None and self._fetch._handle is not None:
            while taken := self._fetch._handle.take(1 << 16):
                self._fetch._objects.extend(taken)
        if self._fetch is not None:
            self._give(self._fetch._objects)
        self._cancel()
        return [*self._objects, *self._held]


class _Absent(Exception):
    """A part of what is read has been left out."""

    def __init__(self, part: LeftOut) -> None:
        super().__init__(part.reason)
        self.part = part


def _absent(part: LeftOut) -> None:
    raise _Absent(part)
