"""The media side of the examples: encode, write, and decode again with an independent decoder."""

from __future__ import annotations

import io
import itertools
import os
import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from moqt import msf

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

np = pytest.importorskip("numpy", reason="the examples' packages are not installed (uv sync --group example)")

from media import audio_encoder, av1, backends, elementary, h264, loc  # noqa: E402
from media import catalog as catalogs  # noqa: E402
from media.fragmented_mp4 import FragmentedWriter  # noqa: E402
from media.frame import EncodedAudio, EncodedFrame, MediaError, Picture, VideoFormat  # noqa: E402
from media.group_sorter import GroupSorter  # noqa: E402
from media.mp4_boxes import boxes  # noqa: E402
from media.recorded_track import open_track  # noqa: E402
from media.sound import CHANNELS, RATE, Beeps  # noqa: E402
from media.source import open_source  # noqa: E402
from media.test_card import TestCard, read_counter  # noqa: E402
from media.verify import decode_file, measure_sync  # noqa: E402

VIDEO = VideoFormat(320, 240, 30)
INTERVAL = 12
FRAMES = 30


ENCODINGS = [
    (backend, codec)
    for backend, codec in itertools.product(backends.available(), backends.CODECS)
    if codec in backends._load(backend).CODECS  # type: ignore[union-attr]
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


def write_mp4(path: Path, frames: list[EncodedFrame], codec: str) -> None:
    track = catalogs.video_track("video", catalogs.codec_string(codec, codec), VIDEO, 1_000_000)
    writer = FragmentedWriter(str(path))
    recorded = open_track(msf.Catalog([track]), track, writer)
    for frame in frames:
        recorded.add(frame.payload, loc.extensions_of(frame), frame.is_key)
    recorded.finish()
    writer.close()


def test_a_media_library_is_installed() -> None:
    assert backends.available(), "neither webcodecs-py, PyAV nor ffmpeg"
    assert ENCODINGS


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


@pytest.mark.parametrize(("backend", "codec"), ENCODINGS)
def test_the_file_decodes_to_every_picture(tmp_path: Path, backend: str, codec: str) -> None:
    path = tmp_path / "clock.mp4"
    write_mp4(path, encoded(backend, codec), codec)
    decoded = decode_file(str(path), VIDEO)
    assert decoded.codec == codec
    assert decoded.frames == FRAMES
    assert decoded.counters == list(range(FRAMES))


def test_pyav_decodes_where_there_is_no_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av")
    backend, codec = ENCODINGS[0]
    write_mp4(tmp_path / "clock.mp4", encoded(backend, codec), codec)
    monkeypatch.setattr("media.verify.shutil.which", lambda name: None)
    decoded = decode_file(str(tmp_path / "clock.mp4"), VIDEO)
    assert decoded.decoder.startswith("PyAV")
    assert decoded.counters == list(range(FRAMES))


def test_a_missing_frame_shows_in_the_file(tmp_path: Path) -> None:
    backend, codec = ENCODINGS[0]
    frames = encoded(backend, codec)
    write_mp4(tmp_path / "clock.mp4", frames[:23] + frames[24:], codec)
    assert decode_file(str(tmp_path / "clock.mp4"), VIDEO).counters != list(range(FRAMES))


@pytest.mark.parametrize(("backend", "codec"), [pair for pair in ENCODINGS if pair[1] in ("h264", "av1")])
def test_a_damaged_file_is_noticed(tmp_path: Path, backend: str, codec: str) -> None:
    path = tmp_path / "clock.mp4"
    frames = encoded(backend, codec)
    write_mp4(path, frames, codec)
    data = bytearray(path.read_bytes())
    start = data.index(frames[12].payload[-200:])  # the tail of a key frame
    data[start : start + 150] = bytes(byte ^ 0x5A for byte in data[start : start + 150])
    path.write_bytes(data)
    with pytest.raises(MediaError, match="cannot decode"):
        decode_file(str(path), VIDEO)


def test_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    backend, codec = ENCODINGS[0]
    write_mp4(tmp_path / "clock.mp4", encoded(backend, codec), codec)
    with pytest.raises(MediaError, match="320x240, not 640x480"):
        decode_file(str(tmp_path / "clock.mp4"), VideoFormat(640, 480, 30))


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clock.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(MediaError, match="cannot decode"):
        decode_file(str(tmp_path / "clock.mp4"), VIDEO)


def test_a_file_can_be_the_source(tmp_path: Path) -> None:
    backend, codec = ENCODINGS[0]
    path = tmp_path / "clock.mp4"
    frames = [
        EncodedFrame(f.index, 1_000_000 + f.index * 33_333, f.is_key, f.payload, f.config)
        for f in encoded(backend, codec)
    ]
    write_mp4(path, frames, codec)
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
    data = b"DKIF\0\0\x20\0VP90\x40\x01\xf0\x00" + bytes(16)
    data += struct.pack("<IQ", 3, 0) + b"\x82IC" + struct.pack("<IQ", 2, 33_333) + b"\x86\0"
    assert list(elementary.read_frames("vp9", io.BytesIO(data))) == [(b"\x82IC", True, None), (b"\x86\0", False, None)]


def test_flv_bytes() -> None:
    stream = b"FLV\x01\x01\x00\x00\x00\x09\x00\x00\x00\x00"
    for body in (b"\x17\0\0\0\0" + AVCC, b"\x17\1\0\0\0\0\0\0\1\x65", b"\x27\1\0\0\0\0\0\0\1\x41"):
        stream += b"\x09" + len(body).to_bytes(3, "big") + bytes(7) + body + (len(body) + 11).to_bytes(4, "big")
    frames = list(elementary.read_frames("h264", io.BytesIO(stream)))
    assert frames == [(b"\0\0\0\1\x65", True, AVCC), (b"\0\0\0\1\x41", False, None)]


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
    catalog = msf.Catalog([catalogs.video_track("video", "av01.0.08M.08", VIDEO, 1_000_000)])
    sound = catalogs.SoundFormat("opus", 48_000, 2, b"OpusHead\1\2\x38\1\x80\xbb\0\0\0\0\0")
    catalog.tracks.append(catalogs.sound_track(catalog, "audio", sound, 96_000))
    again = catalogs.read_catalog(catalog.encode())
    assert again == catalog
    video, audio = again.tracks
    assert (catalogs.is_sound(video), catalogs.is_sound(audio)) == (False, True)
    assert (catalogs.codec_of(video), catalogs.codec_of(audio)) == ("av1", "opus")
    assert catalogs.video_of(video) == VIDEO
    assert catalogs.sound_of(again, audio) == sound
    for broken in (b"", b"[]", b"{}", b"\xff"):
        with pytest.raises(MediaError, match="catalog"):
            catalogs.read_catalog(broken)
    video.codec, video.width = "mjpeg", 641
    with pytest.raises(MediaError, match="'mjpeg'"):
        catalogs.codec_of(video)
    with pytest.raises(MediaError, match="641"):
        catalogs.video_of(video)
    video.width = None
    with pytest.raises(MediaError, match="width"):
        catalogs.video_of(video)


def test_the_flash_and_the_beep_go_together(tmp_path: Path) -> None:
    """Sound and picture coded, written and decoded again, and a shift of one of them is measured."""
    pytest.importorskip("av")
    backend, codec = ENCODINGS[0]
    for shift_ms in (0, 60):
        encoder = audio_encoder.open_audio_encoder()
        coded: list[EncodedAudio] = []
        for block in itertools.islice(Beeps().blocks(encoder.block), 60):
            coded += encoder.encode(block)
        coded += encoder.flush()
        encoder.close()
        video = catalogs.video_track("video", catalogs.codec_string(codec, codec), VIDEO, 1_000_000)
        catalog = msf.Catalog([video])
        format = catalogs.SoundFormat(encoder.codec, RATE, CHANNELS, encoder.config)
        catalog.tracks.append(catalogs.sound_track(catalog, "audio", format, 96_000))
        writer = FragmentedWriter(str(tmp_path / "clock.mp4"))
        pictures, sound = (open_track(catalog, track, writer) for track in catalog.tracks)
        frames = encoded(backend, codec)
        for frame in frames:
            pictures.add(frame.payload, loc.extensions_of(frame), frame.is_key)
        start_us = frames[0].capture_us + shift_ms * 1000
        for heard in coded:
            capture_us = start_us + heard.first_sample * 1_000_000 // RATE
            sound.add(heard.payload, loc.sound_extensions(capture_us, frames[0].capture_us), True)
        pictures.finish()
        sound.finish()
        writer.close()
        sync = measure_sync(str(tmp_path / "clock.mp4"), VIDEO)
        assert len(sync.offsets_ms) == 1
        assert abs(sync.offsets_ms[0] - shift_ms) < 3


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg makes the chunks")
@pytest.mark.parametrize("bframes", [0, 2])
def test_cmaf_chunks_are_read_and_written_again(tmp_path: Path, bframes: int) -> None:
    """Every frame and its time, of a file that ffmpeg cut into chunks, edit list and reordering included."""
    source, output = tmp_path / "source.mp4", tmp_path / "output.mp4"
    run("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=30:duration=2", "-c:v", "libx264", "-bf", bframes, "-g", 15,
        "-movflags", "+cmaf+frag_every_frame+delay_moov", source)  # fmt: skip
    data = source.read_bytes()
    parts = [data[start:] for kind, start, _ in boxes(data) if kind == b"moof"]
    chunks = [part[: len(part) - len(rest)] for part, rest in itertools.pairwise([*parts, b""])]
    track = msf.Track("video", "cmaf", is_live=True, role="video", codec="avc1.64000d", bitrate=1)
    catalog = msf.Catalog([track])
    catalog.set_initialization(track, data[: len(data) - len(parts[0])])
    writer = FragmentedWriter(str(output))
    recorded = open_track(catalog, track, writer)
    for chunk in chunks:
        recorded.add(chunk, None, False)
    recorded.finish()
    writer.close()
    assert recorded.written == 60
    assert frame_times(output) == frame_times(source)
    with pytest.raises(MediaError, match="cut short"):
        recorded.add(chunks[3][:-10], None, False)
    with pytest.raises(MediaError, match="no CMAF chunk"):
        recorded.add(b"", None, False)


def run(*arguments: object) -> str:
    command = ["ffmpeg", "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def frame_times(path: Path) -> list[str]:
    """The time and MD5 of every decoded picture."""
    lines = run("-i", path, "-map", "0:v", "-f", "framemd5", "-").splitlines()
    return [line for line in lines if not line.startswith("#")]
