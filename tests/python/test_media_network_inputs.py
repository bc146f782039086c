"""Inputs that are no files: RTMP and SRT, on either side of the connection, and a device."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from media_inputs import H264, PICTURE, SOUND, Input, frames_of
from media_round_trip import decoded
from relay_programs import DEADLINE, Program, Programs, Relay

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@pytest.fixture
def relay(programs: Programs) -> Relay:
    return programs.relay()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    return Input("film.mp4", (*PICTURE, *SOUND, *H264, "-c:a", "aac")).file(folder)


def protocols() -> set[str]:
    done = subprocess.run(["ffmpeg", "-v", "error", "-protocols"], capture_output=True, text=True, timeout=30)
    return set(done.stdout.split())


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture
def sending() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def ffmpeg_to(url: str, form: str, film: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = ["ffmpeg", "-v", "error", "-nostdin", "-re", "-i", str(film), "-c", "copy", "-f", form, *arguments, url]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def push(url: str, form: str, film: Path, publisher: Program, sending: list[subprocess.Popen[bytes]]) -> None:
    """Until the publisher listens."""
    for _ in range(200):
        sending.append(ffmpeg_to(url, form, film))
        if sending[-1].wait(DEADLINE) == 0:
            return
        assert publisher.process.poll() is None, publisher.text
    raise AssertionError(f"nobody listens\n{publisher.text}")


def check(film: Path, output: Path, publisher: Program, subscriber: Program) -> None:
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text
    expected = [frame.checksum for frame in frames_of(film, "v:0")]
    assert [frame.checksum for frame in decoded(output, "v:0")] == expected
    assert len(decoded(output, "a:0")) >= len(frames_of(film, "a:0")) - 1


def recorder(relay: Relay, output: Path) -> Program:
    subscriber = relay.subscriber("--output", output)
    subscriber.line("waiting for")
    return subscriber


@pytest.mark.skipif("rtmp" not in (protocols() if shutil.which("ffmpeg") else ()), reason="this FFmpeg has no RTMP")
def test_an_encoder_pushes_rtmp(
    relay: Relay, film: Path, tmp_path: Path, sending: list[subprocess.Popen[bytes]]
) -> None:
    url = f"rtmp://127.0.0.1:{free_port(socket.SOCK_STREAM)}/live/film"
    subscriber = recorder(relay, tmp_path / "out.mp4")
    publisher = relay.publisher("--input-option", "listen=1", url)
    push(url, "flv", film, publisher, sending)
    check(film, tmp_path / "out.mp4", publisher, subscriber)


@pytest.mark.skipif("rtmp" not in (protocols() if shutil.which("ffmpeg") else ()), reason="this FFmpeg has no RTMP")
def test_rtmp_is_taken_from_a_server(
    relay: Relay, film: Path, tmp_path: Path, sending: list[subprocess.Popen[bytes]]
) -> None:
    port = free_port(socket.SOCK_STREAM)
    url = f"rtmp://127.0.0.1:{port}/live/film"
    subscriber = recorder(relay, tmp_path / "out.mp4")
    sending.append(ffmpeg_to(url, "flv", film, "-listen", "1"))
    while True:
        publisher = relay.publisher(url)
        code = publisher.exit_code()
        if code == 0:
            break
        # The server may not listen yet.
        assert re.search("refused", publisher.text), publisher.text
        assert sending[-1].poll() is None
    check(film, tmp_path / "out.mp4", publisher, subscriber)


@pytest.mark.skipif("srt" not in (protocols() if shutil.which("ffmpeg") else ()), reason="this FFmpeg has no SRT")
def test_an_encoder_pushes_srt(
    relay: Relay, film: Path, tmp_path: Path, sending: list[subprocess.Popen[bytes]]
) -> None:
    url = f"srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
    subscriber = recorder(relay, tmp_path / "out.mp4")
    publisher = relay.publisher(url + "?mode=listener")
    push(url + "?connect_timeout=300&linger=5", "mpegts", film, publisher, sending)
    check(film, tmp_path / "out.mp4", publisher, subscriber)


@pytest.mark.parametrize("where", ["srt://127.0.0.1:{}?mode=listener", "rtmp://127.0.0.1:{}/live"])
def test_a_listener_to_which_nobody_comes_ends_with_a_signal(relay: Relay, where: str) -> None:
    if where.partition(":")[0] not in protocols():
        pytest.skip("this FFmpeg does not have it")
    kind = socket.SOCK_DGRAM if where.startswith("srt") else socket.SOCK_STREAM
    options = () if where.startswith("srt") else ("--input-option", "listen=1")
    publisher = relay.publisher(*options, where.format(free_port(kind)))
    publisher.line("reading the input")
    publisher.terminate()
    assert publisher.exit_code() == 0, publisher.text


@pytest.mark.skipif(os.path.exists("/dev/video0"), reason="there is a camera")
def test_a_camera_that_is_not_there_is_named(relay: Relay) -> None:
    publisher = relay.publisher("--no-wait", "--encode-all", "--input-format", "v4l2", "/dev/video0")
    assert publisher.exit_code() == 1, publisher.text
    publisher.line("'/dev/video0' can't be opened as v4l2.*No such file or directory")


def test_a_capture_by_a_format_of_ffmpeg(relay: Relay, tmp_path: Path) -> None:
    """What a device would give: raw pictures, made by lavfi, which need an encoder."""
    subscriber = recorder(relay, tmp_path / "out.mp4")
    graph = "testsrc2=size=128x96:rate=25:duration=1"
    publisher = relay.publisher("--no-pace", "--encode-all", "--input-format", "lavfi", graph)
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text
    assert len(decoded(tmp_path / "out.mp4", "v:0")) == 25


def test_an_option_that_the_input_does_not_have_is_named(relay: Relay, film: Path) -> None:
    publisher = relay.publisher("--no-wait", "--input-option", "no_such_option=1", film)
    assert publisher.exit_code() == 1, publisher.text
    publisher.line("--input-option no_such_option: .*has no such option")
