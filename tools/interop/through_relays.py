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

    @property
    def client_arguments(self) -> tuple[object, ...]:
        common = ("--host", "127.0.0.1", "--port", self.port, "--fingerprint", self.fingerprint, "--path", "/")
        return (*common, "--draft", self.place.draft)


def moq_relay_ietf(place: Place) -> TheirRelay:
    program = place.peers.crate("moq-relay-ietf")
    bind = ["--bind", "127.0.0.1:PORT", "--tls-cert", "CERT", "--tls-key", "KEY"]
    bind += ["--coordinator-file", str(place.folder / "coordinator.json")]
    return TheirRelay(place, program, bind, "listening on")


def aiomoqt_relay(place: Place) -> TheirRelay:
    program = place.peers.aiomoqt("moq-interop-relay")
    bind = ["--quic", "--bind", "127.0.0.1", "--port", "PORT", "--cert", "CERT", "--key", "KEY", "--draft", place.draft]
    return TheirRelay(place, program, bind, "Listening on all interfaces")


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
def _example(name: str, port: int, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-u", ROOT / "examples" / name, "--host", "127.0.0.1", "--port", port, "--path", "/"]
    running = subprocess.Popen(
        [*map(str, command), *map(str, arguments)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def _ended(running: subprocess.Popen[str]) -> str:
    """What it printed, when it ends as it should."""
    try:
        text, _ = running.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        raise Failed("the subscriber does not end") from None
    if running.returncode != 0:
        raise Failed(f"exit code {running.returncode}: {text.strip()[-500:]}")
    return text


PUBLISHED = ("--size", "320x240", "--duration", "20", "--wait", "40")


def _recorded(place: Place, relay: TheirRelay) -> str:
    """Three seconds of a clock with sound, recorded."""
    output = place.folder / "recorded.mp4"
    recording = ("--output", output, "--duration", "3", "--wait", "40")
    with (
        _example("moqt_video_subscriber.py", relay.port, *recording) as subscriber,
        _example("moqt_video_publisher.py", relay.port, *PUBLISHED),
    ):
        _ended(subscriber)
    size = output.stat().st_size if output.exists() else 0
    if size < 10_000:
        raise Failed(f"{size} bytes recorded")
    return f"{size // 1000} kB recorded in 3 s"


def _read(place: Place, relay: TheirRelay) -> str:
    """Objects of the video track, by its name."""
    with _example("moqt_video_publisher.py", relay.port, *PUBLISHED) as publisher:
        assert publisher.stdout is not None
        while "publishing" not in (line := publisher.stdout.readline()):
            if not line:
                raise Failed("the publisher ends")
        with _example("moqt_client.py", relay.port, "--track", "live/demo/video", "--count", "30") as client:
            objects = _ended(client).count(" bytes ")
    if objects != 30:
        raise Failed(f"{objects} of 30 objects")
    return "30 of 30 objects"


def _announced(place: Place) -> str:
    return _objects(place, moq_relay_ietf(place))


def _published(place: Place) -> str:
    return _objects(place, moq_relay_ietf(place), "--publish")


def _python_recording(place: Place) -> str:
    return _recorded(place, moq_relay_ietf(place))


def _python_reading(place: Place) -> str:
    return _read(place, moq_relay_ietf(place))


def _aiomoqt_announced(place: Place) -> str:
    return _objects(place, aiomoqt_relay(place))


def _aiomoqt_published(place: Place) -> str:
    return _objects(place, aiomoqt_relay(place), "--publish")


CELLS = [
    Cell("moq-relay-ietf", 18, "moqt-pub, its relay, moqt-sub", _announced),
    Cell("moq-relay-ietf", 18, "moqt-pub --publish, its relay, moqt-sub", _published),
    Cell("moq-relay-ietf", 18, "moqt_video_publisher.py, its relay, moqt_client.py", _python_reading),
    Cell(
        "moq-relay-ietf",
        18,
        "moqt_video_publisher.py, its relay, moqt_video_subscriber.py",
        _python_recording,
        theirs="it closes the session when a request is cancelled with RESET_STREAM (3.3.2), as the subscriber does"
        " with SUBSCRIBE_NAMESPACE when it has found the broadcast: it takes the code for one of WebTransport's",
    ),
    *(Cell("aiomoqt", draft, "moqt-pub, its relay, moqt-sub", _aiomoqt_announced) for draft in (16, 18, 22)),
    *(Cell("aiomoqt", draft, "moqt-pub --publish, its relay, moqt-sub", _aiomoqt_published) for draft in (16, 18, 22)),
]
