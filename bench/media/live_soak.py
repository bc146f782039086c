"""A live encoder through a pipe, moqt-pub, moqt-relay and moqt-sub for minutes: is anything lost, does anything drift?

    python bench/media/live_soak.py --minutes 10 [--container mpegts|mp4|matroska] [--packaging cmaf|loc]

ffmpeg encodes a picture and a tone in real time, and writes what it gives moqt-pub to a file as well. At the end every
decoded frame of that file is looked for in the recording, and its time is compared. Sound and picture drift apart by as
much as the two shifts between file and recording differ; the pace drifts by as much as the delay grows. Exit code 1: a
frame is missing or doubled, a program failed, or something drifted by 5 ms or more.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MOST_DRIFT = 0.005  # seconds
CONTAINERS = {"mpegts": "", "mp4": ":movflags=+cmaf+frag_keyframe+empty_moov+default_base_moof", "matroska": ":live=1"}


@dataclass(frozen=True)
class Frame:
    seconds: float
    checksum: str


def decoded(file: Path, stream: str, patience: float) -> list[Frame]:
    command = ["ffmpeg", "-v", "error", "-nostdin", "-copyts", "-threads", "1", "-i", str(file), "-map", f"0:{stream}"]
    command += ["-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "framemd5", "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=patience).stdout
    base = re.search(r"#tb 0: (\d+)/(\d+)", text)
    if base is None:
        return []
    tick = int(base[1]) / int(base[2])
    rows = [line.split(",") for line in text.splitlines() if not line.startswith("#")]
    return [Frame(int(row[2]) * tick, row[5].strip()) for row in rows]


def shifts(sent: list[Frame], received: list[Frame], inside: int) -> tuple[list[float], int]:
    """By how much each received frame was moved, and how many are missing or strange.

    `inside`: frames at either end that a decoder may leave out, because containers tell the delay of a sound encoder
    and its padding differently.
    """

    def matches(lead: int) -> bool:
        """Whether received[i] is sent[i + lead], in the middle."""
        span = range(len(received) // 2, min(len(received) // 2 + 50, len(received)))
        pairs = ((at + lead, at) for at in span)
        return all(0 <= one < len(sent) and sent[one].checksum == received[at].checksum for one, at in pairs)

    lead = next((lead for lead in range(-inside, inside + 1) if matches(lead)), None)
    if lead is None:
        return [], max(len(sent), len(received))
    moved: list[float] = []
    wrong = 0
    for at in range(inside, len(sent) - inside):
        if not 0 <= at - lead < len(received) or received[at - lead].checksum != sent[at].checksum:
            wrong += 1
        else:
            moved.append(received[at - lead].seconds - sent[at].seconds)
    return moved, wrong + max(0, abs(len(sent) - len(received)) - 2 * inside)


class Process:
    """A program whose lines are kept, also those with JSON."""

    def __init__(self, command: list[str], standard_input: Any = subprocess.DEVNULL) -> None:
        self.name = Path(command[0]).name
        self.lines: list[str] = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            command, stdin=standard_input, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip())
                self.changed.notify_all()

    def line(self, pattern: str) -> str:
        def found() -> str | None:
            return next((match[1] for line in self.lines if (match := re.search(pattern, line))), None)

        with self.changed:
            self.changed.wait_for(lambda: found() is not None, 30)
        text = found()
        if text is None:
            raise SystemExit(f"{self.name} did not say {pattern!r}:\n" + "\n".join(self.lines))
        return text

    def events(self, kind: str) -> list[dict[str, Any]]:
        read = [json.loads(line) for line in self.lines if line.startswith("{")]
        return [event for event in read if event["event"] == kind]

    def ended(self, patience: float) -> int:
        code = self.process.wait(patience)
        self._reader.join(10)
        return code


def run(options: argparse.Namespace, folder: Path) -> int:
    os.nice(options.nice)
    seconds = options.minutes * 60
    apps = options.build / "apps"

    def app(name: str) -> str:
        return str(apps / name / name)

    relay = Process([app("moqt-relay"), "--host", "127.0.0.1", "--port", "0"])
    running = [relay]
    try:
        fingerprint, port = relay.line(r"SHA-256 (\S+)"), relay.line(r"listening on port (\d+)")
        server = ["--host", "127.0.0.1", "--port", port, "--fingerprint", fingerprint, "--namespace", "soak", "--json"]
        source, recording = folder / "source", folder / "recording.mp4"
        subscriber = Process([app("moqt-sub"), *server, "--output", str(recording)])
        running.append(subscriber)
        subscriber.line("(waiting)")
        form = options.container + CONTAINERS[options.container]
        headers = [] if options.container == "mpegts" else ["-flags", "+global_header"]
        encoder = subprocess.Popen(
            ["ffmpeg", "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i",
             f"testsrc2=size={options.size}:rate={options.fps}",
             "-re", "-f", "lavfi", "-i", "sine=sample_rate=48000:beep_factor=4",
             "-t", str(seconds), "-map", "0:v", "-map", "1:a",
             "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-threads", "1", "-g", str(options.fps),
             "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "1", *headers, "-f", "tee",
             f"[f={form}]pipe\\:1|[f={form}]{source}"],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        publisher = Process([app("moqt-pub"), *server, "--packaging", options.packaging, "-"], encoder.stdout)
        running.append(publisher)
        assert encoder.stdout is not None
        encoder.stdout.close()
        begun = time.monotonic()
        codes = {"ffmpeg": encoder.wait(seconds * 2 + 60)}
        codes |= {program.name: program.ended(60) for program in (publisher, subscriber)}
        took = time.monotonic() - begun
    except subprocess.TimeoutExpired:
        print("\n".join(f"{process.name}: {line}" for process in running for line in process.lines[-20:]))
        raise
    finally:
        for process in running:
            if process.process.poll() is None:
                process.process.terminate()
                process.process.wait(30)

    print(
        f"{options.minutes:g} minutes of {options.size} at {options.fps} fps, {options.container}, "
        f"{options.packaging}: {took:.0f} s, exit codes {codes}"
    )
    good = compare(source, recording, 60 + seconds)
    good = report_pace(publisher, subscriber) and good and not any(codes.values())
    if not good:
        print("\n".join(line for process in running for line in process.lines[-20:]))
    print("good" if good else "failed")
    return 0 if good else 1


def compare(source: Path, recording: Path, patience: float) -> bool:
    """Whether every frame is there and sound and picture stay together."""
    video, strange = shifts(decoded(source, "v:0", patience), decoded(recording, "v:0", patience), 0)
    audio, silent = shifts(decoded(source, "a:0", patience), decoded(recording, "a:0", patience), 3)
    print(f"  frames             {len(video)} of video, {strange} wrong; {len(audio)} of sound, {silent} wrong")
    if not video or not audio:
        return False

    def ends(moved: list[float]) -> tuple[float, float]:
        span = max(len(moved) // 20, 1)
        return statistics.fmean(moved[:span]), statistics.fmean(moved[-span:])

    (video_begin, video_end), (audio_begin, audio_end) = ends(video), ends(audio)
    drift = (audio_end - video_end) - (audio_begin - video_begin)
    spread = max(max(video) - min(video), max(audio) - min(audio))
    print(f"  sound and picture  {drift * 1000:+.3f} ms of drift from the beginning to the end")
    print(f"  times of frames    {spread * 1000:.3f} ms between the least and the most moved of a track")
    return strange + silent == 0 and abs(drift) < MOST_DRIFT and spread < MOST_DRIFT


def report_pace(publisher: Process, subscriber: Process) -> bool:
    """Whether the delay at the end is that of the beginning, and the recorder misses nothing.

    What moqt-pub handed over late had come late from the encoder: it sends what it has when it is due, and at once when
    that has passed. The rest of the delay is the relay's and moqt-sub's, and the time by which the first of the
    reordered frames are captured before they are sent.
    """
    delays = [event["delay_ms"] for event in subscriber.events("progress")]
    end = subscriber.events("end")[-1]
    first, last = (statistics.median(part) for part in (delays[:30], delays[-30:])) if delays else (0.0, 0.0)
    print(f"  delay              {first:.1f} ms in the first 30 s, {last:.1f} ms in the last (medians)")
    p50, p95, most = (end[f"delay_{name}_ms"] for name in ("p50", "p95", "max"))
    print(f"                     p50 {p50:.1f}, p95 {p95:.1f}, max {most:.1f} ms from capture to moqt-sub")
    p50, p95, most = (publisher.events("end")[-1][f"delay_{name}_ms"] for name in ("p50", "p95", "max"))
    print(f"                     p50 {p50:.1f}, p95 {p95:.1f}, max {most:.1f} ms of it late from the encoder")
    print(f"  start-up           {end['start_up'] * 1000:.0f} ms from moqt-sub's start to a decodable frame")
    return last - first < MOST_DRIFT * 1000 and end["objects_missing"] == end["groups_skipped"] == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--build", type=Path, default=ROOT / "build/dev", help="a build with the programs")
    parser.add_argument("--size", default="160x120")
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--container", choices=CONTAINERS, default="mpegts")
    parser.add_argument("--packaging", choices=("cmaf", "loc"), default="cmaf")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="keep the files in this folder")
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        return run(options, options.keep)
    with tempfile.TemporaryDirectory() as folder:
        return run(options, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
