"""Runs cases against a target."""

from __future__ import annotations

import asyncio
import fnmatch
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import Enum

from moqt.conform.cases import Case, Level, Role, catalogue
from moqt.conform.outcomes import NotOk, Skip
from moqt.conform.wire.draft import DRAFTS, Draft
from moqt.conform.world import Target, World
from msquic.exceptions import QuicError


class Outcome(Enum):
    """How a case ended."""

    OK = "ok"
    NOT_OK = "not ok"
    TODO = "todo"
    """What the draft recommends, and the peer does not do."""
    SKIP = "skip"


@dataclass(frozen=True)
class Result:
    """One case in one draft."""

    case: Case
    draft: Draft
    outcome: Outcome
    reason: str
    duration_ms: int

    @property
    def section(self) -> str:
        return self.case.sections[self.draft.number]


def select(role: Role, drafts: Sequence[int], only: Sequence[str] = ()) -> list[tuple[Case, Draft]]:
    """The cases for such a peer, draft by draft. ``only``: names or patterns of the shell."""
    return [
        (case, DRAFTS[draft])
        for draft in drafts
        for case in catalogue()
        if role in case.roles
        and draft in case.sections
        and (not only or any(fnmatch.fnmatchcase(case.name, pattern) for pattern in only))
    ]


async def run_case(target: Target, case: Case, draft: Draft) -> Result:
    """One case. Whatever it leaves open is closed."""
    world = World(target, draft)
    begun = time.monotonic()
    outcome, reason = Outcome.OK, ""
    try:
        async with asyncio.timeout(target.patience):
            await case.run(world)
    except TimeoutError:
        outcome, reason = Outcome.NOT_OK, f"the case was not through after {target.patience:g} seconds"
    except Skip as skipped:
        outcome, reason = Outcome.SKIP, str(skipped)
    except NotOk as failed:
        outcome, reason = Outcome.NOT_OK, str(failed)
    except QuicError as error:
        ended = [peer.ending for peer in world.peers if peer.connection.close_error is not None]
        outcome, reason = Outcome.NOT_OK, ended[0] if ended else str(error)
    finally:
        await world.close()
    if outcome is Outcome.NOT_OK and case.level is Level.SHOULD:
        outcome = Outcome.TODO
    return Result(case, draft, outcome, reason, round(1000 * (time.monotonic() - begun)))


async def run_all(target: Target, chosen: Sequence[tuple[Case, Draft]], jobs: int) -> AsyncIterator[Result]:
    """The results in the order of ``chosen``; ``jobs`` cases at a time."""
    room = asyncio.Semaphore(jobs)

    async def one(case: Case, draft: Draft) -> Result:
        async with room:
            return await run_case(target, case, draft)

    tasks = [asyncio.create_task(one(case, draft)) for case, draft in chosen]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
