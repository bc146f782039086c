"""quinn, an independent implementation in Rust, as the client of our server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

import msquic
from asyncio_pairs import server, within
from msquic.asyncio import Connection, serve
from quinn_peer import QuinnPeer, quinn_client

# The first test may have to build the peer; every wait has its own, shorter deadline.
pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]


DRAFT_32 = "0xff000020"
"""A version that quinn can begin with and MsQuic does not know."""


async def write_for_ever(stream: Any) -> None:
    while True:
        stream.write(bytes(100_000))
        await stream.drain()


class Accepted:
    """The server's side: connections as they come, each open until the test is over."""

    def __init__(self) -> None:
        self.connections: asyncio.Queue[Connection] = asyncio.Queue()
        self.over = asyncio.Event()

    async def hold(self, connection: Connection) -> None:
        self.connections.put_nowait(connection)
        await self.over.wait()

    async def echo(self, connection: Connection) -> None:
        self.connections.put_nowait(connection)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(echo_datagrams(connection))
            async for stream in connection:
                tasks.create_task(echo_stream(connection, stream))


async def echo_stream(connection: Connection, stream: Any) -> None:
    answer = await connection.open_uni_stream() if stream.is_unidirectional else stream
    async for data in stream:
        answer.write(data)
        await answer.drain()
    answer.write_eof()


async def echo_datagrams(connection: Connection) -> None:
    async for datagram in connection.datagrams():
        connection.send_datagram(datagram)


@contextlib.asynccontextmanager
async def connected(
    certificate: Any, how: str = "hold", arguments: tuple[object, ...] = (), **options: Any
) -> AsyncIterator[tuple[QuinnPeer, Connection]]:
    accepted = Accepted()
    async with (
        server(certificate, getattr(accepted, how), **options) as made,
        quinn_client(certificate, *arguments) as peer,
    ):
        event = await peer.connect(made.port)
        assert (event["alpn"], event["connection"]) == ("test", 1)
        try:
            yield peer, await within(accepted.connections.get())
        finally:
            accepted.over.set()


async def test_streams_in_both_directions(issued_certificate):
    async with connected(issued_certificate, "echo") as (peer, connection):
        for size in (0, 1, 1000, 3_000_000):
            peer.tell(f"echo {size}")
            assert (await peer.event("echo", bytes=size))["equal"]
        peer.tell("uni 500000")
        await peer.event("acknowledged")
        assert (await peer.event("stream"))["bytes"] == 500_000  # the answer, on a stream of ours
        for _ in range(50):
            peer.tell("echo 2000")
        for _ in range(50):
            assert (await peer.event("echo", bytes=2000))["equal"]
        # Streams of the server: it echoes those too.
        stream = await connection.open_stream()
        stream.write(b"s" * 100_000)
        stream.write_eof()
        assert await within(stream.read()) == b"s" * 100_000


async def test_datagrams(issued_certificate):
    async with connected(issued_certificate, "hold") as (peer, connection):
        received = asyncio.ensure_future(connection.receive_datagram())
        peer.tell("datagram from the client")
        assert await within(received) == b"from the client"
        connection.send_datagram(b"from the server")
        assert (await peer.event("datagram"))["text"] == "from the server"
        assert await within(connection.receive_datagram()) == b"from the server"


async def test_its_reset_and_ours(issued_certificate):
    async with connected(issued_certificate) as (peer, connection):
        peer.tell("reset 4242")
        stream = await within(connection.accept_stream())
        with pytest.raises(msquic.StreamReset) as caught:
            await within(stream.read())
        assert (caught.value.app_code, caught.value.remote) == (4242, True)
        peer.tell("echo 10")
        stream = await within(connection.accept_stream())
        assert len(await within(stream.read())) == 10
        stream.reset(2**62 - 1)  # the largest code there is
        assert (await peer.event("reset"))["code"] == 2**62 - 1


async def test_its_stop_sending_and_ours(issued_certificate):
    async with connected(issued_certificate) as (peer, connection):
        peer.tell("stop 17")
        stream = await within(connection.accept_stream())
        with pytest.raises(msquic.StreamStopped) as caught:
            await within(write_for_ever(stream))
        assert (caught.value.app_code, caught.value.remote) == (17, True)
        peer.tell("uni 9000000")
        stream = await within(connection.accept_stream())
        await within(stream.read(1))
        stream.stop(18)
        assert (await peer.event("stopped"))["code"] == 18


async def test_its_close_code_and_reason(issued_certificate):
    async with connected(issued_certificate) as (peer, connection):
        peer.tell("close 33 that is enough")
        error = await within(connection.wait_closed())
        assert isinstance(error, msquic.PeerClosed)
        assert (error.app_code, error.reason, error.remote) == (33, "that is enough", True)


async def test_our_close_code_and_reason(issued_certificate):
    async with connected(issued_certificate) as (peer, connection):
        connection.close(2**62 - 1, "the server had enough")
        event = await peer.event("closed")
        assert (event["kind"], event["code"]) == ("application", 2**62 - 1)
        assert event["reason"] == "the server had enough"


async def test_key_updates_that_it_begins(issued_certificate):
    async with connected(issued_certificate, "echo") as (peer, connection):
        async with asyncio.timeout(10):
            while (await connection.stats()).key_update_count < 3:
                peer.tell("key-update")  # does nothing while the update before is young (RFC 9001 section 6.5)
                await peer.event("key-update")
                peer.tell("echo 100000")
                assert (await peer.event("echo"))["equal"]


async def test_a_version_that_we_do_not_know_is_answered_with_version_negotiation(issued_certificate):
    accepted = Accepted()
    async with (
        server(issued_certificate, accepted.hold) as made,
        quinn_client(issued_certificate, "--version", DRAFT_32) as peer,
    ):
        peer.tell(f"connect 127.0.0.1:{made.port} localhost")
        assert (await peer.event("closed"))["kind"] == "version"
        assert accepted.connections.empty()
        accepted.over.set()


async def test_without_a_common_protocol_it_gets_the_alert_of_rfc_7301(issued_certificate):
    accepted = Accepted()
    async with (
        server(issued_certificate, accepted.hold) as made,
        quinn_client(issued_certificate, alpn="else,other") as peer,
    ):
        peer.tell(f"connect 127.0.0.1:{made.port} localhost")
        event = await peer.event("closed")
        assert (event["kind"], event["code"]) == ("transport", 0x100 + 120)  # no_application_protocol
        accepted.over.set()


async def test_the_first_protocol_of_the_server_wins(issued_certificate):
    async def handler(connection: Connection) -> None:
        await connection.wait_closed()

    files = {"cert_file": issued_certificate.certificate_file, "key_file": issued_certificate.private_key_file}
    async with (
        serve(handler, "127.0.0.1", 0, alpn=["new", "old"], **files) as made,
        quinn_client(issued_certificate, alpn="other,old,new") as peer,
    ):
        assert (await peer.connect(made.port))["alpn"] == "new"


async def test_our_server_follows_it_to_another_address(issued_certificate):
    async with connected(issued_certificate, "echo") as (peer, connection):
        peer.tell("echo 1000")
        assert (await peer.event("echo"))["equal"]
        before = connection.remote_address
        peer.tell("rebind 0.0.0.0:0")
        await peer.event("rebound")
        peer.tell("echo 500000")
        assert (await peer.event("echo", bytes=500_000))["equal"]
        assert connection.remote_address != before
