"""quinn, an independent implementation in Rust, as the server of our client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

import msquic
from asyncio_pairs import within
from msquic.asyncio import Connection, connect
from quinn_peer import QuinnPeer, quinn_server

# The first test may have to build the peer; every wait has its own, shorter deadline.
pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]


def dial(certificate: Any, peer: QuinnPeer, **options: Any) -> Any:
    defaults = {"alpn": "test", "ca_file": certificate.ca_file, "server_name": "localhost"}
    return connect("127.0.0.1", peer.port, **(defaults | options))


@contextlib.asynccontextmanager
async def connected(
    certificate: Any, *arguments: object, **options: Any
) -> AsyncIterator[tuple[QuinnPeer, Connection]]:
    async with quinn_server(certificate, *arguments) as peer, dial(certificate, peer, **options) as connection:
        event = await peer.event("connected")
        assert (event["alpn"], event["server_name"]) == ("test", "localhost")
        yield peer, connection


async def echoed(connection: Connection, data: bytes) -> bytes:
    """What the peer sends back on a bidirectional stream."""
    stream = await connection.open_stream()

    async def write() -> None:
        for start in range(0, len(data), 50_000):
            stream.write(data[start : start + 50_000])
            await stream.drain()
        stream.write_eof()

    _, answer = await within(asyncio.gather(write(), stream.read()), 20)
    return answer


async def write_for_ever(stream: Any) -> None:
    while True:
        stream.write(bytes(100_000))
        await stream.drain()


def numbers(size: int) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in range(size // 4))


async def test_streams_in_both_directions(issued_certificate):
    async with connected(issued_certificate) as (peer, connection):
        for size in (0, 4, 1000, 3_000_000):
            assert await echoed(connection, numbers(size)) == numbers(size)
        unidirectional = await connection.open_uni_stream()
        unidirectional.write(numbers(300_000))
        unidirectional.write_eof()
        answer = await within(connection.accept_stream())
        assert answer.is_unidirectional
        assert await within(answer.read()) == numbers(300_000)
        answers = await asyncio.gather(*[echoed(connection, numbers(4000)) for _ in range(150)])  # the limit is 100
        assert answers == [numbers(4000)] * 150
        peer.tell("uni 100000")  # a stream that it opens
        stream = await within(connection.accept_stream())
        assert len(await within(stream.read())) == 100_000
        await peer.event("acknowledged")


async def test_datagrams(issued_certificate):
    async with connected(issued_certificate) as (peer, connection):
        largest = connection.max_datagram_size
        assert largest > 1000
        connection.send_datagram(b"d" * 1000)
        assert (await peer.event("datagram"))["text"] == "d" * 1000
        assert await within(connection.receive_datagram()) == b"d" * 1000
        assert await within(connection.send_datagram_tracked(b"t")) == msquic.DatagramSendState.ACKNOWLEDGED


async def test_its_reset_and_ours(issued_certificate):
    async with connected(issued_certificate) as (peer, connection):
        await peer.set_mode("reset 77")
        stream = await connection.open_stream()
        stream.write(b"x")
        with pytest.raises(msquic.StreamReset) as caught:
            await within(stream.read())
        assert (caught.value.app_code, caught.value.remote) == (77, True)
        await peer.set_mode("sink")
        stream = await connection.open_stream()
        stream.write(b"some bytes")
        await within(stream.wait_acked())
        stream.reset(78)
        assert (await peer.event("stream", id=stream.id))["end"] == {"reset": 78}


async def test_its_stop_sending_and_ours(issued_certificate):
    async with connected(issued_certificate) as (peer, connection):
        await peer.set_mode("stop 79")
        stream = await connection.open_uni_stream()
        with pytest.raises(msquic.StreamStopped) as caught:
            await within(write_for_ever(stream))
        assert (caught.value.app_code, caught.value.remote) == (79, True)
        await peer.set_mode("echo")
        peer.tell("uni 9000000")
        stream = await within(connection.accept_stream())
        await within(stream.read(1))
        stream.stop(80)
        assert (await peer.event("stopped"))["code"] == 80


async def test_its_close_code_and_reason(issued_certificate):
    async with connected(issued_certificate) as (peer, connection):
        peer.tell("close 4611686018427387903 go away")
        error = await within(connection.wait_closed())
        assert isinstance(error, msquic.PeerClosed)
        assert (error.app_code, error.reason, error.remote) == (2**62 - 1, "go away", True)


async def test_our_close_code(issued_certificate):
    async with connected(issued_certificate) as (peer, connection):
        connection.close(34, "done")
        event = await peer.event("closed")
        assert (event["kind"], event["code"]) == ("application", 34)
        assert event["reason"] == "done"


async def test_key_updates_that_it_begins(issued_certificate):
    async with connected(issued_certificate) as (peer, connection):
        async with asyncio.timeout(10):
            while (await connection.stats()).key_update_count < 3:
                peer.tell("key-update")  # does nothing while the update before is young (RFC 9001 section 6.5)
                await peer.event("key-update")
                assert await echoed(connection, numbers(100_000)) == numbers(100_000)


async def test_a_server_of_other_versions_has_a_name(issued_certificate):
    async with quinn_server(issued_certificate, "--versions", "0xff000020") as peer:
        with pytest.raises(msquic.VersionNegotiationError):
            await dial(issued_certificate, peer)


async def test_without_a_common_protocol_the_exception_says_so(issued_certificate):
    async with quinn_server(issued_certificate, alpn="else") as peer:
        with pytest.raises(msquic.AlpnError):
            await dial(issued_certificate, peer)


async def test_its_retry_is_followed(issued_certificate):
    async with connected(issued_certificate, "--retry") as (_, connection):
        assert await echoed(connection, numbers(1000)) == numbers(1000)
        assert (await connection.stats()).stateless_retry


async def test_a_server_that_stops_is_noticed(issued_certificate):
    async with quinn_server(issued_certificate) as peer:
        connection = await dial(issued_certificate, peer, idle_timeout_ms=1000)
        await peer.event("connected")
    # Ending, it closed with code 0.
    error = await within(connection.wait_closed())
    assert isinstance(error, msquic.PeerClosed)
    assert error.app_code == 0


@pytest.mark.parametrize("reads", [True, False])
async def test_a_peer_that_reads_late_holds_us_back(issued_certificate, reads):
    """Bytes beyond its windows wait here; drain() says so."""
    async with connected(issued_certificate, write_limit=100_000) as (peer, connection):
        await peer.set_mode("echo" if reads else "hold")
        stream = await connection.open_uni_stream()
        written = 0

        async def write() -> None:
            nonlocal written
            while written < 20_000_000:
                stream.write(bytes(50_000))
                written += 50_000
                await stream.drain()
            stream.write_eof()

        if not reads:
            with pytest.raises(TimeoutError):
                await within(write(), 1.0)
            assert written < 10_000_000
            connection.close()  # nobody will ever read the rest
            return
        writing = asyncio.ensure_future(write())
        answer = await within(connection.accept_stream())
        assert len(await within(answer.read(), 20)) == 20_000_000
        await within(writing)
