"""The little of AV1's bitstream that a container needs to know (AV1 specification, section 5.3)."""

from __future__ import annotations

from collections.abc import Iterator

from .frame import MediaError

_SEQUENCE_HEADER, _TEMPORAL_DELIMITER = 1, 2


def obus(unit: bytes) -> Iterator[tuple[int, bytes]]:
    """Walk the OBUs of a temporal unit: (type, whole OBU)."""
    position = 0
    while position < len(unit):
        start, header = position, unit[position]
        position += 2 if header & 4 else 1
        if not header & 2:  # without a size the OBU runs to the end
            yield header >> 3 & 15, unit[start:]
            return
        size = shift = 0
        while True:
            if position >= len(unit) or shift > 49:
                raise MediaError("the AV1 temporal unit is cut short")
            byte = unit[position]
            position += 1
            size |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                break
        position += size
        if position > len(unit):
            raise MediaError("the AV1 temporal unit is cut short")
        yield header >> 3 & 15, unit[start:position]


def without_delimiters(unit: bytes) -> bytes:
    """The temporal unit as MP4 wants it: no temporal delimiter OBUs."""
    return b"".join(obu for kind, obu in obus(unit) if kind != _TEMPORAL_DELIMITER)


def sequence_header(unit: bytes) -> bytes:
    """The sequence header OBU of a key frame's temporal unit."""
    for kind, obu in obus(unit):
        if kind == _SEQUENCE_HEADER:
            return obu
    raise MediaError("the AV1 key frame carries no sequence header")


def profile_and_level(header_obu: bytes) -> tuple[int, int]:
    """seq_profile and seq_level_idx[0], for streams without timing info (as live encoders write).

    Level 8 (4.0) is the answer when timing info makes the position variable.
    """
    body = header_obu[(2 if header_obu[0] & 4 else 1) :]
    if header_obu[0] & 2:
        body = body[next(i for i, byte in enumerate(body) if not byte & 128) + 1 :]
    bits = int.from_bytes(body[:4].ljust(4, b"\0"), "big")
    profile, reduced = bits >> 29, bits >> 27 & 1
    if reduced:
        return profile, bits >> 22 & 31
    timing_info = bits >> 26 & 1
    # initial_display_delay, operating_points_cnt_minus_1 (5), operating_point_idc (12), level (5)
    return profile, 8 if timing_info else bits >> 3 & 31
