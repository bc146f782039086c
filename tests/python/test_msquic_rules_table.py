"""The tables of docs/msquic-rules.md are complete and name code and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEST_MACRO = re.compile(r"^TEST(?:_[FP])?\((\w+), (\w+)\)", re.MULTILINE)
PYTHON_TEST = re.compile(r"^(?:async )?def (test_\w+)\(", re.MULTILINE)
IDS = [
    *(f"B{number}" for number in range(1, 31)),
    *(f"R{number}" for number in range(1, 29)),
    "R15b",
    *(f"T{number}" for number in range(1, 33)),
]


def rows() -> list[list[str]]:
    text = (ROOT / "docs" / "msquic-rules.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if re.match(r"\| [BRT]\d", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_tables_are_complete() -> None:
    assert sorted(row[0] for row in rows()) == sorted(IDS)


def exists(name: str) -> bool:
    file, _, test = name.partition(":")
    if file.endswith(".py"):
        path = ROOT / "tests" / "python" / file
        return path.is_file() and test in PYTHON_TEST.findall(path.read_text(encoding="utf-8"))
    path = ROOT / "tests" / "unit" / file
    if not path.is_file():
        return False
    defined = {f"{suite}.{case}" for suite, case in TEST_MACRO.findall(path.read_text(encoding="utf-8"))}
    return test in defined


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_row_names_what_exists(row: list[str]) -> None:
    assert len(row) == 5, "id, what, where, tests, note"
    _, what, where, tests, note = row
    assert what
    if note.startswith("Does not apply: "):
        return
    assert quoted(where), "where it is handled"
    assert quoted(tests) or note.startswith("Not shown: "), "which test shows it"
    for name in quoted(where):
        assert (ROOT / name).exists(), name
    for name in quoted(tests):
        assert exists(name), name
