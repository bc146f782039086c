"""What moqt-relay costs per delivered object, and the delay through it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

SUBSCRIBERS = (1, 10, 100)


def run(relay_fanout: Path, relay: Path, arguments: list[str]) -> list[dict[str, Any]]:
    command = [str(relay_fanout), "--relay", str(relay), "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # 2: measured, but objects were lost or doubled; the table shows it.
    if done.returncode not in (0, 2):
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def measure_relay(relay_fanout: Path, relay: Path, quick: bool) -> dict[str, Any]:
    counts = ",".join(str(count) for count in SUBSCRIBERS)
    seconds = "2" if quick else "5"
    rounds = 1 if quick else 3
    live = []
    for _ in range(rounds):
        live += run(relay_fanout, relay, ["--subscribers", counts, "--rate", "500", "--seconds", seconds])
    fastest = run(relay_fanout, relay, ["--subscribers", counts, "--max", "--seconds", seconds])
    return {"live": [median(live, count) for count in SUBSCRIBERS], "as_fast_as_possible": fastest}


def median(rows: list[dict[str, Any]], subscribers: int) -> dict[str, Any]:
    """The round in the middle, by CPU time; what was lost or doubled counts over all rounds."""
    rounds = sorted(
        (row for row in rows if row["subscribers"] == subscribers), key=lambda row: row["relay_cpu_us_per_object"]
    )
    middle = dict(rounds[len(rounds) // 2])
    for counter in ("lost", "duplicated"):
        middle[counter] = sum(row[counter] for row in rounds)
    return middle


def print_rows(rows: list[dict[str, Any]]) -> None:
    print(
        f"  {'subscribers':>11} {'delivered/s':>12} {'CPU us/object':>14} {'of a core':>10}"
        f" {'p50 ms':>8} {'p99 ms':>8} {'lost':>6} {'twice':>6}"
    )
    for row in rows:
        print(
            f"  {row['subscribers']:>11} {row['delivered_per_second']:>12,.0f} {row['relay_cpu_us_per_object']:>14.2f}"
            f" {row['relay_cpu_share']:>9.0%} {row['delay_p50_us'] / 1000:>8.2f} {row['delay_p99_us'] / 1000:>8.2f}"
            f" {row['lost']:>6} {row['duplicated']:>6}"
        )


def print_relay(relay: dict[str, Any]) -> None:
    print("\nRelay fan-out: 500 objects/s of 1200 B, 50 per group, each subscriber a connection of its own")
    print("(CPU time of the relay process alone; publisher and subscribers share the machine with it)")
    print_rows(relay["live"])
    print("\nThe same, as fast as it goes without losing any (64 objects under way per subscriber)")
    print_rows(relay["as_fast_as_possible"])
