"""What the numbers were measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any


def cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or "unknown"
    found = re.search(r"model name\s*:\s*(.+)", text)
    return found.group(1) if found else platform.machine()


def compiler_of(build: Path) -> str:
    """The compiler and the build type of a CMake tree."""
    try:
        cache = (build / "CMakeCache.txt").read_text()
    except OSError:
        return "unknown"
    path = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", cache, re.MULTILINE)
    kind = re.search(r"^CMAKE_BUILD_TYPE:\w+=(.+)$", cache, re.MULTILINE)
    if path is None:
        return "unknown"
    shown = subprocess.run([path.group(1), "--version"], capture_output=True, text=True, check=False).stdout
    return f"{shown.splitlines()[0] if shown else path.group(1)}, {kind.group(1) if kind else 'no build type'}"


def version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def msquic_version() -> str:
    try:
        import msquic

        return str(msquic.library_version())
    except (ImportError, AttributeError):
        return "unknown"


def describe_machine(build: Path) -> dict[str, Any]:
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "load_at_the_start": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "compiler": compiler_of(build),
        "python": platform.python_version(),
        "msquic": msquic_version(),
        "aioquic": version_of("aioquic"),
    }


def print_machine(machine: Any) -> None:
    print(f"{machine['cores']} cores {machine['cpu']}, {machine['kernel']}")
    print(
        f"{machine['compiler']}; Python {machine['python']}; MsQuic {machine['msquic']}; aioquic {machine['aioquic']}"
    )
    load = machine["load_at_the_start"]
    if load is not None and load > 0.5:
        print(f"WARNING: the load of the machine is {load:.1f} already; delays and throughput will suffer")
