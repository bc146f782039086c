"""CMAF objects as a subscriber meets them: an initialization segment, then chunks (ISO/IEC 14496-12, section 8.8)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from .frame import MediaError
from .movie import Sample, TrackFormat
from .mp4_boxes import boxes, children, descend


@dataclass(frozen=True)
class CmafTrack:
    """The one track of an initialization segment."""

    format: TrackFormat
    identifier: int
    edit: int
    """Ticks that an edit list takes off the times of every sample."""
    default_duration: int
    default_size: int
    default_flags: int


def read_initialization(segment: bytes) -> CmafTrack:
    """`MediaError` when the segment is no MP4, or holds another number of tracks than one."""
    try:
        return _read_initialization(segment)
    except struct.error:
        raise MediaError("the initialization segment is cut short") from None


def _read_initialization(segment: bytes) -> CmafTrack:
    movie = descend(segment, b"moov")
    traks = list(children(movie, b"trak"))
    if len(traks) != 1:
        raise MediaError(f"the initialization segment holds {len(traks)} tracks instead of one")
    trak = traks[0]
    header, media = descend(trak, b"tkhd"), descend(trak, b"mdia")
    (identifier,) = struct.unpack_from(">I", header, 20 if header[0] == 1 else 12)
    clock = descend(media, b"mdhd")
    (timescale,) = struct.unpack_from(">I", clock, 20 if clock[0] == 1 else 12)
    (language,) = struct.unpack_from(">H", clock, 32 if clock[0] == 1 else 20)
    (matrix,) = struct.unpack_from("36s", header, 52 if header[0] == 1 else 40)
    (handler,) = struct.unpack_from(">4s", descend(media, b"hdlr"), 8)
    if handler not in (b"vide", b"soun") or timescale == 0:
        raise MediaError("the initialization segment describes neither video nor audio")
    entry = descend(media, b"minf", b"stbl", b"stsd")[8:]
    width = height = 0
    if handler == b"vide":
        width, height = struct.unpack_from(">HH", entry, 32)
    extends = next(children(descend(movie, b"mvex"), b"trex"), bytes(24))
    duration, size, flags = struct.unpack_from(">III", extends, 12)
    kind: Literal["video", "audio"] = "video" if handler == b"vide" else "audio"
    format = TrackFormat(kind, timescale, entry, width, height, matrix, language)
    return CmafTrack(format, identifier, _edit(trak), duration, size, flags)


def read_chunk(track: CmafTrack, chunk: bytes) -> list[Sample]:
    """The samples of an object of that track; `MediaError` when it is cut short or no chunk."""
    try:
        samples: list[Sample] = []
        for kind, start, payload in boxes(chunk):
            if kind == b"moof":
                (size,) = struct.unpack_from(">I", chunk, start)
                for fragment in children(chunk[payload : start + size], b"traf"):
                    samples += _read_fragment(track, fragment, chunk, start)
    except struct.error:
        raise MediaError("a CMAF chunk is cut short") from None
    if not samples:
        raise MediaError("an object holds no CMAF chunk")
    return samples


def _edit(trak: bytes) -> int:
    edits = next(children(trak, b"edts"), None)
    listed = next(children(edits, b"elst"), None) if edits is not None else None
    if listed is None or struct.unpack_from(">I", listed, 4)[0] != 1:
        return 0
    begin: int = struct.unpack_from(">q", listed, 16)[0] if listed[0] == 1 else struct.unpack_from(">i", listed, 12)[0]
    return max(0, begin)


def _read_fragment(track: CmafTrack, fragment: bytes, chunk: bytes, base: int) -> list[Sample]:
    header = descend(fragment, b"tfhd")
    flags, identifier = struct.unpack_from(">II", header)
    if identifier != track.identifier:
        return []
    position = 8
    defaults = {0x08: track.default_duration, 0x10: track.default_size, 0x20: track.default_flags}
    for bit, size in ((0x01, 8), (0x02, 4), (0x08, 4), (0x10, 4), (0x20, 4)):
        if flags & bit:
            if bit in defaults:
                (defaults[bit],) = struct.unpack_from(">I", header, position)
            position += size
    clock = descend(fragment, b"tfdt")
    (decoded,) = struct.unpack_from(">Q", clock, 4) if clock[0] == 1 else struct.unpack_from(">I", clock, 4)
    decoded -= track.edit
    samples: list[Sample] = []
    where = base + 8
    for run in children(fragment, b"trun"):
        run_flags, count = struct.unpack_from(">II", run)
        position, first_flags = 8, None
        if run_flags & 0x1:
            (offset,) = struct.unpack_from(">i", run, position)
            where, position = base + offset, position + 4
        if run_flags & 0x4:
            (first_flags,) = struct.unpack_from(">I", run, position)
            position += 4
        for index in range(count):
            values = [defaults[0x08], defaults[0x10], defaults[0x20], 0]
            for place, bit in enumerate((0x100, 0x200, 0x400, 0x800)):
                if run_flags & bit:
                    (values[place],) = struct.unpack_from(">i" if bit == 0x800 else ">I", run, position)
                    position += 4
            duration, size, sample_flags, offset = values
            if index == 0 and first_flags is not None:
                sample_flags = first_flags
            if where + size > len(chunk):
                raise MediaError("a CMAF chunk is cut short")
            is_key = not sample_flags & 0x10000
            samples.append(Sample(decoded, decoded + offset, duration, is_key, chunk[where : where + size]))
            decoded, where = decoded + duration, where + size
    return samples
