"""tools/check_layers.py passes on this repository and fails on each kind of violation."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def check(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "tools/check_layers.py"), str(root)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/layers.toml", tmp_path / "tools/layers.toml")
    for name in ("src/base/bytes.h", "src/moqt/model/draft.h", "src/moqt/wire/reader.h", "src/quic/stream.h"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#pragma once\n#include <vector>\n")
    return tmp_path


def test_the_repository_obeys() -> None:
    result = check(ROOT)
    assert result.returncode == 0, result.stdout


def test_allowed_includes_pass(tree: Path) -> None:
    (tree / "src/moqt/wire/reader.cpp").write_text('#include "moqt/wire/reader.h"\n#include "base/bytes.h"\n')
    (tree / "src/quic/stream.cpp").write_text('#include <msquic.h>\n#include "quic/stream.h"\n')
    result = check(tree)
    assert result.returncode == 0, result.stdout
    assert "layers: 6 files, 0 violations" in result.stdout


@pytest.mark.parametrize(
    ("path", "line", "message"),
    [
        ("src/base/x.h", '#include "moqt/model/draft.h"', "base may not include moqt/model"),
        ("src/moqt/wire/x.cpp", '#include "quic/stream.h"', "moqt/wire may not include quic"),
        ("src/moqt/wire/x.cpp", "#include <quic/stream.h>", "moqt/wire may not include quic"),
        ("src/runtime/session_driver.cpp", '#include "quic/stream.h"', "of runtime, only endpoint"),
        ("src/moqt/wire/x.cpp", "  #  include <msquic.h>", "<msquic.h> may be included by"),
        ("src/moqt/model/x.cpp", "#include <openssl/ssl.h>", "<openssl/ssl.h> may be included by"),
        ("src/quic/x.cpp", "#include <spdlog/spdlog.h>", "<spdlog/spdlog.h> may be included by"),
        ("src/quic/x.cpp", '#include "stream.h"', "is not named from src/"),
        ("src/quic/x.cpp", '#include "quic/absent.h"', "does not exist"),
        ("src/quic/x.cpp", "#include HEADER", "must be written out"),
        ("src/other/x.cpp", "", "belongs to no layer"),
        ("src/moqt/session/x.cpp", "if (draft_ >= Draft::k18) f();", "which draft it is may be asked in"),
        ("src/relay/x.cpp", "const bool old = moqt::Draft::k15 == draft;", "which draft it is may be asked in"),
        ("src/relay/x.cpp", "  case moqt::Draft::k18: return 1;", "which draft it is may be asked in"),
        ("apps/relay/main.cpp", "#include <msquic.h>", "<msquic.h> may be included by"),
        ("python/bindings/x.cpp", "#include <openssl/ssl.h>", "<openssl/ssl.h> may be included by"),
        ("tests/unit/moqt/wire/x.cpp", "#include <msquic.h>", "<msquic.h> may be included by"),
    ],
)
def test_each_violation_is_found(tree: Path, path: str, line: str, message: str) -> None:
    file = tree / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{line}\n")
    result = check(tree)
    assert result.returncode == 1
    assert path in result.stdout
    assert message in result.stdout


def test_a_layer_may_not_list_one_below_it(tree: Path) -> None:
    table = tree / "tools/layers.toml"
    table.write_text(table.read_text().replace('"base" = []', '"base" = ["quic"]'))
    result = check(tree)
    assert result.returncode == 1
    assert "arrows point one way" in result.stdout


def test_an_empty_tree_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/layers.toml", tmp_path / "tools/layers.toml")
    assert check(tmp_path).returncode == 1
