"""What a recording is made of: tracks and their samples, independent of how they were packaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class TrackFormat:
    """A track of an MP4. `timescale` is ticks per second; `sample_entry` the whole box that describes the codec."""

    kind: Literal["video", "audio"]
    timescale: int
    sample_entry: bytes
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Sample:
    """One coded frame, in decoding order. Times in ticks of its track; `shown` is when it is presented."""

    decoded: int
    shown: int
    duration: int
    is_key: bool
    data: bytes
