"""What others see of a connection: code points, versions, and what a restarted server says to its former clients."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import msquic
from asyncio_pairs import within
from udp_path import UdpPath

V1 = 1
V2 = 0x6B3343CF
NAMES = {V1: "QUICv1", V2: "QUICv2"}


class TosPath(UdpPath):
    """A path to a server that notes the type of service of each packet (RFC 2474: six bits DSCP, two ECN)."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.of_client: list[int] = []
        self.of_server: list[int] = []
        self.changed = threading.Condition()

    def new_socket(self) -> socket.socket:
        made = super().new_socket()
        made.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        return made

    def receive(self, source: socket.socket) -> tuple[bytes, tuple[str, int]]:
        data, ancillary, _, sender = source.recvmsg(65536, 64)
        tos = next(body[0] for level, kind, body in ancillary if (level, kind) == (0, socket.IP_TOS))
        with self.changed:
            (self.of_client if source is self.inside else self.of_server).append(tos >> 2)
            self.changed.notify_all()
        return data, sender


@pytest.mark.skipif(sys.platform != "linux", reason="reads the type of service as Linux tells it")
def test_packets_carry_the_code_point_of_their_side(loopback, waiter) -> None:
    listener = loopback.listen(send_dscp=10)
    with TosPath(listener.port) as path:
        connection, connected = msquic.Connection(loopback.registration), waiter()
        connection.set_on_connected(connected.set)
        configuration = loopback.configuration(server=False, send_dscp=46, keep_alive_interval_ms=20)
        connection.start(configuration, "localhost", path.port, address="127.0.0.1")
        connected.wait()
        with path.changed:
            assert path.changed.wait_for(lambda: len(path.of_client) > 5 and len(path.of_server) > 3, 10)
            assert set(path.of_client) == {46}
            assert set(path.of_server) == {10}
        connection.update_settings(send_dscp=0)
        with path.changed:
            assert path.changed.wait_for(lambda: path.of_client[-1] == 0, 10)
        connection.close()


@pytest.mark.parametrize("wrong", [[], [2], [V1, V1], [V1, V2, V1], "1", 1])
def test_impossible_versions_are_refused(registration, wrong) -> None:
    with pytest.raises((msquic.InvalidArgument, msquic.InvalidArgumentType), match="quic_versions"):
        msquic.Configuration(registration, ["test"], quic_versions=wrong)


@pytest.mark.parametrize(("client", "chosen"), [(None, V1), ([V1], V1), ([V2], V2), ([V2, V1], V2), ([V1, V2], V1)])
def test_the_version_that_a_client_prefers(loopback, client, chosen) -> None:
    connection = loopback.connect(loopback.listen(), quic_versions=client)
    assert connection.handshake.quic_version == NAMES[chosen]
    connection.close()


def test_they_are_not_a_servers(loopback) -> None:
    with pytest.raises(msquic.InvalidArgument, match="quic_versions are a client's"):
        loopback.listen(quic_versions=[V1])


async def test_a_server_that_speaks_version_2_alone(certificate) -> None:
    pytest.importorskip("aioquic")
    from aioquic.quic.packet import QuicProtocolVersion

    from aioquic_peer import aioquic_server

    options = {"alpn": "test", "server_name": "localhost", "ca_file": certificate.certificate_file}
    async with aioquic_server(certificate, supported_versions=[QuicProtocolVersion.VERSION_2]) as server:
        async with msquic.asyncio.connect("127.0.0.1", server.port, quic_versions=[V2], **options) as connection:
            assert connection.handshake.quic_version == NAMES[V2]
            connection.send_datagram(b"hello")
            assert await within(connection.receive_datagram()) == b"hello"
        async with msquic.asyncio.connect("127.0.0.1", server.port, quic_versions=[V1, V2], **options) as connection:
            assert connection.handshake.quic_version == NAMES[V2]
            assert (await connection.stats()).version_negotiation
        with pytest.raises(msquic.VersionNegotiationError):
            await msquic.asyncio.connect("127.0.0.1", server.port, quic_versions=[V1], **options)


@contextlib.contextmanager
def reset_server(certificate, key: str, port: int = 0) -> Iterator[int]:
    """Killed at the end, without a word to its clients."""
    program = Path(__file__).parent / "programs" / "reset_server.py"
    command = [sys.executable, program, certificate.certificate_file, certificate.private_key_file, key, str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_a_restarted_server_tells_its_former_clients(loopback, certificate, waiter) -> None:
    key = "5a" * 32
    connection, connected, over = msquic.Connection(loopback.registration), waiter(), waiter()
    connection.set_on_connected(connected.set)
    connection.set_on_shutdown_complete(over.set)
    configuration = loopback.configuration(
        server=False, idle_timeout_ms=60_000, disconnect_timeout_ms=60_000, keep_alive_interval_ms=50
    )
    with reset_server(certificate, key) as port:
        connection.start(configuration, "localhost", port, address="127.0.0.1")
        connected.wait()
    with reset_server(certificate, key, port):
        over.wait("the stateless reset")
    error = connection.close_error
    assert type(error) is msquic.ConnectionAborted
    assert error.wire_code is None


@pytest.mark.parametrize(
    ("wrong", "kind"), [(b"short", msquic.InvalidArgument), ("x" * 32, msquic.InvalidArgumentType)]
)
def test_a_stateless_reset_key_has_32_bytes(wrong, kind) -> None:
    with pytest.raises(kind, match="stateless_reset_key"):
        msquic.configure(stateless_reset_key=wrong)
