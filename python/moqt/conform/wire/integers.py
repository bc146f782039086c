"""Variable-length integers, from RFC 9000 section 16 and section 1.4.1 of draft-18, not from the library's codec."""

from __future__ import annotations

MAX_VARINT = (1 << 62) - 1
MAX_VI64 = (1 << 64) - 1


class Truncated(Exception):
    """The bytes end inside of a field."""


def encode_varint(value: int, size: int | None = None) -> bytes:
    """Of QUIC: the two highest bits of the first byte tell the length, 1, 2, 4 or 8 bytes. ``size``: in so many."""
    fitting = [length for length in (1, 2, 4, 8) if value < 1 << (8 * length - 2)]
    if not fitting or (size is not None and size not in fitting):
        raise ValueError(f"{value} is no varint of {size or 8} bytes")
    length = size or fitting[0]
    return (value | {1: 0, 2: 1, 4: 2, 8: 3}[length] << (8 * length - 2)).to_bytes(length, "big")


def decode_varint(data: bytes, offset: int) -> tuple[int, int]:
    """The value and the offset behind it."""
    if offset >= len(data):
        raise Truncated
    length = 1 << (data[offset] >> 6)
    if offset + length > len(data):
        raise Truncated
    value = int.from_bytes(data[offset : offset + length], "big") & ((1 << (8 * length - 2)) - 1)
    return value, offset + length


def encode_vi64(value: int, size: int | None = None) -> bytes:
    """Of draft-17 and later: as many leading ones as bytes follow the first; 9 bytes carry 64 bits."""
    if not 0 <= value <= MAX_VI64:
        raise ValueError(f"{value} is no vi64")
    length = size or next((n for n in range(1, 9) if value < 1 << (7 * n)), 9)
    if length == 9:
        return b"\xff" + value.to_bytes(8, "big")
    if not 1 <= length <= 8 or value >= 1 << (7 * length):
        raise ValueError(f"{value} is no vi64 of {length} bytes")
    ones = (0xFF << (9 - length)) & 0xFF
    whole = value.to_bytes(length, "big")
    return bytes([whole[0] | ones]) + whole[1:]


def decode_vi64(data: bytes, offset: int) -> tuple[int, int]:
    """The value and the offset behind it."""
    if offset >= len(data):
        raise Truncated
    first = data[offset]
    length = 1
    while length < 9 and first & (0x80 >> (length - 1)):
        length += 1
    if offset + length > len(data):
        raise Truncated
    if length == 9:
        return int.from_bytes(data[offset + 1 : offset + 9], "big"), offset + 9
    value = int.from_bytes(data[offset : offset + length], "big") & ((1 << (7 * length)) - 1)
    return value, offset + length
