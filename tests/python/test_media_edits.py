"""What an edit list leaves out of an input stays out of the recording, although decoders need it."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from media_round_trip import assert_same_video, decoded, ffmpeg
from relay_programs import Relay

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
SECONDS = 3
RATE = 25


def film(file: Path, *, gop: int, bframes: int = 2) -> Path:
    picture = ("-f", "lavfi", "-i", f"testsrc2=size=128x96:rate={RATE}:duration={SECONDS}")
    sound = ("-f", "lavfi", "-i", f"sine=sample_rate=44100:duration={SECONDS}")
    coder = ("-c:v", "libx264", "-preset", "ultrafast", "-g", gop, "-bf", bframes, "-sc_threshold", 0)
    ffmpeg(*picture, *sound, *coder, "-pix_fmt", "yuv420p", "-c:a", "aac", file)
    return file


def shown(file: Path, stream: str) -> list[str]:
    """Time, length and checksum of every frame that FFmpeg shows or plays."""
    text = ffmpeg("-i", file, "-map", f"0:{stream}", "-fps_mode", "passthrough", "-f", "framemd5", "-").decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


def assert_shown_alike(source: Path, output: Path, stream: str, *, exactly: bool) -> None:
    """The same frames at the same times; to the microsecond of LOC's timestamps where `exactly` is False."""
    if exactly:
        assert shown(output, stream) == shown(source, stream)
        return
    assert [line.split(",")[-1] for line in shown(output, stream)] == [
        line.split(",")[-1] for line in shown(source, stream)
    ]
    for one, other in zip(decoded(source, f"{stream}:0"), decoded(output, f"{stream}:0"), strict=True):
        assert abs(one.seconds - other.seconds) < 0.0001, (one, other)


