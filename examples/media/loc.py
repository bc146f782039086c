"""A coded frame as a MOQT object with LOC header extensions, and back (draft-ietf-moq-loc)."""

from __future__ import annotations

import moqt

from .frame import EncodedFrame, MediaError


def extensions_of(frame: EncodedFrame, version: moqt.LocVersion = moqt.LocVersion.LOC_01) -> moqt.ObjectExtensions:
    """Capture time and Video Frame Marking of the frame; Video Config where the codec has one."""
    return moqt.create_loc_extensions(
        capture_timestamp=moqt.CaptureTimestamp(microseconds=frame.capture_us),
        video_config=moqt.VideoConfig(frame.config) if frame.config is not None else None,
        # No layers, so the short form of RFC 9626: nothing but the flags.
        video_frame_marking=moqt.VideoFrameMarking(is_keyframe=frame.is_key),
        version=version,
    )


def sound_extensions(
    capture_us: int, start_us: int, version: moqt.LocVersion = moqt.LocVersion.LOC_01
) -> moqt.ObjectExtensions:
    """Capture time of a frame of sound. What comes before the presentation starts is an encoder's delay: the
    decoder needs it, nobody hears it."""
    return moqt.create_loc_extensions(
        capture_timestamp=moqt.CaptureTimestamp(microseconds=capture_us),
        presentation_start=moqt.CaptureTimestamp(microseconds=start_us) if capture_us < start_us else None,
        version=version,
    )


def capture_us_of(extensions: moqt.ObjectExtensions | None) -> int:
    """When an object was captured, on whichever clock; `MediaError` when it does not say so."""
    return _captured(moqt.parse_loc_extensions(extensions) if extensions is not None else None)


def delay_us_of(extensions: moqt.ObjectExtensions | None, now_us: int) -> int | None:
    """How long before `now_us` an object was captured; None when it does not say so by the wall clock."""
    loc = moqt.parse_loc_extensions(extensions) if extensions is not None else None
    if loc is None or loc.capture_timestamp is None:
        return None
    return now_us - loc.capture_timestamp.microseconds


def start_us_of(extensions: moqt.ObjectExtensions | None) -> int | None:
    """When the presentation starts, of an object that is there for decoders before it; None for all others."""
    loc = moqt.parse_loc_extensions(extensions) if extensions is not None else None
    if loc is None or loc.presentation_start is None:
        return None
    start_us = loc.presentation_start.microseconds
    return start_us if start_us > _captured(loc) else None


def frame_of(
    index: int, payload: bytes, extensions: moqt.ObjectExtensions | None, starts_group: bool = False
) -> EncodedFrame:
    """The frame inside an object; `MediaError` when it does not say when it was captured.

    Without a Frame Marking the first frame of a group is taken for a key frame.
    """
    loc = moqt.parse_loc_extensions(extensions) if extensions is not None else None
    capture_us = _captured(loc)
    assert loc is not None  # it has a time
    marking, config = loc.video_frame_marking, loc.video_config
    return EncodedFrame(
        index,
        capture_us,
        marking.is_keyframe if marking is not None else starts_group,
        payload,
        config.codec_config if config is not None else None,
    )


def _captured(loc: moqt.ParsedLocExtensions | None) -> int:
    if loc is not None and loc.media_time is not None:
        return loc.media_time.microseconds
    if loc is None or loc.capture_timestamp is None:
        raise MediaError("the object does not say when it was captured")
    return loc.capture_timestamp.microseconds
