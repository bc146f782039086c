"""The media side of the examples: encode, write, and decode again with an independent decoder."""

from __future__ import annotations

import io
import itertools
import os
import random
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

np = pytest.importorskip("numpy", reason="the examples' packages are not installed (uv sync --group example)")

from media import av1, backends, elementary, h264  # noqa: E402
from media.catalog import Catalog  # noqa: E402
from media.frame import EncodedFrame, MediaError, Picture, VideoFormat  # noqa: E402
from media.group_sorter import GroupSorter  # noqa: E402
from media.source import open_source  # noqa: E402
from media.test_card import TestCard, read_counter  # noqa: E402
from media.verify import decode_file  # noqa: E402

VIDEO = VideoFormat(320, 240, 30)
INTERVAL = 12
FRAMES = 30


def can(backend: str, codec: str, table: str) -> bool:
    return backend in backends.available() and codec in getattr(backends._load(backend), table)


ENCODINGS = [pair for pair in itertools.product(backends.BACKENDS, backends.CODECS) if can(*pair, "CODECS")]
MUXINGS = [
    (backend, codec, writer)
    for (backend, codec), writer in itertools.product(ENCODINGS, backends.BACKENDS)
    if can(writer, codec, "MUXES")
]
_cache: dict[tuple[str, str], list[EncodedFrame]] = {}


def encoded(backend: str, codec: str) -> list[EncodedFrame]:
    """The clock, encoded once per backend and codec."""
    if (backend, codec) not in _cache:
        encoder, _, _ = backends.open_encoder(VIDEO, codec=codec, backend=backend, keyframe_interval=INTERVAL)
        frames: list[EncodedFrame] = []
        for picture in itertools.islice(open_source("clock", VIDEO).pictures(), FRAMES):
            frames += encoder.encode(picture)
        frames += encoder.flush()
        encoder.close()
        _cache[backend, codec] = frames
    return _cache[backend, codec]


def write_mp4(path: Path, frames: list[EncodedFrame], codec: str, backend: str | None = None) -> None:
    muxer, _ = backends.open_muxer(str(path), codec, VIDEO, backend=backend)
    for frame in frames:
        muxer.add(frame)
    muxer.close()


def test_a_media_library_is_installed() -> None:
    assert backends.available(), "neither webcodecs-py, PyAV nor ffmpeg"
    assert ENCODINGS
    assert MUXINGS


@pytest.mark.parametrize(("backend", "codec"), ENCODINGS)
def test_every_picture_becomes_a_frame_in_order(backend: str, codec: str) -> None:
    frames = encoded(backend, codec)
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert [frame.index for frame in frames if frame.is_key] == [0, 12, 24]
    assert all(frame.payload for frame in frames)
    captured = [frame.capture_us for frame in frames]
    assert captured == sorted(captured)
    for frame in frames:
        assert (frame.config is not None) == (codec == "h264" and frame.is_key)


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="this system has no scheduling policies")
@pytest.mark.parametrize(("backend", "codec"), ENCODINGS)
def test_no_encoder_makes_the_process_a_real_time_one(backend: str, codec: str) -> None:
    encoded(backend, codec)
    policies = {os.sched_getscheduler(int(thread)) for thread in os.listdir("/proc/self/task")}
    assert policies <= {os.SCHED_OTHER, os.SCHED_BATCH, os.SCHED_IDLE}


@pytest.mark.parametrize(("backend", "codec", "writer"), MUXINGS)
def test_the_file_decodes_to_every_picture(tmp_path: Path, backend: str, codec: str, writer: str) -> None:
    path = tmp_path / "clock.mp4"
    write_mp4(path, encoded(backend, codec), codec, writer)
    decoded = decode_file(str(path), VIDEO)
    assert decoded.codec == codec
    assert decoded.frames == FRAMES
    assert decoded.counters == list(range(FRAMES))


def test_pyav_decodes_where_there_is_no_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av")
    backend, codec, writer = MUXINGS[0]
    write_mp4(tmp_path / "clock.mp4", encoded(backend, codec), codec, writer)
    monkeypatch.setattr("media.verify.shutil.which", lambda name: None)
    decoded = decode_file(str(tmp_path / "clock.mp4"), VIDEO)
    assert decoded.decoder.startswith("PyAV")
    assert decoded.counters == list(range(FRAMES))


def test_a_missing_frame_shows_in_the_file(tmp_path: Path) -> None:
    backend, codec, writer = MUXINGS[0]
    frames = encoded(backend, codec)
    write_mp4(tmp_path / "clock.mp4", frames[:23] + frames[24:], codec, writer)
    assert decode_file(str(tmp_path / "clock.mp4"), VIDEO).counters != list(range(FRAMES))


