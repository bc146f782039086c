#!/usr/bin/env python3
"""Compares this project's codecs with moqtap-codec, which knows every draft too: over what `wire_corpus` makes up,
and over the wire vectors.    usage: compare_codecs.py BUILD [--count N] [--seed N]

Needs cargo, and the target wire_corpus in BUILD. Each of the two reads what the other has written: the bytes come from
here, moqtap reads them and writes them again, and what it writes must be the same bytes. Exit code 1: they disagree
about something that is not in EXPECTED below. Exit code 3: there is no cargo.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PEER = ROOT / "tests" / "peers" / "moqtap"
VECTORS = ROOT / "tests" / "vectors"
DRAFTS = (15, 16, 18, 22)
NO_TOOLCHAIN = 3

# Vectors that the two read differently, by name, and why. The text decides, and where it is silent what most others do.
EXPECTED: dict[str, str] = {}


def built_peer(build: Path) -> Path:
    program = shutil.which("cargo") or shutil.which("cargo", path=str(Path.home() / ".cargo" / "bin"))
    if program is None:
        print("compare_codecs: cargo is not installed", file=sys.stderr)
        raise SystemExit(NO_TOOLCHAIN)
    target = build / "moqtap-peer"
    command = [program, "build", "--release", "--locked", "--quiet", "--target-dir", str(target)]
    subprocess.run(command, cwd=PEER, check=True, stdin=subprocess.DEVNULL)
    return target / "release" / "moqtap-peer"


def ask(peer: Path, questions: list[str]) -> list[str]:
    told = subprocess.run([str(peer)], input="\n".join(questions) + "\n", capture_output=True, text=True, check=True)
    answers = told.stdout.splitlines()
    if len(answers) != len(questions):
        raise SystemExit(f"compare_codecs: {len(questions)} questions, {len(answers)} answers")
    return answers


def disagreements_over_corpus(peer: Path, corpus: Path, draft: int, seed: int, count: int) -> Iterator[str]:
    made = subprocess.run([str(corpus), str(draft), str(seed), str(count)], capture_output=True, text=True, check=True)
    lines = made.stdout.splitlines()
    questions = [" ".join(line.split(" ")[:3]) for line in lines]
    kinds: Counter[str] = Counter()
    for line, answer in zip(lines, ask(peer, questions), strict=True):
        _, kind, *rest = line.split(" ", 3)
        kinds[kind] += 1
        expected = rest[1] if kind in ("fetch", "descending") else rest[0]
        if answer != f"ok {expected}":
            yield f"draft-{draft} {kind} {rest[0]}\n    ours:   {expected}\n    moqtap: {answer}"
    print(f"draft-{draft}: " + ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items())))


def bytes_of(value: object) -> str:
    if isinstance(value, str):
        return re.sub("[~# ]", "", value)
    assert isinstance(value, list)
    return "".join(part.replace(" ", "") if isinstance(part, str) else part["repeat"] * part["count"] for part in value)


def disagreements_over_vectors(peer: Path, draft: int) -> Iterator[str]:
    questions, meant = [], []
    for path in sorted((VECTORS / f"draft{draft}").glob("*.json")):
        file = json.loads(path.read_text(encoding="ascii"))
        if file["kind"] not in ("control", "subgroup", "fetch", "datagram"):
            continue
        for vector in file["vectors"]:
            if vector.get("fin") or not (text := bytes_of(vector["hex"])):
                continue
            kind = "descending" if vector.get("descending") else file["kind"]
            questions.append(f"{draft} {kind} {text}")
            meant.append((path.stem, kind, vector, text))
    for (stem, kind, vector, text), answer in zip(meant, ask(peer, questions), strict=True):
        name = f"draft{draft}/{stem}/{vector['name']}"
        refused = answer.startswith("no ")
        same = kind in ("fetch", "descending") or not vector.get("canonical") or answer == f"ok {text}"
        if refused != ("error" in vector) or (not refused and not same):
            meaning = vector.get("error", "read")
            if name not in EXPECTED:
                yield f"{name}: {meaning} here\n    {text[:120]}\n    moqtap: {answer[:200]}"


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("build", type=Path)
    arguments.add_argument("--count", type=int, default=20_000)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    peer = built_peer(options.build.resolve())
    corpus = options.build.resolve() / "tests" / "unit" / "vectors" / "wire_corpus"
    found = []
    for draft in DRAFTS:
        found += disagreements_over_corpus(peer, corpus, draft, options.seed, options.count)
        found += disagreements_over_vectors(peer, draft)
    for each in found:
        print(each)
    print(f"{len(found)} disagreements")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
