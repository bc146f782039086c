#!/usr/bin/env python3
"""Writes docs/conformance.md from the citations in code and tests, and fails where a rule of the draft has no proof.

Usage: conformance.py [--root ROOT] [--check] [--draft TEXT]

tools/conformance/draft15/ lists what draft-ietf-moq-transport-15 demands, section by section. A comment in the code or
in front of a test cites a rule as [d15 §9.9-2], or a section as [d15 §9.9]; several are separated by commas. A rule
that the draft makes with MUST needs a citation in the code and one at a test, or an exception with its reason.

Prints one line per fault; exit code 1 when there is any. With --check nothing is written, and a page that differs from
what would be written is a fault. --draft compares the number of MUSTs per section with the text of the draft, which is
not part of the repository.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DATA = "tools/conformance/draft15"
PAGE = "docs/conformance.md"
CODE_FOLDERS = ("src", "apps", "python")
TEST_FOLDERS = ("tests",)
SUFFIXES = {".h", ".cpp", ".py"}

CITATION = re.compile(r"\[d15 ([^\]]*)\]")
PLACE = re.compile(r"§(\d+(?:\.\d+)*)(?:-(\d+))?")
TEST = re.compile(r"^(?:TYPED_)?TEST(?:_[FP])?\((\w+), (\w+)\)")
HEADING = re.compile(r"^(\d+(?:\.\d+)*)\.\s+([A-Z].*)$")
MUST = re.compile(r"\b(?:MUST|SHALL|REQUIRED)\b")
BEHIND_THE_TEXT = re.compile(r"^(?:Contributors|References|Appendix A|Authors' Addresses)")
SECTION_OF_THE_WORDS = "1.2"  # defines MUST and its like, and demands nothing with them


@dataclass
class Requirement:
    section: str
    number: int
    rule: str
    who: str
    level: str = "MUST"
    words: int = 1  # how many MUSTs of the text this row stands for
    note: str = ""
    deviation: str = ""
    exception: str = ""
    code: set[str] = field(default_factory=set)
    tests: set[tuple[str, str]] = field(default_factory=set)

    @property
    def id(self) -> str:
        return f"{self.section}-{self.number}"


@dataclass
class Section:
    number: str
    title: str
    musts: int
    requirements: list[Requirement]


class Draft:
    """What the draft demands, as the data files say it."""

    def __init__(self, folder: Path) -> None:
        self.faults: list[str] = []
        self.sections: dict[str, Section] = {}
        self.requirements: dict[str, Requirement] = {}
        for path in sorted(folder.glob("*.toml")):
            for entry in tomllib.loads(path.read_text(encoding="utf-8"))["section"]:
                self._add(path.name, entry)

    def _add(self, file: str, entry: dict[str, Any]) -> None:
        section = Section(entry["number"], entry["title"], entry["musts"], [])
        self.sections[section.number] = section
        for row in entry.get("requirement", []):
            values = dict(row)
            requirement = Requirement(section.number, values.pop("id"), **values)
            if requirement.id in self.requirements:
                self.faults.append(f"{DATA}/{file}: {requirement.id} is there twice")
            self.requirements[requirement.id] = requirement
            section.requirements.append(requirement)
        words = sum(each.words for each in section.requirements if each.level == "MUST")
        if words != section.musts:
            self.faults.append(
                f"{DATA}/{file}: {section.number} has {section.musts} MUSTs and rows for {words} of them"
            )


@dataclass(frozen=True)
class Citation:
    file: str
    line: int
    test: str | None  # the name of the test that it stands at
    section: str
    requirement: str | None


def places(text: str) -> Iterator[tuple[str, str | None]]:
    for place in text.split(","):
        match = PLACE.fullmatch(place.strip())
        if match is None:
            yield place.strip(), None
        else:
            yield match[1], f"{match[1]}-{match[2]}" if match[2] else None


def tests_of_cpp(lines: list[str]) -> dict[int, str]:
    """Line number -> the test that a citation on that line belongs to: in its body, or in the comment above it."""
    owner: dict[int, str] = {}
    current: str | None = None
    comment: list[int] = []
    for number, line in enumerate(lines, 1):
        if match := TEST.match(line):
            current = f"{match[1]}.{match[2]}"
            owner.update(dict.fromkeys(comment, current))
        if current is not None:
            owner[number] = current
        comment = [*comment, number] if line.startswith("//") else []
        if line == "}":
            current = None
    return owner


def tests_of_python(text: str, lines: list[str]) -> dict[int, str]:
    owner: dict[int, str] = {}
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith("test_"):
            continue
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        while first > 1 and lines[first - 2].lstrip().startswith("#"):
            first -= 1
        owner.update(dict.fromkeys(range(first, (node.end_lineno or node.lineno) + 1), node.name))
    return owner


def citations(root: Path, folders: Iterable[str]) -> Iterator[Citation]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in SUFFIXES or not path.is_file():
                continue
            text = path.read_text(encoding="utf-8")
            if "[d15 " not in text:
                continue
            lines = text.splitlines()
            owner: dict[int, str] = {}
            if folder in TEST_FOLDERS:
                owner = tests_of_python(text, lines) if path.suffix == ".py" else tests_of_cpp(lines)
            for number, line in enumerate(lines, 1):
                for match in CITATION.finditer(line):
                    for section, requirement in places(match[1]):
                        name = path.relative_to(root).as_posix()
                        yield Citation(name, number, owner.get(number), section, requirement)


def collect(root: Path, draft: Draft) -> Iterator[str]:
    """Notes at each rule who cites it. Yields the faults of the citations."""
    for folders, of_tests in ((CODE_FOLDERS, False), (TEST_FOLDERS, True)):
        for cited in citations(root, folders):
            where = f"{cited.file}:{cited.line}"
            if cited.section not in draft.sections:
                yield f"{where}: the draft has no section {cited.section}"
                continue
            if cited.requirement is None:
                continue
            requirement = draft.requirements.get(cited.requirement)
            if requirement is None:
                yield f"{where}: {DATA} has no rule {cited.requirement}"
            elif not of_tests:
                requirement.code.add(cited.file)
            elif cited.test is None:
                yield f"{where}: {cited.requirement} is cited at no test"
            else:
                requirement.tests.add((cited.test, cited.file))


def holes(draft: Draft) -> Iterator[str]:
    for requirement in draft.requirements.values():
        proved = bool(requirement.code) and bool(requirement.tests)
        if requirement.exception:
            if proved:
                yield f"{requirement.id}: has code and a test, so it needs no exception"
        elif requirement.level == "MUST" and not proved:
            missing = [name for name, found in (("code", requirement.code), ("test", requirement.tests)) if not found]
            yield f"{requirement.id}: no {' and no '.join(missing)} cites it: {requirement.rule}"


HEAD = """\
# Conformance to draft-ietf-moq-transport-15

