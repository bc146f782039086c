"""Messages to bytes and back, by the tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from moqt.conform.wire.codes import PROTOCOL_VIOLATION, REDIRECT
from moqt.conform.wire.draft import Draft
from moqt.conform.wire.integers import Truncated
from moqt.conform.wire.parameters import read_parameters
from moqt.conform.wire.reader import Reader
from moqt.conform.wire.table import BY_NAME, BY_TYPE, Row
from moqt.conform.wire.values import Location, Namespace, WireError


class Standalone(NamedTuple):
    """Section 9.16.1 of draft-15."""

    namespace: Namespace
    name: bytes
    start: Location
    end: Location


class Joining(NamedTuple):
    """Section 9.16.2 of draft-15. ``type``: 2 relative, 3 absolute."""

    type: int
    request_id: int
    start: int


@dataclass
class Message:
    """A message and its fields, named as in the table."""

    name: str
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    opens: bool = False

    def __getattr__(self, name: str) -> Any:
        try:
            return self.fields[name]
        except KeyError:
            raise AttributeError(f"{self.name} has no {name}") from None

    def parameter(self, key: int) -> Any:
        """The first parameter of that type; None without."""
        return next((value for each, value in self.fields.get("parameters", ()) if each == key), None)

    def __str__(self) -> str:
        return f"{self.name} {self.fields}"


def _encode(draft: Draft, kind: str, value: Any) -> bytes:
    match kind:
        case "i":
            return draft.integer(value)
        case "g":
            return b"" if value is None else draft.integer(value)
        case "u":
            return bytes([value])
        case "b" | "r":
            return draft.prefixed(value)
        case "n" | "x":
            return draft.namespace(value)
        case "l":
            return draft.integers(*value)
        case "p":
            return draft.parameters(value)
        case "s":
            return draft.integer(len(value)) + draft.key_values(value)
        case "o" | "t":
            return draft.key_values(value)
        case "f":
            return _encode_fetch(draft, value)
        case _:
            return bytes(value)


def _encode_fetch(draft: Draft, fetch: Standalone | Joining) -> bytes:
    if isinstance(fetch, Joining):
        return draft.integers(*fetch)
    return draft.integer(1) + draft.name(fetch.namespace, fetch.name) + draft.integers(*fetch.start, *fetch.end)


_DEFAULTS: dict[str, Any] = {
    "i": 0,
    "g": None,
    "u": 0,
    "b": b"",
    "r": b"",
    "d": b"",
    "p": {},
    "s": {},
    "o": {},
    "t": {},
    "n": (),
    "x": (),
    "l": (0, 0),
}


def payload(draft: Draft, name: str, /, **fields: Any) -> bytes:
    """What follows the Length of a message. Fields that are left out are empty; those the draft lacks are left out."""
    row = BY_NAME[draft.number, name]
    encoded = b""
    for entry in row.layout.split():
        key, kind = entry.split(":")
        encoded += _encode(draft, kind, fields[key] if key in fields else _DEFAULTS[kind])
    return encoded


def message(draft: Draft, name: str, /, **fields: Any) -> bytes:
    """A whole message."""
    return draft.frame(BY_NAME[draft.number, name].type, payload(draft, name, **fields))


def message_type(draft: Draft, name: str) -> int:
    """Its number in that draft."""
    return BY_NAME[draft.number, name].type


def _decode(reader: Reader, kind: str, row: Row, fields: dict[str, Any]) -> Any:
    draft = reader.draft
    match kind:
        case "i":
            return reader.integer()
        case "g":
            return reader.integer() if reader.rest else None
        case "u":
            return reader.byte()
        case "b":
            return reader.prefixed()
        case "r":
            return reader.reason()
        case "n":
            return reader.namespace(least=0 if draft.request_streams else 1)
        case "x":
            return reader.namespace(least=0)
        case "l":
            return reader.location()
        case "p":
            return read_parameters(reader, row.name)
        case "s":
            return reader.key_values(reader.integer())
        case "o" | "t":
            return reader.key_values(None)
        case "f":
            return _decode_fetch(reader)
        case _:
            if fields["code"] != REDIRECT:
                return None
            return reader.prefixed(), reader.namespace(least=0), reader.prefixed()


def _decode_fetch(reader: Reader) -> Standalone | Joining:
    kind = reader.integer()
    if kind == 1:
        return Standalone(reader.namespace(least=1), reader.prefixed(), reader.location(), reader.location())
    if kind not in (2, 3):
        raise WireError(PROTOCOL_VIOLATION, f"fetch type {kind}")
    return Joining(kind, reader.integer(), reader.integer())


def decode(draft: Draft, kind: int, data: bytes) -> Message:
    """Raises :class:`WireError` for what the draft does not allow."""
    row = BY_TYPE.get((draft.number, kind))
    if row is None:
        raise WireError(PROTOCOL_VIOLATION, f"message type {kind:#x}")
    reader = Reader(draft, data)
    fields: dict[str, Any] = {}
    try:
        for entry in row.layout.split():
            key, what = entry.split(":")
            fields[key] = _decode(reader, what, row, fields)
    except Truncated:
        raise WireError(PROTOCOL_VIOLATION, f"{row.name} that ends inside of a field") from None
    if reader.rest:
        raise WireError(PROTOCOL_VIOLATION, f"{row.name} with {reader.rest} bytes too many")
    fetch = fields.get("fetch")
    namespace, track = fields.get("namespace", ()), fields.get("track", b"")
    if isinstance(fetch, Standalone):
        namespace, track = fetch.namespace, fetch.name
    if sum(map(len, namespace)) + len(track) > 4096:
        raise WireError(PROTOCOL_VIOLATION, f"{row.name} with a Full Track Name of more than 4096 bytes")
    if row.name == "GOAWAY" and len(fields["uri"]) > 8192:
        raise WireError(PROTOCOL_VIOLATION, "GOAWAY with a URI of more than 8192 bytes")
    return Message(row.name, fields, row.opens)


def split(draft: Draft, data: bytes, offset: int) -> tuple[int, bytes, int]:
    """The next frame: its type, its payload, the offset behind it. Raises Truncated when it is not all there."""
    kind, offset = draft.decode_integer(data, offset)
    if offset + 2 > len(data):
        raise Truncated
    end = offset + 2 + int.from_bytes(data[offset : offset + 2], "big")
    if end > len(data):
        raise Truncated
    return kind, data[offset + 2 : end], end
