"""The parameters of messages: read, and held against what the draft says of each."""

from __future__ import annotations

from moqt.conform.wire.codes import KEY_VALUE_FORMATTING_ERROR, PROTOCOL_VIOLATION
from moqt.conform.wire.integers import Truncated
from moqt.conform.wire.reader import Reader
from moqt.conform.wire.table import ALLOWED
from moqt.conform.wire.values import Filter, Location, ParameterValue, WireError

_REPEATED = frozenset({0x03, 0x25, 0x26, 0x27, 0x28, 0x29})
"""These may stand in a message more than once."""
_KNOWN_15 = frozenset({0x02, 0x03, 0x04, 0x08, 0x09, 0x0E, 0x10, 0x20, 0x21, 0x22, 0x30, 0x32})
_KNOWN_16 = frozenset({0x02, 0x03, 0x08, 0x09, 0x10, 0x20, 0x21, 0x22, 0x32})
_FIELDS_15 = {1: 0, 2: 0, 3: 2, 4: 3}
_FIELDS_22 = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 0}


def read_parameters(reader: Reader, message: str) -> list[tuple[int, ParameterValue]]:
    """Number of Parameters and what follows (section 9.2 of draft-15, 10.2 of draft-18)."""
    count = reader.integer()
    if reader.draft.request_streams:
        found = _read_typed(reader, count, message)
    else:
        found = [_understood(reader, key, value) for key, value in reader.key_values(count)]
        if reader.draft.number == 16 and any(key not in _KNOWN_16 for key, _ in found):
            raise WireError(PROTOCOL_VIOLATION, f"an unknown parameter in {message}")
    known = _KNOWN_15 if reader.draft.number == 15 else None
    seen: set[int] = set()
    for key, value in found:
        if key in seen and key not in _REPEATED and (known is None or key in known):
            raise WireError(PROTOCOL_VIOLATION, f"parameter {key:#x} twice in {message}")
        seen.add(key)
        _check(reader, key, value)
    return found


def _read_typed(reader: Reader, count: int, message: str) -> list[tuple[int, ParameterValue]]:
    found: list[tuple[int, ParameterValue]] = []
    previous = 0
    for _ in range(count):
        key = previous + reader.integer()
        if key > reader.draft.max_integer:
            raise WireError(PROTOCOL_VIOLATION, "a Type Delta that leads beyond the largest type")
        previous = key
        kind = reader.draft.typed(key)
        allowed = ALLOWED.get((reader.draft.number, message), frozenset())
        if kind is None or key not in allowed:
            raise WireError(PROTOCOL_VIOLATION, f"parameter {key:#x} has no place in {message}")
        found.append((key, _typed(reader, kind)))
    return found


def _typed(reader: Reader, kind: str) -> ParameterValue:
    if kind == "integer":
        return reader.integer()
    if kind == "byte":
        return reader.byte()
    if kind == "location":
        return reader.location()
    if kind == "namespace":
        return reader.namespace(least=0)
    if kind == "filter" and reader.draft.number >= 22:
        return _filter(reader, _FIELDS_22)
    value = reader.prefixed()
    return _whole_filter(reader, value) if kind == "filter" else value


def _understood(reader: Reader, key: int, value: int | bytes) -> tuple[int, ParameterValue]:
    """A Key-Value-Pair whose type says more than that it has bytes."""
    if key == 0x21 and isinstance(value, bytes):
        return key, _whole_filter(reader, value)
    if key == 0x09 and isinstance(value, bytes):
        inner = Reader(reader.draft, value)
        try:
            location = inner.location()
        except Truncated:
            raise WireError(KEY_VALUE_FORMATTING_ERROR, "LARGEST_OBJECT is no Location") from None
        if inner.rest:
            raise WireError(KEY_VALUE_FORMATTING_ERROR, "LARGEST_OBJECT is longer than a Location")
        return key, location
    return key, value


def _whole_filter(reader: Reader, value: bytes) -> Filter:
    inner = Reader(reader.draft, value)
    try:
        found = _filter(inner, _FIELDS_15)
    except Truncated:
        raise WireError(PROTOCOL_VIOLATION, "a filter that is shorter than its type says") from None
    if inner.rest:
        raise WireError(PROTOCOL_VIOLATION, "a filter that is longer than its type says")
    return found


def _filter(reader: Reader, fields: dict[int, int]) -> Filter:
    kind = reader.integer()
    if kind not in fields:
        raise WireError(PROTOCOL_VIOLATION, f"filter type {kind:#x}")
    found = Filter(kind, tuple(reader.integer() for _ in range(fields[kind])))
    start, *further = found.fields or (0,)
    if reader.draft.request_streams and len(further) >= 2 and start + further[1] > reader.draft.max_integer:
        raise WireError(PROTOCOL_VIOLATION, "a filter that ends beyond the largest group")
    return found


def _check(reader: Reader, key: int, value: ParameterValue) -> None:
    if key == 0x03 and isinstance(value, bytes):
        read_token(Reader(reader.draft, value))
    if key == 0x23 and isinstance(value, bytes):
        read_fill(Reader(reader.draft, value))
    if not isinstance(value, int):
        return
    if key == 0x10 and value > 1:
        raise WireError(PROTOCOL_VIOLATION, f"FORWARD {value}")
    if key == 0x22 and value not in (1, 2):
        raise WireError(PROTOCOL_VIOLATION, f"GROUP_ORDER {value}")
    if key == 0x20 and value > 255:
        raise WireError(PROTOCOL_VIOLATION, f"SUBSCRIBER_PRIORITY {value}")
    if key == 0x30 and value > 1 and reader.draft.number == 15:
        raise WireError(PROTOCOL_VIOLATION, f"DYNAMIC_GROUPS {value}")
    if key == 0x35 and value > 1:
        raise WireError(PROTOCOL_VIOLATION, f"INCLUDE_PROPERTIES {value}")


def read_fill(reader: Reader) -> list[tuple[int, ParameterValue]]:
    """FILL_PARAMETERS: parameters as those of a message of their own (section 9.20.15 of draft-22)."""
    try:
        found = read_parameters(reader, "FILL_PARAMETERS")
    except Truncated:
        raise WireError(PROTOCOL_VIOLATION, "FILL_PARAMETERS that end inside of a field") from None
    if reader.rest:
        raise WireError(PROTOCOL_VIOLATION, "bytes behind FILL_PARAMETERS")
    return found


def read_token(reader: Reader) -> tuple[int, int | None, bytes]:
    """The Token structure: alias type, alias, value. One that can't be read has an error of its own."""
    try:
        kind = reader.integer()
        if kind > 3:
            raise WireError(KEY_VALUE_FORMATTING_ERROR, f"alias type {kind} of a token")
        alias = reader.integer() if kind != 3 else None
        if kind in (1, 3):
            reader.integer()
            return kind, alias, reader.take(reader.rest)
    except Truncated:
        raise WireError(KEY_VALUE_FORMATTING_ERROR, "a token that ends too early") from None
    if reader.rest:
        raise WireError(KEY_VALUE_FORMATTING_ERROR, "bytes behind a token")
    return kind, alias, b""


def largest(parameters: list[tuple[int, ParameterValue]]) -> Location | None:
    """LARGEST_OBJECT."""
    return next((value for key, value in parameters if key == 0x09 and isinstance(value, Location)), None)
