"""The programs of examples/cpp, as docs/cpp.md shows them: publisher -> embedded relay -> subscriber."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from running import Running, output_of, start_program

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(os.environ.get("MSQUIC_PY_CPP_EXAMPLES", ROOT / "build" / "dev" / "examples" / "cpp"))


def program(name: str) -> Path:
    path = PROGRAMS / name
    if not path.exists():
        pytest.skip(f"{path} is not built (make test builds it; MSQUIC_PY_CPP_EXAMPLES names another folder)")
    return path


def stripped(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_the_page_shows_what_is_built() -> None:
    page = (ROOT / "docs" / "cpp.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```cpp\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    sources = [stripped(path.read_text(encoding="utf-8")) for path in (ROOT / "examples" / "cpp").glob("*.cpp")]
    assert len(sources) == 4
    assert len(blocks) >= 4
    for block in blocks:
        wanted = stripped(block)
        places = [source[at : at + len(wanted)] for source in sources for at in range(len(source))]
        assert wanted in places, f"no program of examples/cpp has this:\n{block}"
    shown = re.findall(r"examples/cpp/(\w+)\.cpp", page)
    assert sorted(shown) == sorted(path.stem for path in (ROOT / "examples" / "cpp").glob("*.cpp"))
    headers = re.findall(r"`(\w+(?:/\w+)+\.h)`", page)
    assert [name for name in headers if not (ROOT / "src" / name).is_file()] == []


async def relay(tmp_path: Path, certificate) -> tuple[Running, tuple[object, ...]]:
    running = await start_program(
        program("cpp-relay"), 0, certificate.certificate_file, certificate.private_key_file, cwd=tmp_path
    )
    port = (await running.line(r"listening on port (\d+)"))[1]
    return running, ("localhost", port, certificate.certificate_file)


async def test_echo() -> None:
    assert await output_of(program("cpp-echo"), "hello") == "hello"
    assert await output_of(program("cpp-echo"), "") == ""
    large = "x" * 50_000
    assert await output_of(program("cpp-echo"), large) == large


async def test_publisher_relay_subscriber(tmp_path: Path, certificate) -> None:
    relaying, where = await relay(tmp_path, certificate)
    try:
        receiving = await start_program(program("cpp-subscriber"), *where)
        publishing = await start_program(program("cpp-publisher"), *where)
        assert await publishing.exit_code() == 0, publishing.text
        assert await receiving.exit_code() == 0, receiving.text
        # Each group has a stream of its own, and streams may overtake each other.
        assert sorted(receiving.lines[1:]) == ["0/0 tick 0", "1/0 tick 1", "2/0 tick 2"]
        await relaying.interrupt()
        assert await relaying.exit_code() == 0, relaying.text
        assert relaying.lines[-1] == "delivered 3 objects"
    finally:
        await relaying.end()


async def test_mistakes_are_told(tmp_path: Path, certificate) -> None:
    relaying, where = await relay(tmp_path, certificate)
    try:
        other = tmp_path / "other.pem"
        await output_of(
            sys.executable, "-c", f"import msquic; msquic.generate_development_certificate({str(tmp_path / 'o')!r})"
        )
        other.write_bytes((tmp_path / "o" / "cert.pem").read_bytes())
        for name in ("cpp-publisher", "cpp-subscriber"):
            mistaken = await start_program(program(name), *where[:2], other)
            assert await mistaken.exit_code() == 1
            assert "the connection ended: " in mistaken.text
            assert re.search("certificate", mistaken.text)
            assert await (await start_program(program(name))).exit_code() == 2
    finally:
        await relaying.end()
