"""One cell of the table: what is tried with which peer at which draft, and what came of it."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from peers import ROOT, Missing, Peers

sys.path.insert(0, str(ROOT / "tests" / "python"))

from relay_programs import Programs


class Outcome(enum.Enum):
    PASSED = "ok"
    FAILED = "FAILED"
    THEIRS = "theirs"
    """It fails, and the peer is to blame: the reason names the section."""
    SKIPPED = "skipped"


class Failed(Exception):
    """What was expected did not happen."""


@dataclass(frozen=True)
class Place:
    """What a cell has at hand while it runs."""

    peers: Peers
    programs: Programs
    folder: Path
    """For its files alone."""
    draft: int


@dataclass(frozen=True)
class Cell:
    peer: str
    draft: int
    what: str
    try_it: Callable[[Place], str]
    """Returns what was seen, in a few words."""
    theirs: str = ""
    """Why it fails, where the peer is to blame."""

    @property
    def name(self) -> str:
        return f"{self.peer}/{self.draft}/{self.what}"


@dataclass(frozen=True)
class Result:
    cell: Cell
    outcome: Outcome
    detail: str
    seconds: float


def run(cell: Cell, peers: Peers, folder: Path) -> tuple[Outcome, str]:
    """Whatever it starts is ended again."""
    programs = Programs()
    try:
        return Outcome.PASSED, cell.try_it(Place(peers, programs, folder, cell.draft))
    except Missing as missing:
        return Outcome.SKIPPED, str(missing)
    except (Failed, AssertionError) as failure:
        outcome = Outcome.THEIRS if cell.theirs else Outcome.FAILED
        return outcome, cell.theirs or str(failure)
    finally:
        programs.close()
