"""Data streams and datagrams (section 10 of draft-15, 11 of draft-18)."""

from __future__ import annotations

from dataclasses import dataclass, field

from moqt.conform.wire.codes import PROTOCOL_VIOLATION
from moqt.conform.wire.draft import Draft
from moqt.conform.wire.integers import Truncated
from moqt.conform.wire.reader import Reader
from moqt.conform.wire.values import WireError

FETCH_HEADER = 0x05
SETUP_STREAM = 0x2F00
PADDING_STREAM = 0x132B3E28
PADDING_DATAGRAM = 0x132B3E29

Property = tuple[int, int | bytes]


@dataclass
class Object:
    """An object as it came: ``subgroup`` is None for a datagram; ``marker`` for the end of a range in a FETCH."""

    group: int
    id: int
    payload: bytes = b""
    status: int = 0
    subgroup: int | None = None
    priority: int | None = None
    properties: list[Property] = field(default_factory=list[Property])
    marker: int | None = None

    @property
    def place(self) -> tuple[int, int]:
        return self.group, self.id


@dataclass
class Subgroup:
    """SUBGROUP_HEADER."""

    type: int
    alias: int
    group: int
    subgroup: int | None
    priority: int | None

    @property
    def has_properties(self) -> bool:
        return bool(self.type & 1)

    @property
    def ends_group(self) -> bool:
        return bool(self.type & 8)


@dataclass
class Fetched:
    """FETCH_HEADER."""

    request_id: int


def subgroup_types(draft: Draft) -> list[int]:
    """Every type of a SUBGROUP_HEADER that the draft has."""
    tops = (0x10, 0x30, 0x50, 0x70) if draft.request_streams else (0x10, 0x30)
    return [top | low for top in tops for low in (*range(6), *range(8, 14))]


def datagram_types(draft: Draft) -> list[int]:
    """Every type of an OBJECT_DATAGRAM that the draft has."""
    return [*range(0x10), *(0x20 | low for low in range(16) if not low & 2)]


def properties(draft: Draft, listed: list[Property]) -> bytes:
    """Their length, and they themselves."""
    return draft.prefixed(draft.key_values(listed))


def subgroup_header(
    draft: Draft, alias: int, group: int, subgroup: int = 0, *, kind: int = 0x14, priority: int = 128
) -> bytes:
    """SUBGROUP_HEADER; the type says which of its fields are there."""
    encoded = draft.integers(kind, alias, group)
    if kind & 0x06 == 0x04:
        encoded += draft.integer(subgroup)
    return encoded if kind & 0x20 else encoded + bytes([priority])


def subgroup_object(
    draft: Draft, delta: int, payload: bytes = b"", *, status: int = 0, listed: list[Property] | None = None
) -> bytes:
    """``listed``: properties, where the header says that there are some."""
    encoded = draft.integer(delta)
    if listed is not None:
        encoded += properties(draft, listed)
    return encoded + (draft.prefixed(payload) if payload else draft.integers(0, status))


def datagram(
    draft: Draft, alias: int, group: int, number: int, payload: bytes = b"", *, kind: int = 0, status: int = 0,
    priority: int = 128, listed: list[Property] | None = None,
) -> bytes:  # fmt: skip
    """OBJECT_DATAGRAM; the type says which of its fields are there."""
    encoded = draft.integers(kind, alias, group)
    if not kind & 0x04:
        encoded += draft.integer(number)
    if not kind & 0x08:
        encoded += bytes([priority])
    if kind & 0x01:
        encoded += properties(draft, listed if listed is not None else [(0x3D, b"property")])
    return encoded + (draft.integer(status) if kind & 0x20 else payload)


def read_properties(reader: Reader) -> list[Property]:
    length = reader.integer()
    if length > reader.rest:
        raise Truncated
    return reader.key_values(None, reader.offset + length)


