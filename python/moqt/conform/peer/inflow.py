"""What the peer sends on one stream."""

from __future__ import annotations

from collections.abc import Callable

from moqt.conform.wire.draft import Draft
from moqt.conform.wire.integers import Truncated
from moqt.conform.wire.messages import Message, decode, split
from moqt.conform.wire.objects import Fetched, Object, Subgroup, read_fetch_object, read_header, read_subgroup_object
from moqt.conform.wire.reader import Reader
from msquic.asyncio import Stream
from msquic.exceptions import ConnectionFailed, StreamError, StreamReset


class Inflow:
    """The bytes so far, and whether and how they ended."""

    def __init__(self, stream: Stream, changed: Callable[[], None]) -> None:
        self.stream = stream
        self.data = bytearray()
        self.finished = False
        self.reset: int | None = None
        self._changed = changed

    @property
    def over(self) -> bool:
        return self.finished or self.reset is not None

    async def pump(self, take: Callable[[Inflow], None]) -> None:
        """Reads to the end and tells ``take`` of each step."""
        try:
            while chunk := await self.stream.read(1 << 16):
                self.data += chunk
                take(self)
                self._changed()
            self.finished = True
        except StreamReset as error:
            self.reset = error.app_code or 0
        except (ConnectionFailed, StreamError):
            return
        take(self)
        self._changed()


class MessageInflow:
    """Cuts messages out of a stream."""

    def __init__(self, draft: Draft, inflow: Inflow) -> None:
        self._draft, self._inflow = draft, inflow
        self._offset = 0

    def take(self) -> list[Message]:
        """Those that have come since. Raises WireError for one that the draft does not allow."""
        found: list[Message] = []
        while True:
            try:
                kind, payload, self._offset = split(self._draft, bytes(self._inflow.data), self._offset)
            except Truncated:
                return found
            found.append(decode(self._draft, kind, payload))


class DataStream:
    """A stream of objects."""

    def __init__(self, draft: Draft, inflow: Inflow, descending: Callable[[int], bool]) -> None:
        self._draft = draft
        self._descending = descending
        self.inflow = inflow
        self.header: Subgroup | Fetched | None = None
        self.objects: list[Object] = []
        self.whole = False
        """The bytes so far end with an object."""

    def parse(self) -> None:
        """Reads what there is. Raises WireError for what the draft does not allow."""
        reader = Reader(self._draft, bytes(self.inflow.data))
        self.objects = []
        self.whole = False
        try:
            self.header = read_header(reader)
            while reader.rest:
                before = self.objects[-1] if self.objects else None
                if isinstance(self.header, Subgroup):
                    self.objects.append(read_subgroup_object(reader, self.header, before))
                else:
                    descending = self._descending(self.header.request_id)
                    self.objects.append(read_fetch_object(reader, before, descending=descending))
            self.whole = True
        except Truncated:
            pass

    @property
    def places(self) -> list[tuple[int, int]]:
        return [each.place for each in self.objects]
