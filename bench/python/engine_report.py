"""Objects per second through a relay's engine alone: sessions, store and accounts, without a network."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any


def measure_engine(relay_engine: Path, quick: bool) -> list[dict[str, Any]]:
    command = [
        str(relay_engine),
        "--benchmark_format=json",
        f"--benchmark_min_time={0.1 if quick else 0.5}",
        f"--benchmark_repetitions={1 if quick else 5}",
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    runs: dict[tuple[int, int], list[float]] = {}
    for run in json.loads(shown)["benchmarks"]:
        if run.get("run_type") == "aggregate":
            continue
        numbers = dict(each.split(":") for each in run["name"].split("/") if ":" in each)
        # google-benchmark counts items per second of CPU time.
        runs.setdefault((int(numbers["subscribers"]), int(numbers["at_once"])), []).append(run["items_per_second"])
    return [
        {"subscribers": subscribers, "at_once": at_once, "delivered_per_second": sorted(rates)[len(rates) // 2]}
        for (subscribers, at_once), rates in runs.items()
    ]


def print_engine(rows: list[dict[str, Any]]) -> None:
    print("\nRelay engine without a network, objects of 1200 B delivered per second of CPU time")
    print(f"  {'subscribers':>11} {'come at once':>13} {'delivered/s':>13} {'ns each':>8}")
    for row in rows:
        rate = row["delivered_per_second"]
        print(f"  {row['subscribers']:>11} {row['at_once']:>13} {rate:>13,.0f} {1e9 / rate:>8.0f}")
