"""Media to record with moqt-sub, and what came of it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cmaf_publisher import CmafPublisher, Movie, ffmpeg, make_sound, make_video
from relay_programs import Programs, Relay


@pytest.fixture
def relay(programs: Programs) -> Relay:
    return programs.relay()


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> tuple[Movie, Movie, Path]:
    """Two seconds of video and of sound, and the folder of their files."""
    folder = tmp_path_factory.mktemp("media")
    return make_video(folder / "video.mp4"), make_sound(folder / "audio.mp4"), folder


Publish = Callable[..., CmafPublisher]


@pytest.fixture
def publish(relay: Relay) -> Iterator[Publish]:
    running: list[CmafPublisher] = []

    def start(*tracks: object, **options: object) -> CmafPublisher:
        running.append(CmafPublisher(relay.port, tracks, **options))  # type: ignore[arg-type]
        return running[-1]

    yield start
    for publisher in running:
        with contextlib.suppress(BaseException):
            publisher.finish()


def frames(file: Path, stream: str = "v") -> list[str]:
    """MD5 of every decoded frame; the file must decode without a complaint."""
    options = ("-xerror", "-i", file, "-map", f"0:{stream}", "-fps_mode", "passthrough", "-f", "framemd5", "-")
    if stream == "a":
        options = ("-xerror", "-i", file, "-map", "0:a", "-f", "framemd5", "-")
    lines = ffmpeg(*options).decode().splitlines()
    return [line.split(",")[-1].strip() for line in lines if not line.startswith("#")]


def packets(file: Path, stream: str) -> list[str]:
    lines = ffmpeg("-i", file, "-map", f"0:{stream}", "-c", "copy", "-f", "framemd5", "-").decode().splitlines()
    return [line.split(",")[-1].strip() for line in lines if not line.startswith("#")]


def streams(file: Path) -> dict[str, dict[str, str]]:
    command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(file)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)["streams"]
    return {stream["codec_type"]: stream for stream in found}


def decodable(file: Path) -> list[str]:
    """Frames of a file whose last fragment may be cut."""
    text = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(file), "-map", "0:v", "-f", "framemd5", "-"],
        check=True, capture_output=True, text=True, timeout=60,
    ).stdout  # fmt: skip
    return [line for line in text.splitlines() if not line.startswith("#")]
