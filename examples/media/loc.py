"""A coded frame as a MOQT object with LOC header extensions, and back (draft-ietf-moq-loc-01)."""

from __future__ import annotations

import moqt

from .frame import EncodedFrame, MediaError


def extensions_of(frame: EncodedFrame) -> moqt.ObjectExtensions:
    """Capture Timestamp and Video Frame Marking of the frame; Video Config where the codec has one."""
    return moqt.create_loc_extensions(
        capture_timestamp=moqt.CaptureTimestamp(microseconds=frame.capture_us),
        video_config=moqt.VideoConfig(frame.config) if frame.config is not None else None,
        # No layers, so the short form of RFC 9626: nothing but the flags.
        video_frame_marking=moqt.VideoFrameMarking(is_keyframe=frame.is_key),
    )


def sound_extensions(capture_us: int, start_us: int) -> moqt.ObjectExtensions:
    """Capture Timestamp of a frame of sound. What comes before the presentation starts is an encoder's delay: the
    decoder needs it, nobody hears it."""
    return moqt.create_loc_extensions(
        capture_timestamp=moqt.CaptureTimestamp(microseconds=capture_us),
        presentation_start=moqt.CaptureTimestamp(microseconds=start_us) if capture_us < start_us else None,
    )


def capture_us_of(extensions: moqt.ObjectExtensions | None) -> int:
    """When an object was captured; `MediaError` when it does not say so."""
    loc = moqt.parse_loc_extensions(extensions) if extensions is not None else None
    if loc is None or loc.capture_timestamp is None:
        raise MediaError("the object carries no LOC Capture Timestamp")
    return loc.capture_timestamp.microseconds


def start_us_of(extensions: moqt.ObjectExtensions | None) -> int | None:
    """When the presentation starts, of an object that is there for decoders before it; None for all others."""
    loc = moqt.parse_loc_extensions(extensions) if extensions is not None else None
    if loc is None or loc.presentation_start is None or loc.capture_timestamp is None:
        return None
    start_us = loc.presentation_start.microseconds
    return start_us if start_us > loc.capture_timestamp.microseconds else None


def frame_of(
    index: int, payload: bytes, extensions: moqt.ObjectExtensions | None, starts_group: bool = False
) -> EncodedFrame:
    """The frame inside an object; `MediaError` when it has no Capture Timestamp.

    Without a Frame Marking the first frame of a group is taken for a key frame.
    """
    capture_us = capture_us_of(extensions)
    loc = moqt.parse_loc_extensions(extensions) if extensions is not None else None
    assert loc is not None  # it has a Capture Timestamp
    marking, config = loc.video_frame_marking, loc.video_config
    return EncodedFrame(
        index,
        capture_us,
        marking.is_keyframe if marking is not None else starts_group,
        payload,
        config.codec_config if config is not None else None,
    )
