"""moqt-relay, moqt-pub and moqt-sub as processes. Every wait has a deadline and then shows what was printed."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
APPS = Path(os.environ.get("MSQUIC_PY_APPS", REPOSITORY / "build" / "dev" / "apps"))
DEADLINE = 40.0


def program(name: str) -> str:
    path = APPS / name / name
    if not path.exists():
        pytest.skip(f"{path} is not built (make develop builds it; MSQUIC_PY_APPS names another folder)")
    return str(path)


class Program:
    """One running program; its standard output and error are read as they come."""

    def __init__(self, name: str, *arguments: object, standard_input: Any = subprocess.DEVNULL) -> None:
        self.name = name
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [program(name), *map(str, arguments)],
            stdin=standard_input,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._readers = [
            threading.Thread(target=self._read, args=(pipe,), daemon=True)
            for pipe in (self.process.stdout, self.process.stderr)
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe: Any) -> None:
        for line in pipe:
            with self._changed:
                self.lines.append(line.decode(errors="replace").rstrip())
                self._changed.notify_all()
        pipe.close()

    @property
    def text(self) -> str:
        return f"--- {self.name}\n" + "\n".join(self.lines)

    def line(self, pattern: str, seconds: float = DEADLINE) -> re.Match[str]:
        """The first line that matches, now or as soon as it comes."""

        def found() -> re.Match[str] | None:
            return next((match for text in self.lines if (match := re.search(pattern, text))), None)

        with self._changed:
            self._changed.wait_for(lambda: found() is not None, seconds)
        match = found()
        assert match is not None, f"no line matches {pattern!r}\n{self.text}"
        return match

    def exit_code(self, seconds: float = DEADLINE) -> int:
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not end in {seconds} seconds\n{self.text}") from None
        for reader in self._readers:
            reader.join(5)
        return code

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()

    def resident_kib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        match = re.search(r"VmRSS:\s+(\d+)", status)
        assert match is not None
        return int(match[1])


class Programs:
    """What one test runs; whatever is left is killed at its end."""

    def __init__(self) -> None:
        self.all: list[Program] = []

    def start(self, name: str, *arguments: object, standard_input: Any = subprocess.DEVNULL) -> Program:
        running = Program(name, *arguments, standard_input=standard_input)
        self.all.append(running)
        return running

    def relay(self, *arguments: object) -> Relay:
        return Relay(self, *arguments)

    def close(self) -> None:
        for running in self.all:
            running.kill()


class Relay:
    """A relay with a development certificate on a free port."""

    def __init__(self, programs: Programs, *arguments: object, port: int = 0) -> None:
        self.programs = programs
        self.program = programs.start("moqt-relay", "--host", "127.0.0.1", "--port", port, *arguments)
        self.port = int(self.program.line(r"listening on port (\d+)")[1])
        self.fingerprint = self.program.line(r"SHA-256 ([0-9A-F:]+)")[1]

    @property
    def client_arguments(self) -> tuple[object, ...]:
        return ("--host", "127.0.0.1", "--port", self.port, "--fingerprint", self.fingerprint)

    def publisher(self, *arguments: object, standard_input: Any = subprocess.DEVNULL) -> Program:
        return self.programs.start("moqt-pub", *self.client_arguments, *arguments, standard_input=standard_input)

    def subscriber(self, *arguments: object) -> Program:
        return self.programs.start("moqt-sub", *self.client_arguments, *arguments)

    def stop(self) -> None:
        """Drains it; it must have lived until now and leave as it should."""
        assert self.program.process.poll() is None, f"the relay has ended\n{self.program.text}"
        self.program.terminate()
        assert self.program.exit_code() == 0, self.program.text


def frame(payload: bytes) -> bytes:
    """One object of the length-framed format; an empty one begins a group."""
    return struct.pack(">I", len(payload)) + payload


def payloads(framed: bytes) -> list[bytes]:
    found = []
    while framed:
        (length,) = struct.unpack_from(">I", framed)
        if length:
            found.append(framed[4 : 4 + length])
        framed = framed[4 + length :]
    return found


class HealthyStream:
    """A publisher and a subscriber on a relay, with numbered objects flowing, to see whether anything is missed."""

    def __init__(self, relay: Relay, output: Path, *, interval: float = 0.01, size: int = 600) -> None:
        self.output = output
        self.sent: list[bytes] = []
        self._stop = threading.Event()
        self.subscriber = relay.subscriber("--output", output, "--format", "framed", "--namespace", "healthy")
        self.subscriber.line("waiting for healthy")
        self.publisher = relay.publisher("--format", "framed", "--namespace", "healthy", standard_input=subprocess.PIPE)
        self.publisher.line(r"1 subscriber\(s\)")
        self._interval, self._size = interval, size
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def _write(self) -> None:
        pipe = self.publisher.process.stdin
        assert pipe is not None
        while not self._stop.wait(self._interval):
            payload = struct.pack(">Q", len(self.sent)).ljust(self._size, b".")
            pipe.write((frame(b"") if len(self.sent) % 25 == 0 else b"") + frame(payload))
            pipe.flush()
            self.sent.append(payload)
        pipe.close()

    def finish(self) -> int:
        """Ends the publisher; everything must have arrived, in order. How many objects it was."""
        self._stop.set()
        self._writer.join(10)
        for program in (self.publisher, self.subscriber):
            code = program.exit_code()
            assert code == 0, f"exit code {code}\n{program.text}"
        received = payloads(self.output.read_bytes())
        assert len(received) == len(self.sent)
        assert received == self.sent
        return len(received)


def wait_until(condition: Any, what: str, seconds: float = DEADLINE) -> None:
    """For what only the file system tells."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds} seconds"
        time.sleep(0.05)
