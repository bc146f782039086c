"""A relay's subscriber behind a weak link: what it sees of a live broadcast, with either congestion control.

    python bench/python/weak_link_report.py [--seconds 20] [--loss 0,0.05,0.2]

The video has 2 Mbit/s in groups of a second, the sound 64 kbit/s beside it; the link carries half of the video.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "python"))

import moqt.asyncio as ma
from impaired_link import ImpairedLink, Impairment
from msquic import CongestionControl

FRAMES, FRAME = 30, 8_333  # a second; bytes
SOUNDS, SOUND = 50, 160
NAMESPACE = "weak/link"


@dataclass
class Seen:
    """What came of a track of `per_group` objects to a group, `interval` seconds apart."""

    per_group: int
    written: dict[tuple[int, int], float] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    groups: dict[int, int] = field(default_factory=dict)
    newest: float = 0.0
    """When the newest object that has come was written."""
    behind: list[float] = field(default_factory=list)
    """How old the newest object was, ten times a second."""

    async def read(self, subscription: ma.Subscription) -> None:
        async for obj in subscription:
            written = self.written[obj.group_id, obj.object_id]
            self.took.append(asyncio.get_running_loop().time() - written)
            self.groups[obj.group_id] = self.groups.get(obj.group_id, 0) + 1
            self.newest = max(self.newest, written)

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            self.behind.append(asyncio.get_running_loop().time() - self.newest)

    def row(self) -> dict[str, float]:
        took, behind = sorted(self.took), sorted(self.behind)
        whole = sum(1 for count in self.groups.values() if count == self.per_group)
        offered = max(1, len({group for group, _ in self.written}))
        return {
            "whole": whole / offered,
            "p50": statistics.median(took) if took else float("inf"),
            "p99": took[int(len(took) * 0.99)] if took else float("inf"),
            "behind_max": behind[-1] if behind else float("inf"),
            "behind_p50": statistics.median(behind) if behind else float("inf"),
        }


async def publish(track: ma.TrackWriter, seen: Seen, size: int, interval: float, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    number = 0
    while number * interval < seconds:
        with track.begin_group() as group:
            for each in range(seen.per_group):
                await asyncio.sleep(max(0.0, began + number * interval - loop.time()))
                seen.written[group.group_id, each] = loop.time()
                group.write(bytes(size))
                number += 1


async def broadcast(
    control: CongestionControl, impairment: Impairment, seconds: float, **limits: Any
) -> dict[str, Any]:
    """One broadcast over such a link."""
    async with (
        ma.relay(port=0, congestion_control=control, **limits) as relay,
        ImpairedLink(("127.0.0.1", relay.port), impairment) as link,
        ma.connect("127.0.0.1", relay.port, verify=False) as source,
        ma.connect("127.0.0.1", link.address[1], verify=False, congestion_control=control) as viewer,
    ):
        names = {"video": 128, "sound": 64}
        tracks = [source.create_track(NAMESPACE, name, priority=priority) for name, priority in names.items()]
        await source.publish_namespace(NAMESPACE)
        seen = [Seen(FRAMES), Seen(SOUNDS)]
        subscriptions = [await viewer.subscribe(NAMESPACE, name) for name in names]
        reading = [asyncio.ensure_future(each.read(of)) for each, of in zip(seen, subscriptions, strict=True)]
        writing = [
            asyncio.ensure_future(publish(tracks[0], seen[0], FRAME, 1 / FRAMES, seconds)),
            asyncio.ensure_future(publish(tracks[1], seen[1], SOUND, 1 / SOUNDS, seconds)),
        ]
        await asyncio.sleep(5)  # until there is something to be behind
        watching = [asyncio.ensure_future(each.watch()) for each in seen]
        await asyncio.gather(*writing)
        for task in (*watching, *reading):
            task.cancel()
        await asyncio.gather(*watching, *reading, return_exceptions=True)
        skipped = relay.stats()["groups_skipped"]
    return {"video": seen[0].row(), "sound": seen[1].row(), "skipped": skipped}


async def measure(seconds: float, losses: list[float], **limits: Any) -> list[dict[str, Any]]:
    rows = []
    for loss in losses:
        impairment = Impairment(rate=FRAMES * FRAME / 2, queue=0.2, delay=0.02, loss=loss)
        controls = (CongestionControl.CUBIC, CongestionControl.BBR)
        outcomes = await asyncio.gather(*(broadcast(each, impairment, seconds, **limits) for each in controls))
        rows += [{"loss": loss, "control": each.name, **of} for each, of in zip(controls, outcomes, strict=True)]
    return rows


def measure_weak_links(quick: bool = False) -> list[dict[str, Any]]:
    return asyncio.run(measure(12 if quick else 30, [0.0, 0.2] if quick else [0.0, 0.05, 0.1, 0.2]))


def print_weak_links(rows: list[dict[str, Any]]) -> None:
    print("\nA live broadcast over a link of half its rate, 40 ms round trip")
    print("loss   control  groups whole  newest video  p50 / max    sound p50 / p99   groups left out")
    for row in rows:
        video, sound = row["video"], row["sound"]
        print(
            f"{row['loss']:4.0%}   {row['control']:7}  {video['whole']:12.0%}  "
            f"{video['behind_p50']:10.2f} s / {video['behind_max']:.2f} s   "
            f"{sound['p50'] * 1000:6.0f} / {sound['p99'] * 1000:.0f} ms   {row['skipped']:8}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--loss", default="0,0.05,0.2")
    parser.add_argument("--max-queued-time", type=float, help="as of the relay; 0 is as it was before")
    options = parser.parse_args()
    limits = {} if options.max_queued_time is None else {"max_queued_time": options.max_queued_time}
    print_weak_links(asyncio.run(measure(options.seconds, [float(each) for each in options.loss.split(",")], **limits)))


if __name__ == "__main__":
    main()