Written by `make conformance`; do not edit. What the draft demands is in `{data}`, in words of this project;
code and tests cite a rule as `[d15 §9.9-2]`. CI fails when a rule that the draft makes with MUST has neither code with
a test nor an exception.

PV is PROTOCOL_VIOLATION, KVF is KEY_VALUE_FORMATTING_ERROR. A rule marked "should" is a SHOULD of the draft, and only
those that matter here are listed; "implied" is what the text says without such a word. What is accepted beyond the
letter is in [tolerances.md](tolerances.md). Where a row says "Deviation", the draft asks for something else than is
done; where it says "Exception", nothing is done, for the reason given.

{summary}
"""


def link(text: str, file: str) -> str:
    return f"[{text}](../{file})"


def row(requirement: Requirement) -> str:
    level = {"MUST": "", "SHOULD": " (should)", "implied": " (implied)"}[requirement.level]
    code = " ".join(link(f"`{file.removeprefix('src/')}`", file) for file in sorted(requirement.code))
    tests = " ".join(link(f"`{test}`", file) for test, file in sorted(requirement.tests))
    remarks = [
        requirement.note,
        f"**Deviation:** {requirement.deviation}" if requirement.deviation else "",
        f"**Exception:** {requirement.exception}" if requirement.exception else "",
    ]
    remark = " ".join(each for each in remarks if each)
    return f"| {requirement.id} | {requirement.rule}{level} | {requirement.who} | {code} | {tests} | {remark} |"


def page(draft: Draft) -> str:
    levels = Counter(each.level for each in draft.requirements.values())
    excepted = [each for each in draft.requirements.values() if each.exception]
    deviating = [each for each in draft.requirements.values() if each.deviation]
    summary = (
        f"{levels['MUST']} rules with MUST, {levels['SHOULD']} with SHOULD and {levels['implied']} implied ones; "
        f"{len(excepted)} exceptions ({', '.join(each.id for each in excepted)}), "
        f"{len(deviating)} deviations ({', '.join(each.id for each in deviating)})."
    )
    text = HEAD.format(data=DATA, summary=summary)
    for section in draft.sections.values():
        if not section.requirements:
            continue
        text += f"\n## {section.number} {section.title}\n\n"
        text += "| | Rule | Who | Code | Tests | Note |\n|---|---|---|---|---|---|\n"
        text += "".join(row(requirement) + "\n" for requirement in section.requirements)
    return text


def musts_of_text(text: str) -> dict[str, int]:
    lines = text.splitlines()
    start = max(index for index, line in enumerate(lines) if line.startswith("1.  "))  # behind the table of contents
    counts: dict[str, int] = {}
    section = ""
    for line in lines[start:]:
        if BEHIND_THE_TEXT.match(line):
            break
        if heading := HEADING.match(line):
            section = heading[1]
            counts[section] = 0
        counts[section] += len(MUST.findall(line))
    if SECTION_OF_THE_WORDS in counts:
        counts[SECTION_OF_THE_WORDS] = 0
    return counts


def differences(draft: Draft, text: str) -> Iterator[str]:
    counts = musts_of_text(text)
    for number in [*counts, *(each for each in draft.sections if each not in counts)]:
        said = draft.sections[number].musts if number in draft.sections else None
        if said is None:
            yield f"{DATA}: the draft's section {number} is missing"
        elif said != counts.get(number):
            yield f"{DATA}: section {number} has {counts.get(number)} MUSTs in the text, {said} in the data"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page is out of date")
    parser.add_argument("--draft", type=Path, help="the text of the draft, to compare the MUSTs of its sections")
    options = parser.parse_args(arguments)
    root = options.root.resolve()

    draft = Draft(root / DATA)
    faults = [*draft.faults, *collect(root, draft), *holes(draft)]
    if options.draft is not None:
        faults += differences(draft, options.draft.read_text(encoding="utf-8"))
    written = page(draft)
    target = root / PAGE
    if not options.check:
        target.write_text(written, encoding="utf-8")
    elif not target.is_file() or target.read_text(encoding="utf-8") != written:
        faults.append(f"{PAGE}: out of date; run make conformance")
    for fault in faults:
        print(fault)
    musts = sum(each.level == "MUST" for each in draft.requirements.values())
    print(f"conformance: {len(draft.requirements)} rules, {musts} of them with MUST; {len(faults)} faults")
    if not draft.requirements:
        print("conformance: nothing to check", file=sys.stderr)
        return 1
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
