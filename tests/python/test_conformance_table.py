"""The tables of docs/conformance.md name code and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ROOT / "src" / "moqt"
TESTS = ROOT / "tests" / "unit" / "moqt"
TEST_MACRO = re.compile(r"^TEST(?:_[FP])?\((\w+), (\w+)\)", re.MULTILINE)
COLUMNS = 5


def rows() -> list[list[str]]:
    text = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    found = []
    for line in text.splitlines():
        if not line.startswith("|") or line.startswith(("|---", "| Rule |")):
            continue
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_tables_are_read() -> None:
    assert len(rows()) > 60


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:60])
def test_row_names_what_exists(row: list[str]) -> None:
    assert len(row) == COLUMNS, "rule, section, code, tests, note"
    _, section, code, tests, _ = row
    assert section
    assert quoted(code), "where the rule is checked"
    assert quoted(tests), "which test shows it"
    for name in quoted(code):
        assert (CODE / name).is_file(), name
    for name in quoted(tests):
        file, _, test = name.partition(":")
        assert (TESTS / file).is_file(), name
        defined = {f"{suite}.{case}" for suite, case in TEST_MACRO.findall((TESTS / file).read_text(encoding="utf-8"))}
        assert test in defined, name
