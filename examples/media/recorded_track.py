"""A received track on its way into a recording: objects in, samples out."""

from __future__ import annotations

import heapq
from collections import deque
from typing import Protocol

import moqt
from moqt import msf

from . import av1, cmaf, loc
from .catalog import codec_of, is_sound, sound_of, video_of
from .fragmented_mp4 import FragmentedWriter
from .frame import EncodedFrame, MediaError
from .movie import Sample, TrackFormat
from .sample_entries import audio_entry, video_entry

_MOST_REORDERED = 16
"""Frames that a decoder may hold before it shows the first of them (H.264 and HEVC allow no more)."""


class RecordedTrack(Protocol):
    """What a recorder does with the objects of one track, which come in order."""

    def add(self, payload: bytes, extensions: moqt.ObjectExtensions | None, starts_group: bool) -> None: ...
    def finish(self) -> None: ...
    @property
    def written(self) -> int: ...


def open_track(catalog: msf.Catalog, track: msf.Track, writer: FragmentedWriter) -> RecordedTrack:
    """`MediaError` when the track is packaged or coded in a way that cannot be recorded."""
    if track.encryption_scheme is not None:
        raise MediaError(f"the track {track.name!r} is encrypted")
    if track.packaging == "cmaf":
        try:
            initialization = catalog.initialization_of(track)
        except msf.CatalogError as error:
            raise MediaError(str(error)) from error
        if initialization is None:
            raise MediaError(f"the catalog has no initialization segment for {track.name!r}")
        return _CmafTrack(cmaf.read_initialization(initialization), writer)
    if track.packaging != "loc":
        raise MediaError(f"the track {track.name!r} is packaged as {track.packaging!r}, not as cmaf or loc")
    return _LocSound(catalog, track, writer) if is_sound(track) else _LocVideo(track, writer)


class _CmafTrack:
    def __init__(self, track: cmaf.CmafTrack, writer: FragmentedWriter) -> None:
        self._track, self._writer = track, writer
        self._number = writer.add_track(track.format)
        self._begun = track.format.kind == "audio"
        self.written = 0

    def add(self, payload: bytes, extensions: moqt.ObjectExtensions | None, starts_group: bool) -> None:
        for sample in cmaf.read_chunk(self._track, payload):
            self._begun = self._begun or sample.is_key  # no decoder can begin with anything else
            if self._begun:
                self._writer.write(self._number, sample)
                self.written += 1

    def finish(self) -> None:
        """Nothing is held."""


class _LocTrack:
    """Frames whose duration is known when the next one is there."""

    def __init__(self, writer: FragmentedWriter, timescale: int) -> None:
        self._writer, self._timescale = writer, timescale
        self._number = -1
        self._held: tuple[int, bool, bytes] | None = None
        self._duration = timescale // 50
        self._last = -1
        self.written = 0

    def _note_start(self, extensions: moqt.ObjectExtensions | None) -> None:
        if (start_us := loc.start_us_of(extensions)) is not None:
            self._writer.start_at(start_us)

    def _append(self, capture_us: int, is_key: bool, data: bytes) -> None:
        moment = round(capture_us * self._timescale / 1_000_000)
        if self._held is not None:
            moment = max(moment, self._held[0] + 1)
            self._duration = moment - self._held[0]
            self._put()
        self._held = moment, is_key, data

    def _put(self) -> None:
        assert self._held is not None
        moment, is_key, data = self._held
        self._writer.write(self._number, Sample(moment, moment, self._duration, is_key, data))
        self._held = None
        self.written += 1

    def finish(self) -> None:
        """The last frame lasts as long as the one before."""
        if self._held is not None:
            self._put()


class _LocVideo(_LocTrack):
    def __init__(self, track: msf.Track, writer: FragmentedWriter) -> None:
        super().__init__(writer, 1_000_000)
        self._codec, self._video = codec_of(track), video_of(track)
        self._duration = 1_000_000 // self._video.fps
        # Where the codec describes itself in its first key frame, the description is completed then.
        self._number = writer.add_track(TrackFormat("video", 1_000_000, b"", self._video.width, self._video.height))
        self._begun = False
        self._held_frames: deque[tuple[int, bool, bytes]] = deque()  # in decoding order
        self._moments: list[int] = []  # a heap of when they are shown
        self._early: int | None = None

    def add(self, payload: bytes, extensions: moqt.ObjectExtensions | None, starts_group: bool) -> None:
        frame = loc.frame_of(0, payload, extensions, starts_group)
        if not self._begun:
            if not frame.is_key:
                return
            self._writer.describe(self._number, video_entry(self._codec, self._video, frame))
            self._begun = True
        self._note_start(extensions)
        self._held_frames.append((frame.capture_us, frame.is_key, self._data(frame)))
        heapq.heappush(self._moments, frame.capture_us)
        if len(self._held_frames) > _MOST_REORDERED:
            self._release()

    def finish(self) -> None:
        while self._held_frames:
            self._release()

    def _release(self) -> None:
        """Write the next frame. The n-th is decoded when the n-th of those shown is, and so much earlier that none is
        shown before it is decoded."""
        if self._early is None:
            shown = sorted(moment for moment, _, _ in self._held_frames)
            pairs = zip(shown, self._held_frames, strict=True)
            self._early = max(one - moment for one, (moment, _, _) in pairs)
        capture_us, is_key, data = self._held_frames.popleft()
        decoded = max(heapq.heappop(self._moments) - self._early, self._last + 1)
        if self._moments:
            self._duration = max(1, self._moments[0] - self._early - decoded)
        self._last = decoded
        self._writer.write(self._number, Sample(decoded, max(decoded, capture_us), self._duration, is_key, data))
        self.written += 1

    def _data(self, frame: EncodedFrame) -> bytes:
        return av1.without_delimiters(frame.payload) if self._codec == "av1" else frame.payload


class _LocSound(_LocTrack):
    def __init__(self, catalog: msf.Catalog, track: msf.Track, writer: FragmentedWriter) -> None:
        sound = sound_of(catalog, track)
        super().__init__(writer, sound.rate)
        self._duration = 1024 if sound.codec == "aac" else sound.rate // 50
        entry = audio_entry(sound.codec, sound.rate, sound.channels, sound.config)
        self._number = writer.add_track(TrackFormat("audio", sound.rate, entry))

    def add(self, payload: bytes, extensions: moqt.ObjectExtensions | None, starts_group: bool) -> None:
        self._note_start(extensions)
        self._append(loc.capture_us_of(extensions), True, payload)
