"""The quinn endpoint of tests/peers/quinn as a process."""

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from json_program import JsonProgram

_BUILD = Path(__file__).parents[2] / "tools" / "build_quic_peer.py"
_NO_TOOLCHAIN = 3


@functools.cache
def program() -> Path:
    """The built program. Skips the test where the toolchain is missing or too old."""
    result = subprocess.run([sys.executable, str(_BUILD)], capture_output=True, text=True, check=False)
    if result.returncode == _NO_TOOLCHAIN:
        pytest.skip(result.stderr.strip())
    assert result.returncode == 0, result.stderr
    return Path(result.stdout.strip())


class QuinnPeer(JsonProgram):
    port = 0

    async def connect(self, port: int, name: str = "localhost", *, early: bool = False) -> dict[str, Any]:
        self.tell(f"connect 127.0.0.1:{port} {name}{' early' if early else ''}")
        return await self.event("connected")

    async def set_mode(self, mode: str) -> None:
        self.tell(f"mode {mode}")
        await self.event("mode")


@contextlib.asynccontextmanager
async def quinn(*arguments: object, prefix: tuple[str, ...] = ()) -> AsyncIterator[QuinnPeer]:
    """Starts the program. `prefix`: a command that runs it, for example in a network namespace."""
    async with QuinnPeer.start(*prefix, program(), *arguments) as peer:
        peer.port = (await peer.event("ready"))["port"]
        yield peer


def quinn_client(certificate: Any, *arguments: object, alpn: str = "test", prefix: tuple[str, ...] = ()) -> Any:
    return quinn("client", "--ca", certificate.ca_file, "--alpn", alpn, *arguments, prefix=prefix)


def quinn_server(certificate: Any, *arguments: object, alpn: str = "test") -> Any:
    files = ("--certificate", certificate.certificate_file, "--key", certificate.private_key_file)
    return quinn("server", *files, "--alpn", alpn, *arguments)
