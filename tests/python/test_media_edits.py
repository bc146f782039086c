"""What an edit list leaves out of an input stays out of the recording, although decoders need it."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from media_round_trip import assert_same_video, decoded, ffmpeg
from relay_programs import Programs, Relay

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
SECONDS = 3
RATE = 25


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    programs = Programs()
    yield programs.relay()
    programs.close()


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


@pytest.mark.parametrize("arguments", [(), ("--name", "all")], ids=["catalog", "single"])
@pytest.mark.parametrize(("gop", "begin"), [(20, 0.36), (75, 2.4), (75, 0.04)])
def test_what_comes_before_the_edit(
    relay: Relay, tmp_path: Path, gop: int, begin: float, arguments: tuple[object, ...]
) -> None:
    """Up to 60 pictures are decoded and not seen: more than a fragment's worth."""
    trimmed, output = tmp_path / "trimmed.mp4", tmp_path / f"before-{gop}-{begin}-{len(arguments)}.mp4"
    ffmpeg("-ss", begin, "-i", film(tmp_path / "film.mp4", gop=gop), "-c", "copy", trimmed)
    assert len(shown(trimmed, "v")) == round((SECONDS - begin) * RATE)
    recorded(relay, trimmed, output, *arguments)
    assert shown(output, "v") == shown(trimmed, "v")
    assert shown(output, "a") == shown(trimmed, "a")
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


def test_loc_has_no_place_for_it_and_the_publisher_says_so(relay: Relay, tmp_path: Path) -> None:
    trimmed, output = tmp_path / "trimmed.mp4", tmp_path / "loc.mp4"
    ffmpeg("-ss", 0.36, "-i", film(tmp_path / "film.mp4", gop=20), "-c", "copy", trimmed)
    told = recorded(relay, trimmed, output, "--packaging", "loc")
    assert "the input's edit list leaves out pictures" in told
    assert len(shown(output, "v")) == SECONDS * RATE
