"""Fetches that go on behind their latest object when their session comes back."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from moqt.asyncio.exceptions import SessionClosed, SessionStateError
from moqt.asyncio.fetching import Fetch
from moqt.asyncio.moving import Movable
from moqt.asyncio.subscription_options import check_draft
from msquic._native.moqt import FetchHandle, GroupOrder, Location, Object, TrackNamespace

if TYPE_CHECKING:
    from moqt.asyncio._resuming_session import ResumingSession

Range = tuple[Location, Location]


class _Part(Fetch):
    """What one session answers."""

    whole: ResumingFetch

    def _asked_to_move(self, uri: str) -> None:
        self.whole._asked_to_move(uri)


class ResumingFetch(Fetch):
    """A fetch for each session that it takes, or two where the order of the groups descends."""

    def __init__(
        self, session: ResumingSession, namespace: TrackNamespace, name: bytes, range: Range, options: dict[str, Any]
    ) -> None:
        Movable.__init__(self, session)  # what is of one session is in its part
        self._session: ResumingSession = session
        self._options = options
        self._part: Fetch | None = None
        self._part_range = range
        self._rest: list[Range] = []
        """What of the part would have to be asked for again if its session ended now."""
        self._later: list[Range] = [range]
        """What is asked for after the part."""
        self._answered: tuple[Location, bool] | None = None
        self._too_large = 0
        self._objects: deque[Object] = deque()
        self._cancelled = False
        self.namespace, self.name = namespace, name

    @property
    def end(self) -> Location | None:
        return None if self._answered is None else self._answered[0]

    @property
    def end_of_track(self) -> bool:
        return self._answered is not None and self._answered[1]

    @property
    def objects_too_large(self) -> int:
        return self._too_large + (0 if self._part is None else self._part.objects_too_large)

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self._cancelled or (self._part is None and not self._later)

    async def _begin(self) -> None:
        if self._cancelled:
            raise SessionStateError("the fetch was cancelled")
        if self._part is None and self._later:
            await self._session._through(self._ask_for_part)

    async def _ask_for_part(self) -> None:
        life = self._session._life
        start, end = self._later[0]

        def ask(ticket: int, target: int) -> FetchHandle:
            check_draft(life.draft, self._options)
            return life._handle.fetch(ticket, target, self.namespace, self.name, start, end, self._options)

        part = _Part(life, self.namespace, self.name, ask)
        part.whole = self
        self._move_uri = None
        await part._begin()
        self._part, self._part_range = part, self._later.pop(0)
        self._rest = [self._part_range]
        life._fetching.add(self)

    async def _fill(self, limit: int) -> None:
        while not self._objects:
            if self.ended:
                raise StopAsyncIteration
            await self._begin()
            part = self._part
            assert part is not None
            try:
                await part._fill(limit)
            except StopAsyncIteration:
                self._know(part)
                self._leave(part)
            except SessionClosed:
                if self._session.is_closed:
                    raise
                self._know(part)
                self._leave(part)
                self._later = self._rest + self._later
            else:
                self._know(part)
                last = part._objects[-1]
                self._objects.extend(part._objects)
                part._objects.clear()
                self._rest = self._behind(Location(last.group_id, last.object_id))

    def _know(self, part: Fetch) -> None:
        """What FETCH_OK has said: the answer goes no further, whoever gives the rest of it."""
        if self._answered is None and part.end is not None:
            self._answered = part.end, part.end_of_track
            start, end = self._part_range
            self._part_range = start, min(end, part.end, key=_one_past)
            self._rest = [(first, min(last, part.end, key=_one_past)) for first, last in self._rest]

    def _leave(self, part: Fetch) -> None:
        self._too_large += part.objects_too_large
        self._part = None

    def _behind(self, last: Location) -> list[Range]:
        """What is still to come of the part behind its object `last`."""
        start, end = self._part_range
        next_one = Location(last.group, last.object + 1)
        if self._options["group_order"] != GroupOrder.DESCENDING:
            rest = [(next_one, end)]
        else:
            rest = [(next_one, end if end.group == last.group else Location(last.group, 0))]
            if start.group < last.group:
                rest.append((start, Location(last.group - 1, 0)))
        return [each for each in rest if (each[0].group, each[0].object) < _one_past(each[1])]

    def _cancel(self) -> None:
        self._cancelled = True
        self._objects.clear()
        if self._part is not None:
            self._part._cancel()


def _one_past(end: Location) -> tuple[int, int]:
    return (end.group, end.object) if end.object else (end.group + 1, 0)