@pytest.mark.parametrize(("backend", "codec", "writer"), [muxing for muxing in MUXINGS if muxing[1] in ("h264", "av1")])
def test_a_damaged_file_is_noticed(tmp_path: Path, backend: str, codec: str, writer: str) -> None:
    path = tmp_path / "clock.mp4"
    frames = encoded(backend, codec)
    write_mp4(path, frames, codec, writer)
    data = bytearray(path.read_bytes())
    start = data.index(frames[12].payload[-200:])  # the tail of a key frame
    data[start : start + 150] = bytes(byte ^ 0x5A for byte in data[start : start + 150])
    path.write_bytes(data)
    with pytest.raises(MediaError, match="cannot decode"):
        decode_file(str(path), VIDEO)


def test_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    backend, codec, writer = MUXINGS[0]
    write_mp4(tmp_path / "clock.mp4", encoded(backend, codec), codec, writer)
    with pytest.raises(MediaError, match="320x240, not 640x480"):
        decode_file(str(tmp_path / "clock.mp4"), VideoFormat(640, 480, 30))


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clock.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(MediaError, match="cannot decode"):
        decode_file(str(tmp_path / "clock.mp4"), VIDEO)


def test_a_file_can_be_the_source(tmp_path: Path) -> None:
    backend, codec, writer = MUXINGS[0]
    path = tmp_path / "clock.mp4"
    frames = [
        EncodedFrame(f.index, 1_000_000 + f.index * 33_333, f.is_key, f.payload, f.config)
        for f in encoded(backend, codec)
    ]
    write_mp4(path, frames, codec, writer)
    source = open_source(str(path), VIDEO)
    try:
        pictures = list(source.pictures())
    finally:
        source.close()
    assert [len(picture.i420) for picture in pictures] == [VIDEO.i420_size] * len(pictures)
    assert abs(len(pictures) - FRAMES) <= 1  # resampled to the wanted rate
    assert read_counter(pictures[5].i420, 320, 240) in (4, 5, 6)


def test_sources_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no video source"):
        open_source(str(tmp_path / "absent.mp4"), VIDEO)
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(MediaError, match=r"text\.mp4"):  # noqa: PT012  one reader fails here, the other there
        source = open_source(str(tmp_path / "text.mp4"), VIDEO)
        try:
            next(source.pictures())
        finally:
            source.close()


def test_unknown_choices_are_named() -> None:
    with pytest.raises(MediaError, match="unknown backend 'tape'"):
        backends.open_encoder(VIDEO, backend="tape")
    with pytest.raises(MediaError, match="theora"):
        backends.open_encoder(VIDEO, codec="theora")
    with pytest.raises(ValueError, match="even"):
        VideoFormat(321, 240, 30)
    with pytest.raises(ValueError, match="fps"):
        VideoFormat(320, 240, 0)


@pytest.mark.parametrize("index", [0, 1, 0x5555, 65535, 65536 + 3])
def test_the_counter_in_the_picture(index: int) -> None:
    luma = TestCard(VIDEO)._draw(index, 1_700_000_000_000_000)[: 320 * 240]
    assert read_counter(luma, 320, 240) == index % 65536


def test_a_damaged_counter_is_not_read() -> None:
    luma = bytearray(TestCard(VIDEO)._draw(5, 0)[: 320 * 240])
    assert read_counter(bytes(luma), 320, 240) == 5
    for row in range(220, 240):  # flip the block of bit 0, so the parity is wrong
        luma[row * 320 + 17 * 16 : row * 320 + 18 * 16] = b"\x10" * 16
    assert read_counter(bytes(luma), 320, 240) is None
    assert read_counter(bytes([128]) * (320 * 240), 320, 240) is None


def test_pictures_have_the_time_of_capture() -> None:
    pictures = open_source("clock", VIDEO).pictures()
    first, second = next(pictures), next(pictures)
    assert isinstance(first, Picture)
    assert (first.index, second.index) == (0, 1)
    assert 0 <= second.capture_us - first.capture_us < 10_000_000
    assert first.i420 != second.i420


SPS, PPS = bytes.fromhex("6742c01e11"), bytes.fromhex("68ce3c80")
AVCC = bytes.fromhex("0142c01effe100056742c01e1101000468ce3c80")


def test_the_avcc_record() -> None:
    annex_b = b"\0\0\0\1" + SPS + b"\0\0\1" + PPS
    assert h264.avcc_from_annex_b(annex_b) == AVCC
    assert h264.parameter_sets(AVCC) == ([SPS], [PPS])
    assert h264.codec_string(AVCC) == "avc1.42c01e"
    for size in range(len(AVCC)):
        with pytest.raises(MediaError):
            h264.parameter_sets(AVCC[:size])
    with pytest.raises(MediaError, match="SPS and PPS"):
        h264.avcc_from_annex_b(b"\0\0\1" + SPS)


