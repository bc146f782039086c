"""Reads fields from the bytes of one message, stream or datagram."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moqt.conform.wire.codes import PROTOCOL_VIOLATION
from moqt.conform.wire.integers import MAX_VI64, Truncated
from moqt.conform.wire.values import Location, Namespace, WireError

if TYPE_CHECKING:
    from moqt.conform.wire.draft import Draft


class Reader:
    """A position in some bytes. Raises :class:`Truncated` where they end too early."""

    def __init__(self, draft: Draft, data: bytes) -> None:
        self.draft = draft
        self.data = data
        self.offset = 0

    @property
    def rest(self) -> int:
        """How many bytes are left."""
        return len(self.data) - self.offset

    def integer(self) -> int:
        value, self.offset = self.draft.decode_integer(self.data, self.offset)
        return value

    def byte(self) -> int:
        return self.take(1)[0]

    def take(self, length: int) -> bytes:
        if length > self.rest:
            raise Truncated
        self.offset += length
        return self.data[self.offset - length : self.offset]

    def prefixed(self) -> bytes:
        return self.take(self.integer())

    def reason(self) -> bytes:
        """Section 1.4.3 of draft-15: at most 1024 bytes."""
        length = self.integer()
        if length > 1024:
            raise WireError(PROTOCOL_VIOLATION, f"a reason phrase of {length} bytes")
        return self.take(length)

    def location(self) -> Location:
        return Location(self.integer(), self.integer())

    def namespace(self, *, least: int) -> Namespace:
        """``least``: how many fields it must have."""
        count = self.integer()
        if count == 0 and "empty-namespace-prefix" in self.draft.tolerates:
            return ()
        if not least <= count <= 32:
            raise WireError(PROTOCOL_VIOLATION, f"a namespace of {count} fields")
        fields = tuple(self.prefixed() for _ in range(count))
        if b"" in fields and "empty-namespace-field" in self.draft.tolerates:
            fields = tuple(filter(None, fields))
        if b"" in fields and self.draft.number >= 16:
            raise WireError(PROTOCOL_VIOLATION, "a namespace field of no bytes")
        if sum(map(len, fields)) > 4096:
            raise WireError(PROTOCOL_VIOLATION, "a namespace of more than 4096 bytes")
        return fields

    def key_values(self, count: int | None, end: int | None = None) -> list[tuple[int, int | bytes]]:
        """Key-Value-Pairs (section 1.4.2): so many, or as many as there are up to ``end``."""
        found: list[tuple[int, int | bytes]] = []
        previous = 0
        end = len(self.data) if end is None else end
        while len(found) < count if count is not None else self.offset < end:
            key = self.integer()
            if self.draft.key_deltas:
                key += previous
                if key > MAX_VI64:
                    raise WireError(PROTOCOL_VIOLATION, "a Delta Type that leads beyond the largest type")
            previous = key
            if key % 2 == 0:
                found.append((key, self.integer()))
                continue
            length = self.integer()
            if length > 0xFFFF:
                raise WireError(PROTOCOL_VIOLATION, f"a value of {length} bytes for type {key:#x}")
            found.append((key, self.take(length)))
        if count is None and self.offset != end:
            raise Truncated
        return found
