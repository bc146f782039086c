"""What drafts differ in is known to `moqt/wire`, the request path and `moqt/model/draft.*` (docs/adding-a-draft.md)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY_COMPARE = ("src/moqt/wire/", "src/moqt/session/request_path/", "src/moqt/model/draft.")

COMPARISON = re.compile(
    r"""\bcase\s+(?:\w+::)*Draft::k\d
      | \b(?:\w+::)*Draft::k\d+\s*(?:[=!]=|\s[<>]=?\s)
      | (?:[=!]=|\s[<>]=?)\s*(?:\w+::)*Draft::k\d
      | \bswitch\s*\([^)]*draft""",
    re.VERBOSE,
)


def comparisons(path: str, text: str) -> list[str]:
    if path.startswith(MAY_COMPARE):
        return []
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        code = line.split("//")[0]
        if COMPARISON.search(code):
            found.append(f"{path}:{number}: {line.strip()}")
    return found


def test_nothing_above_the_codec_compares_drafts() -> None:
    found = []
    for folder in ("src", "apps", "python/bindings"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".h", ".cpp"):
                found += comparisons(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "if (draft == Draft::k15) return;",
        "if (moqt::Draft::k18 <= draft_) return;",
        "return session.draft() >= Draft::k18 ? a : b;",
        "    case Draft::k16: break;",
        "  switch (negotiated_draft) {",
    ],
)
def test_a_comparison_is_found(line: str) -> None:
    assert comparisons("src/relay/track.cpp", line)
    assert not comparisons("src/moqt/wire/codec.cpp", line)


@pytest.mark.parametrize(
    "line", ["TrackWriter(FullTrackName track, Draft draft = Draft::k15);", "codec_for(Draft::k15)"]
)
def test_naming_a_draft_is_no_comparison(line: str) -> None:
    assert not comparisons("src/relay/track.cpp", line)
