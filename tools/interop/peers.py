"""The independent implementations: where they are, and how they get there."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AIOMOQT = "aiomoqt==0.13.3"
CRATES = {"moq-test-client": "0.2.0", "moq-relay-ietf": "0.8.0", "moq-clock-ietf": "0.6.25"}


class Missing(Exception):
    """A peer that cannot be had here, and why."""


def cache() -> Path:
    """MSQUIC_PY_CACHE, or ~/.cache/msquic-py: what is built once, and outside of the build tree."""
    if named := os.environ.get("MSQUIC_PY_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "msquic-py"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time builds into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class Peers:
    """Finds each peer, or builds it."""

    folder: Path
    """Where they are, and are built to."""
    build: bool = True
    jobs: int = 2

    def crate(self, name: str) -> Path:
        """The program of that crate. Building the three takes about ten minutes on two processors."""
        root = self.folder / f"{name}-{CRATES[name]}"
        program = root / "bin" / name
        if program.exists():
            return program
        if not self.build:
            raise Missing(f"{program} is not there, and --no-build was given")
        cargo = shutil.which("cargo") or shutil.which("cargo", path=str(Path.home() / ".cargo" / "bin"))
        if cargo is None:
            raise Missing("cargo is not installed")
        with _alone(self.folder):
            print(f"building {name} {CRATES[name]}", file=sys.stderr, flush=True)
            # With --locked the versions that its authors tested; they share what they have in common.
            command = [cargo, "install", "--quiet", "--locked", "--root", str(root), "--jobs", str(self.jobs)]
            command += ["--version", CRATES[name], name]
            environment = {**os.environ, "CARGO_TARGET_DIR": str(self.folder / "target")}
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0 or not program.exists():
            raise Missing(f"{name} {CRATES[name]} cannot be built")
        return program

    def aiomoqt(self, name: str) -> Path:
        """A program of aiomoqt, in an environment of its own."""
        folder = self.folder / AIOMOQT.replace("==", "-")
        program = folder / "bin" / name
        if program.exists():
            return program
        if not self.build:
            raise Missing(f"{program} is not there, and --no-build was given")
        python = newer_python()
        with _alone(self.folder):
            for command in (
                [python, "-m", "venv", "--clear", str(folder)],
                [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", AIOMOQT],
            ):
                done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    raise Missing(f"{AIOMOQT} cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
        return program

    def moq_rs(self) -> None:
        """The wheel, in this very environment (the group `test` has it)."""
        if importlib.util.find_spec("moq") is None:
            raise Missing("moq-rs is not installed")


def newer_python() -> str:
    """Python 3.12 or later: this one, one on PATH, or pyenv's."""
    if sys.version_info >= (3, 12):
        return sys.executable
    named = [shutil.which(f"python3.{minor}") for minor in (14, 13, 12)]
    pyenv = sorted(map(str, Path.home().glob(".pyenv/versions/3.1[2-9]*/bin/python")))
    for each in [*filter(None, named), *pyenv]:
        tried = subprocess.run(
            [each, "-c", "import sys; sys.exit(sys.version_info < (3, 12))"], capture_output=True, check=False
        )
        if tried.returncode == 0:
            return each
    raise Missing("aiomoqt needs Python 3.12 or later, and there is none on PATH or in ~/.pyenv")
