#!/usr/bin/env python3
"""Checks that every #include obeys the layers of tools/layers.toml.

Usage: check_layers.py [ROOT]     (default: the repository this file stands in)

In src/ a file may include its own layer, the layers its layer lists, and only those third-party headers that its layer
may use. Programs, bindings, tests and benchmarks may include every layer but only the third-party headers allowed to
them. No layer may include a program, a binding or a test. Which draft of MOQT is spoken is asked in the places of
[drafts] alone. Prints one line per violation; exit code 1 when there is any.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*(?:include|import)\s*(?:"(?P<quoted>[^"]+)"|<(?P<angled>[^>]+)>)')
INCLUDE_MACRO = re.compile(r"^\s*#\s*include\s+[A-Za-z_]")
DRAFT_QUESTION = re.compile(
    r"(?: [=!<>]=| [<>]|\bcase|\bsince\(|\buntil\() ?(?:\w+::)*Draft::k\d|\bDraft::k\d+ (?:[=!<>]=|[<>] )"
)
SOURCE_SUFFIXES = {".h", ".hpp", ".c", ".cc", ".cpp", ".inc"}
# Folders outside src/ that are checked for third-party headers, and what their own quoted includes are relative to.
OUTSIDE = ("apps", "python/bindings", "tests", "bench")


class LayerRules:
    def __init__(self, root: Path) -> None:
        data = tomllib.loads((root / "tools/layers.toml").read_text(encoding="utf-8"))
        self.layers: dict[str, list[str]] = data["layers"]
        self.headers: dict[str, list[str]] = data.get("headers", {})
        self.only: dict[tuple[str, str], list[str]] = {
            (includer, included): files
            for key, files in data.get("only", {}).items()
            for includer, _, included in [key.partition(" -> ")]
        }
        self.draft_places: tuple[str, ...] = tuple(data.get("drafts", {}).get("asked_in", []))
        # The longest name first: "moqt/wire" before "moqt".
        self.names = sorted(self.layers, key=len, reverse=True)

    def layer_of(self, path: str) -> str | None:
        return next((name for name in self.names if path == name or path.startswith(name + "/")), None)

    def faults_in_table(self) -> Iterator[str]:
        seen: set[str] = set()
        for includer, included in self.only:
            if included not in self.layers.get(includer, []):
                yield f"tools/layers.toml: [only] names {includer} -> {included}, which [layers] does not allow"
        for layer, allowed in self.layers.items():
            for other in allowed:
                if other not in self.layers:
                    yield f"tools/layers.toml: {layer} lists {other}, which is no layer"
                elif other not in seen:
                    yield f"tools/layers.toml: {layer} lists {other}, which stands below it: arrows point one way"
            seen.add(layer)

    def header_owners(self, include: str) -> list[str] | None:
        for pattern, owners in self.headers.items():
            if include == pattern or (pattern.endswith("/") and include.startswith(pattern)):
                return owners
        return None


def includes(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Yields (line number, included name, whether quoted); a computed include yields an empty name."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := INCLUDE.match(line):
            quoted = match["quoted"]
            yield number, quoted if quoted is not None else match["angled"], quoted is not None
        elif INCLUDE_MACRO.match(line):
            yield number, "", False


def sources(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(p for p in folder.rglob("*") if p.suffix in SOURCE_SUFFIXES and p.is_file())


def check_src(root: Path, rules: LayerRules) -> Iterator[str]:
    for path in sources(root / "src"):
        relative = path.relative_to(root / "src").as_posix()
        layer = rules.layer_of(relative)
        if layer is None:
            yield f"src/{relative}: belongs to no layer of tools/layers.toml"
            continue
        allowed = {layer, *rules.layers[layer]}
        for number, name, quoted in includes(path):
            where = f"src/{relative}:{number}"
            if not name:
                yield f"{where}: the name of an include must be written out"
                continue
            owners = rules.header_owners(name)
            if owners is not None:
                if layer not in owners:
                    yield f"{where}: <{name}> may be included by {', '.join(owners)} only"
                continue
            target = rules.layer_of(name)
            if target is None:
                if quoted:
                    yield f'{where}: "{name}" is not named from src/ by its layer'
            elif not (root / "src" / name).is_file():
                if quoted:
                    yield f'{where}: "{name}" does not exist'
            elif target not in allowed:
                yield f"{where}: {layer} may not include {target} ({name})"
            elif target != layer and path.stem not in rules.only.get((layer, target), [path.stem]):
                yield f"{where}: of {layer}, only {', '.join(rules.only[layer, target])} may include {target} ({name})"


def check_drafts(root: Path, rules: LayerRules) -> Iterator[str]:
    for path in sources(root / "src"):
        relative = path.relative_to(root / "src").as_posix()
        if relative.startswith(rules.draft_places):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if DRAFT_QUESTION.search(line):
                yield f"src/{relative}:{number}: which draft it is may be asked in {', '.join(rules.draft_places)} only"


def check_outside(root: Path, rules: LayerRules) -> Iterator[str]:
    for folder in OUTSIDE:
        for path in sources(root / folder):
            relative = path.relative_to(root).as_posix()
            if relative.startswith("tests/package/"):
                continue
            for number, name, _quoted in includes(path):
                owners = rules.header_owners(name) if name else None
                if owners is None:
                    continue
                # A layer's own tests may use what the layer may use.
                mirrored = (
                    rules.layer_of(relative.removeprefix("tests/unit/")) if relative.startswith("tests/unit/") else None
                )
                if mirrored not in owners and not any(relative.startswith(owner + "/") for owner in owners):
                    yield f"{relative}:{number}: <{name}> may be included by {', '.join(owners)} only"


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]).resolve() if arguments else Path(__file__).resolve().parent.parent
    rules = LayerRules(root)
    faults = [
        *rules.faults_in_table(),
        *check_src(root, rules),
        *check_drafts(root, rules),
        *check_outside(root, rules),
    ]
    for fault in faults:
        print(fault)
    count = sum(1 for folder in ("src", *OUTSIDE) for _ in sources(root / folder))
    print(f"layers: {count} files, {len(faults)} violations")
    if count == 0:
        print("layers: nothing to check", file=sys.stderr)
        return 1
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
