"""tools/conformance.py writes the page from data and citations, and fails on each kind of hole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = "tools/conformance/draft15/01-things.toml"
PAGE = "docs/conformance.md"


def cited(*places: str) -> str:
    """A citation that is none in this file, which the tool reads as well."""
    return f"[{'d15'} " + ", ".join("§" + place for place in places) + "]"


def run(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools/conformance.py"), "--root", str(root), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


THINGS = """\
[[section]]
number = "1"
title = "Things"
musts = 2

[[section.requirement]]
id = 1
who = "sender"
rule = "A thing is sent once."
note = "Or never."

[[section.requirement]]
id = 2
who = "author"
rule = "Things have names."
exception = "Nobody can tell."

[[section.requirement]]
id = 3
level = "SHOULD"
who = "sender"
rule = "Things are small."
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    put(tmp_path, DATA, THINGS)
    put(tmp_path, "src/moqt/thing.cpp", f"void send() {{  // {cited('1-1')}\n}}\n")
    put(
        tmp_path, "tests/unit/thing_test.cpp", f"// Why.\n// {cited('1-1')}\nTEST_F(Things, GoOnce) {{\n  send();\n}}\n"
    )
    (tmp_path / "docs").mkdir()
    written = run(tmp_path)
    assert written.returncode == 0, written.stdout
    return tmp_path


def test_the_repository_has_no_hole() -> None:
    result = run(ROOT, "--check")
    assert result.returncode == 0, result.stdout


def test_the_page_names_rule_code_and_test(tree: Path) -> None:
    page = (tree / PAGE).read_text(encoding="utf-8")
    assert (
        "| 1-1 | A thing is sent once. | sender | [`moqt/thing.cpp`](../src/moqt/thing.cpp) "
        "| [`Things.GoOnce`](../tests/unit/thing_test.cpp) | Or never. |\n"
    ) in page
    assert "| 1-2 | Things have names. | author |  |  | **Exception:** Nobody can tell. |\n" in page
    assert "| 1-3 | Things are small. (should) |" in page
    assert run(tree, "--check").returncode == 0


def test_a_citation_in_the_body_belongs_to_its_test(tree: Path) -> None:
    text = f"TEST(Things, Are) {{\n}}\n\nTEST(Things, GoOnce) {{\n  // {cited('1', '1-1')}\n}}\n"
    put(tree, "tests/unit/thing_test.cpp", text)
    assert run(tree, "--check").returncode == 0


def test_python_tests_are_read_as_well(tree: Path) -> None:
    (tree / "tests/unit/thing_test.cpp").unlink()
    put(tree, "tests/python/test_things.py", f"# {cited('1-1')}\n@mark\nasync def test_once() -> None:\n    pass\n")
    assert run(tree).returncode == 0
    assert "[`test_once`](../tests/python/test_things.py)" in (tree / PAGE).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("tests/unit/thing_test.cpp", "TEST(Things, GoOnce) {\n}\n", "1-1: no test cites it: A thing is sent once."),
        ("src/moqt/thing.cpp", "void send() {}\n", "1-1: no code cites it: A thing is sent once."),
        ("src/moqt/other.cpp", f"// {cited('2')}\n", "src/moqt/other.cpp:1: the draft has no section 2"),
        (
            "src/moqt/other.cpp",
            f"// {cited('1-9')}\n",
            "src/moqt/other.cpp:1: tools/conformance/draft15 has no rule 1-9",
        ),
        ("src/moqt/other.cpp", "// [" + "d15 one]\n", "src/moqt/other.cpp:1: the draft has no section one"),
        (
            "tests/unit/thing.h",
            f"void helper() {{  // {cited('1-1')}\n}}\n",
            "tests/unit/thing.h:1: 1-1 is cited at no test",
        ),
        (
            "tests/unit/other_test.cpp",
            f"TEST(Others, Are) {{\n}}\n// {cited('1-1')}\nint x;\n",
            "tests/unit/other_test.cpp:3: 1-1 is cited at no test",
        ),
        (PAGE, "# Written by hand\n", "docs/conformance.md: out of date; run make conformance"),
        (DATA, THINGS.replace("musts = 2", "musts = 3"), "01-things.toml: 1 has 3 MUSTs and rows for 2 of them"),
        (DATA, THINGS.replace("id = 3", "id = 1"), "01-things.toml: 1-1 is there twice"),
    ],
)
def test_holes_fail(tree: Path, file: str, text: str, fault: str) -> None:
    put(tree, file, text)
    result = run(tree, "--check")
    assert result.returncode == 1
    assert fault in result.stdout


def test_an_exception_for_what_is_proved_fails(tree: Path) -> None:
    put(tree, "src/moqt/other.cpp", f"// {cited('1-2')}\n")
    put(tree, "tests/unit/other_test.cpp", f"// {cited('1-2')}\nTEST(Names, Are) {{\n}}\n")
    result = run(tree, "--check")
    assert result.returncode == 1
    assert "1-2: has code and a test, so it needs no exception" in result.stdout


def test_without_data_it_fails(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    assert run(tmp_path).returncode == 1


def test_the_text_of_the_draft_is_compared(tree: Path) -> None:
    text = "1.  Things  . . . 5\n1.  Things\n\n   One MUST be, one MUST NOT.\n\nReferences\n   It MUST not count.\n"
    draft = tree / "draft.txt"
    draft.write_text(text, encoding="utf-8")
    assert run(tree, "--check", "--draft", str(draft)).returncode == 0
    draft.write_text(text.replace("one MUST NOT", "one not") + "", encoding="utf-8")
    fewer = run(tree, "--check", "--draft", str(draft))
    assert fewer.returncode == 1
    assert "section 1 has 1 MUSTs in the text, 2 in the data" in fewer.stdout
    draft.write_text(text.replace("\nReferences", "\n1.1.  More\n\n   It SHALL be.\n\nReferences"), encoding="utf-8")
    more = run(tree, "--check", "--draft", str(draft))
    assert more.returncode == 1
    assert "the draft's section 1.1 is missing" in more.stdout
