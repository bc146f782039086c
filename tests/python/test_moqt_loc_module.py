"""``moqt.loc`` as a program that was written for the reference package uses it; bytes from LOC-01 by hand."""

from __future__ import annotations

import pickle

import pytest

import moqt
import moqt.loc
from moqt.data_stream import ObjectExtensions
from moqt.loc import (
    AudioLevel,
    CaptureTimestamp,
    LocExtensionType,
    ParsedLocExtensions,
    VideoConfig,
    VideoFrameMarking,
    create_loc_extensions,
    parse_loc_extensions,
)


def test_every_name_is_the_package_s_own() -> None:
    for name in moqt.loc.__all__:
        assert getattr(moqt.loc, name) is getattr(moqt, name)
        assert name in moqt.__all__


def test_capture_timestamp() -> None:
    assert CaptureTimestamp(microseconds=1000).encode().hex() == "43e8"
    assert CaptureTimestamp.decode(bytes.fromhex("ff43e8"), 1) == CaptureTimestamp(microseconds=1000)
    with pytest.raises(moqt.NeedMoreData):
        CaptureTimestamp.decode(b"\x43")


def test_video_config() -> None:
    assert VideoConfig(codec_config=b"\x01\x42").encode() == b"\x01\x42"
    assert VideoConfig.decode(b"\0\x01\x42", 1) == VideoConfig(b"\x01\x42")
    with pytest.raises(IndexError):
        VideoConfig.decode(b"", 1)


# RFC 9626 in the low bits: S E I D B TID, then LID.
MARKINGS = [
    ({"independent": True, "discardable": False, "base_layer_sync": True, "temporal_id": 0, "spatial_id": 0}, "40e8"),
    ({"independent": False, "discardable": True, "base_layer_sync": False, "temporal_id": 1, "spatial_id": 0}, "40d1"),
    (
        {"independent": True, "discardable": False, "base_layer_sync": True, "temporal_id": 2, "spatial_id": 3},
        "8000ea03",
    ),
]


@pytest.mark.parametrize(("arguments", "text"), MARKINGS)
def test_video_frame_marking(arguments: dict[str, int], text: str) -> None:
    marking = VideoFrameMarking(**arguments)  # type: ignore[arg-type]
    assert marking.encode().hex() == text
    decoded = VideoFrameMarking.decode(bytes.fromhex(text))
    assert decoded == marking
    assert {name: getattr(decoded, name) for name in arguments} == arguments
    assert pickle.loads(pickle.dumps(marking)) == marking


def test_a_marking_without_a_meaning() -> None:
    with pytest.raises(moqt.MalformedExtension) as caught:
        VideoFrameMarking.decode(bytes.fromhex("81000000"))
    assert caught.value.header == "video_frame_marking"
    with pytest.raises(moqt.EncodeError, match="video_frame_marking"):
        VideoFrameMarking(tl0picidx=1).encode()
    with pytest.raises(moqt.EncodeError, match="spatial_id"):
        VideoFrameMarking(layer_id=1, spatial_id=2)
    with pytest.raises(moqt.EncodeError, match="spatial_id"):
        VideoFrameMarking(spatial_id=256)
    assert VideoFrameMarking(layer_id=0).encode().hex() == "8000c000"
    assert VideoFrameMarking(layer_id=5).spatial_id == 5


def test_audio_level() -> None:
    # RFC 6464: V, then seven bits.
    assert AudioLevel(voice_activity=True, level=50).encode().hex() == "40b2"
    assert AudioLevel(voice_activity=False, level=127).encode().hex() == "407f"
    assert AudioLevel.decode(bytes.fromhex("40b2")) == AudioLevel(50, True)
    assert AudioLevel.decode(bytes.fromhex("80000080")) == AudioLevel(0, True)


def test_extensions_from_these_values() -> None:
    parts = {
        LocExtensionType.CAPTURE_TIMESTAMP: CaptureTimestamp(microseconds=7000000),
        LocExtensionType.VIDEO_FRAME_MARKING: VideoFrameMarking(independent=True),
        LocExtensionType.AUDIO_LEVEL: AudioLevel(level=3),
        LocExtensionType.VIDEO_CONFIG: VideoConfig(b"\x01"),
    }
    made = ObjectExtensions(headers={int(kind): value.encode() for kind, value in parts.items()})
    expected = ParsedLocExtensions(
        capture_timestamp=CaptureTimestamp(microseconds=7000000),
        video_config=VideoConfig(b"\x01"),
        video_frame_marking=VideoFrameMarking(independent=True),
        audio_level=AudioLevel(level=3),
    )
    assert parse_loc_extensions(made) == expected
    assert LocExtensionType.CAPTURE_TIMESTAMP in create_loc_extensions(CaptureTimestamp(microseconds=1)).headers
    assert parse_loc_extensions(ObjectExtensions()) == ParsedLocExtensions()
    assert pickle.loads(pickle.dumps(expected)) == expected
    assert hash(expected) == hash(parse_loc_extensions(made))
