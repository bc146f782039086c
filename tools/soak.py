"""Relays behind relays while relays and publishers are killed: is anything lost, doubled, or kept for ever?

    python tools/soak.py [--minutes 3] [--shape row|tree] [--subscribers 20] [--kill-every 4] [--seed N]

Relays (moqt-relay, as processes) stand in a row of three or a tree of seven. A publisher, a process of its own, writes
a group of ten objects every quarter of a second to the root; subscribers, in this process, are at the leaves and come
back to them. Every few seconds a relay or the publisher is killed (SIGKILL) and started again. With --kill-every 0
nothing is killed, subscribers are at every relay, and the delay that each hop adds is told.

An object counts as lost for a subscriber that never got it although another did: so some cache had it. It counts as
doubled when one subscription brought it twice. One relay is never killed; its memory is watched, and must not grow once
its cache is full. Exit code 1: something was lost or doubled, or memory grew.
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


async def publish(port: int, ca_file: str) -> None:
    """Writes groups for ever; comes back when its session is lost, with what it has written at hand for FETCH."""
    archive: dict[int, list[bytes]] = {}
    group_id = 0

    async def past(request: ma.FetchRequest) -> AsyncIterator[ma.PastObject]:
        for group, payloads in sorted(archive.items()):
            for number, payload in enumerate(payloads):
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
                    payloads = archive.setdefault(group_id, [])
                    for old in [each for each in archive if each < group_id - 60 / GROUP_SECONDS]:
                        del archive[old]
                    with track.begin_group(group_id) as group:
                        for _ in range(PER_GROUP):
                            payload = f"{time.time():.6f} ".encode().ljust(SIZE, b".")
                            group.write(payload)
                            payloads.append(payload)
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
    relay: Relay
    ca_file: str
    seen: dict[Place, float] = field(default_factory=dict)
    """When each object came first."""
    delays: list[tuple[float, float]] = field(default_factory=list)
    doubled: int = 0
    sessions: int = 0

    def take(self, item: ma.Object, live: set[Place] | None) -> None:
        place = (item.group_id, item.object_id)
        now = time.time()
        if live is not None:
            if place in live:
                self.doubled += 1
            live.add(place)
            self.delays.append((now, now - float(bytes(item.payload).split()[0])))
        self.seen.setdefault(place, now)

    async def catch_up(self, session: ma.Session, start: int, largest: Place) -> None:
        """What was missed without a session: from the group before the last one that came."""
        if start > largest[0]:
            return
        end = (largest[0], largest[1] + 1)
        while True:  # a relay that has just been started may have to wait for its upstream
            try:
                async with session.fetch(NAMESPACE, NAME, (start, 0), end) as fetch:
                    async for item in fetch:
                        self.take(item, None)
                return
            except (ma.FetchRefused, ma.FetchInterrupted):
                await asyncio.sleep(0.5)

    async def run(self) -> None:
        while True:
            try:
                async with ma.connect(
                    "127.0.0.1",
                    self.relay.port,
                    ca_file=self.ca_file,
                    timeout=2.0,
                    idle_timeout_ms=2000,
                    keep_alive_interval_ms=500,
                ) as session:
                    self.sessions += 1
                    subscription = await session.subscribe(NAMESPACE, NAME)
                    live: set[Place] = set()
                    largest = subscription.largest
                    behind = (largest.group, largest.object) if largest is not None else None
                    catching_up: asyncio.Task[None] | None = None
                    start = max((group for group, _ in self.seen), default=0) - 1
                    try:
                        while True:
                            if start >= 0 and behind is not None and catching_up is None:
                                catching_up = asyncio.create_task(self.catch_up(session, start, behind))
                            item = await anext(subscription)
                            self.take(item, live)
                            # A relay that has just been started may not know where the track is before it brings some.
                            behind = behind or (item.group_id, item.object_id)
                    except StopAsyncIteration:
                        pass
                    finally:
                        if catching_up is not None:
                            catching_up.cancel()
                            await asyncio.gather(catching_up, return_exceptions=True)
            except _LOST:
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
        "objects": len(counted),
        "lost": sum(len(missing) for missing in lost.values()),
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
