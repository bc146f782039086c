"""A benchmark program that runs: what it is told, what it says, and what the system knows of it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


class EndpointFailed(Exception):
    """The program ended, or did not answer in time."""


class Endpoint:
    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        self.command = command
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, **(environment or {})},
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._errors: list[str] = []
        threading.Thread(target=self._read_answers, daemon=True).start()
        self._error_reader = threading.Thread(target=self._read_errors, daemon=True)
        self._error_reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def line(self, seconds: float) -> str:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise EndpointFailed(f"{self.name} says nothing for {seconds:.0f} s{self._last_error()}") from None
        if line is None:
            self._error_reader.join(5)
            raise EndpointFailed(f"{self.name} ended{self._last_error()}")
        return line

    def ask(self, command: str, seconds: float) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
        except OSError:
            raise EndpointFailed(f"{self.name} ended{self._last_error()}") from None
        answer: dict[str, Any] = json.loads(self.line(seconds))
        return answer

    def port(self) -> int:
        """What a server says first."""
        greeting = self.line(30)
        if not greeting.startswith("listening on port "):
            raise EndpointFailed(f"{self.name} says {greeting!r}")
        return int(greeting.rsplit(" ", 1)[1])

    def end_input(self) -> None:
        """Makes the program end."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def close(self) -> None:
        self.end_input()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return
        if self._process.returncode < 0:
            print(f"{self.name} crashed: signal {-self._process.returncode}", file=sys.stderr)

    def __enter__(self) -> Endpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        return " ".join(Path(word).name for word in self.command[:4])

    def resident_bytes(self) -> int:
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def context_switches(self) -> dict[int, int]:
        """Of each thread: how often it was woken or put aside. The event loop is the thread whose number is `pid`."""
        switches = {}
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            status = (task / "status").read_text()
            switches[int(task.name)] = sum(
                int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line
            )
        return switches

    def _last_error(self) -> str:
        return f": {self._errors[-1].strip()}" if self._errors else ""

    def _read_answers(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._errors.append(line)
            del self._errors[:-20]


def close_all(endpoints: list[Endpoint]) -> None:
    """The clients first, so that the servers see them go."""
    for endpoint in endpoints:
        endpoint.end_input()
    for endpoint in endpoints:
        endpoint.close()
