"""Our publishers and subscribers through somebody else's relay."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from cell import Cell, Failed, Place
from peers import ROOT

import msquic
from relay_programs import Program, frame, payloads

GROUPS = [[bytes([65 + group]) * (1 + 400 * item) for item in range(5)] for group in range(10)]
OBJECTS = [payload for group in GROUPS for payload in group]
PAUSE = 0.05
"""Seconds between groups, so that a live subscriber is never behind."""


def free_port() -> int:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class TheirRelay:
    """A relay of others on a free port, with a certificate of ours."""

    def __init__(self, place: Place, program: Path, arguments: Sequence[object], ready: str) -> None:
        self.place = place
        self.port = free_port()
        cert, key, self.fingerprint = msquic.generate_development_certificate(str(place.folder))
        named = {"PORT": str(self.port), "CERT": str(cert), "KEY": str(key), "FOLDER": str(place.folder)}
        words = [named.get(str(word), str(word)).replace("PORT", str(self.port)) for word in arguments]
        self.program = place.programs.start(str(program), *words)
        self.program.line(ready)
        time.sleep(0.3)  # some say so before their socket is bound

    @property
    def client_arguments(self) -> tuple[object, ...]:
        common = ("--host", "127.0.0.1", "--port", self.port, "--fingerprint", self.fingerprint, "--path", "/")
        return (*common, "--draft", self.place.draft)


def moq_relay_ietf(place: Place) -> TheirRelay:
    program = place.peers.crate("moq-relay-ietf")
    bind = ["--bind", "127.0.0.1:PORT", "--tls-cert", "CERT", "--tls-key", "KEY"]
    bind += ["--coordinator-file", str(place.folder / "coordinator.json")]
    return TheirRelay(place, program, bind, "listening|using file coordinator")


def aiomoqt_relay(place: Place) -> TheirRelay:
    program = place.peers.aiomoqt("moq-interop-relay")
    bind = ["--quic", "--bind", "127.0.0.1", "--port", "PORT", "--cert", "CERT", "--key", "KEY", "--draft", place.draft]
    return TheirRelay(place, program, bind, r"(?i)listening|serving|relay")


def feed(publisher: Program, groups: Sequence[Sequence[bytes]] = GROUPS) -> None:
    """Writes length-framed groups to its standard input, and ends that."""
    pipe = publisher.process.stdin
    assert pipe is not None
    for group in groups:
        pipe.write(frame(b"") + b"".join(frame(payload) for payload in group))
        pipe.flush()
        time.sleep(PAUSE)
    pipe.close()


def _objects(place: Place, relay: TheirRelay, *how: object) -> str:
    """Every object, once and in order, from moqt-pub to moqt-sub."""
    output = place.folder / "out.framed"
    namespace = ("--namespace", "interop/objects")
    publisher = place.programs.start(
        "moqt-pub", *relay.client_arguments, *namespace, *how, "--format", "framed", "-",
        standard_input=subprocess.PIPE,
    )  # fmt: skip
    publisher.line("publishing")
    subscriber = place.programs.start(
        "moqt-sub", *relay.client_arguments, *namespace, "--output", output, "--format", "framed",
        "--objects", len(OBJECTS),
    )  # fmt: skip
    subscriber.line("subscribed")
    publisher.line(r"1 subscriber\(s\)")
    feed(publisher)
    code = subscriber.exit_code()
    found = payloads(output.read_bytes())
    if found != OBJECTS:
        raise Failed(f"{len(found)} of {len(OBJECTS)} objects, exit code {code}\n{subscriber.text}")
    return f"{len(found)} of {len(OBJECTS)} objects"


@contextlib.contextmanager
def _python(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, *map(str, arguments)]
    running = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def _examples(place: Place, relay: TheirRelay) -> str:
    """The video examples: three seconds of a clock with sound, recorded."""
    output = place.folder / "recorded.mp4"
    where = ("--host", "127.0.0.1", "--port", relay.port, "--path", "/")
    examples = ROOT / "examples"
    record = ("--output", output, "--duration", "3", "--wait", "20")
    publish = ("--size", "320x240", "--duration", "12", "--wait", "20")
    with (
        _python(examples / "moqt_video_subscriber.py", *where, *record) as to,
        _python(examples / "moqt_video_publisher.py", *where, *publish),
    ):
        try:
            text, _ = to.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            raise Failed("the subscriber does not end") from None
    size = output.stat().st_size if output.exists() else 0
    if to.returncode != 0 or size < 10_000:
        raise Failed(f"exit code {to.returncode}, {size} bytes recorded: {text.strip()[-500:]}")
    return f"{size // 1000} kB recorded in 3 s"


def _announced(place: Place) -> str:
    return _objects(place, moq_relay_ietf(place))


def _published(place: Place) -> str:
    return _objects(place, moq_relay_ietf(place), "--publish")


def _python_examples(place: Place) -> str:
    return _examples(place, moq_relay_ietf(place))


def _aiomoqt_announced(place: Place) -> str:
    return _objects(place, aiomoqt_relay(place))


def _aiomoqt_published(place: Place) -> str:
    return _objects(place, aiomoqt_relay(place), "--publish")


CELLS = [
    Cell("moq-relay-ietf", 18, "moqt-pub, its relay, moqt-sub", _announced),
    Cell("moq-relay-ietf", 18, "moqt-pub --publish, its relay, moqt-sub", _published),
    Cell("moq-relay-ietf", 18, "the Python video examples through its relay", _python_examples),
    *(Cell("aiomoqt", draft, "moqt-pub, its relay, moqt-sub", _aiomoqt_announced) for draft in (16, 18, 22)),
    *(Cell("aiomoqt", draft, "moqt-pub --publish, its relay, moqt-sub", _aiomoqt_published) for draft in (16, 18, 22)),
]
