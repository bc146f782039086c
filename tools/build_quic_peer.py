#!/usr/bin/env python3
"""Builds the quinn endpoint of tests/peers/quinn, once per change of it, and prints where it is.

It is kept outside the build tree, like MsQuic: in MSQUIC_PY_CACHE, or ~/.cache/msquic-py. Exit code 3, with the reason
on standard error, when there is no cargo that is new enough.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "tests" / "peers" / "quinn"
OLDEST = (1, 85)
NO_TOOLCHAIN = 3


def cache() -> Path:
    if named := os.environ.get("MSQUIC_PY_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "msquic-py"


def cargo() -> tuple[str, str]:
    """The program and its version. Raises LookupError when there is none, or an old one."""
    program = shutil.which("cargo") or shutil.which("cargo", path=str(Path.home() / ".cargo" / "bin"))
    if program is None:
        raise LookupError("cargo is not installed")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    match = re.search(r"(\d+)\.(\d+)", version)
    if match is None or (int(match[1]), int(match[2])) < OLDEST:
        raise LookupError(f"{version or 'cargo'} is too old: quinn needs {OLDEST[0]}.{OLDEST[1]}")
    return program, version


def digest(version: str) -> str:
    content = hashlib.sha256(version.encode())
    for path in sorted([SOURCE / "Cargo.toml", SOURCE / "Cargo.lock", *SOURCE.glob("src/*.rs")]):
        content.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return content.hexdigest()[:16]


def main() -> int:
    try:
        program, version = cargo()
    except LookupError as error:
        print(f"the quinn peer cannot be built: {error}", file=sys.stderr)
        return NO_TOOLCHAIN
    folder = cache() / "quic-peer"
    folder.mkdir(parents=True, exist_ok=True)
    built = folder / f"quic-peer-{digest(version)}"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            command = [program, "build", "--release", "--locked", "--quiet", "--target-dir", str(folder / "target")]
            subprocess.run(command, cwd=SOURCE, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
            # Renamed into place: whoever sees it sees all of it.
            shutil.copy2(folder / "target" / "release" / "quic-peer", built.with_suffix(".new"))
            built.with_suffix(".new").rename(built)
    print(built)
    return 0


if __name__ == "__main__":
    sys.exit(main())