def test_length_prefixes_replace_start_codes() -> None:
    unit = b"\0\0\0\1\x09\xf0" + b"\0\0\0\1" + SPS + b"\0\0\1" + PPS + b"\0\0\1\x65\x88\x84" + b"\0\0\1\x06\x05\x80"
    assert h264.lengths_from_annex_b(unit) == b"\0\0\0\3\x65\x88\x84" + b"\0\0\0\3\x06\x05\x80"


def test_av1_obus() -> None:
    delimiter, header, frame = bytes.fromhex("1200"), bytes.fromhex("0a0b00000024c4ffdf12000000"), b"\x32\x02\xaa\xbb"
    unit = delimiter + header + frame
    assert [kind for kind, _ in av1.obus(unit)] == [2, 1, 6]
    assert av1.without_delimiters(unit) == header + frame
    assert av1.sequence_header(unit) == header
    assert av1.profile_and_level(header) == (0, 4)  # level 3.0
    assert elementary.is_key_frame("av1", unit)
    assert not elementary.is_key_frame("av1", delimiter + frame)
    with pytest.raises(MediaError, match="cut short"):
        list(av1.obus(unit[:-1]))
    with pytest.raises(MediaError, match="no sequence header"):
        av1.sequence_header(delimiter + frame)


def test_ivf_bytes() -> None:
    data = elementary.file_header("vp9", VIDEO)
    assert data[:16] == b"DKIF\0\0\x20\0VP90\x40\x01\xf0\x00"
    assert len(data) == 32
    data += elementary.frame_record("vp9", EncodedFrame(0, 0, True, b"\x82IC"), 0)
    data += elementary.frame_record("vp9", EncodedFrame(1, 0, False, b"\x86\0"), 33_333)
    assert data[32:] == struct.pack("<IQ", 3, 0) + b"\x82IC" + struct.pack("<IQ", 2, 33_333) + b"\x86\0"
    assert list(elementary.read_frames("vp9", io.BytesIO(data))) == [(b"\x82IC", True, None), (b"\x86\0", False, None)]


def test_flv_bytes() -> None:
    key, delta = EncodedFrame(0, 0, True, b"\0\0\0\1\x65", AVCC), EncodedFrame(1, 0, False, b"\0\0\0\1\x41")
    data = elementary.frame_record("h264", delta, 0x1234567 * 1000)
    assert data == bytes.fromhex("09 00000a 234567 01 000000 27 01 000000 0000000141 00000015")
    stream = elementary.file_header("h264", VIDEO)
    stream += elementary.frame_record("h264", key, 0, with_config=True) + data
    frames = list(elementary.read_frames("h264", io.BytesIO(stream)))
    assert frames == [(key.payload, True, AVCC), (delta.payload, False, None)]
    with pytest.raises(MediaError, match="Video Config"):
        elementary.frame_record("h264", delta, 0, with_config=True)


def test_groups_leave_in_decoding_order() -> None:
    sorter: GroupSorter[str] = GroupSorter(depth=2)
    out: list[str] = []
    for group, item in ((1, 0), (2, 0), (1, 1), (2, 1), (3, 0), (2, 2), (4, 0)):
        out += sorter.add(group, item, f"{group}.{item}")
    assert out == ["1.0", "1.1", "2.0", "2.1", "2.2"]
    assert list(sorter.add(2, 3, "2.3")) == []
    assert sorter.late == 1
    assert list(sorter.drain()) == ["3.0", "4.0"]


@pytest.mark.parametrize("seed", range(20))
def test_no_order_of_arrival_matters_within_three_groups(seed: int) -> None:
    sorter: GroupSorter[tuple[int, int]] = GroupSorter(depth=2)
    arriving = [(group, item) for group in range(3) for item in range(6)]
    random.Random(seed).shuffle(arriving)
    arriving.sort(key=lambda place: place[0] == 2)  # group 2 closes group 0, so it comes last
    out = [place for group, item in arriving for place in sorter.add(group, item, (group, item))]
    out += sorter.drain()
    assert out == [(group, item) for group in range(3) for item in range(6)]


def test_the_catalog() -> None:
    catalog = Catalog("av1", "av01.0.08M.08", 640, 480, 30)
    assert Catalog.decode(catalog.encode()) == catalog
    assert catalog.video == VideoFormat(640, 480, 30)
    for broken in (b"", b"[]", b"{}", b"\xff", catalog.encode().replace(b'"av1"', b'"mjpeg"'),
                   catalog.encode().replace(b"640", b'"640"'), catalog.encode().replace(b"640", b"641")):  # fmt: skip
        with pytest.raises(MediaError, match="catalog"):
            Catalog.decode(broken)
