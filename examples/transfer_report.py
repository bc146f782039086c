"""What the video examples tell while they run and at their end: what `moqt-pub` and `moqt-sub` tell."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass

from media.frame_comparison import percentile

_INTERVAL = 1.0
"""Seconds between two events of progress."""
_MOST_DELAYS = 1 << 17
Value = str | int | float | bool


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json",
        action="store_true",
        help="print events and progress to standard output, one JSON object a line; words go to standard error",
    )
    parser.add_argument(
        "--stats", action="store_true", help="print statistics at the end: amounts, losses, start-up time, latency"
    )


@dataclass
class TransferStatus:
    """How far a program has come."""

    objects: int = 0
    bytes: int = 0
    groups: int = 0
    objects_missing: int = 0
    groups_skipped: int = 0
    media_time: float = 0.0
    """Seconds of media."""
    subscribers: int = 0


class TransferReport:
    """Events on standard output with `--json`, a table on standard error with `--stats`, and words for people."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._json: bool = args.json
        self._stats: bool = args.stats
        self._start = self._before = time.monotonic()
        self._bytes_before = 0
        self._start_up: float | None = None
        self._delays_us: list[int] = []
        self._last_delay_us = 0

    def say(self, text: str) -> None:
        """Something for people."""
        print(text, file=sys.stderr if self._json else sys.stdout)

    def warn(self, text: str) -> None:
        print(f"warning: {text}", file=sys.stderr)
        self.event("warning", text=text)

    def event(self, name: str, /, **fields: Value) -> None:
        if self._json:
            told = {"event": name, "time": round(time.monotonic() - self._start, 3), **fields}
            print(json.dumps(told, separators=(",", ":")))

    def add_delay(self, microseconds: int) -> None:
        """How long an object took from its capture to here."""
        self._last_delay_us = microseconds
        if len(self._delays_us) == _MOST_DELAYS:
            del self._delays_us[::2]
        self._delays_us.append(max(0, microseconds))

    def note_first_decodable(self) -> None:
        """The first object that a decoder can begin with is here. Counts once."""
        if self._start_up is None:
            self._start_up = time.monotonic() - self._start
            self.event("first_decodable", start_up=self._start_up)

    def progress(self, status: TransferStatus) -> None:
        """Tell how far the program has come, at most once a second. To be called now and then."""
        now = time.monotonic()
        if not self._json or now < self._before + _INTERVAL:
            return
        rate = (status.bytes - self._bytes_before) * 8 / (now - self._before)
        self._before, self._bytes_before = now, status.bytes
        self.event(
            "progress",
            objects=status.objects,
            bytes=status.bytes,
            groups=status.groups,
            media_time=status.media_time,
            bits_per_second=round(rate),
            delay_ms=self._last_delay_us / 1000,
            objects_missing=status.objects_missing,
            groups_skipped=status.groups_skipped,
            subscribers=status.subscribers,
        )

    def finish(self, status: TransferStatus, exit_code: int) -> None:
        """Tell the end."""
        delays = sorted(self._delays_us)
        p50, p95, most = (percentile(delays, part) / 1000 if delays else -1 for part in (50, 95, 100))
        self.event(
            "end",
            exit_code=exit_code,
            objects=status.objects,
            bytes=status.bytes,
            groups=status.groups,
            media_time=status.media_time,
            objects_missing=status.objects_missing,
            groups_skipped=status.groups_skipped,
            start_up=-1 if self._start_up is None else self._start_up,
            delay_p50_ms=p50,
            delay_p95_ms=p95,
            delay_max_ms=most,
        )
        if not self._stats:
            return
        table = [
            f"time             {time.monotonic() - self._start:.1f} s",
            f"media            {status.media_time:.3f} s",
            f"objects          {status.objects} in {status.groups} groups",
            f"bytes            {status.bytes}",
            f"objects missing  {status.objects_missing}",
            f"groups skipped   {status.groups_skipped}",
        ]
        if self._start_up is not None:
            table.append(f"start-up         {self._start_up * 1000:.1f} ms to the first decodable frame")
        if delays:
            table.append(f"latency          p50 {p50:.1f} ms, p95 {p95:.1f} ms, max {most:.1f} ms from capture")
        print("\n".join(table), file=sys.stderr)
