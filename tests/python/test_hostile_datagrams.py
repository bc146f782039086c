"""Datagrams that no QUIC peer would send, replays, and handshakes that are never finished: a server takes no harm and
gives attackers no lever, and a healthy connection beside them misses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import msquic
from asyncio_pairs import client, server, within
from impaired_link import ImpairedLink
from msquic.asyncio import Connection, connect

pytest.importorskip("aioquic")
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

pytestmark = pytest.mark.interop

HALF_OPEN = 200


def initial(certificate: Any, port: int) -> bytes:
    """The first datagram of a client that will never send another."""
    configuration = QuicConfiguration(alpn_protocols=["test"], server_name="localhost")
    configuration.load_verify_locations(str(certificate.certificate_file))
    quic = QuicConnection(configuration=configuration)
    quic.connect(("127.0.0.1", port), now=0.0)
    return next(iter(quic.datagrams_to_send(now=0.0)))[0]


@contextlib.contextmanager
def socket_to(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.setblocking(False)
        made.connect(("127.0.0.1", port))
        yield made


def answers(to: socket.socket) -> list[bytes]:
    received = []
    with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
        while True:
            received.append(to.recv(65536))
    return received


class Target:
    """A server that echoes, with a healthy client."""

    def __init__(self, made: Any, connection: Connection, stream: Any, handled: list[Connection]) -> None:
        self.port, self.handled = made.port, handled
        self._connection, self._stream, self._number = connection, stream, 0

    async def exchange(self) -> None:
        """Numbered records there and back: whatever the attacker sent before was processed by then."""
        for _ in range(20):
            self._number += 1
            record = b"record %08d\n" % self._number
            self._stream.write(record)
            assert await within(self._stream.readline()) == record


@contextlib.asynccontextmanager
async def target(certificate: Any, **settings: Any) -> AsyncIterator[Target]:
    handled: list[Connection] = []

    async def handler(connection: Connection) -> None:
        handled.append(connection)
        async for stream in connection:
            async for data in stream:
                stream.write(data)
            stream.write_eof()

    async with server(certificate, handler, **settings) as made, client(certificate, made) as connection:
        attacked = Target(made, connection, await connection.open_stream(), handled)
        await attacked.exchange()
        yield attacked
        await attacked.exchange()
        assert not connection.is_closed


async def test_random_datagrams(certificate):
    generator = random.Random(1)
    async with target(certificate) as attacked:
        with socket_to(attacked.port) as attacker:
            for round_ in range(40):
                for _ in range(50):
                    data = bytearray(generator.randbytes(generator.choice((1, 7, 20, 21, 50, 1199, 1200, 1472))))
                    if round_ % 4 == 0:
                        data[0] |= 0xC0  # a long header
                    if round_ % 4 == 1:
                        data[0] = 0x40 | data[0] & 0x3F  # a short one
                    if round_ % 4 == 2:
                        data[:5] = b"\xc0\x00\x00\x00\x01"  # version 1
                    attacker.send(data[:1472])
                await attacked.exchange()
            # Version negotiation and stateless resets may answer some, never with more than came.
            assert sum(map(len, answers(attacker))) <= 40 * 50 * 1472
        assert len(attacked.handled) == 1


async def test_initials_cut_short_or_changed(certificate):
    generator = random.Random(2)
    async with target(certificate) as attacked:
        whole = initial(certificate, attacked.port)
        assert len(whole) >= 1200
        # Behind a header with two connection IDs of 8 bytes and no token comes what the AEAD protects; then zeros.
        end = 26 + (int.from_bytes(whole[24:26], "big") & 0x3FFF)
        with socket_to(attacked.port) as attacker:
            for length in range(1, len(whole), 7):
                attacker.send(whole[:length])
            await attacked.exchange()
            # Initials in datagrams of less than 1200 bytes are discarded (RFC 9000 section 14.1).
            assert answers(attacker) == []
            for _ in range(300):
                changed = bytearray(whole)
                changed[generator.randrange(26, end)] ^= 1 << generator.randrange(8)
                attacker.send(changed)
            await attacked.exchange()
            assert answers(attacker) == []
        assert len(attacked.handled) == 1


class Recording(ImpairedLink):
    """Keeps what the client sent."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.recorded: list[bytes] = []

    def _from_client(self, data: bytes, client: Any) -> None:
        self.recorded.append(data)
        super()._from_client(data, client)


async def test_a_session_that_is_replayed(certificate):
    """Every packet that a client sent, again from its own address and from another, while it is connected and after."""
    async with target(certificate, handshake_idle_timeout_ms=1000) as attacked:
        async with (
            Recording(("127.0.0.1", attacked.port)) as link,
            connect(*link.address, alpn="test", ca_file=certificate.certificate_file) as victim,
        ):
            stream = await victim.open_stream()
            stream.write(b"a" * 100_000)
            assert await within(stream.readexactly(100_000)) == b"a" * 100_000
            recorded = list(link.recorded)
            with socket_to(attacked.port) as attacker:
                for data in recorded:
                    link._to_server(data, next(iter(link._upstream)))
                    attacker.send(data)
            await attacked.exchange()
            stream.write(b"b" * 100_000)
            stream.write_eof()
            assert await within(stream.read()) == b"b" * 100_000
            assert (await victim.stats()).recv_total_stream_bytes == 200_000
        assert sum(each.resumed for each in attacked.handled) == 0
        with socket_to(attacked.port) as attacker:
            for data in recorded:
                attacker.send(data)
            await attacked.exchange()
        # The replayed Initials began handshakes that nobody can finish: they are over soon.
        await until(lambda: msquic.performance_counters().connections_active <= 2)


async def test_half_open_handshakes_are_bounded_and_end(certificate):
    before = msquic.performance_counters()
    async with target(certificate, handshake_idle_timeout_ms=1000) as attacked:
        with contextlib.ExitStack() as sockets:
            attackers = [sockets.enter_context(socket_to(attacked.port)) for _ in range(HALF_OPEN)]
            sent = 0
            for number, attacker in enumerate(attackers):
                data = initial(certificate, attacked.port)
                attacker.send(data)
                sent += len(data)
                if number % 50 == 0:
                    await attacked.exchange()
            await attacked.exchange()
            # Without a validated address, at most three times what came goes back (RFC 9000 section 8.1).
            received = sum(len(answer) for attacker in attackers for answer in answers(attacker))
            assert received <= 3 * sent
            counters = msquic.performance_counters()
            assert counters.connections_created - before.connections_created >= HALF_OPEN
            await until(lambda: msquic.performance_counters().connections_active <= 2)
            await attacked.exchange()
        assert len(attacked.handled) == 1  # a handler gets connections whose handshake is complete


async def until(condition: Any) -> None:
    """Polls: MsQuic tells nobody when a counter changes."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
