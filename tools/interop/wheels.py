"""moq-rs, a wheel that the tests of this project use: each of those tests at each draft."""

from __future__ import annotations

import re
import subprocess
import sys

from cell import Cell, Failed, Place
from peers import ROOT

DRAFTS = (15, 16, 18, 22)
TESTS = {
    "its publisher, moqt-relay, moqt-sub": "test_its_publisher_through_our_relay_to_our_subscriber",
    "moqt-pub, moqt-relay, its subscriber": "test_our_publisher_through_our_relay_to_its_subscriber",
    "moqt-pub, its server, moqt-sub": "test_our_publisher_and_subscriber_through_its_relay",
}


def _pytest(place: Place, *arguments: str) -> str:
    place.peers.moq_rs()
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "--tb=short", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    (place.folder / "pytest").write_text(done.stdout + done.stderr)
    passed = re.search(r"(\d+) passed", done.stdout)
    if done.returncode != 0 or passed is None or "skipped" in done.stdout:
        raise Failed(done.stdout.strip()[-600:])
    return f"{passed[1]} test{'s' if passed[1] != '1' else ''}"


def _cell(draft: int, what: str, test: str) -> Cell:
    chosen = f"tests/python/test_interop_moq_rs.py::{test}[{draft}]"
    return Cell("moq-rs", draft, what, lambda place: _pytest(place, chosen))


def _fetches(draft: int) -> Cell:
    chosen = ("tests/python/test_interop_moq_rs_fetch.py", "-k", f"draft{draft}")
    return Cell("moq-rs", draft, "FETCH in both directions", lambda place: _pytest(place, *chosen))


CELLS = [_cell(draft, what, test) for draft in DRAFTS for what, test in TESTS.items()] + [*map(_fetches, DRAFTS)]
