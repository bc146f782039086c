"""What moqt-pub tells while it runs and at its end, to people and to scripts."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from media_inputs import H264, PICTURE, Input
from media_round_trip import Running, ffmpeg
from relay_programs import Programs, Relay

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@pytest.fixture
def programs() -> Iterator[Programs]:
    programs = Programs()
    yield programs
    programs.close()


@pytest.fixture
def relay(programs: Programs) -> Relay:
    return programs.relay()


def events(text: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text if line.startswith("{")]


def test_an_endless_picture_group_is_worth_a_warning(relay: Relay, tmp_path: Path) -> None:
    file = tmp_path / "endless.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=10:duration=7", *H264, "-g", 1000, file)
    running = Running(relay, tmp_path / "out", ("--no-pace", file))
    running.finish()
    running.publisher.line("no key frame")


def test_a_turned_picture_stays_turned(relay: Relay, tmp_path: Path) -> None:
    content = bytearray(Input("turned.mp4", (*PICTURE, *H264)).file(tmp_path).read_bytes())
    at = content.index(b"tkhd") + 4 + 40  # the matrix of a version 0 box, ISO/IEC 14496-12 section 8.3.2
    assert content[at : at + 4] == struct.pack(">I", 0x10000)
    content[at : at + 36] = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 96 << 16, 0, 0x40000000)
    file = tmp_path / "turned.mp4"
    file.write_bytes(content)

    def rotation(of: Path) -> str:
        show = ("-show_entries", "stream_side_data=rotation", "-of", "csv=p=0")
        done = subprocess.run(["ffprobe", "-v", "error", *show, str(of)], capture_output=True, text=True, timeout=60)
        return done.stdout.strip()

    assert rotation(file) == "-90"
    trip = Running(relay, tmp_path / "out", ("--no-pace", file)).finish()
    assert rotation(trip.track("video")) == "-90"
