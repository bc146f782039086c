"""H.264 in its two shapes: start codes (Annex B) and 4-byte lengths with an avcC record.

Encoders emit the first; WebCodecs, LOC with a Video Config, and MP4 use the second
(ISO/IEC 14496-15, section 5.3.3.1 for the record).
"""

from __future__ import annotations

import re
import struct

from .frame import MediaError

_START_CODE = re.compile(rb"\x00*\x00\x00\x01")
_SPS, _PPS, _AUD = 7, 8, 9


def split_annex_b(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte stream, without start codes."""
    return [unit for unit in _START_CODE.split(data) if unit]


def avcc_from_annex_b(extradata: bytes) -> bytes:
    """Build the avcC record from SPS and PPS in Annex B form."""
    units = split_annex_b(extradata)
    sps = [unit for unit in units if unit[0] & 31 == _SPS]
    pps = [unit for unit in units if unit[0] & 31 == _PPS]
    if not sps or not pps:
        raise MediaError("the H.264 encoder gave no SPS and PPS")
    record = bytes((1, *sps[0][1:4], 0xFF, 0xE0 | len(sps)))
    record += b"".join(struct.pack(">H", len(unit)) + unit for unit in sps)
    record += bytes((len(pps),))
    return record + b"".join(struct.pack(">H", len(unit)) + unit for unit in pps)


def lengths_from_annex_b(data: bytes) -> bytes:
    """One access unit with 4-byte lengths; parameter sets go to the avcC record instead."""
    units = (unit for unit in split_annex_b(data) if unit[0] & 31 not in (_SPS, _PPS, _AUD))
    return b"".join(struct.pack(">I", len(unit)) + unit for unit in units)


def parameter_sets(avcc: bytes) -> tuple[list[bytes], list[bytes]]:
    """The SPS and PPS units of an avcC record."""
    try:
        if avcc[0] != 1 or avcc[4] & 3 != 3:
            raise MediaError("only avcC version 1 with 4-byte lengths is understood")
        sets: list[list[bytes]] = []
        position = 6
        for remaining in (avcc[5] & 31, None):
            if remaining is None:
                remaining, position = avcc[position], position + 1
            units: list[bytes] = []
            for _ in range(remaining):
                (size,) = struct.unpack_from(">H", avcc, position)
                units.append(avcc[position + 2 : position + 2 + size])
                position += 2 + size
            sets.append(units)
    except (IndexError, struct.error):
        raise MediaError("the avcC record is cut short") from None
    if position > len(avcc) or not sets[0] or not sets[1]:
        raise MediaError("the avcC record is cut short")
    return sets[0], sets[1]


def codec_string(avcc: bytes) -> str:
    """The WebCodecs name, for example avc1.42c01e."""
    return f"avc1.{avcc[1:4].hex()}"
