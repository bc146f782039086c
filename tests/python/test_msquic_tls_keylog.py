"""Key logs: what is in them, and that a capture of a connection can be read with them."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import stat
import struct
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

import msquic
from msquic import SendFlags, StreamOpenFlags
from tls_certificates import Endpoints, Issued, make_root

LINE = re.compile(r"([A-Z_0-9]+) ([0-9a-f]{64}) ([0-9a-f]{64}|[0-9a-f]{96})")
LABELS = [
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
]


@pytest.fixture(scope="module")
def root() -> Issued:
    return make_root()


@pytest.fixture
def endpoints(registration, monkeypatch) -> Endpoints:
    monkeypatch.delenv("SSLKEYLOGFILE", raising=False)
    return Endpoints(registration)


def lines(path: Path) -> list[tuple[str, str, str]]:
    found = []
    for line in path.read_text(encoding="ascii").splitlines():
        match = LINE.fullmatch(line)
        assert match, line
        found.append((match[1], match[2], match[3]))
    return found


def test_both_sides_log_the_same_secrets(endpoints, waiter, root, tmp_path):
    connected = waiter()
    server = endpoints.configuration(keylog=tmp_path / "server.log")
    server.load_credential(root.issue(["localhost"]).loaded())
    listener = endpoints.listen(server, lambda connection: connection.set_on_connected(connected.set))
    configuration = endpoints.trusting({"keylog": str(tmp_path / "client.log")}, ca_data=root.pem)
    assert endpoints.dial(listener, configuration).error() is None
    connected.wait("the server's side")
    logged = lines(tmp_path / "client.log")
    assert [label for label, _, _ in logged] == LABELS
    assert len({random for _, random, _ in logged}) == 1
    assert lines(tmp_path / "server.log") == logged
    assert stat.S_IMODE((tmp_path / "client.log").stat().st_mode) == 0o600


def test_connections_append(endpoints, root, tmp_path):
    log = tmp_path / "keys.log"
    log.write_text("# from before\n")
    listener = endpoints.server(root.issue(["localhost"]).loaded())
    configuration = endpoints.trusting({"keylog": log}, ca_data=root.pem)
    for count in (1, 2, 3):
        assert endpoints.dial(listener, configuration).error() is None
        text = log.read_text()
        assert text.startswith("# from before\n")
        assert text.count("\n") == 1 + count * len(LABELS)


def test_the_environment_names_a_log(endpoints, root, tmp_path, monkeypatch):
    listener = endpoints.server(root.issue(["localhost"]).loaded())
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "environment.log"))
    configuration = endpoints.trusting(ca_data=root.pem)
    # Only when the configuration is made.
    monkeypatch.delenv("SSLKEYLOGFILE")
    other = endpoints.trusting(ca_data=root.pem)
    assert endpoints.dial(listener, other).error() is None
    assert lines(tmp_path / "environment.log") == []
    assert endpoints.dial(listener, configuration).error() is None
    assert len(lines(tmp_path / "environment.log")) == len(LABELS)


def test_a_handshake_that_fails_is_logged(endpoints, root, tmp_path):
    listener = endpoints.server(root.issue(["localhost"]).loaded())
    configuration = endpoints.trusting({"keylog": tmp_path / "failed.log"}, ca_data=make_root().pem)
    assert endpoints.dial(listener, configuration).error() is not None
    assert {label for label, _, _ in lines(tmp_path / "failed.log")} >= set(LABELS[:2])


def test_a_log_that_cannot_be_written_is_named(endpoints, tmp_path):
    configuration = endpoints.configuration(keylog=tmp_path / "nowhere" / "keys.log")
    with pytest.raises(msquic.InvalidArgument, match=r"keys\.log"):
        configuration.load_credential_none()


class Capture:
    """Stands between a client and a server, and writes what passes as a capture file (raw IPv4 and UDP)."""

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._packets: list[tuple[int, int, bytes]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        client = None
        with contextlib.suppress(OSError):
            while True:
                data, source = self._socket.recvfrom(65536)
                if not data:
                    return
                if source == self._server:
                    self._packets.append((4433, 50000, data))
                    if client is not None:
                        self._socket.sendto(data, client)
                else:
                    client = source
                    self._packets.append((50000, 4433, data))
                    self._socket.sendto(data, self._server)

    def write(self, path: Path) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(15)
        self._socket.close()
        raw_ip = 101
        with path.open("wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, raw_ip))
            for number, (source, target, data) in enumerate(self._packets):
                udp = struct.pack("!HHHH", source, target, 8 + len(data), 0) + data
                address = socket.inet_aton("127.0.0.1")
                ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0) + address + address
                packet = ip + udp
                file.write(struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet)


def test_a_capture_can_be_read_with_the_log(endpoints, collector, root, tmp_path):
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("tshark is not installed (tools/setup.sh does it)")
    received = collector()
    secret = b"the quick brown fox " * 40

    def watch(connection: msquic.Connection) -> None:
        connection.set_on_peer_stream_started(lambda stream: stream.set_on_receive(received))

    listener = endpoints.server(root.issue(["localhost"]).loaded(), handler=watch)
    capture = Capture(listener.port)
    configuration = endpoints.trusting({"keylog": tmp_path / "keys.log"}, ca_data=root.pem)
    client = endpoints.dial(SimpleNamespace(port=capture.port), configuration)
    assert client.error() is None
    stream = client.connection.open_stream(StreamOpenFlags.UNIDIRECTIONAL)
    stream.send(secret, SendFlags.START | SendFlags.FIN)
    assert received.wait_fin() == secret
    client.connection.shutdown()
    client.end()
    capture.write(tmp_path / "connection.pcap")
    assert secret not in (tmp_path / "connection.pcap").read_bytes()

    fields = ("-Y", "quic.stream_data", "-T", "fields", "-e", "quic.stream_data")

    def stream_bytes(*options: str) -> bytes:
        done = subprocess.run(
            [tshark, "-r", str(tmp_path / "connection.pcap"), "-d", "udp.port==4433,quic", *options, *fields],
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert done.returncode == 0, done.stderr
        return bytes.fromhex(re.sub(r"[^0-9a-f]", "", done.stdout))

    assert secret in stream_bytes("-o", f"tls.keylog_file:{tmp_path / 'keys.log'}")
    assert stream_bytes() == b""
