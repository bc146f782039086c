"""moqt-pub, moqt-sub and moqt-relay killed, stopped and started again at random moments: whatever was written plays."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from media_round_trip import ffmpeg
from relay_programs import Program, Programs, Relay, wait_until

pytestmark = [
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed"),
    pytest.mark.timeout(180),
]
SECONDS = 12.0
"""How long each case goes on with it."""
INCOMPLETE = 4


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("film") / "film.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=size=128x96:rate=25:duration=3",
        "-f", "lavfi", "-i", "sine=sample_rate=48000:duration=3",
        "-c:v", "libx264", "-preset", "ultrafast", "-bf", 2, "-g", 10, "-pix_fmt", "yuv420p", "-c:a", "aac", file,
    )  # fmt: skip
    return file


def played(file: Path, stream: str) -> list[str]:
    """The checksum of every frame. A decoder may complain about the end of a file alone, where a fragment was cut."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(file), "-map", f"0:{stream}"]
    command += ["-fps_mode", "passthrough", "-f", "framemd5", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [line.split(",")[-1].strip() for line in done.stdout.splitlines() if not line.startswith("#")]


class Scene:
    """A relay, a publisher that never ends, a recorder, and what happens to them."""

    def __init__(self, programs: Programs, folder: Path, film: Path, packaging: str, seed: int) -> None:
        self.programs, self.folder, self.film, self.packaging = programs, folder, film, packaging
        self.chance = random.Random(seed)
        self.recordings: list[Path] = []
        self.told: list[str] = []
        self.relay = Relay(programs)
        self.subscriber = self.record()
        self.publisher = self.publish()

    def publish(self) -> Program:
        return self.relay.publisher(
            "--idle-timeout", 2, "--loop", "--no-wait", "--packaging", self.packaging, self.film
        )  # fmt: skip

    def record(self) -> Program:
        self.recordings.append(self.folder / f"{len(self.recordings)}.mp4")
        return self.relay.subscriber("--idle-timeout", 2, "--follow", "--output", self.recordings[-1])

    def happen(self) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            moment = time.monotonic() + self.chance.uniform(0.1, 1.5)
            wait_until(lambda moment=moment: time.monotonic() >= moment, "the moment")
            what = self.chance.choice(("kill", "terminate", "stop", "stop"))
            who = self.chance.choice(("publisher", "subscriber", "subscriber", "relay"))
            self.told.append(f"{what} {who}")
            self.act(what, who)

    def act(self, what: str, who: str) -> None:
        program = {"publisher": self.publisher, "subscriber": self.subscriber, "relay": self.relay.program}[who]
        if what == "stop":
            program.process.send_signal(signal.SIGSTOP)
            moment = time.monotonic() + self.chance.uniform(0.05, 1.2)
            wait_until(lambda: time.monotonic() >= moment, "the moment")
            program.process.send_signal(signal.SIGCONT)
            return
        program.process.send_signal(signal.SIGKILL if what == "kill" else signal.SIGTERM)
        if what == "terminate" and who != "relay":
            assert program.exit_code() in (0, INCOMPLETE, -signal.SIGTERM), program.text  # or before it had begun
        else:
            program.process.wait(30)
        if who == "relay":
            # Both have lost it, and say so.
            for other in (self.publisher, self.subscriber):
                assert other.exit_code() != 0 or what == "terminate", f"{self.told}\n{other.text}"
            self.relay = Relay(self.programs)
            self.subscriber, self.publisher = self.record(), self.publish()
        elif who == "publisher":
            self.publisher = self.publish()
        else:
            self.subscriber = self.record()


@pytest.mark.parametrize("packaging", ["cmaf", "loc"])
def test_files_play_whatever_happens(programs: Programs, film: Path, tmp_path: Path, packaging: str) -> None:
    scene = Scene(programs, tmp_path, film, packaging, seed=5 if packaging == "cmaf" else 34)
    wait_until(lambda: size_of(scene.recordings[0]) > 1000, "a first fragment")
    scene.happen()
    last = scene.recordings[-1]
    before = size_of(last)
    wait_until(lambda: size_of(last) > before, f"it to go on after {scene.told}\n{scene.subscriber.text}")
    scene.subscriber.terminate()
    assert scene.subscriber.exit_code() in (0, INCOMPLETE), scene.subscriber.text
    known = set(played(film, "v"))
    assert "v" in streams_of(last)
    assert "a" in streams_of(last)
    for file in (file for file in scene.recordings if size_of(file) > 0):
        streams = streams_of(file)
        assert streams, f"{file.name} after {scene.told}"
        for stream in streams:  # sound alone where the recorder ended before the first picture came
            frames = played(file, stream)
            assert frames, f"{stream} of {file.name} after {scene.told}"
            # Sound is decoded from what came before, which another one may have been after a restart.
            assert stream == "a" or set(frames) <= known, f"{file.name} after {scene.told}"


def size_of(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def streams_of(file: Path) -> str:
    show = ("-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0")
    done = subprocess.run(["ffprobe", *show, str(file)], check=True, capture_output=True, text=True, timeout=60)
    return "".join(line[0] for line in done.stdout.splitlines())
