"""What moqt-relay costs per delivered object beside MsQuic alone, and the delay through it."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Load:
    """One track, its objects of one size at one rate, and how many subscribe to it."""

    subscribers: int
    rate: int
    payload: int
    datagrams: bool = False

    def arguments(self, seconds: int) -> list[str]:
        flags = ["--datagrams"] if self.datagrams else []
        numbers = {"subscribers": self.subscribers, "rate": self.rate, "payload": self.payload, "seconds": seconds}
        return [word for name, number in numbers.items() for word in (f"--{name}", str(number))] + flags

    def __str__(self) -> str:
        return f"{self.subscribers} x {self.rate}/s, {self.payload} B" + (" datagrams" if self.datagrams else "")


LIVE = (Load(1, 500, 1200), Load(10, 500, 1200), Load(100, 500, 1200))
VIDEO = (Load(10, 30, 60_000), Load(100, 30, 2700), Load(400, 30, 2700), Load(1000, 30, 2700))
AUDIO = (Load(100, 50, 120, datagrams=True),)
VISITED = (VIDEO[1], VIDEO[2])
SUBSCRIBERS = (1, 10, 100)
DRAFTS = (15, 18, 22)
IN_EACH_DRAFT = (LIVE[1], LIVE[2], VIDEO[1], AUDIO[0])


@dataclass(frozen=True)
class FanoutPrograms:
    fanout: Path  # loads either of the others
    relay: Path
    bare: Path

    def run(self, arguments: list[str]) -> list[dict[str, Any]]:
        command = [str(self.fanout), "--json", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # 2: measured, but objects were lost or doubled; the table shows it.
        if done.returncode not in (0, 2):
            raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows

    def through_relay(self, arguments: list[str], drafts: Sequence[int] = (15,)) -> list[dict[str, Any]]:
        """A row for each draft."""
        return self.run(["--relay", str(self.relay), "--draft", ",".join(map(str, drafts)), *arguments])

    def bare_msquic(self, arguments: list[str]) -> list[dict[str, Any]]:
        """Sends what it makes itself, and receives nothing."""
        return self.run(["--bare", str(self.bare), *arguments])

    def bare_forwarder(self, arguments: list[str]) -> list[dict[str, Any]]:
        """Receives what a publisher sends, and passes its bytes on in MsQuic's callback."""
        return self.run(["--bare", str(self.bare), "--forward", *arguments])


def measure_relay(programs: FanoutPrograms, quick: bool) -> dict[str, Any]:
    loads = LIVE + VIDEO[: 3 if quick else 4] + AUDIO
    seconds = 2 if quick else 3
    relay: dict[Load, list[dict[str, Any]]] = {load: [] for load in loads}
    bare: dict[Load, list[dict[str, Any]]] = {load: [] for load in loads}
    forwarder: dict[Load, list[dict[str, Any]]] = {load: [] for load in loads}
    in_each: dict[Load, list[list[dict[str, Any]]]] = {load: [] for load in IN_EACH_DRAFT}
    # In turns, so that a machine that becomes slower becomes it for all.
    for _ in range(1 if quick else 3):
        for load in loads:
            bare[load] += programs.bare_msquic(load.arguments(seconds))
            forwarder[load] += programs.bare_forwarder(load.arguments(seconds))
            rows = programs.through_relay(load.arguments(seconds), DRAFTS if load in in_each else DRAFTS[:1])
            relay[load].append(rows[0])
            if load in in_each:
                in_each[load].append(rows)
    counts = ",".join(str(count) for count in SUBSCRIBERS)
    fastest = programs.through_relay(["--subscribers", counts, "--max", "--seconds", "2" if quick else "5"])
    counts = ",".join(str(load.subscribers) for load in VISITED)
    # 60 seconds at either number, or a few.
    visits = ["--visitors", "300" if quick else "3000", "--rate", "30", "--payload", "2700", "--seconds", "10"]
    visited = programs.through_relay(["--subscribers", counts, *visits])
    live = [compare(load, relay[load], bare[load], forwarder[load]) for load in loads]
    drafts = [compare_drafts(load, rounds) for load, rounds in in_each.items()]
    return {"live": live, "drafts": drafts, "as_fast_as_possible": fastest, "visited": visited}


