"""Results as TAP version 14, or as JSON."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from moqt.conform.cases import Case
from moqt.conform.run import Outcome, Result
from moqt.conform.wire.draft import Draft


class Report(Protocol):
    """Where results go as they come."""

    def begin(self, target: str, chosen: Sequence[tuple[Case, Draft]]) -> None: ...

    def add(self, result: Result) -> None: ...

    def end(self) -> None: ...


def _title(case: Case, draft: Draft) -> str:
    return f"draft-{draft.number} {case.name}"


def _quoted(text: str) -> str:
    """A double-quoted scalar of YAML, which is one of JSON."""
    return json.dumps(text, ensure_ascii=False)


class Tap:
    """TAP version 14 on standard output. With ``verbose``, cases that are ok have their sentences, too."""

    def __init__(self, verbose: bool = False) -> None:
        self._verbose = verbose
        self._count = 0
        self._outcomes: Counter[Outcome] = Counter()

    def begin(self, target: str, chosen: Sequence[tuple[Case, Draft]]) -> None:
        print("TAP version 14")
        print(f"# moqt-conform: {target}")
        print(f"1..{len(chosen)}", flush=True)

    def add(self, result: Result) -> None:
        self._count += 1
        self._outcomes[result.outcome] += 1
        good = result.outcome in (Outcome.OK, Outcome.SKIP)
        line = f"{'ok' if good else 'not ok'} {self._count} - {_title(result.case, result.draft)}"
        if result.outcome is Outcome.SKIP:
            line += f" # SKIP {result.reason}"
        elif result.outcome is Outcome.TODO:
            line += f" # TODO {result.case.level.value}, section {result.section}"
        print(line)
        if self._verbose or not good:
            print("  ---")
            print(f"  section: {_quoted(result.section)}")
            print(f"  expected: {_quoted(result.case.text)}")
            if result.reason:
                print(f"  message: {_quoted(result.reason)}")
            print(f"  duration_ms: {result.duration_ms}")
            print("  ...")
        sys.stdout.flush()

    def end(self) -> None:
        print(f"# {summary(self._outcomes)}", flush=True)


class Json:
    """One object on standard output, at the end."""

    def __init__(self) -> None:
        self._target = ""
        self._results: list[Result] = []

    def begin(self, target: str, chosen: Sequence[tuple[Case, Draft]]) -> None:
        self._target = target

    def add(self, result: Result) -> None:
        self._results.append(result)

    def end(self) -> None:
        listed = [
            {
                "name": each.case.name,
                "draft": each.draft.number,
                "section": each.section,
                "level": each.case.level.value,
                "expected": each.case.text,
                "outcome": each.outcome.value,
                "message": each.reason,
                "duration_ms": each.duration_ms,
            }
            for each in self._results
        ]
        counts = Counter(each.outcome for each in self._results)
        json.dump(
            {"target": self._target, "counts": {each.value: counts[each] for each in Outcome}, "results": listed},
            sys.stdout,
            ensure_ascii=False,
            indent=1,
        )
        print()


def summary(counts: Counter[Outcome]) -> str:
    """``12 ok, 1 not ok, 0 todo, 2 skipped``"""
    return (
        f"{counts[Outcome.OK]} ok, {counts[Outcome.NOT_OK]} not ok, {counts[Outcome.TODO]} todo, "
        f"{counts[Outcome.SKIP]} skipped"
    )
