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


def frame_of(index: int, payload: bytes, extensions: moqt.ObjectExtensions | None) -> EncodedFrame:
    """The frame inside an object; `MediaError` when it has no Capture Timestamp or Frame Marking."""
    loc = moqt.parse_loc_extensions(extensions) if extensions is not None else None
    if loc is None or loc.capture_timestamp is None or loc.video_frame_marking is None:
        raise MediaError("the object carries no LOC Capture Timestamp and Video Frame Marking")
    return EncodedFrame(
        index,
        loc.capture_timestamp.microseconds,
        loc.video_frame_marking.is_keyframe,
        payload,
        loc.video_config.codec_config if loc.video_config is not None else None,
    )
