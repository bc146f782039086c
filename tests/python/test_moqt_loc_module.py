"""``moqt.loc`` as a program that was written for the reference package uses it; bytes from LOC-01 and -04 by hand."""

from __future__ import annotations

import pickle

import pytest

import moqt
import moqt.loc
from moqt.data_stream import ObjectExtensions
from moqt.loc import (
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


def test_the_numbers_of_loc_04() -> None:
    extensions = create_loc_extensions(
        capture_timestamp=CaptureTimestamp(microseconds=1000),
        video_frame_marking=VideoFrameMarking(is_keyframe=True, layer_id=3),
        audio_level=AudioLevel(40, voice_activity=True),
        video_config=VideoConfig(b"\x01\x02"),
        audio_config=AudioConfig(b"\x03"),
        version=LocVersion.LOC_04,
    )
    # In the form of draft-15: 09 [2] e003, 0c = 0xa8, 0d [2] 0102, 0f [1] 03, 10 = 1000.
    assert extensions.raw.hex() == "0902e0030c40a80d0201020f01031043e8"
    parsed = parse_loc_extensions(extensions)
    assert parsed.capture_timestamp == CaptureTimestamp(microseconds=1000)
    assert parsed.video_frame_marking == VideoFrameMarking(is_keyframe=True, layer_id=3)
    assert parsed.audio_level == AudioLevel(40, voice_activity=True)
    assert (parsed.video_config, parsed.audio_config) == (VideoConfig(b"\x01\x02"), AudioConfig(b"\x03"))
    assert LocPropertyType.TIMESTAMP == 0x10
    assert LocPropertyType.AUDIO_CONFIG == 0x0F


def test_a_time_on_a_clock_of_its_own() -> None:
    time = MediaTime(900_001, timescale=90_000)
    assert time.microseconds == 10_000_011
    extensions = create_loc_extensions(media_time=time, version=LocVersion.LOC_04)
    assert extensions.raw.hex() == "0880015f90" + "10800dbba1"
    parsed = parse_loc_extensions(extensions)
    assert parsed.media_time == time
    assert parsed.capture_timestamp is None
    assert pickle.loads(pickle.dumps(parsed)) == parsed


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"media_time": MediaTime(1, 1)}, "media_time"),
        ({"audio_config": AudioConfig(b"x")}, "audio_config"),
        (
            {
                "media_time": MediaTime(1, 1),
                "capture_timestamp": CaptureTimestamp(microseconds=1),
                "version": LocVersion.LOC_04,
            },
            "media_time",
        ),
    ],
)
def test_what_a_version_has_not(arguments: dict[str, object], field: str) -> None:
    with pytest.raises(moqt.EncodeError) as caught:
        create_loc_extensions(**arguments)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_six_is_a_level_or_an_old_timestamp() -> None:
    assert parse_loc_extensions({6: 40}).audio_level == AudioLevel(40)
    assert parse_loc_extensions({6: 1_761_000_000_000_000}).capture_timestamp == CaptureTimestamp(
        microseconds=1_761_000_000_000_000
    )


def test_the_version_that_suits_a_draft() -> None:
    assert [loc_version_for(draft) for draft in (15, 16, 18, 22)] == [LocVersion.LOC_01] + [LocVersion.LOC_04] * 3
    with pytest.raises(moqt.EncodeError):
        loc_version_for(17)
    with pytest.raises(moqt.EncodeError):
        MediaTime(1, 0)
