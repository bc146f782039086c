"""Every Python block in docs/ runs, and prints what the page says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import docs_snippets

ROOT = Path(__file__).resolve().parents[2]
RUNNER = Path(docs_snippets.__file__)

# Pages whose folder holds more than a certificate have a test of their own.
ELSEWHERE = {"reference/tls.md": "test_reference_tls.py"}


def pages() -> list[str]:
    docs = ROOT / "docs"
    found = [str(page.relative_to(docs)) for page in sorted(docs.rglob("*.md")) if docs_snippets.snippets(page)]
    return [page for page in found if page not in ELSEWHERE]


def run(page: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(RUNNER), str(page)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=55, check=False)


@pytest.mark.parametrize("page", pages())
def test_page(page: str, tmp_path: Path, certificate) -> None:
    if "from-aioquic" in page:
        pytest.importorskip("aioquic")
    shutil.copy(certificate.certificate_file, tmp_path / "cert.pem")
    shutil.copy(certificate.private_key_file, tmp_path / "key.pem")
    done = run(ROOT / "docs" / page, tmp_path)
    assert done.returncode == 0, done.stderr


def test_pages_with_a_test_of_their_own() -> None:
    for page, test in ELSEWHERE.items():
        if (ROOT / "docs" / page).exists():
            assert page.split("/")[-1] in (ROOT / "tests" / "python" / test).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```python\nx = 1\nawait __import__('asyncio').sleep(0)\nprint(x)\n```\n\n```text\n1\n```\n", 0),
        ("```python\nx = 1\n```\n\n```python\nprint(x)\n```\n\n```text\n2\n```\n", 1),
        ("text\n\n```python\nraise RuntimeError\n```\n", 1),
    ],
    ids=["await and output", "another output", "an exception"],
)
def test_the_runner_itself(text: str, code: int, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    assert run(page, tmp_path).returncode == code
