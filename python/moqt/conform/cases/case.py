"""A case: what it is called, where the draft says it, whom it judges, and how."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moqt.conform.world import World

Run = Callable[["World"], Awaitable[None]]


class Role(Enum):
    """What the peer is."""

    RELAY = "relay"
    PUBLISHER = "publisher"
    CLIENT = "client"


class Level(Enum):
    """How the draft says it. What a peer need not do (SHOULD) is reported with TODO and fails nobody."""

    MUST = "MUST"
    SHOULD = "SHOULD"


SERVERS = "relay publisher"
ANY = "relay publisher client"


@dataclass(frozen=True)
class Case:
    """One case of the catalogue."""

    name: str
    sections: dict[int, str]
    """The section that it tests, for each draft that it applies to."""
    text: str
    roles: frozenset[Role]
    level: Level
    run: Run
    names_code: bool = False
    """It accepts the end of the session with certain codes only."""

    @property
    def area(self) -> str:
        """The part of the catalogue, before the first ``/``."""
        return self.name.split("/")[0]


CATALOGUE: list[Case] = []


def parse_sections(text: str) -> dict[int, str]:
    """``15,16:9.9 18:10.7`` as a mapping."""
    found: dict[int, str] = {}
    for entry in text.split():
        drafts, section = entry.split(":")
        found |= dict.fromkeys(map(int, drafts.split(",")), section)
    return found


def add(
    name: str, sections: str, text: str, run: Run, *, roles: str = ANY, level: Level = Level.MUST,
    names_code: bool = False,
) -> None:  # fmt: skip
    """Adds a case to the catalogue."""
    kinds = frozenset(map(Role, roles.split()))
    CATALOGUE.append(Case(name, parse_sections(sections), text, kinds, level, run, names_code))


def case(name: str, sections: str, text: str, *, roles: str = ANY, level: Level = Level.MUST) -> Callable[[Run], Run]:
    """The function judges the peer: it returns, or raises NotOk or Skip."""

    def keep(run: Run) -> Run:
        add(name, sections, text, run, roles=roles, level=level)
        return run

    return keep
