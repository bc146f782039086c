"""Writes a fragmented MP4: what is in the file plays, however the writing ends.

The media packages of the examples write MP4 whose index comes last, so a recorder that is killed leaves nothing.
"""

from __future__ import annotations

import dataclasses
import struct
import time
from dataclasses import dataclass, field
from typing import BinaryIO

from .frame import MediaError
from .movie import UPRIGHT, Sample, TrackFormat
from .mp4_boxes import box, full_box

_ENCODER_DELAY_US = 100_000
_LONGEST_GAP = 600
"""Seconds that may be missing inside of a track; what is further ahead comes of a publisher that was started again."""
_OTHER_FORMAT = (
    "the publisher has come back with another codec, size or clock, which this program can't put into the same file; "
    "moqt-sub does"
)
_NOT_SYNC, _SYNC = 0x01010000, 0x02000000


@dataclass
class _Track:
    format: TrackFormat
    waiting: list[Sample] = field(default_factory=list[Sample])
    shift: int = 0
    """What is taken off the times of a sample, so that the movie begins at 0."""
    raised: int = 0
    """What is put on its decode times, so that none is below 0; an edit list takes it back."""
    in_movie: bool = False
    samples: int = 0
    released: bool = False
    """Who filled it has ended; another one may go on with it."""
    last: int | None = None
    """When its last sample was decoded, before any shift of a restart."""
    restarts: int = 0


