"""An input through moqt-pub and a relay, and what came of it: frames, their checksums and their times."""

from __future__ import annotations

import base64
import dataclasses
import itertools
import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relay_programs import Program, Relay, wait_until

_numbers = itertools.count()


@dataclass(frozen=True)
class DecodedFrame:
    seconds: float
    checksum: str


def ffmpeg(*arguments: object) -> bytes:
    command = ["ffmpeg", "-v", "error", "-y", "-nostdin", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr.decode(errors='replace')}"
    return done.stdout


def decoded(file: Path, stream: str) -> list[DecodedFrame]:
    """Every frame of a stream ("v:0", "a:0") as it is shown or heard: what comes before time 0 is not."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-copyts", "-i", str(file), "-map", f"0:{stream}"]
    command += ["-vsync", "passthrough", "-enc_time_base", "-1", "-f", "framemd5", "-"]
    text = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    base = re.search(r"#tb 0: (\d+)/(\d+)", text)
    if base is None:
        return []
    tick = int(base[1]) / int(base[2])
    rows = [line.split(",") for line in text.splitlines() if not line.startswith("#")]
    return [DecodedFrame(int(row[2]) * tick, row[5].strip()) for row in rows if int(row[2]) * tick > -0.0005]


def packets(file: Path, stream: str) -> list[str]:
    """The checksum of every packet, as it is stored."""
    lines = ffmpeg("-i", file, "-map", f"0:{stream}", "-c", "copy", "-f", "framemd5", "-").decode().splitlines()
    return [line.split(",")[5].strip() for line in lines if not line.startswith("#")]


@dataclass
class RoundTrip:
    """What one publisher's tracks brought. The tracks are files that play by themselves."""

    publisher: Program
    catalog: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)

    def track(self, role: str) -> Path:
        names = [track["name"] for track in self.catalog["tracks"] if track["role"] == role]
        return self.files[names[0]]


class Running:
    """A publisher, and a subscriber for each track of its first catalog."""

    def __init__(
        self, relay: Relay, folder: Path, arguments: tuple[object, ...], standard_input: Any = subprocess.DEVNULL
    ) -> None:
        self.relay, self.folder = relay, folder
        self.name_space = f"matrix/{next(_numbers)}"
        folder.mkdir(parents=True, exist_ok=True)
        catalog_file = folder / "catalog.json"
        reader = self.subscriber("catalog", catalog_file, "--objects", 1)
        reader.line("waiting for")
        self.publisher = relay.publisher("--namespace", self.name_space, *arguments, standard_input=standard_input)
        self.trip = RoundTrip(self.publisher)
        wait_until(
            lambda: reader.process.poll() is not None or self.publisher.process.poll() is not None,
            f"neither a catalog nor an end\n{self.publisher.text}",
        )
        if reader.process.poll() is None and self.publisher.exit_code() != 0:
            reader.kill()
            self.subscribers: dict[str, Program] = {}
            return
        assert reader.exit_code() == 0, reader.text
        self.trip.catalog = json.loads(catalog_file.read_text())
        self.subscribers = {track["name"]: self.join(track["name"]) for track in self.trip.catalog["tracks"]}

    def subscriber(self, name: str, output: Path, *arguments: object) -> Program:
        return self.relay.subscriber(
            "--namespace", self.name_space, "--name", name, "--format", "raw", "--output", output, *arguments
        )

    def has(self, name: str) -> bool:
        return name in self.subscribers

    def join(self, name: str, suffix: str = "raw") -> Program:
        return self.subscriber(name, self.folder / f"{name}.{suffix}")

    def playable(self, name: str, suffix: str = "raw") -> Path:
        """The track's initialization segment and what was received."""
        data = {entry["id"]: entry["data"] for entry in self.trip.catalog.get("initDataList", [])}
        track = next(track for track in self.trip.catalog["tracks"] if track["name"] == name)
        file = self.folder / f"{name}.{suffix}.mp4"
        file.write_bytes(base64.b64decode(data[track["initRef"]]) + (self.folder / f"{name}.{suffix}").read_bytes())
        return file

    def finish(self, publisher_code: int = 0) -> RoundTrip:
        assert self.publisher.exit_code() == publisher_code, self.publisher.text
        for name, subscriber in self.subscribers.items():
            code = subscriber.exit_code()
            assert publisher_code != 0 or code == 0, subscriber.text
            self.trip.files[name] = self.playable(name)
        return self.trip


def assert_same_video(expected: list[DecodedFrame], received: list[DecodedFrame]) -> None:
    assert [frame.checksum for frame in received] == [frame.checksum for frame in expected]
    for one, other in zip(expected, received, strict=True):
        assert abs(one.seconds - other.seconds) < 0.0011, (one, other)


def assert_same_audio(expected: list[DecodedFrame], received: list[DecodedFrame], alone: bool = False) -> None:
    """From a tenth of a second on, but for the last frame: decoders drop an encoder's delay and padding by containers'
    different words. What is received of sound alone begins at 0, also where its file begins later (MP3)."""
    if alone and received[0].seconds < expected[0].seconds / 2:
        start = expected[0].seconds
        expected = [dataclasses.replace(frame, seconds=frame.seconds - start) for frame in expected]
    begin = expected[0].seconds + 0.1
    one = [frame for frame in expected[:-1] if frame.seconds >= begin]
    other = [frame for frame in received if frame.seconds >= begin - 0.0011][: len(one)]
    assert one
    assert [frame.checksum for frame in other] == [frame.checksum for frame in one]
    for first, second in zip(one, other, strict=True):
        assert abs(first.seconds - second.seconds) < 0.0011, (first, second)
