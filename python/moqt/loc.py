"""Header extensions of LOC (draft-ietf-moq-loc-01 section 2.3)."""

from __future__ import annotations

from msquic._native.moqt import (
    AudioLevel,
    CaptureTimestamp,
    LocExtensionType,
    ParsedLocExtensions,
    VideoConfig,
    VideoFrameMarking,
    create_loc_extensions,
    parse_loc_extensions,
)

__all__ = [
    "AudioLevel",
    "CaptureTimestamp",
    "LocExtensionType",
    "ParsedLocExtensions",
    "VideoConfig",
    "VideoFrameMarking",
    "create_loc_extensions",
    "parse_loc_extensions",
]
