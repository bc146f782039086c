"""Did every frame arrive, once, unchanged, and how late? From the two frame logs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .frame_log import FrameRecord


@dataclass(frozen=True)
class FrameComparison:
    """What became of the frames. `delays_ms` is sorted, from capture to the subscriber's hands."""

    sent: int
    received: int
    lost: tuple[tuple[int, int], ...]
    """(group, object) of every frame that was sent and never received."""
    damaged: tuple[tuple[int, int], ...]
    """Received with another payload, capture time or key flag than was sent."""
    duplicated: tuple[tuple[int, int], ...]
    unknown: tuple[tuple[int, int], ...]
    """Received, yet never sent."""
    delays_ms: tuple[float, ...]

    @property
    def faults(self) -> list[str]:
        """One line per kind of fault; empty after a perfect run."""
        lines: list[str] = []
        if self.sent == 0:
            lines.append("no frame was sent")
        for what, frames in (
            ("lost", self.lost), ("damaged", self.damaged),
            ("received twice", self.duplicated), ("received but never sent", self.unknown),
        ):  # fmt: skip
            if frames:
                some = ", ".join(f"{group}/{item}" for group, item in frames[:5])
                lines.append(f"{len(frames)} frames {what} (group/object {some}{', …' if len(frames) > 5 else ''})")
        return lines


def compare_frames(sent: Iterable[FrameRecord], received: Iterable[FrameRecord]) -> FrameComparison:
    """Compare what a publisher and a subscriber logged for the same track."""
    sent_by_place = {(record.group, record.object): record for record in sent}
    arrived = list(received)
    times_seen = Counter((record.group, record.object) for record in arrived)
    damaged: list[tuple[int, int]] = []
    for record in arrived:
        original = sent_by_place.get((record.group, record.object))
        if original is not None and _content(original) != _content(record):
            damaged.append((record.group, record.object))
    return FrameComparison(
        sent=len(sent_by_place),
        received=len(arrived),
        lost=tuple(place for place in sent_by_place if place not in times_seen),
        damaged=tuple(damaged),
        duplicated=tuple(place for place, times in times_seen.items() if times > 1),
        unknown=tuple(place for place in times_seen if place not in sent_by_place),
        delays_ms=tuple(sorted((record.time_us - record.capture_us) / 1000 for record in arrived)),
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of sorted values."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _content(record: FrameRecord) -> tuple[str, int, int, bool]:
    return record.sha256, record.size, record.capture_us, record.is_key
