#!/usr/bin/env python3
"""Compares this project's codecs with moqtap-codec, which knows every draft too: over what each of the two makes up,
and over the wire vectors.    usage: compare_codecs.py BUILD [--count N] [--seed N]

Needs cargo, and the target wire_corpus in BUILD. Each makes up messages, streams and datagrams from a seed; the other
one must read the same fields from their bytes, and write the same bytes where there is one way to. Exit code 1: they
disagree about something that is not in EXPECTED below. Exit code 3: there is no cargo.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import codec_meanings

ROOT = Path(__file__).resolve().parents[1]
PEER = ROOT / "tests" / "peers" / "moqtap"
VECTORS = ROOT / "tests" / "vectors"
DRAFTS = (15, 16, 18, 22)
NO_TOOLCHAIN = 3

# What is read here and refused by moqtap-codec 0.9.0, by the name of the vector, and why that is right here.
EXPECTED: dict[str, str] = {
    r"draft15/.*parameters_of_other_messages": "what a message does not define is ignored, whatever its value (9.2.1)",
    r"draft1[56]/.*(duplicate_)?unknown_(parameters|twice)|.*duplicate_unknown": "unknown ones may repeat (9.2)",
    r"draft15/fetch_messages/fetch_standalone_largest_values": "a range that is empty is answered, not malformed",
    r"draft(16|18|22)/fetch/(unknown|non_existent|timed_out)_range.*": "moqtap has a payload length behind a marker",
    r"draft18/publish/publish_ok_of_the_table": "the table of section 10 has it",
    r"draft(18|22)/setup/setup_grease": "receivers must allow duplicates of unknown options",
    r"draft(18|22)/subgroup/largest_numbers": "2^64-1 is an Object ID",
}


def built_peer(build: Path) -> Path:
    program = shutil.which("cargo") or shutil.which("cargo", path=str(Path.home() / ".cargo" / "bin"))
    if program is None:
        print("compare_codecs: cargo is not installed", file=sys.stderr)
        raise SystemExit(NO_TOOLCHAIN)
    target = build / "moqtap-peer"
    command = [program, "build", "--release", "--locked", "--quiet", "--target-dir", str(target)]
    subprocess.run(command, cwd=PEER, check=True, stdin=subprocess.DEVNULL)
    return target / "release" / "moqtap-peer"


@dataclass(frozen=True)
class Codec:
    """One of the two: a program that makes messages up, and reads those of the other."""

    name: str
    make: list[str]
    read: list[str]
    form: Callable[[int, Any], Any]
    """Of what it says about a control message."""

    def made(self, draft: int, seed: int, count: int) -> list[str]:
        command = [*self.make, str(draft), str(seed), str(count)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    def answers(self, questions: list[str]) -> list[str]:
        asked = "\n".join(questions) + "\n"
        told = subprocess.run(self.read, input=asked, capture_output=True, text=True, check=True)
        answers = told.stdout.splitlines()
        if len(answers) != len(questions):
            raise SystemExit(f"compare_codecs: {len(questions)} questions, {len(answers)} answers of {self.name}")
        return answers

    def meaning(self, draft: int, kind: str, said: str) -> Any:
        """What it says, in the form that both have."""
        form = json.loads(said)
        if kind == "control":
            return self.form(draft, form)
        for each in form.get("objects", []):
            if "object_payload" in each:  # how the fields of an object of a FETCH were written
                each.pop("serialization_flags", None)
        return form


def has_one_way(draft: int, kind: str, said: str) -> bool:
    """Whether what was said has one encoding."""
    if kind == "datagram":
        return json.loads(said)["object_id"] != 0  # which may be left out
    if kind != "control" or draft < 20:
        return True
    form = json.loads(said)
    # A FETCH with a filter of type 0 is one without.
    return form["type"] != "fetch" or {"filter_type": 0} not in [
        each.get("value") for each in form["fields"]["parameters"]
    ]


def name_of(kind: str, meaning: Any) -> str:
    return meaning["type"] if kind == "control" else "fetch" if kind == "descending" else kind


def disagreements_over_corpus(writer: Codec, reader: Codec, draft: int, seed: int, count: int) -> Iterator[str]:
    """What `writer` makes up, `reader` must read as it was meant, and write the same bytes where there is one way."""
    lines = [line.split(" ", 3) for line in writer.made(draft, seed, count)]
    kinds: Counter[str] = Counter()
    answers = reader.answers([" ".join(line[:3]) for line in lines])
    for (_, kind, written, said), answer in zip(lines, answers, strict=True):
        meant = writer.meaning(draft, kind, said)
        name = name_of(kind, meant)
        kinds[name] += 1
        title = f"draft-{draft}, {name}, {writer.name} to {reader.name}: {written}"
        verdict, *rest = answer.split(" ", 2)
        if verdict != "ok":
            yield f"{title}\n    refused: {answer}\n    meant:   {meant}"
            continue
        again, understood = rest
        if (found := reader.meaning(draft, kind, understood)) != meant:
            yield f"{title}\n    meant: {meant}\n    read:  {found}"
        elif again not in ("-", written) and has_one_way(draft, kind, said):
            yield f"{title}\n    written again: {again}\n    meant:         {meant}"
    control = sum(number for name, number in kinds.items() if name.isupper())
    data = ", ".join(f"{kinds[name]} {name}s" for name in ("subgroup", "fetch", "datagram")).replace(
        "fetchs", "fetches"
    )
    print(
        f"draft-{draft}, {writer.name} to {reader.name}: {control} control messages of"
        f" {sum(name.isupper() for name in kinds)} kinds, {data}"
    )


def bytes_of(value: object) -> str:
    if isinstance(value, str):
        return re.sub("[~# ]", "", value)
    assert isinstance(value, list)
    return "".join(part.replace(" ", "") if isinstance(part, str) else part["repeat"] * part["count"] for part in value)


def disagreements_over_vectors(peer: Codec, draft: int) -> Iterator[str]:
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
    lenient = 0
    for (stem, kind, vector, text), answer in zip(meant, peer.answers(questions), strict=True):
        name = f"draft{draft}/{stem}/{vector['name']}"
        refused = answer.startswith("no ")
        if "error" in vector:
            lenient += not refused
            continue
        again = answer.split(" ")[1]
        same = kind in ("fetch", "descending") or not vector.get("canonical") or again == text
        if (refused or not same) and not any(re.fullmatch(each, name) for each in EXPECTED):
            yield f"{name}\n    ours:   {text[:120]}\n    moqtap: {answer[:200]}"
    print(f"draft-{draft}: {len(meant)} vectors, of which moqtap reads {lenient} that are refused here")


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("build", type=Path)
    arguments.add_argument("--count", type=int, default=20_000)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    build = options.build.resolve()
    program = str(build / "tests" / "unit" / "vectors" / "wire_corpus")
    peer = str(built_peer(build))
    ours = Codec("ours", [program, "make"], [program, "read"], codec_meanings.ours)
    theirs = Codec("moqtap", [peer, "make"], [peer], codec_meanings.moqtap)
    found = []
    for draft in DRAFTS:
        found += disagreements_over_corpus(ours, theirs, draft, options.seed, options.count)
        found += disagreements_over_corpus(theirs, ours, draft, options.seed, options.count)
        found += disagreements_over_vectors(theirs, draft)
    for each in found:
        print(each)
    print(f"{len(found)} disagreements")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
