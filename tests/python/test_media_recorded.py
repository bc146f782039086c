"""Inputs of every kind through moqt-pub into one file of moqt-sub: its frames and times are those of the input."""

from __future__ import annotations

import dataclasses
import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from media_inputs import GOOD, PICTURE, SOUND48, VP9, Input, frames_of
from media_round_trip import DecodedFrame, assert_same_audio, assert_same_video, decoded, packets
from relay_programs import Program, Relay

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MPEG4 = Input("mpeg4_b_mp3.mp4", (*PICTURE, *SOUND48, "-c:v", "mpeg4", "-g", 10, "-bf", 2, "-c:a", "libmp3lame"))


def record(relay: Relay, file: Path, output: Path, *arguments: object) -> Program:
    space = ("--namespace", f"recorded/{output.parent.name}/{output.stem}")
    subscriber = relay.subscriber(*space, output)
    subscriber.line("waiting for")
    publisher = relay.publisher(*space, "--no-pace", *arguments, file)
    for program in (publisher, subscriber):
        assert program.exit_code() == 0, program.text
    return publisher


def earlier(frames: list[DecodedFrame], seconds: float) -> list[DecodedFrame]:
    return [dataclasses.replace(frame, seconds=frame.seconds - seconds) for frame in frames]


@pytest.mark.parametrize("source", [*GOOD, MPEG4], ids=lambda source: source.name)
def test_recorded(relay: Relay, folder: Path, tmp_path: Path, source: Input) -> None:
    file, output = source.file(folder), tmp_path / "out.mp4"
    record(relay, file, output)
    streams = [stream["codec_type"] for stream in streams_of(file)]
    assert sorted(stream["codec_type"] for stream in streams_of(output)) == sorted(streams)
    begin = 0.0
    if "video" in streams:
        expected, received = frames_of(file, "v:0"), decoded(output, "v:0")
        # A recording's clock begins at 0.
        begin = expected[0].seconds - received[0].seconds
        assert_same_video(earlier(expected, begin), received)
    for number in range(streams.count("audio")):
        stream = f"a:{number}"
        if source.sound_as_stored:
            assert packets(output, stream) == packets(file, stream)
        else:
            expected, received = earlier(frames_of(file, stream), begin), decoded(output, stream)
            assert_same_audio(expected, received, alone="video" not in streams)


def streams_of(file: Path) -> list[dict[str, Any]]:
    command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", f"file:{file}"]
    found = subprocess.run(command, check=True, capture_output=True, timeout=60)
    streams: list[dict[str, Any]] = json.loads(found.stdout)["streams"]
    return streams


def told_of(file: Path) -> tuple[Any, Any, Any]:
    """How the picture is turned, the shape of its pixels, and the language of the sound."""
    picture, sound = streams_of(file)
    turned = picture.get("side_data_list", [{}])[0].get("rotation")
    return turned, picture.get("sample_aspect_ratio"), sound.get("tags", {}).get("language")


def turned(content: bytes) -> bytes:
    at = content.index(b"tkhd") + 4 + 40  # the matrix of a version 0 box, ISO/IEC 14496-12 section 8.3.2
    matrix = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 96 << 16, 0, 0x40000000)
    return content[:at] + matrix + content[at + 36 :]


def told_file(folder: Path, tmp_path: Path) -> Path:
    what = (*VP9, "-aspect", "2:1", "-c:a", "libopus", "-metadata:s:a:0", "language=jpn")
    file = tmp_path / "turned.mp4"
    file.write_bytes(turned(Input("told.mp4", (*PICTURE, *SOUND48, *what)).file(folder).read_bytes()))
    assert told_of(file) == (-90, "3:2", "jpn")
    return file


def test_what_the_container_says_is_recorded(relay: Relay, folder: Path, tmp_path: Path) -> None:
    file = told_file(folder, tmp_path)
    record(relay, file, tmp_path / "cmaf.mp4")
    assert told_of(tmp_path / "cmaf.mp4") == told_of(file)
    publisher = record(relay, file, tmp_path / "loc.mp4", "--packaging", "loc")
    assert told_of(tmp_path / "loc.mp4")[2] == "jpn"
    publisher.line("warning .*LOC has no place for")


def test_the_python_recorder_keeps_it_too(relay: Relay, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="the examples' packages are not installed (uv sync --group example)")
    file, output = told_file(folder, tmp_path), tmp_path / "out.mp4"
    publisher = relay.publisher("--namespace", "recorded/python", "--no-pace", file)
    publisher.line("publishing")
    script = [
        sys.executable,
        str(EXAMPLES / "moqt_video_subscriber.py"),
        "--host",
        "127.0.0.1",
        "--port",
        str(relay.port),
    ]
    command = [*script, "--namespace", "recorded/python", "--output", str(output), "--wait", "30"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    assert publisher.exit_code() == 0, publisher.text
    assert told_of(output) == told_of(file)
