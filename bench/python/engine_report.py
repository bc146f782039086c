"""What a relay's engine costs alone: sessions, store and accounts, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google_benchmark import medians


def _numbers(name: str) -> dict[str, int]:
    return {key: int(value) for key, _, value in (each.partition(":") for each in name.split("/")) if value}


def measure_engine(relay_engine: Path, quick: bool) -> dict[str, list[dict[str, Any]]]:
    through = medians(relay_engine, "items_per_second", quick, 0.5, only="objects_through_relay")
    joining = medians(relay_engine, "cpu_time", quick, 0.5, only="joining_and_leaving")
    return {
        "objects": [{**_numbers(name), "delivered_per_second": rate} for name, rate in through.items()],
        "joining": [{**_numbers(name), "nanoseconds": nanoseconds} for name, nanoseconds in joining.items()],
    }


def print_engine(engine: dict[str, list[dict[str, Any]]]) -> None:
    print("\nRelay engine without a network, objects of 1200 B delivered per second of CPU time")
    print(f"  {'subscribers':>11} {'come at once':>13} {'delivered/s':>13} {'ns each':>8}")
    for row in engine["objects"]:
        rate = row["delivered_per_second"]
        print(f"  {row['subscribers']:>11} {row['at_once']:>13} {rate:>13,.0f} {1e9 / rate:>8.0f}")
    print("\n  To join a track and to leave it, beside those who have joined it")
    for row in engine["joining"]:
        print(f"  {row['subscribers']:>11} {row['nanoseconds'] / 1000:>10.1f} us")
