"""Tries this project with independent implementations, cell by cell, and prints the table of docs/interop.md.

    python tools/interop [--only PATTERN …] [--list] [--no-build] [--peers FOLDER] [--json FILE]

The programs of this project come from build/dev/apps (or MSQUIC_PY_APPS). The peers are found in the cache or built
into it: three crates, which take about ten minutes once, and aiomoqt in an environment of its own; moq-rs is a wheel of
the group `test`. Exit code 1: a cell failed, and the peer is not to blame. Exit code 3: no peer is there at all.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
import tempfile
import time
from pathlib import Path

import clocks
import runners
import through_relays
import wheels
from cell import Cell, Outcome, Result, run
from peers import Peers, cache

CELLS: list[Cell] = [*runners.CELLS, *clocks.CELLS, *through_relays.CELLS, *wheels.CELLS]
FAILED, NOBODY = 1, 3


def print_table(results: list[Result]) -> None:
    """As Markdown."""
    print("\n| peer | draft | what | result |\n|---|---|---|---|")
    for each in results:
        detail = each.detail.splitlines()[0] if each.detail else ""
        result = detail if each.outcome is Outcome.PASSED else f"{each.outcome.value}: {detail}"
        print(f"| {each.cell.peer} | {each.cell.draft} | {each.cell.what} | {result} |")
    counts = {outcome: sum(each.outcome is outcome for each in results) for outcome in Outcome}
    print("\n" + ", ".join(f"{number} {outcome.value}" for outcome, number in counts.items() if number))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", action="append", help="cells whose PEER/DRAFT/WHAT matches; may be repeated")
    parser.add_argument("--list", action="store_true", help="print the cells, and try none")
    parser.add_argument("--no-build", action="store_true", help="use what is there")
    parser.add_argument("--peers", type=Path, default=cache() / "interop-peers", help="where the peers are built to")
    parser.add_argument("--jobs", type=int, default=2, help="of cargo")
    parser.add_argument("--json", type=Path, help="write what came of each cell to this file")
    options = parser.parse_args()
    patterns: list[str] = options.only or ["*"]
    chosen = [each for each in CELLS if any(fnmatch.fnmatch(each.name, pattern) for pattern in patterns)]
    if options.list:
        print("\n".join(each.name for each in chosen))
        return 0
    peers = Peers(options.peers.resolve(), build=not options.no_build, jobs=options.jobs)
    results: list[Result] = []
    for each in chosen:
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            outcome, detail = run(each, peers, Path(folder))
            results.append(Result(each, outcome, detail, time.monotonic() - began))
        first = detail if outcome is Outcome.FAILED else detail.splitlines()[0] if detail else ""
        print(f"{outcome.value:8} {each.name}: {first}", flush=True)
    print_table(results)
    if options.json is not None:
        told = [
            {"cell": each.cell.name, "outcome": each.outcome.value, "detail": each.detail, "seconds": each.seconds}
            for each in results
        ]
        options.json.write_text(json.dumps(told, indent=2) + "\n")
    if any(each.outcome is Outcome.FAILED for each in results):
        return FAILED
    return NOBODY if all(each.outcome is Outcome.SKIPPED for each in results) else 0


if __name__ == "__main__":
    sys.exit(main())
