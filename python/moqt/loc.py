"""Header extensions of LOC (draft-ietf-moq-loc-01 and -04, section 2.3)."""

from __future__ import annotations

from msquic._native.moqt import (
    AudioConfig,
    AudioLevel,
    CaptureTimestamp,
    LocExtensionType,
    LocPropertyType,
    LocVersion,
    MediaTime,
    ParsedLocExtensions,
    VideoConfig,
    VideoFrameMarking,
    create_loc_extensions,
    loc_version_for,
    parse_loc_extensions,
)

__all__ = [
    "AudioConfig",
    "AudioLevel",
    "CaptureTimestamp",
    "LocExtensionType",
    "LocPropertyType",
    "LocVersion",
    "MediaTime",
    "ParsedLocExtensions",
    "VideoConfig",
    "VideoFrameMarking",
    "create_loc_extensions",
    "loc_version_for",
    "parse_loc_extensions",
]
