"""Fixtures for the tests of the package msquic: a certificate, and pairs of endpoints on the loopback interface."""

from __future__ import annotations

import gc
import importlib.util
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from relay_programs import Programs, Relay

DEADLINE = 45.0
"""Seconds that any wait may take, on a busy machine too."""

# cryptography makes the certificates of these, and has no package for every Python (none for a free-threaded 3.13).
collect_ignore = (
    []
    if importlib.util.find_spec("cryptography")
    else sorted(
        path.name
        for path in Path(__file__).parent.glob("test_*.py")
        if re.search(r"^from (cryptography|tls_certificates)", path.read_text(encoding="utf-8"), re.MULTILINE)
    )
)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if collect_ignore:
        terminalreporter.write_line(f"LEFT OUT, for want of cryptography: {' '.join(collect_ignore)}")


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    """moqt-relay as a process, one for each module of tests."""
    programs = Programs()
    yield programs.relay()
    programs.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests of a module have the media that they make."""
    return tmp_path_factory.mktemp("inputs")


@pytest.fixture(params=(22, 18, 16, 15), ids=("draft22", "draft18", "draft16", "draft15"))
def each_draft(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The test runs for each draft of MOQT: its endpoints speak no other."""
    draft: int = request.param
    monkeypatch.setattr("moqt.asyncio._drafts.alpns", lambda: [f"moqt-{draft}"])
    return draft


class Waiter:
    """A value that a handler gives and a test waits for."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self.value: Any = None

    def set(self, value: Any = None) -> None:
        self.value = value
        self._ready.set()

    def is_set(self, timeout: float = 0.0) -> bool:
        return self._ready.wait(timeout)

    def wait(self, what: str = "the event") -> Any:
        assert self._ready.wait(DEADLINE), f"{what} did not come within {DEADLINE} seconds"
        return self.value


class Collector:
    """Bytes of one stream that a handler gives and a test waits for."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.calls = 0
        self._fin = threading.Event()
        self._changed = threading.Condition()

    def __call__(self, data: bytes, fin: bool) -> None:
        assert type(data) is bytes
        with self._changed:
            self.calls += 1
            self.data += data
            self._changed.notify_all()
        if fin:
            self._fin.set()

    def wait_fin(self) -> bytes:
        assert self._fin.wait(DEADLINE), f"no fin after {len(self.data)} bytes"
        return bytes(self.data)

    def wait_size(self, size: int) -> bytes:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.data) >= size, DEADLINE), f"{len(self.data)} of {size} bytes"
        return bytes(self.data)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Any:
    import msquic

    return msquic.generate_development_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def issued_certificate(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Not self-signed: with `ca_file`, the authority that issued it."""
    pytest.importorskip("cryptography")
    from issued_certificate import issue_certificate

    return issue_certificate(tmp_path_factory.mktemp("issued_certificate"))


@pytest.fixture
def registration() -> Iterator[Any]:
    import msquic

    with msquic.Registration("test") as made:
        yield made
    gc.collect()


class Loopback:
    """A listener and what connects to it."""

    ALPN = "test"

    def __init__(self, registration: Any, certificate: Any) -> None:
        self.registration = registration
        self.certificate = certificate
        self.accepted: list[Any] = []

    def configuration(self, *, server: bool, **settings: Any) -> Any:
        import msquic

        defaults = {"peer_bidi_stream_count": 100, "peer_unidi_stream_count": 100, "idle_timeout_ms": 20000}
        configuration = msquic.Configuration(self.registration, [self.ALPN], **{**defaults, **settings})
        if server:
            configuration.load_credential_file(self.certificate.certificate_file, self.certificate.private_key_file)
        else:
            configuration.load_credential_none(ca_file=self.certificate.certificate_file)
        return configuration

    def listen(self, handler: Callable[[Any], object] | None = None, **settings: Any) -> Any:
        import msquic

        listener = msquic.Listener(self.registration)

        def on_new_connection(connection: Any) -> None:
            self.accepted.append(connection)
            if handler is not None:
                handler(connection)

        listener.set_on_new_connection(on_new_connection)
        listener.start(self.configuration(server=True, **settings), [self.ALPN], 0)
        return listener

    def connect(self, listener: Any, configuration: Any = None, *, wait: bool = True, **settings: Any) -> Any:
        import msquic

        connection = msquic.Connection(self.registration)
        connected = Waiter()
        connection.set_on_connected(connected.set)
        connection.start(
            configuration or self.configuration(server=False, **settings),
            "localhost",
            listener.port,
            address="127.0.0.1",
        )
        if wait:
            connected.wait("the handshake")
        return connection

    def served(self, index: int = 0) -> Any:
        """The server's side, with its handshake complete too: one flight after the client's.

        Before that, a code that either side closes with goes out in a Handshake packet, where a generic one replaces it
        (RFC 9000 section 10.2.3).
        """
        server, connected = self.accepted[index], Waiter()
        server.set_on_connected(connected.set)
        connected.wait("the handshake at the server")
        return server


@pytest.fixture
def programs() -> Iterator[Any]:
    """Starts programs of this project, and ends those that still run after the test."""
    from relay_programs import Programs

    running = Programs()
    yield running
    running.close()


@pytest.fixture
def loopback(registration: Any, certificate: Any) -> Loopback:
    return Loopback(registration, certificate)


@pytest.fixture
def waiter() -> type[Waiter]:
    return Waiter


@pytest.fixture
def collector() -> type[Collector]:
    return Collector


@pytest.fixture
def readme_block() -> Callable[[str], str]:
    """The first Python block of the README that has a certain text."""

    def block(with_text: str) -> str:
        text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
        blocks = [part.split("```")[0] for part in text.split("```python\n")[1:]]
        return next(each for each in blocks if with_text in each)

    return block
