"""What moqt-pub tells while it runs and at its end, to people and to scripts."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from media_inputs import FRAGMENTED, H264, PICTURE, Input
from media_round_trip import Running, ffmpeg
from relay_programs import Programs, Relay, frame, program, wait_until

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


def test_events_for_scripts(relay: Relay, tmp_path: Path) -> None:
    file = FRAGMENTED.file(tmp_path)
    running = Running(relay, tmp_path / "out", ("--json", "--no-pace", file))
    running.finish()
    told = events(running.publisher.lines)
    assert told[0]["event"] == "connected"
    assert told[0]["port"] == relay.port
    assert [event["name"] for event in told if event["event"] == "track"] == ["video", "audio"]
    assert any(event["event"] == "subscribers" and event["count"] == 1 for event in told)
    end = told[-1]
    assert end["event"] == "end"
    assert end["exit_code"] == 0
    assert end["objects"] > 30
    assert end["groups_skipped"] == 0
    assert 1.1 < end["media_time"] < 1.4


def test_statistics_at_the_end(relay: Relay, tmp_path: Path) -> None:
    running = Running(relay, tmp_path / "out", ("--stats", FRAGMENTED.file(tmp_path)))
    running.finish()
    running.publisher.line(r"objects +\d+ in \d+ groups")
    running.publisher.line(r"latency +p50")


def test_a_relay_that_is_killed_is_a_loss(programs: Programs, relay: Relay, tmp_path: Path) -> None:
    long = Input("long.mp4", (*PICTURE, *H264)).file(tmp_path)
    publisher = relay.publisher("--idle-timeout", 1, "--no-wait", "--loop", "--namespace", "lost", long)
    publisher.line("publishing lost")
    relay.program.kill()
    assert publisher.exit_code() == 4, publisher.text
    publisher.line(str(relay.port))


def test_a_relay_that_is_killed_before_the_end_has_arrived_is_a_loss(relay: Relay) -> None:
    publisher = relay.publisher("--idle-timeout", 1, "--format", "framed", "-", standard_input=subprocess.PIPE)
    publisher.line("publishing")
    relay.program.kill()
    pipe = publisher.process.stdin
    assert pipe is not None
    pipe.write(frame(b"") + frame(b"too late"))
    pipe.close()
    assert publisher.exit_code() == 4, publisher.text


def test_nobody_at_the_port(programs: Programs, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    publisher = programs.start("moqt-pub", "--port", port, "--insecure", FRAGMENTED.file(tmp_path))
    assert publisher.exit_code() == 1, publisher.text
    publisher.line(rf"127\.0\.0\.1:{port}.*relay")


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


def test_the_help_names_every_option(programs: Programs) -> None:
    text = subprocess.run([program("moqt-pub"), "--help"], capture_output=True, text=True, timeout=30).stdout
    for option in ("--packaging", "--encode", "--loop", "--follow-input", "--json", "--stats", "--idle-timeout"):
        assert option in text


def test_a_single_group_that_was_cut_is_a_loss(programs: Programs, tmp_path: Path) -> None:
    """A recorder that is stopped falls behind; the relay gives up its only group, and no other group tells. Nobody
    keeps what the recorder asks for then."""
    relay = programs.relay("--cache-duration", 0)
    output = tmp_path / "out.framed"
    arguments = ("--namespace", "cut", "--name", "only", "--format", "framed")
    subscriber = relay.subscriber(*arguments, "--output", output)
    subscriber.line("waiting for")
    publisher = relay.publisher(*arguments, "--no-pace", "-", standard_input=subprocess.PIPE)
    pipe = publisher.process.stdin
    assert pipe is not None
    pipe.write(frame(b"") + frame(bytes(1000)))
    pipe.flush()
    wait_until(lambda: output.stat().st_size > 1000, "the first object")
    subscriber.process.send_signal(signal.SIGSTOP)
    pipe.write(130 * frame(bytes(500_000)))  # more than a relay lets wait
    pipe.close()
    try:
        assert publisher.exit_code() == 0, publisher.text
    finally:
        subscriber.process.send_signal(signal.SIGCONT)
    assert subscriber.exit_code() == 4, subscriber.text
    subscriber.line("the recording is incomplete: 1 groups cut short")


@pytest.mark.parametrize("name", ["moqt-pub", "moqt-sub", "moqt-relay"])
def test_a_port_has_a_range(programs: Programs, name: str) -> None:
    running = programs.start(name, "--port", 70000)
    assert running.exit_code() == 2, running.text
    running.line("--port: .*70000.*65535")
