"""An interpreter for aiopquic, which has packages for Python 3.12 and later only."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = "aiopquic"
OLDEST = (3, 12)


def version_of(python: str) -> tuple[int, int] | None:
    command = [python, "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.fullmatch(r"(\d+) (\d+)\s*", shown)
    return (int(found[1]), int(found[2])) if found else None


def candidates() -> list[str]:
    """This interpreter, those on PATH, and pyenv's."""
    named = [shutil.which(f"python3.{minor}") for minor in (14, 13, 12)]
    pyenv = sorted(Path.home().glob(".pyenv/versions/3.1[2-9]*/bin/python"), reverse=True)
    return [sys.executable, *(path for path in named if path), *map(str, pyenv)]


def has_package(python: str) -> bool:
    done = subprocess.run([python, "-c", f"import {PACKAGE}"], capture_output=True, check=False, timeout=60)
    return done.returncode == 0


def aiopquic_python(folder: Path) -> tuple[str, str]:
    """The interpreter of an environment in `folder` that has aiopquic, made when there is none; else why not."""
    python = folder / "bin/python"
    if python.exists() and has_package(str(python)):
        return str(python), ""
    newer = next((path for path in candidates() if (version_of(path) or (0, 0)) >= OLDEST), None)
    if newer is None:
        return "", "needs Python 3.12 or later, and there is none on PATH or in ~/.pyenv"
    try:
        subprocess.run([newer, "-m", "venv", "--clear", str(folder)], capture_output=True, check=True, timeout=120)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]
        subprocess.run(install, capture_output=True, text=True, check=True, timeout=180)
    except (OSError, subprocess.SubprocessError) as failure:
        said = getattr(failure, "stderr", None) or str(failure)
        return "", f"cannot be installed: {str(said).strip().splitlines()[-1]}"
    return str(python), ""
