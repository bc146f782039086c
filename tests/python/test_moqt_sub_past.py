"""moqt-sub: what came before it did, with --join and --fetch."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cmaf_publisher import CmafPublisher, ffmpeg, make_video, video_track
from relay_programs import Programs, Relay, frame, payloads, wait_until

pytestmark = pytest.mark.timeout(120)


class FramedSource:
    """A moqt-pub that is told object by object, and a subscriber that has been there from the beginning."""

    def __init__(self, relay: Relay, output: Path) -> None:
        self.output = output
        self.first = relay.subscriber("--output", output, "--format", "framed", "--namespace", "live/demo")
        self.first.line("waiting for")
        self.publisher = relay.publisher(
            "--format", "framed", "--namespace", "live/demo", "--first-group", 10, standard_input=subprocess.PIPE
        )
        self.publisher.line(r"1 subscriber\(s\)")
        self._lock = threading.Lock()

    def write(self, *groups: int, objects: int = 5) -> None:
        pipe = self.publisher.process.stdin
        assert pipe is not None
        with self._lock:
            for group in groups:
                pipe.write(frame(b""))
                for number in range(objects):
                    pipe.write(frame(f"{group}/{number}".encode()))
            pipe.flush()

    def wait_for(self, text: str) -> None:
        wait_until(lambda: self.output.exists() and text.encode() in self.output.read_bytes(), text)

    def close(self) -> None:
        pipe = self.publisher.process.stdin
        assert pipe is not None
        pipe.close()
        assert self.publisher.exit_code() == 0, self.publisher.text
        assert self.first.exit_code() == 0, self.first.text


@pytest.fixture
def relay(programs: Programs) -> Relay:
    return programs.relay()


def expected(*groups: int, objects: int = 5) -> list[bytes]:
    return [f"{group}/{number}".encode() for group in groups for number in range(objects)]


def test_a_late_join_begins_with_the_groups_before(relay: Relay, tmp_path: Path) -> None:
    source = FramedSource(relay, tmp_path / "all")
    source.write(10, 11, 12, 13)
    source.wait_for("13/4")
    joined = relay.subscriber(
        "--output", tmp_path / "joined", "--format", "framed", "--namespace", "live/demo", "--join", 2
    )
    joined.line("subscribed to")
    source.write(14, 15)
    source.close()
    assert joined.exit_code() == 0, joined.text
    assert payloads((tmp_path / "joined").read_bytes()) == expected(*range(11, 16))
    assert payloads((tmp_path / "all").read_bytes()) == expected(*range(10, 16))


def test_a_join_of_a_track_that_has_nothing_yet_is_live(relay: Relay, tmp_path: Path) -> None:
    joined = relay.subscriber(
        "--output", tmp_path / "joined", "--format", "framed", "--namespace", "live/demo", "--join", 2
    )
    joined.line("waiting for")
    source = FramedSource.__new__(FramedSource)
    source.output, source.first = tmp_path / "joined", joined
    source._lock = threading.Lock()
    source.publisher = relay.publisher(
        "--format", "framed", "--namespace", "live/demo", "--first-group", 10, standard_input=subprocess.PIPE
    )
    source.publisher.line(r"1 subscriber\(s\)")
    source.write(10, 11)
    source.close()
    assert payloads((tmp_path / "joined").read_bytes()) == expected(10, 11)


def test_past_groups_are_fetched(relay: Relay, tmp_path: Path) -> None:
    source = FramedSource(relay, tmp_path / "all")
    source.write(10, 11, 12, 13)
    source.wait_for("13/4")
    for text, groups in (("11:12", (11, 12)), ("12", (12,)), ("11:", (11, 12, 13))):
        output = tmp_path / "fetched"
        fetched = relay.subscriber(
            "--output", output, "--format", "framed", "--namespace", "live/demo", "--fetch", text
        )
        assert fetched.exit_code() == 0, fetched.text
        assert payloads(output.read_bytes()) == expected(*groups)
    refused = relay.subscriber(
        "--output", tmp_path / "no", "--format", "framed", "--namespace", "live/demo", "--fetch", "900:"
    )
    assert refused.exit_code() == 1, refused.text
    refused.line("INVALID_RANGE")
    source.close()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--fetch", "5:3"), "FIRST:LAST"),
        (("--fetch", ":3"), "FIRST:LAST"),
        (("--fetch", "a"), "FIRST:LAST"),
        (("--fetch", "1", "--join", "1"), "without --join"),
        (("--join", "1", "--filter", "next-group"), "--filter"),
    ],
)
def test_options_that_contradict_each_other(programs: Programs, arguments: tuple[str, ...], why: str) -> None:
    wrong = programs.start("moqt-sub", "--host", "127.0.0.1", "--port", "1", *arguments)
    assert wrong.exit_code() == 2, wrong.text
    wrong.line(why)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_a_movie_is_recorded_from_the_beginning_of_its_group(relay: Relay, tmp_path: Path) -> None:
    """One group that has begun long ago: without the join nothing of it could be decoded."""
    video = make_video(tmp_path / "video.mp4")
    whole = relay.subscriber("--output", tmp_path / "whole.mp4")
    whole.line("waiting for")
    publisher = CmafPublisher(relay.port, ((video_track(), video),))
    try:
        whole.line("subscribed to")
        assert publisher.sent.wait(40)
        late = relay.subscriber("--output", tmp_path / "late.mp4", "--join", "1000000")
        # Its past comes through the relay from the publisher, which must not leave before that.
        recorded = tmp_path / "late.mp4"
        wait_until(lambda: recorded.exists() and recorded.stat().st_size > 0, "the first fragment")
    finally:
        publisher.finish()
    assert whole.exit_code() == 0, whole.text
    assert late.exit_code() == 0, late.text
    assert ffmpeg("-i", tmp_path / "late.mp4", "-f", "framemd5", "-") == ffmpeg(
        "-i", tmp_path / "whole.mp4", "-f", "framemd5", "-"
    )
