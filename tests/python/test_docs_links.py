"""Every link of the pages to a file of the repository, and to a heading of it, leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://)([^)\s]+)\)")


def prose(page: Path) -> str:
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    found = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in found}


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in PAGES])
def test_links(page: str) -> None:
    here = ROOT / page
    broken = []
    for link in LINK.findall(prose(here)):
        target, _, anchor = link.partition("#")
        path = here.parent / target if target else here
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(link)
    assert not broken


def test_every_page_is_linked_from_somewhere() -> None:
    linked = set()
    for page in PAGES:
        for link in LINK.findall(prose(page)):
            path = (page.parent / link.partition("#")[0]).resolve()
            linked.update(path.glob("*.md") if path.is_dir() else [path])
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in linked] == []