def counted(file: Path) -> list[str]:
    """Frames and first time of each stream, as ffprobe has them."""
    show = ("-count_frames", "-show_entries", "stream=nb_read_frames,start_pts", "-of", "csv=p=0")
    command = ["ffprobe", "-v", "error", *show, str(file)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split()


def recorded(relay: Relay, source: Path, output: Path, *arguments: object, code: int = 0) -> str:
    name_space = ("--namespace", output.stem)
    subscriber = relay.subscriber(*name_space, *(arguments if "--name" in arguments else ()), "--output", output)
    subscriber.line("waiting for")
    publisher = relay.publisher(*name_space, "--no-pace", *arguments, source)
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == code, subscriber.text
    return publisher.text


@pytest.mark.parametrize("arguments", [(), ("--name", "all"), ("--packaging", "loc")], ids=["cmaf", "single", "loc"])
@pytest.mark.parametrize(("gop", "begin"), [(20, 0.36), (75, 2.4), (75, 0.04)])
def test_what_comes_before_the_edit(
    relay: Relay, tmp_path: Path, gop: int, begin: float, arguments: tuple[object, ...]
) -> None:
    """Up to 60 pictures are decoded and not seen: more than a fragment's worth."""
    trimmed, output = tmp_path / "trimmed.mp4", tmp_path / f"before-{gop}-{begin}-{'-'.join(arguments).strip('-')}.mp4"
    ffmpeg("-ss", begin, "-i", film(tmp_path / "film.mp4", gop=gop), "-c", "copy", trimmed)
    assert len(shown(trimmed, "v")) == round((SECONDS - begin) * RATE)
    recorded(relay, trimmed, output, *arguments)
    for stream in ("v", "a"):
        assert_shown_alike(trimmed, output, stream, exactly="loc" not in arguments)
    assert [line.split(",")[0] for line in counted(output)] == [line.split(",")[0] for line in counted(trimmed)]
    if "loc" not in arguments:
        assert counted(output) == counted(trimmed)


def test_what_comes_behind_the_edit(relay: Relay, tmp_path: Path) -> None:
    content = bytearray(film(tmp_path / "film.mp4", gop=20, bframes=0).read_bytes())
    at = content.index(b"elst") + 4
    assert content[at : at + 8] == struct.pack(">II", 0, 1)  # version 0, one edit, of the video
    struct.pack_into(">I", content, at + 8, 1000)  # milliseconds
    cut, output = tmp_path / "cut.mp4", tmp_path / "behind.mp4"
    cut.write_bytes(content)
    assert len(shown(cut, "v")) == RATE
    recorded(relay, cut, output)
    assert_same_video(decoded(cut, "v:0"), decoded(output, "v:0"))


def test_a_recording_of_a_trimmed_input_plays_when_it_was_cut_off(relay: Relay, tmp_path: Path) -> None:
    trimmed, output = tmp_path / "trimmed.mp4", tmp_path / "cut-off.mp4"
    ffmpeg("-ss", 0.36, "-i", film(tmp_path / "film.mp4", gop=20), "-c", "copy", trimmed)
    recorded(relay, trimmed, output)
    content = output.read_bytes()
    part = tmp_path / "part.mp4"
    part.write_bytes(content[: content.rindex(b"moof") - 4])
    frames = shown(part, "v")
    assert 10 < len(frames) < len(shown(trimmed, "v"))
    assert frames[:-1] == shown(trimmed, "v")[: len(frames) - 1]


def test_a_container_without_edit_lists_shows_what_is_below_0(relay: Relay, tmp_path: Path) -> None:
    source, output = tmp_path / "negative.mkv", tmp_path / "below.mp4"
    begin = ("-ss", 0.36, "-i", film(tmp_path / "film.mp4", gop=20))
    ffmpeg(*begin, "-map", "0:v", "-c", "copy", "-avoid_negative_ts", "disabled", source)
    everything = shown(source, "v")
    assert len(everything) == SECONDS * RATE
    recorded(relay, source, output)
    checksums = [line.split(",")[-1] for line in everything]
    assert [line.split(",")[-1] for line in shown(output, "v")] == checksums


def objects_of(relay: Relay, source: Path, folder: Path, track: str, *arguments: object) -> int:
    """How many objects a publisher sends on that track."""
    name_space, output = ("--namespace", f"objects/{track}"), folder / "objects"
    one = ("--name", track, "--format", "framed", "--output", output)
    subscriber = relay.subscriber(*name_space, *one)
    subscriber.line("waiting for")
    publisher = relay.publisher(*name_space, "--no-pace", *arguments, source)
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text
    content, objects, at = output.read_bytes(), 0, 0
    while at < len(content):
        (size,) = struct.unpack_from(">I", content, at)
        objects, at = objects + (size > 0), at + 4 + size
    return objects


def edited(source: Path, file: Path, *, begin: float, tracks: int = 2) -> Path:
    """A copy whose edit lists begin so many seconds later."""
    content = bytearray(source.read_bytes())
    at = 0
    for _ in range(tracks):
        at = content.index(b"elst", at) + 4
        clock = content.index(b"mdhd", at) + 4
        assert content[at : at + 8] == struct.pack(">II", 0, 1)  # version 0, one edit
        assert content[clock] == 0
        (timescale,) = struct.unpack_from(">I", content, clock + 12)
        duration, start = struct.unpack_from(">Ii", content, at + 8)
        struct.pack_into(">Ii", content, at + 8, duration - round(begin * 1000), start + round(begin * timescale))
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("packaging", ["cmaf", "loc"])
def test_what_no_decoder_needs_is_not_published(relay: Relay, tmp_path: Path, packaging: str) -> None:
    """Whole groups in front of the edit, and sound that is over long before it."""
    cut = edited(film(tmp_path / "film.mp4", gop=10), tmp_path / "cut.mp4", begin=2.2)
    output = tmp_path / f"needed-{packaging}.mp4"
    assert len(shown(cut, "v")) == 20
    recorded(relay, cut, output, "--packaging", packaging)
    assert_shown_alike(cut, output, "v", exactly=packaging == "cmaf")
    assert [line.split(",")[-1] for line in shown(output, "a")] == [line.split(",")[-1] for line in shown(cut, "a")]
    assert objects_of(relay, cut, tmp_path, "video", "--packaging", packaging) == 25  # from the key frame at 2 s on
    if packaging == "loc":
        assert 0.8 * 44100 / 1024 < objects_of(relay, cut, tmp_path, "audio", "--packaging", packaging) < 85


def several_pieces(source: Path, file: Path, *, tracks: int = 2) -> Path:
    """A copy whose tracks show their last second before the rest: two edits."""
    content = source.read_bytes()
    at = 0
    for _ in range(tracks):
        at = content.index(b"elst", at)
        clock = content.index(b"mdhd", at) + 4
        (timescale,) = struct.unpack_from(">I", content, clock + 12)
        duration, start = struct.unpack_from(">Ii", content, at + 12)
        edits = struct.pack(">IIiI", 2, 1000, start + 2 * timescale + timescale // 50, 0x10000)
        edits += struct.pack(">IiI", 2000, start, 0x10000)
        box = struct.pack(">I4sI", 12 + len(edits), b"elst", 0) + edits
        content = grown(content, at - 4, box)
        at += len(box)
        assert duration > 2900
    file.write_bytes(content)
    return file


def grown(content: bytes, at: int, box: bytes) -> bytes:
    """The movie with another box in place of the one at `at`, deep inside of "moov", which comes last."""
    (old,) = struct.unpack_from(">I", content, at)
    more = len(box) - old
    result = bytearray(content[:at] + box + content[at + old :])
    for kind in (b"edts", b"trak", b"moov"):
        place = content.rindex(kind, 0, at) - 4
        (size,) = struct.unpack_from(">I", content, place)
        struct.pack_into(">I", result, place, size + more)
    return bytes(result)


@pytest.mark.parametrize("through", ["file", "pipe"])
def test_several_pieces_are_refused(relay: Relay, tmp_path: Path, through: str) -> None:
    source = several_pieces(film(tmp_path / "film.mp4", gop=20), tmp_path / "pieces.mp4")
    assert 74 <= len(shown(source, "v")) <= 76
    if through == "pipe":
        front = tmp_path / "front.mp4"
        content = source.read_bytes()
        at = content.index(b"mdat") - 4
        moov = content.index(b"moov") - 4
        front.write_bytes(content[:at] + content[moov:] + content[at:moov])  # offsets are wrong, and not looked at
        with front.open("rb") as stream:
            publisher = relay.publisher("--namespace", "pieces", "-", standard_input=stream)
            assert publisher.exit_code() == 1
    else:
        publisher = relay.publisher("--namespace", "pieces", source)
        assert publisher.exit_code() == 1
    assert "the edit list of the input's video strings together several pieces" in publisher.text
    assert "--encode" in publisher.text


def test_several_pieces_are_shown_in_their_order_when_encoded(relay: Relay, tmp_path: Path) -> None:
    source = several_pieces(film(tmp_path / "film.mp4", gop=20), tmp_path / "pieces.mp4")
    output = tmp_path / "in-order.mp4"
    recorded(relay, source, output, "--encode")
    expected, received = decoded(source, "v:0"), decoded(output, "v:0")
    assert len(received) == len(expected)
    for one, other in zip(expected, received, strict=True):
        assert abs(one.seconds - other.seconds) < 0.0011
    assert brightness(output, len(expected)) == pytest.approx(brightness(source, len(expected)), abs=4)
    sound = [sum(1 for _ in decoded(file, "a:0")) for file in (source, output)]
    assert abs(sound[0] - sound[1]) <= 3


def brightness(file: Path, frames: int) -> list[float]:
    """The mean of a corner of each picture, where the test source counts seconds."""
    options = (
        "-vf",
        "crop=64:48:0:0,scale=1:1:flags=area,format=gray",
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-",
    )
    data = ffmpeg("-i", file, "-map", "0:v", *options)
    assert len(data) == frames
    return [float(value) for value in data]
