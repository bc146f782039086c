"""What the video examples tell scripts: what moqt-pub and moqt-sub tell; and a publisher that comes back."""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

pytest.importorskip("av", reason="the examples' packages are not installed (uv sync --group example)")

from media_inputs import H264_B  # noqa: E402
from media_round_trip import decoded, ffmpeg  # noqa: E402
from relay_programs import DEADLINE, Programs, Relay, wait_until  # noqa: E402

pytestmark = [
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed"),
    pytest.mark.timeout(180),
]
FRAMES = 75


@pytest.fixture
def relay(programs: Programs) -> Relay:
    return programs.relay()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("film") / "film.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=size=128x96:rate=25:duration=3",
        "-f", "lavfi", "-i", "sine=sample_rate=48000:duration=3", *H264_B, "-c:a", "aac", file,
    )  # fmt: skip
    return file


class Example:
    """An example program; what it prints goes into files."""

    def __init__(self, folder: Path, script: str, *arguments: object) -> None:
        self.output, self.errors = folder / f"{script}.out", folder / f"{script}.err"
        with self.output.open("wb") as output, self.errors.open("wb") as errors:
            command = [sys.executable, str(EXAMPLES / script), *map(str, arguments)]
            self.process = subprocess.Popen(command, stdout=output, stderr=errors)

    def exit_code(self) -> int:
        return self.process.wait(DEADLINE)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.read_text().splitlines()]

    def told(self, kind: str) -> int:
        return self.output.read_text().count(f'{{"event":"{kind}"')


@pytest.fixture
def examples(tmp_path: Path) -> Iterator[Any]:
    started: list[Example] = []

    def start(script: str, *arguments: object) -> Example:
        started.append(Example(tmp_path, script, *arguments))
        return started[-1]

    yield start
    for example in started:
        example.process.kill()
        example.process.wait()


def fields(events: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {event["event"]: list(event) for event in events if event["event"] != "warning"}


def rows(text: str) -> list[str]:
    """The names in the table of --stats."""
    names = ("time", "media", "objects", "bytes", "objects missing", "groups skipped", "start-up", "latency")
    return [line[:17].strip() for line in text.splitlines() if line[:17].strip() in names and line[17:18] != " "]


@pytest.mark.parametrize("packaging", ["cmaf", "loc"])
def test_the_subscribers_tell_the_same(relay: Relay, examples: Any, film: Path, tmp_path: Path, packaging: str) -> None:
    def publish() -> None:
        publisher = relay.publisher("--packaging", packaging, film)
        assert publisher.exit_code() == 0, publisher.text

    ours = relay.subscriber("--json", "--stats", "--output", tmp_path / "one.mp4")
    ours.line('"event":"waiting"')
    publish()
    assert ours.exit_code() == 0, ours.text
    arguments = ("--port", relay.port, "--json", "--stats", "--output", tmp_path / "two.mp4")
    example = examples("moqt_video_subscriber.py", *arguments)
    wait_until(lambda: example.told("waiting"), "the example")
    publish()
    assert example.exit_code() == 0, example.errors.read_text()
    told = [json.loads(line) for line in ours.lines if line.startswith("{")]
    assert fields(example.events) == fields(told)
    one, two = told[-1], example.events[-1]
    for field in ("objects", "groups", "exit_code", "objects_missing", "groups_skipped"):
        assert two[field] == one[field]
    assert two["media_time"] == pytest.approx(one["media_time"], abs=0.1)
    assert min(one["start_up"], two["start_up"]) > 0
    # B-frames are sent before they are shown, and no frame is captured after it was sent.
    assert min(event["delay_ms"] for event in told + example.events if event["event"] == "progress") >= 0
    assert min(one["delay_p50_ms"], two["delay_p50_ms"]) > 0
    table = example.errors.read_text()
    assert rows(table) == rows("\n".join(ours.lines))
    assert len(rows(table)) == 8


def test_the_publishers_tell_the_same(relay: Relay, examples: Any, film: Path, tmp_path: Path) -> None:
    events: list[list[dict[str, Any]]] = []
    tables: list[str] = []
    for name in ("moqt-pub", "example"):
        subscriber = relay.subscriber("--namespace", name, "--output", tmp_path / f"{name}.mp4")
        subscriber.line("waiting for")
        arguments = ("--namespace", name, "--json", "--stats")
        if name == "moqt-pub":
            publisher = relay.publisher(*arguments, film)
            assert publisher.exit_code() == 0, publisher.text
            events.append([json.loads(line) for line in publisher.lines if line.startswith("{")])
            tables.append("\n".join(publisher.lines))
        else:
            picture = ("--size", "320x240", "--duration", "3")
            example = examples("moqt_video_publisher.py", "--port", relay.port, *picture, *arguments)
            assert example.exit_code() == 0, example.errors.read_text()
            events.append(example.events)
            tables.append(example.errors.read_text())
        assert subscriber.exit_code() == 0, subscriber.text
    assert fields(events[1]) == fields(events[0])
    assert rows(tables[1]) == rows(tables[0])
    assert events[1][-1]["media_time"] == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("packaging", ["cmaf", "loc"])
def test_a_publisher_that_comes_back_is_followed(
    relay: Relay, examples: Any, film: Path, tmp_path: Path, packaging: str
) -> None:
    output = tmp_path / "out.mp4"
    example = examples("moqt_video_subscriber.py", "--port", relay.port, "--json", "--follow", "--output", output)
    for life in (1, 2):
        wait_until(lambda life=life: example.told("waiting") >= life, "the recorder")
        publisher = relay.publisher("--packaging", packaging, film)
        assert publisher.exit_code() == 0, publisher.text
        wait_until(lambda life=life: example.told("track_end") == 2 * life, "the ends of the tracks")
    example.process.send_signal(signal.SIGINT)
    assert example.exit_code() == 0, example.errors.read_text()
    once = [frame.checksum for frame in decoded(film, "v:0")]
    frames = decoded(output, "v:0")
    assert [frame.checksum for frame in frames] == 2 * once
    assert all(one.seconds < other.seconds for one, other in itertools.pairwise(frames))
    sound = decoded(output, "a:0")
    assert abs(sound[-1].seconds - frames[-1].seconds) < 0.2
    assert example.events[-1]["objects_missing"] == 0


@pytest.mark.parametrize(
    ("output", "why"), [("no/such/folder/out.mp4", "there is no folder"), (".", "it is a directory")]
)
def test_an_output_that_cannot_be_is_named_at_once(tmp_path: Path, output: str, why: str) -> None:
    """Before anybody is asked for anything: nobody listens there."""
    command = [sys.executable, str(EXAMPLES / "moqt_video_subscriber.py"), "--port", "9", "--output", output]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, cwd=tmp_path)
    assert done.returncode == 1
    assert f"cannot write '{output}': {why}" in done.stderr


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("moqt_video_publisher.py", ["--no-audio", "--audio-codec", "opus"]),
        ("moqt_video_subscriber.py", ["--no-audio", "--audio-track", "sound"]),
    ],
)
def test_options_that_contradict_each_other(script: str, arguments: list[str]) -> None:
    command = [sys.executable, str(EXAMPLES / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 2
    assert "give one of them" in done.stderr