class FragmentedWriter:
    """One MP4 of several tracks, whose clock begins at 0 with the first picture, or with sound that begins well before.

    Samples are held until every track has one, or for `patience` seconds; then a fragment is written at least
    once a second. Tracks that had nothing by then are left out. What an edit list of the source leaves out has times
    below 0, or below `start_at`; an edit list of ours does so again.

    A track whose times go back (its publisher was started again) goes on behind what was written; the others that go
    back as well follow with the same shift.
    """

    def __init__(self, path: str, *, fragment_seconds: float = 1.0, patience: float = 10.0) -> None:
        try:
            self._file: BinaryIO | None = open(path, "wb")  # noqa: SIM115
        except OSError as error:
            raise MediaError(f"cannot write {path}: {error.strerror}") from error
        self._path, self._fragment_seconds, self._patience = path, fragment_seconds, patience
        self._tracks: list[_Track] = []
        self._first: float | None = None
        self._start_us: int | None = None
        self._begun = False
        self._sequence = 0
        self._shifts_us = [0]  # by how often a track has started again
        self._end_us = 0

    @property
    def seconds(self) -> float:
        """From the beginning to the end of the latest sample."""
        return self._end_us / 1_000_000

    def start_at(self, start_us: int) -> None:
        """When the presentation begins, on the clock of all tracks, where that is not 0. Without an effect once the
        movie has begun."""
        self._start_us = start_us

    def release_tracks(self) -> None:
        """Who has filled them is gone; `add_track` gives them to others of the same format."""
        for track in self._tracks:
            track.released = True

    def add_track(self, format: TrackFormat) -> int:
        """Another track, before the movie has begun, or one that was released; its number for `write`."""
        for number, track in enumerate(self._tracks):
            if track.released and track.format.kind == format.kind:
                if not track.samples and not track.waiting:
                    track.format = format
                elif track.format.timescale != format.timescale:
                    raise MediaError(_OTHER_FORMAT)
                elif format.sample_entry:
                    self.describe(number, format.sample_entry)
                track.released = False
                return number
        if self._begun:
            raise MediaError("a track came too late for this recording")
        self._tracks.append(_Track(format))
        return len(self._tracks) - 1

    def describe(self, number: int, sample_entry: bytes) -> None:
        """Complete the format of a track whose codec is known only with its first sample."""
        track = self._tracks[number]
        if track.format.sample_entry and sample_entry != track.format.sample_entry:
            raise MediaError(_OTHER_FORMAT)
        track.format = dataclasses.replace(track.format, sample_entry=sample_entry)

    def write(self, number: int, sample: Sample) -> None:
        """Append a sample; decode times of a track rise."""
        track = self._tracks[number]
        if self._begun and not track.in_movie:
            return
        sample = self._in_its_place(track, sample)
        if track.waiting:  # a sample lasts until the next one is decoded, whatever is missing in between
            before = track.waiting[-1]
            track.waiting[-1] = dataclasses.replace(before, duration=max(1, sample.decoded - before.decoded))
        track.waiting.append(sample)
        now = time.monotonic()
        self._first = now if self._first is None else self._first
        if not self._begun and (all(t.waiting for t in self._tracks) or now > self._first + self._patience):
            self._begin()
        if self._begun and self._due():
            self._flush()

    def close(self) -> None:
        """Write what is held and close the file. A movie without a sample is an empty file."""
        if self._file is None:
            return
        if not self._begun and any(track.waiting for track in self._tracks):
            self._begin()
        if self._begun:
            self._flush()
        self._file.close()
        self._file = None

    def samples(self, number: int) -> int:
        """How many samples of that track are in the file."""
        return self._tracks[number].samples

    def _in_its_place(self, track: _Track, sample: Sample) -> Sample:
        """The sample with the shift that its restart needs."""
        second = track.format.timescale
        if track.last is not None and not -second // 2 <= sample.decoded - track.last <= _LONGEST_GAP * second:
            track.restarts += 1
            if track.restarts == len(self._shifts_us):
                base = track.shift if self._begun else 0
                self._shifts_us.append(self._end_us - (sample.shown - base) * 1_000_000 // second)
        track.last = sample.decoded
        shift = self._shifts_us[track.restarts] * second // 1_000_000
        if shift:
            sample = dataclasses.replace(sample, decoded=sample.decoded + shift, shown=sample.shown + shift)
        if self._begun:
            end = sample.shown + sample.duration - track.shift
            self._end_us = max(self._end_us, end * 1_000_000 // second)
        return sample

    def _due(self) -> bool:
        spans = (
            (track.waiting[-1].decoded - track.waiting[0].decoded) / track.format.timescale
            for track in self._tracks
            if track.waiting
        )
        return max(spans, default=0.0) >= self._fragment_seconds

    def _begin(self) -> None:
        self._begun = True
        present = [track for track in self._tracks if track.waiting]

        def earliest_of(tracks: list[_Track]) -> int:
            """The earliest moment shown, in microseconds: the tracks have clocks of their own."""
            return min(
                (sample.shown * 1_000_000 // track.format.timescale for track in tracks for sample in track.waiting),
            )

        earliest = earliest_of(present)
        pictures = [track for track in present if track.format.kind == "video"]
        first_picture = earliest_of(pictures) if pictures else None
        if self._start_us is not None:
            earliest = self._start_us
        elif earliest < 0:
            earliest = 0
        elif first_picture is not None and first_picture - earliest <= _ENCODER_DELAY_US:
            # What a sound encoder needs to get going comes before the first picture; the edit list says that it is
            # not heard.
            earliest = first_picture
        for track in present:
            track.in_movie = True
            track.shift = (earliest * track.format.timescale + 500_000) // 1_000_000
            track.raised = max(0, track.shift - track.waiting[0].decoded)
            ends = (sample.shown + sample.duration - track.shift for sample in track.waiting)
            self._end_us = max(self._end_us, max(ends) * 1_000_000 // track.format.timescale)
        self._put(box(b"ftyp", b"iso6", struct.pack(">I", 0), b"iso6cmfcmp41"), self._movie(present))

    def _put(self, *parts: bytes) -> None:
        assert self._file is not None
        try:
            for part in parts:
                self._file.write(part)
            self._file.flush()
        except OSError as error:
            raise MediaError(f"cannot write {self._path}: {error.strerror}") from error

    def _flush(self) -> None:
        if not any(track.waiting for track in self._tracks):
            return
        self._sequence += 1
        fragments: list[tuple[int, _Track, list[Sample]]] = []
        for number, track in enumerate(self._tracks):
            if track.waiting and track.in_movie:
                fragments.append((number, track, track.waiting))
                track.samples += len(track.waiting)
                track.waiting = []
        # The offsets of the samples depend on the size of what describes them, which does not depend on them.
        offset = len(self._fragment(fragments, 0)) + 8
        data = [sample.data for _, _, samples in fragments for sample in samples]
        self._put(self._fragment(fragments, offset), box(b"mdat", *data))

    def _fragment(self, fragments: list[tuple[int, _Track, list[Sample]]], offset: int) -> bytes:
        parts = [full_box(b"mfhd", 0, 0, struct.pack(">I", self._sequence))]
        for number, track, samples in fragments:
            start = samples[0].decoded - track.shift + track.raised
            rows = [
                struct.pack(
                    ">IIIi",
                    sample.duration,
                    len(sample.data),
                    _SYNC if sample.is_key else _NOT_SYNC,
                    sample.shown - sample.decoded,
                )
                for sample in samples
            ]
            run = full_box(b"trun", 1, 0xF01, struct.pack(">Ii", len(samples), offset), *rows)
            header = full_box(b"tfhd", 0, 0x20000, struct.pack(">I", number + 1))
            parts.append(box(b"traf", header, full_box(b"tfdt", 1, 0, struct.pack(">Q", max(0, start))), run))
            offset += sum(len(sample.data) for sample in samples)
        return box(b"moof", *parts)

    def _movie(self, present: list[_Track]) -> bytes:
        head = struct.pack(">IIIIIH10x", 0, 0, 1000, 0, 0x10000, 0x100) + UPRIGHT
        head += struct.pack(">24xI", len(self._tracks) + 1)
        extends = [
            full_box(b"trex", 0, 0, struct.pack(">IIIII", number + 1, 1, 0, 0, 0))
            for number, track in enumerate(self._tracks)
            if track.in_movie
        ]
        traks = [_trak(number + 1, track) for number, track in enumerate(self._tracks) if track.in_movie]
        return box(b"moov", full_box(b"mvhd", 0, 0, head), *traks, box(b"mvex", *extends))


def _trak(identifier: int, track: _Track) -> bytes:
    format, video = track.format, track.format.kind == "video"
    header = struct.pack(">IIIII8xhhHH", 0, 0, identifier, 0, 0, 0, 0, 0 if video else 0x100, 0) + format.matrix
    header += struct.pack(">II", format.width << 16, format.height << 16)
    edit = full_box(b"elst", 0, 0, struct.pack(">IIiI", 1, 0, track.raised, 0x10000)) if track.raised else b""
    media_header = full_box(b"vmhd", 0, 1, bytes(8)) if video else full_box(b"smhd", 0, 0, bytes(4))
    handler = b"vide" if video else b"soun"
    description = full_box(b"stsd", 0, 0, struct.pack(">I", 1), format.sample_entry)
    empty = [full_box(kind, 0, 0, bytes(4)) for kind in (b"stts", b"stsc", b"stco")]
    table = box(b"stbl", description, *empty, full_box(b"stsz", 0, 0, bytes(8)))
    data = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)))
    media = box(
        b"mdia",
        full_box(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, format.timescale, 0, format.language, 0)),
        full_box(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, handler), b"\0"),
        box(b"minf", media_header, data, table),
    )
    return box(b"trak", full_box(b"tkhd", 0, 3, header), box(b"edts", edit) if edit else b"", media)
