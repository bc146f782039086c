"""Relays behind relays while relays and publishers are killed: is anything lost, doubled, or kept for ever?

    python tools/soak.py [--minutes 3] [--shape row|tree] [--subscribers 20] [--kill-every 4] [--seed N]

Relays (moqt-relay, as processes) stand in a row of three or a tree of seven. A publisher, a process of its own, writes
a group of ten objects every quarter of a second to the root, and keeps them for whoever takes its place; subscribers,
in this process, are at the leaves and come back to them (resume=). Every few seconds a relay or the publisher is killed
(SIGKILL) and started again. With --kill-every 0 nothing is killed, subscribers are at every relay, and the delay that
each hop adds is told.

An object counts as lost for a subscriber that never got it although another did: so some cache had it, or the
publisher. It counts as doubled when a subscriber got it twice. One relay is never killed; its memory is watched, and
must not grow once its cache is full. Exit code 1: something was lost or doubled, or memory grew.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import moqt
import moqt.asyncio as ma
import msquic

ROOT = Path(__file__).resolve().parents[1]
NAMESPACE, NAME = "soak", "ticks"
PER_GROUP, GROUP_SECONDS, SIZE = 10, 0.25, 1000
SETTLE = 15.0
"""Seconds at either end that do not count: sessions begin, and what was lost last comes back."""
CACHE_SECONDS = 20
ARCHIVE_SECONDS = 60
"""For so long a publisher has what it, or one before it, has written."""
MOST_GROWTH = 1024.0
"""KiB a minute that the relay which lives may grow by, measured over its second half."""
SHAPES = {"row": [None, 0, 1], "tree": [None, 0, 0, 1, 1, 2, 2]}
"""The upstream of each relay."""

Place = tuple[int, int]
_LOST = (moqt.MoqtError, msquic.QuicError, OSError)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ---- the publisher: a process of its own ----


class Archive:
    """What has been written, in a folder that outlives a publisher: whoever comes next answers FETCH for it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def add(self, group: int, payload: bytes) -> None:
        with (self._folder / str(group)).open("ab") as file:
            file.write(payload)

    def groups(self) -> list[int]:
        return sorted(int(each.name) for each in self._folder.iterdir())

    def objects(self, group: int) -> list[bytes]:
        data = (self._folder / str(group)).read_bytes()
        return [data[at : at + SIZE] for at in range(0, len(data), SIZE)]

    def forget_before(self, group: int) -> None:
        for each in self.groups():
            if each < group:
                (self._folder / str(each)).unlink()


async def publish(port: int, ca_file: str) -> None:
    """Writes groups for ever; comes back when its session is lost, with what has been written at hand for FETCH."""
    archive = Archive(Path(ca_file).parent / "archive")
    group_id = max(archive.groups(), default=0)

    async def past(request: ma.FetchRequest) -> AsyncIterator[ma.PastObject]:
        for group in archive.groups():
            for number, payload in enumerate(archive.objects(group)):
                if request.covers(group, number):
                    yield ma.PastObject(group, number, payload)

    while True:
        try:
            async with ma.connect(
                "127.0.0.1", port, ca_file=ca_file, timeout=2.0, idle_timeout_ms=2000, keep_alive_interval_ms=500
            ) as session:
                track = await session.publish(NAMESPACE, NAME, on_fetch=past)
                while True:
                    # Group IDs never go back, whichever process writes them.
                    group_id = max(group_id + 1, int(time.time() / GROUP_SECONDS))
                    archive.forget_before(group_id - int(ARCHIVE_SECONDS / GROUP_SECONDS))
                    with track.begin_group(group_id) as group:
                        for _ in range(PER_GROUP):
                            payload = f"{time.time():.6f} ".encode().ljust(SIZE, b".")
                            archive.add(group_id, payload)
                            group.write(payload)
                            await asyncio.sleep(GROUP_SECONDS / PER_GROUP)
        except _LOST as error:
            print(f"publisher: {error}", file=sys.stderr)
            await asyncio.sleep(0.2)


# ---- relays ----


