"""moqt-sub: honest ends, whoever is killed, silent or does not read."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cmaf_publisher import CmafPublisher, Movie, make_video, video_track
from recorded_media import Publish, decodable, frames, media, publish, relay, streams  # noqa: F401
from relay_programs import DEADLINE, Programs, Relay, frame, wait_until

pytestmark = [
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed"),
    pytest.mark.timeout(180),
]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
INCOMPLETE = 4


def test_a_killed_relay_is_a_loss(
    relay: Relay, publish: Publish, media: tuple[Movie, Movie, Path], tmp_path: Path
) -> None:
    started = []
    for arguments in ((), ("--follow",)):
        other = relay if not arguments else relay.programs.relay()
        output = tmp_path / f"out{len(arguments)}.mp4"
        subscriber = other.subscriber("--output", output, "--idle-timeout", 1, *arguments)
        publisher = CmafPublisher(other.port, [(video_track(), media[0])], interval=0.03)
        started.append((other, output, subscriber, publisher))
    for other, output, *_ in started:
        wait_until(lambda file=output: file.exists() and file.stat().st_size > 10_000, "media")
        other.program.kill()
    for other, output, subscriber, _ in started:
        assert subscriber.exit_code() == INCOMPLETE, subscriber.text
        subscriber.line(f"127.0.0.1:{other.port} is lost.*ends in the middle")
        assert frames(output)
    for *_, publisher in started:
        with contextlib.suppress(BaseException):
            publisher.finish()


def test_a_killed_publisher_is_a_loss(programs: Programs, relay: Relay, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    script = [sys.executable, str(EXAMPLES / "moqt_video_publisher.py"), "--port", str(relay.port), "--size", "320x240"]
    # The relay notices after the shorter of both ends' idle timeouts.
    publisher = subprocess.Popen([*script, "--idle-timeout", "4"], stdout=subprocess.DEVNULL)
    try:
        subscriber = relay.subscriber("--output", output)
        wait_until(lambda: output.exists() and output.stat().st_size > 100_000, "media")
    finally:
        publisher.kill()
        publisher.wait()
    assert subscriber.exit_code(90) == INCOMPLETE, subscriber.text
    subscriber.line("was lost: INTERNAL_ERROR.*ends in the middle")
    assert len(frames(output)) > 10
    assert set(streams(output)) == {"video", "audio"}


def test_a_recorder_that_is_killed_leaves_what_plays(programs: Programs, relay: Relay, tmp_path: Path) -> None:
    """Killed, stopped and started again at random moments."""
    chance = random.Random(9)
    script = [sys.executable, str(EXAMPLES / "moqt_video_publisher.py"), "--port", str(relay.port), "--size", "320x240"]
    publisher = subprocess.Popen([*script, "--keyframe-interval", "10"], stdout=subprocess.DEVNULL)
    try:
        for number in range(6):
            output = tmp_path / f"out{number}.mp4"
            subscriber = relay.subscriber("--output", output)
            wait_until(lambda file=output: file.exists() and file.stat().st_size > 1000, "the first fragment")
            enough = output.stat().st_size + chance.randrange(150_000)
            wait_until(lambda file=output, size=enough: file.stat().st_size >= size, "more of it")
            subscriber.process.send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM]))
            subscriber.process.wait(DEADLINE)
            assert len(decodable(output)) > 0
    finally:
        publisher.terminate()
        publisher.wait(DEADLINE)


def has_sockets(process: int) -> bool:
    try:
        return any("socket:" in os.readlink(open_file) for open_file in Path(f"/proc/{process}/fd").iterdir())
    except FileNotFoundError:  # closed in this moment
        return True


@pytest.mark.parametrize("over", [False, True], ids=["live", "over"])
@pytest.mark.parametrize("kind", ["pipe", "fifo"])
def test_an_output_that_nobody_reads_does_not_hold_a_signal_up(
    programs: Programs, relay: Relay, publish: Publish, tmp_path: Path, kind: str, over: bool
) -> None:
    video = make_video(tmp_path / "video.mp4", size="1280x720", seconds=2)
    arguments = [str(argument) for argument in relay.client_arguments]
    output = "-"
    if kind == "fifo":
        os.mkfifo(tmp_path / "fifo")
        output = str(tmp_path / "fifo")
    command = [str(programs.all[0].process.args[0]).replace("moqt-relay", "moqt-sub"), *arguments, "--output", output]  # type: ignore[index]
    subscriber = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        publisher = publish((video_track(), video))
        assert publisher.sent.wait(DEADLINE)
        if over:
            publisher.finish()
            assert subscriber.stderr is not None
            assert any(b"has ended" in line for line in subscriber.stderr)
            wait_until(lambda: not has_sockets(subscriber.pid), "the end of the session")
        subscriber.send_signal(signal.SIGTERM)
        code = subscriber.wait(DEADLINE)
    finally:
        subscriber.kill()
    assert subscriber.stderr is not None
    text = subscriber.stderr.read().decode()
    assert code == INCOMPLETE, text
    assert "the output is not read" in text
    for stream in (subscriber.stdout, subscriber.stderr):
        assert stream is not None
        stream.close()


def test_a_reader_that_goes_is_an_error(programs: Programs, relay: Relay, publish: Publish, tmp_path: Path) -> None:
    video = make_video(tmp_path / "video.mp4", size="1280x720", seconds=2)
    arguments = [str(argument) for argument in relay.client_arguments]
    command = [str(programs.all[0].process.args[0]).replace("moqt-relay", "moqt-sub"), *arguments]  # type: ignore[index]
    subscriber = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert subscriber.stdout is not None
    subscriber.stdout.close()
    publish((video_track(), video))
    assert subscriber.wait(DEADLINE) == 1
    assert subscriber.stderr is not None
    assert "standard output: its reader has gone" in subscriber.stderr.read().decode()
    subscriber.stderr.close()


@pytest.mark.parametrize("name", ["moqt-sub", "moqt-pub", "moqt_video_subscriber.py", "moqt_client.py"])
def test_a_port_that_is_silent_is_given_up_in_time(programs: Programs, tmp_path: Path, name: str) -> None:
    (tmp_path / "input").write_bytes(frame(b"") + frame(b"words"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        where = ["--host", "127.0.0.1", "--port", str(port), "--connect-timeout", "0.5"]
        if name.endswith(".py"):
            command = [sys.executable, str(EXAMPLES / name), *where]
            done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, cwd=tmp_path)
            code, text = done.returncode, done.stderr
        else:
            pub, sub = ["--format", "framed", str(tmp_path / "input")], [str(tmp_path / "out")]
            running = programs.start(name, *where, "--insecure", *(pub if name == "moqt-pub" else sub))
            code, text = running.exit_code(), running.text
    assert code == 1, text
    assert re.search(rf"127\.0\.0\.1:{port}\b.* within 0\.5 s.*--connect-timeout", text), text
