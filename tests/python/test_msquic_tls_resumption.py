"""Session tickets: what they are bound to, and resumption and early data across restarts of the server."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import msquic
from msquic import SendFlags, ServerResumptionLevel, SessionTicket, StreamOpenFlags
from tls_certificates import DEADLINE, Client, Endpoints, Issued, make_root
from udp_path import UdpPath

RESUMING = {"server_resumption_level": ServerResumptionLevel.RESUME_AND_ZERORTT}
KEYS = "11" * 32


@pytest.fixture(scope="module")
def root() -> Issued:
    return make_root()


@pytest.fixture(scope="module")
def files(root: Issued, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return root.issue(["localhost", "127.0.0.1"]).write(tmp_path_factory.mktemp("server"))


class Server:
    """A server in a process of its own."""

    def __init__(self, files: tuple[Path, Path], keys: str, *options: str) -> None:
        program = Path(__file__).parent / "programs" / "tls_server.py"
        self.process = subprocess.Popen(
            [sys.executable, program, *files, keys, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.told: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = self.expect("port")["port"]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told.put(json.loads(line))

    def expect(self, what: str) -> dict[str, Any]:
        while True:
            told = self.told.get(timeout=DEADLINE)
            if what in told:
                return told

    def rest(self) -> list[dict[str, Any]]:
        """Ends the process and gives what it told and nobody asked for."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(DEADLINE) == 0
        self._reader.join(DEADLINE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return list(self.told.queue)


@contextlib.contextmanager
def server(files: tuple[Path, Path], keys: str, *options: str) -> Iterator[Server]:
    running = Server(files, keys, *options)
    try:
        yield running
    finally:
        if running.process.returncode is None:
            running.rest()


def ticket_of(endpoints: Endpoints, running: Any, configuration: msquic.Configuration) -> SessionTicket:
    client = endpoints.dial(running, configuration)
    assert client.error() is None
    assert client.ticket_came.wait(DEADLINE)
    client.connection.shutdown()
    client.end()
    return client.tickets[0]


def dial_early(endpoints: Endpoints, running: Any, configuration: msquic.Configuration, ticket: bytes) -> Client:
    """A client that sends "early" as early data when its ticket is good for that."""

    class Early(Client):
        def __init__(self) -> None:
            self.stream: msquic.Stream | None = None
            self.accepted: queue.Queue[bool] = queue.Queue()
            super().__init__(endpoints.registration, running, configuration, ticket=ticket)

        def before_start(self) -> None:
            self.connection.set_on_early_data(self.accepted.put)
            assert self.connection.early_data_accepted is None
            self.stream = self.connection.open_stream(StreamOpenFlags.UNIDIRECTIONAL | StreamOpenFlags.ZERO_RTT)
            self.stream.send(b"early", SendFlags.START | SendFlags.FIN | SendFlags.ALLOW_0_RTT)

    return Early()


def test_early_data_is_accepted_by_a_server_that_was_restarted_with_its_keys(registration, root, files):
    endpoints = Endpoints(registration)
    trust = endpoints.trusting(ca_data=root.pem)
    with server(files, KEYS) as first:
        ticket = ticket_of(endpoints, first, trust)
        assert first.expect("connected")["resumed"] is False
    with server(files, KEYS) as second:
        client = dial_early(endpoints, second, trust, ticket)
        assert client.error() is None
        assert client.resumed is True
        assert second.expect("returns")["returns"] == "session 1"
        assert second.expect("stream") == {"stream": "early", "early": True}
        assert second.expect("connected")["resumed"] is True
        assert client.accepted.get(timeout=DEADLINE) is True
        assert client.connection.early_data_accepted is True
        # In a resumed session no certificate is shown.
        assert client.connection.peer_certificate is None


@pytest.mark.parametrize("keys", ["22" * 32, "-"])
def test_other_keys_cost_the_session_and_lose_nothing(registration, root, files, keys):
    endpoints = Endpoints(registration)
    trust = endpoints.trusting(ca_data=root.pem)
    with server(files, KEYS) as first:
        ticket = ticket_of(endpoints, first, trust)
    with server(files, keys) as second:
        client = dial_early(endpoints, second, trust, ticket)
        assert client.error() is None
        assert client.resumed is False
        assert client.accepted.get(timeout=DEADLINE) is False
        assert client.connection.early_data_accepted is False
        # Sent again as ordinary data.
        assert second.expect("stream") == {"stream": "early", "early": False}
        assert client.connection.peer_certificate is not None


def test_a_server_may_refuse_the_session(registration, root, files):
    endpoints = Endpoints(registration)
    trust = endpoints.trusting(ca_data=root.pem)
    with server(files, KEYS) as first:
        ticket = ticket_of(endpoints, first, trust)
    with server(files, KEYS, "--refuse") as second:
        client = dial_early(endpoints, second, trust, ticket)
        assert second.expect("returns")["returns"] == "session 1"
        assert isinstance(client.end(), msquic.ConnectionFailed)
        told = second.rest()
    assert not [each for each in told if "stream" in each], "early data of a refused session was delivered"


class SpoilsEarlyPackets(UdpPath):
    """0-RTT packets arrive damaged, so what they carry goes out again after the handshake."""

    def receive(self, source: socket.socket) -> tuple[bytes, tuple[str, int]]:
        data, sender = super().receive(source)
        at = early_packet(data) if source is self.inside else None
        return (data[: at + 20] + bytes([data[at + 20] ^ 1]) + data[at + 21 :] if at is not None else data), sender


def early_packet(datagram: bytes) -> int | None:
    """Where in it a 0-RTT packet begins [RFC 9000 section 17.2]."""
    at = 0

    def varint() -> int:
        nonlocal at
        size = 1 << (datagram[at] >> 6)
        value = int.from_bytes(datagram[at : at + size], "big") & ((1 << (8 * size - 2)) - 1)
        at += size
        return value

    while at < len(datagram) and datagram[at] & 0x80:
        begin, kind = at, datagram[at] >> 4 & 3
        if kind == 1:
            return begin
        at += 5
        for _ in range(2):  # the connection IDs
            at += 1 + datagram[at]
        if kind == 0:
            token = varint()
            at += token
        length = varint()
        at += length
    return None


def test_early_data_that_goes_out_again_still_counts_as_taken(registration, root, files):
    """The server takes early data; that its packets are lost, or acknowledged late, does not make it refused."""
    endpoints = Endpoints(registration)
    trust = endpoints.trusting(ca_data=root.pem)
    with server(files, KEYS) as running:
        ticket = ticket_of(endpoints, running, trust)
        with SpoilsEarlyPackets(running.port) as path:
            client = dial_early(endpoints, SimpleNamespace(port=path.port), trust, ticket)
            assert client.error() is None
            assert client.resumed is True
            assert running.expect("stream") == {"stream": "early", "early": False}
            assert client.accepted.get(timeout=DEADLINE) is True
            client.connection.shutdown()
            client.end()


class Tap(UdpPath):
    """Keeps what the client sent."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.sent: list[bytes] = []

    def passes(self, data: bytes, from_client: bool) -> bool:
        if from_client:
            self.sent.append(data)
        return True


def test_early_data_can_be_replayed(registration, root, files):
    """What the documentation warns of: a server takes the same early data from anybody who recorded it."""
    endpoints = Endpoints(registration)
    trust = endpoints.trusting(ca_data=root.pem)
    with server(files, KEYS) as first:
        ticket = ticket_of(endpoints, first, trust)
        with Tap(first.port) as tap:
            client = dial_early(endpoints, SimpleNamespace(port=tap.port), trust, ticket)
            assert client.error() is None
            assert first.expect("stream") == {"stream": "early", "early": True}
            recorded = list(tap.sent)
    with server(files, KEYS) as second, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
        for datagram in recorded:
            attacker.sendto(datagram, ("127.0.0.1", second.port))
        assert second.expect("stream") == {"stream": "early", "early": True}


def test_nothing_is_sent_early_unless_asked_for(registration, root, files):
    endpoints = Endpoints(registration)
    trust = endpoints.trusting(ca_data=root.pem)
    with server(files, KEYS) as running:
        ticket = ticket_of(endpoints, running, trust)
        client = endpoints.dial(running, trust, ticket=ticket)
        stream = client.connection.open_stream(StreamOpenFlags.UNIDIRECTIONAL)
        stream.send(b"ordinary", SendFlags.START | SendFlags.FIN)
        assert client.error() is None
        assert client.resumed is True
        assert running.expect("stream") == {"stream": "ordinary", "early": False}


@pytest.fixture
def ticket(registration, root) -> tuple[Endpoints, msquic.Listener, SessionTicket]:
    endpoints = Endpoints(registration)

    def give(connection: msquic.Connection) -> None:
        def send_ticket() -> None:
            # The tests need the first one alone, and close later connections without waiting for this handler.
            with contextlib.suppress(msquic.ClosedHandle):
                connection.send_resumption_ticket()

        connection.set_on_connected(send_ticket)

    listener = endpoints.server(root.issue(["localhost"]).loaded(), handler=give, settings=RESUMING)
    return endpoints, listener, ticket_of(endpoints, listener, endpoints.trusting(ca_data=root.pem))


def test_a_ticket_is_bytes_that_know_what_they_are_for(ticket):
    _, _, got = ticket
    assert isinstance(got, bytes)
    assert (got.server_name, got.alpn) == ("localhost", b"test")
    again = SessionTicket.from_bytes(bytes(got))
    assert again == got
    assert (again.server_name, again.alpn) == ("localhost", b"test")
    for text in (repr(got), str(got), f"{got}"):
        assert "localhost" in text
        assert len(text) < 100  # not the secret
    for wrong in (b"", b"garbage", bytes(got[:20]), b"mqt1" + bytes(got[4:])):
        with pytest.raises(msquic.InvalidArgument):
            SessionTicket.from_bytes(wrong)
        with pytest.raises(msquic.InvalidArgument):
            msquic.Connection(ticket[0].registration).set_resumption_ticket(wrong)


def test_a_ticket_is_good_for_its_name_alpn_and_trust_only(ticket, root):
    endpoints, listener, got = ticket
    own = endpoints.configuration()
    own.load_credential(root.issue(["me"]).loaded(), is_client=True, ca_data=root.pem)
    verifying = endpoints.trusting(ca_data=root.pem)
    verifying.set_certificate_verifier(lambda certificate: True)
    other_alpn = msquic.Configuration(endpoints.registration, ["other"])
    other_alpn.load_credential_none(ca_data=root.pem)
    good = endpoints.trusting(ca_data=root.pem)
    for configuration, name, why in (
        (good, "127.0.0.1", "issued by 'localhost'"),
        (other_alpn, "localhost", "ALPN"),
        (endpoints.trusting(), "localhost", "trust"),
        (endpoints.trusting(no_certificate_validation=True), "localhost", "trust"),
        (endpoints.trusting(pinned_sha256=["00" * 32]), "localhost", "trust"),
        (endpoints.trusting(ca_data=root.pem, pinned_sha256=["00" * 32]), "localhost", "trust"),
        (verifying, "localhost", "trust"),
        (own, "localhost", "trust"),
    ):
        with pytest.raises(msquic.TicketMismatch, match=why):
            endpoints.dial(listener, configuration, name, ticket=got)
    client = endpoints.dial(listener, good, ticket=bytes(got))
    assert client.error() is None
    assert client.resumed is True


def test_a_renewed_certificate_keeps_the_sessions(ticket, root):
    endpoints, listener, got = ticket
    listener.replace_certificate(root.issue(["localhost"]).loaded())
    client = endpoints.dial(listener, endpoints.trusting(ca_data=root.pem), ticket=got)
    assert client.error() is None
    assert client.resumed is True


def test_ticket_keys_that_are_too_short_or_not_for_servers(registration, root):
    endpoints = Endpoints(registration)
    leaf = root.issue(["localhost"]).loaded()
    with pytest.raises(msquic.InvalidArgument, match="32"):
        endpoints.configuration(**RESUMING).load_credential(leaf, ticket_keys=b"x" * 31)
    with pytest.raises(msquic.InvalidArgument, match="server"):
        endpoints.configuration().load_credential(leaf, is_client=True, ticket_keys=b"x" * 32)
