"""MOQT objects from Python to Python, directly and through moqt-relay: how many a second, and what each costs."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).parent / "moqt_objects.py"
SIZES = (1024, 16 * 1024)
DRAFTS = (15, 18, 22)


def measure_objects(relay: Path, quick: bool) -> list[dict[str, Any]]:
    rounds: dict[tuple[int, bool, int], list[dict[str, Any]]] = {}
    # In turns, so that a machine that becomes slower becomes it for every draft.
    for _ in range(1 if quick else 3):
        for size, through_relay, draft in itertools.product(SIZES, (False, True), DRAFTS):
            one = one_round(relay if through_relay else None, size, draft, 1.5 if quick else 3.0)
            rounds.setdefault((size, through_relay, draft), []).append(one)
    return [median(each) for each in rounds.values()]


def median(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    return sorted(rounds, key=lambda each: each["received_per_second"])[len(rounds) // 2]


def one_round(relay: Path | None, size: int, draft: int, seconds: float) -> dict[str, Any]:
    running: list[subprocess.Popen[str]] = []

    def start(*command: object) -> subprocess.Popen[str]:
        words = [str(word) for word in command]
        running.append(subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return running[-1]

    try:
        port = 0
        if relay is not None:
            port = port_of(start(relay, "--host", "127.0.0.1", "--port", 0, "--cache-duration", 0))
        publisher = start(
            sys.executable, PROGRAM, "publish", "--size", size, "--draft", draft, *(["--relay", port] if port else [])
        )
        if port:
            read_line(publisher)
        else:
            port = port_of(publisher)
        receiver = start(sys.executable, PROGRAM, "receive", "--port", port, "--seconds", seconds, "--draft", draft)
        received = json.loads(read_line(receiver))
        assert publisher.stdin is not None
        publisher.stdin.close()
        sent = json.loads(read_line(publisher))
    finally:
        for process in running:
            process.terminate()
            process.wait(10)
    return {
        "size": size,
        "draft": draft,
        "relay": relay is not None,
        "received_per_second": received["objects"] / received["seconds"],
        "receiver_cpu_us": received["cpu"] * 1e6 / max(1, received["objects"]),
        "objects_per_batch": received["objects"] / max(1, received["batches"]),
        "dropped": received["dropped"],
        "sent_per_second": sent["objects"] / sent["seconds"],
        "sender_cpu_us": sent["cpu"] * 1e6 / max(1, sent["objects"]),
        "groups_skipped": sent["groups_skipped"],
    }


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise subprocess.CalledProcessError(process.wait(10), process.args)
    return line


def port_of(process: subprocess.Popen[str]) -> int:
    return int(read_line(process).rsplit(" ", 1)[1])


def print_objects(rows: list[dict[str, Any]]) -> None:
    print("\nMOQT objects from Python to Python, `async for batch in subscription.batches(256)`")
    print(
        f"  {'payload, way, draft':>24} {'received/s':>11} {'CPU us each':>12} {'to a batch':>11} {'dropped':>8}"
        f" {'sent/s':>9} {'CPU us each':>12} {'skipped':>8}"
    )
    for row in rows:
        way = f"{row['size']} B, {'relay' if row['relay'] else 'direct'}, {row['draft']}"
        print(
            f"  {way:>24} {row['received_per_second']:>11,.0f} {row['receiver_cpu_us']:>12.2f}"
            f" {row['objects_per_batch']:>11.0f} {row['dropped']:>8} {row['sent_per_second']:>9,.0f}"
            f" {row['sender_cpu_us']:>12.2f} {row['groups_skipped']:>8}"
        )