def compare_drafts(load: Load, rounds: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """CPU time per object in each draft, and how it relates to draft-15 of the same round; medians of the rounds."""

    def of_rounds(at: int, first: bool) -> float:
        name = "relay_cpu_us_per_object"
        return statistics.median(each[at][name] / (each[0][name] if first else 1) for each in rounds)

    drafts = [row["draft"] for row in rounds[0]]
    return {
        "load": str(load),
        "cpu_us_per_object": {draft: of_rounds(at, False) for at, draft in enumerate(drafts)},
        "of_draft_15": {draft: of_rounds(at, True) for at, draft in enumerate(drafts)},
        "lost": sum(row["lost"] for each in rounds for row in each),
        "duplicated": sum(row["duplicated"] for each in rounds for row in each),
    }


def compare(
    load: Load, relay: list[dict[str, Any]], bare: list[dict[str, Any]], forwarder: list[dict[str, Any]]
) -> dict[str, Any]:
    """The relay's round in the middle, by CPU time, and the medians of the other two."""
    row = median(relay)
    row["load"] = str(load)
    row["bare_cpu_us_per_object"] = statistics.median(each["relay_cpu_us_per_object"] for each in bare)
    row["bare_delay_p99_us"] = statistics.median(each["delay_p99_us"] for each in bare)
    row["ratio"] = row["relay_cpu_us_per_object"] / row["bare_cpu_us_per_object"]
    row["forwarder_cpu_us_per_object"] = statistics.median(each["relay_cpu_us_per_object"] for each in forwarder)
    row["forwarder_ratio"] = row["relay_cpu_us_per_object"] / row["forwarder_cpu_us_per_object"]
    return row


def median(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The round in the middle, by CPU time; what was lost or doubled counts over all rounds."""
    rounds = sorted(rows, key=lambda row: row["relay_cpu_us_per_object"])
    middle = dict(rounds[len(rounds) // 2])
    for counter in ("lost", "duplicated"):
        middle[counter] = sum(row[counter] for row in rounds)
    return middle


def print_live(rows: list[dict[str, Any]]) -> None:
    print(
        f"  {'subscribers x rate, size':>32} {'CPU us/object':>14} {'bare MsQuic':>12} {'ratio':>6}"
        f" {'forwarder':>10} {'ratio':>6} {'of a core':>10} {'p50 ms':>8} {'p99 ms':>8} {'lost':>6} {'twice':>6}"
    )
    for row in rows:
        print(
            f"  {row['load']:>32} {row['relay_cpu_us_per_object']:>14.2f} {row['bare_cpu_us_per_object']:>12.2f}"
            f" {row['ratio']:>6.2f} {row['forwarder_cpu_us_per_object']:>10.2f} {row['forwarder_ratio']:>6.2f}"
            f" {row['relay_cpu_share']:>10.0%} {row['delay_p50_us'] / 1000:>8.2f} {row['delay_p99_us'] / 1000:>8.2f}"
            f" {row['lost']:>6} {row['duplicated']:>6}"
        )


def print_drafts(rows: list[dict[str, Any]]) -> None:
    drafts = list(rows[0]["cpu_us_per_object"])
    print(
        f"  {'subscribers x rate, size':>32}"
        + "".join(f" {f'draft-{draft}, us':>14}" for draft in drafts)
        + "".join(f" {f'{draft} of 15':>9}" for draft in drafts[1:])
        + f" {'lost':>6} {'twice':>6}"
    )
    for row in rows:
        print(
            f"  {row['load']:>32}"
            + "".join(f" {row['cpu_us_per_object'][draft]:>14.2f}" for draft in drafts)
            + "".join(f" {row['of_draft_15'][draft]:>9.1%}" for draft in drafts[1:])
            + f" {row['lost']:>6} {row['duplicated']:>6}"
        )


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


def print_visited(rows: list[dict[str, Any]]) -> None:
    print(
        f"  {'subscribers':>11} {'visitors':>9} {'per second':>11} {'turned away':>12} {'CPU us each':>12}"
        f" {'p99 ms before':>14} {'p99 ms then':>12} {'lost':>6} {'twice':>6}"
    )
    for row in rows:
        visit = row["visitors"]
        print(
            f"  {row['subscribers']:>11} {visit['served']:>9} {visit['served'] / visit['seconds']:>11.0f}"
            f" {visit['turned_away']:>12} {visit['relay_cpu_us_per_visitor']:>12.0f}"
            f" {row['delay_p99_us'] / 1000:>14.2f} {visit['others_p99_us'] / 1000:>12.2f}"
            f" {row['lost']:>6} {row['duplicated']:>6}"
        )


def print_relay(relay: dict[str, Any]) -> None:
    print("\nRelay fan-out: one track, 50 objects per group, each subscriber a connection of its own")
    print("(CPU time of the relay process alone; publisher and subscribers share the machine with it)")
    print_live(relay["live"])
    print("\nThe same in each draft: CPU time per object, and beside draft-15's of the same round")
    print_drafts(relay["drafts"])
    print("\nAs fast as it goes without losing any (objects of 1200 B, 64 under way per subscriber)")
    print_rows(relay["as_fast_as_possible"])
    print("\nWhile others connect, take 20 objects and leave (objects of 2700 B, 30/s)")
    print_visited(relay["visited"])