def read_datagram(draft: Draft, data: bytes) -> tuple[int, Object] | None:
    """The alias and the object; None for padding."""
    reader = Reader(draft, data)
    try:
        kind = reader.integer()
        if kind == PADDING_DATAGRAM and draft.request_streams:
            return None
        if kind not in datagram_types(draft):
            raise WireError(PROTOCOL_VIOLATION, f"datagram type {kind:#x}")
        alias, group = reader.integer(), reader.integer()
        # Table 5 of draft-15 gives 0x2C and 0x2D an Object ID; that it is left out is what every later draft says.
        made = Object(group, 0 if kind & 0x04 else reader.integer())
        made.priority = None if kind & 0x08 else reader.byte()
        if kind & 0x01:
            made.properties = read_properties(reader)
            if not made.properties:
                raise WireError(PROTOCOL_VIOLATION, "a datagram with properties of no bytes")
        if kind & 0x20:
            made.status = read_status(reader, bool(made.properties))
        else:
            made.payload = reader.take(reader.rest)
    except Truncated:
        raise WireError(PROTOCOL_VIOLATION, "a datagram that ends inside of a field") from None
    if reader.rest:
        raise WireError(PROTOCOL_VIOLATION, "bytes behind a datagram's status")
    return alias, made


def read_status(reader: Reader, has_properties: bool) -> int:
    status = reader.integer()
    if status not in ((0, 1, 3, 4) if reader.draft.number == 15 else (0, 3, 4)):
        raise WireError(PROTOCOL_VIOLATION, f"object status {status}")
    if status and has_properties:
        raise WireError(PROTOCOL_VIOLATION, "properties of an object that is not Normal")
    return status


def read_header(reader: Reader) -> Subgroup | Fetched:
    """The header of a data stream."""
    kind = reader.integer()
    if kind == FETCH_HEADER:
        return Fetched(reader.integer())
    if kind not in subgroup_types(reader.draft):
        raise WireError(PROTOCOL_VIOLATION, f"stream type {kind:#x}")
    alias, group = reader.integer(), reader.integer()
    mode = kind & 0x06
    number = 0 if mode == 0 else reader.integer() if mode == 4 else None
    return Subgroup(kind, alias, group, number, None if kind & 0x20 else reader.byte())


def read_subgroup_object(reader: Reader, header: Subgroup, before: Object | None) -> Object:
    """The next object of a subgroup."""
    number = reader.integer() + (0 if before is None else before.id + 1)
    if number > reader.draft.max_integer:
        raise WireError(PROTOCOL_VIOLATION, "an Object ID beyond the largest integer")
    made = Object(header.group, number, priority=header.priority)
    if header.has_properties:
        made.properties = read_properties(reader)
    made.payload = reader.prefixed()
    if not made.payload:
        made.status = read_status(reader, bool(made.properties))
    if header.subgroup is None:
        header.subgroup = number
    made.subgroup = header.subgroup
    return made


def read_fetch_object(reader: Reader, before: Object | None, *, descending: bool = False) -> Object:
    """The next object, or marker, of the answer to a FETCH (section 10.4.4 of draft-15, 11.4.4 of draft-18)."""
    draft = reader.draft
    flags = reader.byte() if draft.number == 15 else reader.integer()
    marker = flags if flags in (0x8C, 0x10C, 0x20C) and draft.number >= 16 else None
    if (flags > 0x3F if draft.number == 15 else flags > 0x7F) and marker is None:
        raise WireError(PROTOCOL_VIOLATION, f"serialization flags {flags:#x}")
    bits = 0x4C if marker is not None else flags
    datagram = draft.number >= 16 and bool(bits & 0x40)
    refers = not bits & 0x04 or not bits & 0x08 or (marker is None and not bits & 0x10)
    if before is None and (refers or (not datagram and bits & 3 in (1, 2))):
        raise WireError(PROTOCOL_VIOLATION, "the first object refers to one before it")
    previous = before or Object(0, 0)
    group = previous.group
    if bits & 0x08:
        group = reader.integer()
        if before is not None and draft.request_streams:
            group = previous.group - group - 1 if descending else previous.group + group + 1
        if not 0 <= group <= draft.max_integer:
            raise WireError(PROTOCOL_VIOLATION, "a Group ID out of range")
    made = Object(group, 0, priority=previous.priority, marker=marker)
    if not datagram:
        mode = bits & 3
        prior = previous.subgroup or 0
        made.subgroup = 0 if mode == 0 else prior if mode == 1 else prior + 1 if mode == 2 else reader.integer()
    made.id = previous.id + 1
    if bits & 0x04:
        made.id = reader.integer()
        if draft.request_streams and not bits & 0x08:
            made.id += previous.id
    if bits & 0x10:
        made.priority = reader.byte()
    if bits & 0x20:
        made.properties = read_properties(reader)
    if marker is None:
        made.payload = reader.prefixed()
        if not made.payload and draft.number == 15:
            made.status = read_status(reader, bool(made.properties))
    return made
