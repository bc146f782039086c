"""moqt-sub fetches what its subscription leaves out, and counts what is not to be had."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import moqt.asyncio as ma
from relay_programs import Program, Programs, Relay, frame, payloads, wait_until

pytestmark = pytest.mark.timeout(150)
INCOMPLETE = 4
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
GROUPS, OBJECTS, SIZE = 30, 4, 60_000


class Stall:
    """A publisher of a framed track, a subscriber that keeps up, and one that is stopped while most of it goes out."""

    def __init__(self, relay: Relay, folder: Path, *arguments: object) -> None:
        self.slow_output, self.output = folder / "slow", folder / "all"
        self.slow = relay.subscriber("--output", self.slow_output, "--format", "framed", "--stats")
        self.quick = relay.subscriber("--output", self.output, "--format", "framed")
        for each in (self.slow, self.quick):
            each.line("waiting for")
        self.publisher = relay.publisher("--format", "framed", *arguments, "-", standard_input=subprocess.PIPE)
        self.publisher.line(r"1 subscriber\(s\)")
        for each in (self.slow, self.quick):
            each.line("subscribed to")
        self.sent: list[bytes] = []
        self.group(0)
        for file in (self.slow_output, self.output):
            wait_until(lambda file=file: size_of(file) >= OBJECTS * SIZE, "the first group")
        self.slow.process.send_signal(signal.SIGSTOP)
        for number in range(1, GROUPS):
            self.group(number)
            # Each has gone to who keeps up: the relay has it, and nobody reads so slowly but the one that is stopped.
            wait_until(lambda: size_of(self.output) >= len(self.sent) * SIZE, "the next group")
        self.slow.process.send_signal(signal.SIGCONT)

    def group(self, number: int) -> None:
        pipe = self.publisher.process.stdin
        assert pipe is not None
        pipe.write(frame(b""))
        for place in range(OBJECTS):
            self.sent.append(f"{number}/{place}".encode().ljust(SIZE, b"."))
            pipe.write(frame(self.sent[-1]))
        pipe.flush()

    def finish(self) -> Program:
        pipe = self.publisher.process.stdin
        assert pipe is not None
        pipe.close()
        assert self.publisher.exit_code() == 0, self.publisher.text
        assert self.quick.exit_code() == 0, self.quick.text
        assert payloads(self.output.read_bytes()) == self.sent
        self.slow.exit_code()
        return self.slow


def size_of(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def test_what_a_relay_left_out_is_fetched(programs: Programs, tmp_path: Path) -> None:
    stall = Stall(programs.relay("--max-queued-bytes", 1_000_000), tmp_path)
    slow = stall.finish()
    assert slow.process.returncode == 0, slow.text
    slow.line(r"[1-9]\d* objects that the subscription had left out were fetched")
    assert payloads(stall.slow_output.read_bytes()) == stall.sent


def test_what_is_not_to_be_had_is_counted(programs: Programs, tmp_path: Path) -> None:
    """The relay keeps nothing, and the publisher only what is new."""
    stall = Stall(programs.relay("--max-queued-bytes", 1_000_000, "--cache-duration", 0), tmp_path)
    slow = stall.finish()
    received = payloads(stall.slow_output.read_bytes())
    assert received == [each for each in stall.sent if each in set(received)], "the order"
    if received != stall.sent:
        assert slow.process.returncode == INCOMPLETE, slow.text
        slow.line(r"the recording is incomplete: .*[1-9]\d* (objects missing|groups cut short|groups skipped)")
    else:
        assert slow.process.returncode == 0, slow.text


def test_a_relay_that_holds_publishers_leaves_nothing_out(programs: Programs, tmp_path: Path) -> None:
    """An unpaced publisher has the speed of the slowest subscriber, through a relay that has room for a tenth of it."""
    relay = programs.relay("--hold-publishers", "--max-queued-bytes", 1_000_000)
    output = tmp_path / "out"
    groups = [frame(b"") + frame(bytes([number]) * 4_000_000) for number in range(12)]
    subscriber = relay.subscriber("--output", output, "--format", "framed")
    subscriber.line("waiting for")
    publisher = relay.publisher("--format", "framed", "--no-pace", "-", standard_input=subprocess.PIPE)
    publisher.line(r"1 subscriber\(s\)")
    subscriber.line("subscribed to")
    pipe = publisher.process.stdin
    assert pipe is not None
    pipe.write(groups[0])
    pipe.flush()
    wait_until(lambda: size_of(output) > 0, "the first group")
    subscriber.process.send_signal(signal.SIGSTOP)
    writer = threading.Thread(target=lambda: (pipe.write(b"".join(groups[1:])), pipe.close()))
    writer.start()
    with pytest.raises(subprocess.TimeoutExpired):  # the time that passes is what is tested
        publisher.process.wait(1.5)
    subscriber.process.send_signal(signal.SIGCONT)
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text
    assert "left out" not in subscriber.text
    writer.join()
    assert payloads(output.read_bytes()) == payloads(b"".join(groups))
    relay.stop()
    assert "too slow" not in relay.program.text


def test_a_relay_says_what_it_left_out(programs: Programs, tmp_path: Path) -> None:
    relay = programs.relay("--max-queued-bytes", 1_000_000)
    Stall(relay, tmp_path).finish()
    relay.stop()
    relay.program.line(r"in all, subscribers that were too slow skipped to a later group [1-9]\d* times")


async def test_a_track_of_which_nothing_came_is_no_recording(programs: Programs, tmp_path: Path) -> None:
    relay = programs.relay()
    async with ma.connect("127.0.0.1", relay.port, verify=False) as session:
        track = session.create_track("live/demo", "video")
        with track.begin_group() as group:
            group.write(b"before anybody subscribed")
        await session.publish_namespace("live/demo")
        subscriber = relay.subscriber("--output", tmp_path / "out", "--format", "framed")
        await asyncio.wait_for(track.wait_subscriber(), 40)
        await asyncio.to_thread(subscriber.line, "subscribed to")
        await track.end()
        assert await asyncio.to_thread(subscriber.exit_code) == INCOMPLETE, subscriber.text
    subscriber.line("nothing was recorded: the tracks ended and no object of them has come")


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_the_python_recorder_fetches_what_was_left_out(programs: Programs, tmp_path: Path) -> None:
    pytest.importorskip("av")
    from media_round_trip import ffmpeg

    source, output = tmp_path / "in.mp4", tmp_path / "out.mp4"
    picture = ("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=4", "-vf", "noise=alls=60:allf=t")
    coded = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", 4, "-g", 10, "-pix_fmt", "yuv420p")
    ffmpeg(*picture, *coded, "-movflags", "frag_keyframe+empty_moov+default_base_moof", source)
    relay = programs.relay("--max-queued-bytes", 3_000_000)
    publisher = relay.publisher("--no-pace", "-", standard_input=subprocess.PIPE)
    pipe, content = publisher.process.stdin, source.read_bytes()
    assert pipe is not None
    pipe.write(content[: len(content) // 2])
    pipe.flush()
    command = [sys.executable, str(EXAMPLES / "moqt_video_subscriber.py"), "--port", str(relay.port), "--wait", "30"]
    recorder = subprocess.Popen(
        [*command, "--output", str(output)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert recorder.stdout is not None
        told = ""
        # It counts aloud now and then, and says what it fetches: which comes first depends on what was late.
        while re.search(r"[1-9]\d* frames|fetched [1-9]", told) is None:
            line = recorder.stdout.readline()
            assert line, told
            told += line
        recorder.send_signal(signal.SIGSTOP)
        pipe.write(content[len(content) // 2 :])
        pipe.close()
        assert publisher.exit_code() == 0, publisher.text
        recorder.send_signal(signal.SIGCONT)
        told += recorder.communicate(timeout=60)[0]
    finally:
        recorder.kill()
    assert recorder.returncode == 0, told
    assert "received 100 frames in 10 groups, 0 missing" in told
    relay.stop()
    if "too slow" in relay.program.text:
        assert re.search(r"fetched [1-9]\d* objects that were left out", told), told
