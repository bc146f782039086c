"""What a recording is made of: tracks and their samples, independent of how they were packaged."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

UPRIGHT = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
UNDETERMINED = 0x55C4


@dataclass(frozen=True)
class TrackFormat:
    """A track of an MP4. `timescale` is ticks per second; `sample_entry` the whole box that describes the codec."""

    kind: Literal["video", "audio"]
    timescale: int
    sample_entry: bytes
    width: int = 0
    height: int = 0
    matrix: bytes = UPRIGHT
    """How pictures are turned (ISO/IEC 14496-12, section 8.3.2)."""
    language: int = UNDETERMINED
    """ISO 639-2, five bits for each letter (section 8.4.2)."""


@dataclass(frozen=True)
class Sample:
    """One coded frame, in decoding order. Times in ticks of its track; `shown` is when it is presented."""

    decoded: int
    shown: int
    duration: int
    is_key: bool
    data: bytes