@dataclass
class Program:
    """A process that may be killed, and started again."""

    command: list[str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass(kw_only=True)
class Relay(Program):
    number: int
    upstream: int | None
    port: int
    resident: list[tuple[float, int]] = field(default_factory=list)
    """Seconds, and KiB."""

    def look(self) -> tuple[int, int]:
        """KiB of resident memory, and open descriptors."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
        return kib, len(os.listdir(f"/proc/{self.process.pid}/fd"))


def relays_of(shape: str, folder: str, program: Path) -> list[Relay]:
    certificate = msquic.generate_development_certificate(folder)
    upstreams = SHAPES[shape]
    ports = [free_port() for _ in upstreams]
    made = []
    for number, upstream in enumerate(upstreams):
        command = [str(program), "--host", "127.0.0.1", "--port", str(ports[number]), "--log-level", "error"]
        command += ["--cert", certificate.certificate_file, "--key", certificate.private_key_file]
        command += ["--cache-duration", str(CACHE_SECONDS), "--rendezvous-timeout", "30"]
        if upstream is not None:
            command += ["--upstream", f"moqt://127.0.0.1:{ports[upstream]}/", "--upstream-idle-timeout", "2"]
            command += ["--upstream-ca-file", certificate.certificate_file]
        made.append(Relay(command, number=number, upstream=upstream, port=ports[number]))
    return made


# ---- subscribers ----


@dataclass
class Viewer:
    """Subscribes once, on a session that comes back."""

    relay: Relay
    ca_file: str
    seen: dict[Place, float] = field(default_factory=dict)
    """When each object came."""
    delays: list[tuple[float, float]] = field(default_factory=list)
    doubled: int = 0
    sessions: int = 0
    subscriptions: int = 0
    gaps: list[ma.Gap] = field(default_factory=list)
    """What was told to be missing."""

    def take(self, item: ma.Object) -> None:
        place = (item.group_id, item.object_id)
        now = time.time()
        self.doubled += place in self.seen
        self.seen.setdefault(place, now)
        self.delays.append((now, now - float(bytes(item.payload).split()[0])))

    def tell(self, event: ma.ResumeEvent) -> None:
        if isinstance(event, ma.SessionResumed):
            self.sessions += 1
        elif isinstance(event, ma.GapFound):
            self.gaps.append(event.gap)

    def was_told(self, place: Place) -> bool:
        """Whether a gap says that it is not to be had."""
        where = moqt.Location(*place)
        for gap in self.gaps:
            behind = gap.end if gap.end.object > 0 else moqt.Location(gap.end.group + 1, 0)
            if gap.start <= where < behind:
                return True
        return False

    async def run(self) -> None:
        resume = ma.Resume(first_delay=0.05, longest_delay=1.0, give_up_after=60.0, on_event=self.tell)
        while True:
            try:
                async with ma.connect(
                    "127.0.0.1",
                    self.relay.port,
                    ca_file=self.ca_file,
                    timeout=5.0,
                    idle_timeout_ms=2000,
                    keep_alive_interval_ms=500,
                    resume=resume,
                ) as session:
                    self.sessions += 1
                    self.subscriptions += 1
                    async for item in await session.subscribe(NAMESPACE, NAME):
                        self.take(item)
            except _LOST as error:
                print(f"viewer at relay {self.relay.number}: {error!r}", file=sys.stderr)
                await asyncio.sleep(0.1)


# ---- the run ----


def slope(samples: list[tuple[float, int]]) -> float:
    """KiB a minute, by least squares over the second half."""
    half = samples[len(samples) // 2 :]
    if len(half) < 10:
        return 0.0
    mean_x = sum(x for x, _ in half) / len(half)
    mean_y = sum(y for _, y in half) / len(half)
    spread = sum((x - mean_x) ** 2 for x, _ in half)
    return 60 * sum((x - mean_x) * (y - mean_y) for x, y in half) / spread if spread else 0.0


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000 if values else float("nan")


def depth_of(relays: list[Relay], number: int) -> int:
    upstream = relays[number].upstream
    return 1 if upstream is None else 1 + depth_of(relays, upstream)


async def soak(arguments: argparse.Namespace, folder: str) -> dict[str, object]:
    draw = random.Random(arguments.seed)
    relays = relays_of(arguments.shape, folder, arguments.programs / "moqt-relay" / "moqt-relay")
    ca_file = relays[0].command[relays[0].command.index("--cert") + 1]
    parents = {each.upstream for each in relays}
    leaves = [each for each in relays if each.number not in parents]
    places = leaves if arguments.kill_every else relays
    publisher = Program([sys.executable, __file__, "publish", str(relays[0].port), ca_file])
    for each in [*relays, publisher]:
        each.start()
    viewers = [Viewer(places[number % len(places)], ca_file) for number in range(arguments.subscribers)]
    tasks = [asyncio.create_task(viewer.run()) for viewer in viewers]
    steady = relays[1]
    kills = {"relay": 0, "publisher": 0}
    begin = time.time()
    end = begin + arguments.minutes * 60
    descriptors = []
    next_kill = begin + SETTLE
    restart: list[tuple[float, Program]] = []
    try:
        while time.time() < end:
            await asyncio.sleep(0.2)
            now = time.time()
            for due in [each for each in restart if each[0] <= now]:
                restart.remove(due)
                due[1].start()
            if not steady.resident or now - begin - steady.resident[-1][0] >= 1:
                kib, open_files = steady.look()
                steady.resident.append((now - begin, kib))
                descriptors.append(open_files)
            if not arguments.kill_every or now < next_kill or now > end - SETTLE or restart:
                continue
            next_kill = now + draw.uniform(0.5, 1.5) * arguments.kill_every
            victim = draw.choice([publisher, *(each for each in relays if each is not steady)])
            victim.kill()
            kills["publisher" if victim is publisher else "relay"] += 1
            restart.append((now + draw.uniform(0.1, 1.0), victim))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in [*relays, publisher]:
            each.kill()
    known: dict[Place, float] = {}
    for viewer in viewers:
        for place, when in viewer.seen.items():
            known[place] = min(when, known.get(place, when))
    counted = sorted(place for place, when in known.items() if begin + SETTLE <= when <= end - SETTLE)
    lost = {
        number: missing
        for number, viewer in enumerate(viewers)
        if (missing := [place for place in counted if place not in viewer.seen])
    }
    report: dict[str, object] = {
        "shape": arguments.shape,
        "seed": arguments.seed,
        "minutes": arguments.minutes,
        "kills": kills,
        "subscribers": len(viewers),
        "sessions": sum(viewer.sessions for viewer in viewers),
        "subscriptions": sum(viewer.subscriptions for viewer in viewers),
        "objects": len(counted),
        "lost": sum(len(missing) for missing in lost.values()),
        "lost_and_told": sum(viewers[number].was_told(each) for number, missing in lost.items() for each in missing),
        "lost_by": {
            f"{number} at relay {viewers[number].relay.number}": missing[:5] for number, missing in lost.items()
        },
        "doubled": sum(viewer.doubled for viewer in viewers),
        "resident_kib": [steady.resident[0][1], steady.resident[len(steady.resident) // 2][1], steady.resident[-1][1]],
        "kib_per_minute": round(slope(steady.resident), 1),
        "descriptors": [min(descriptors), max(descriptors)],
    }
    if not arguments.kill_every:
        delays: dict[int, list[float]] = {}
        for viewer in viewers:
            hops = depth_of(relays, viewer.relay.number)
            late = [delay for when, delay in viewer.delays if when > begin + SETTLE]
            delays.setdefault(hops, []).extend(late)
        report["delay_ms_by_relays"] = {
            hops: {"p50": round(percentile(each, 0.5), 2), "p99": round(percentile(each, 0.99), 2)}
            for hops, each in sorted(delays.items())
        }
    return report


def main() -> int:
    if sys.argv[1:2] == ["publish"]:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(publish(int(sys.argv[2]), sys.argv[3]))
        return 0
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="tree")
    parser.add_argument("--subscribers", type=int, default=20)
    parser.add_argument("--kill-every", type=float, default=4.0, help="seconds on average; 0: never")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--programs", type=Path, default=ROOT / "build" / "dev" / "apps")
    arguments = parser.parse_args()
    if arguments.minutes * 60 <= 2 * SETTLE:
        parser.error(f"--minutes must be more than {2 * SETTLE / 60}")
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(soak(arguments, folder))
    print(json.dumps(report, indent=1))
    grown = arguments.minutes >= 3 and float(str(report["kib_per_minute"])) > MOST_GROWTH
    return 1 if report["lost"] or report["doubled"] or not report["objects"] or grown else 0


if __name__ == "__main__":
    sys.exit(main())
