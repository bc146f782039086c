"""How streams and connections of msquic.asyncio end: by whom, with which code, and what whoever waits is told."""

from __future__ import annotations

import asyncio
import gc

import pytest

import msquic
from asyncio_pairs import client, pair, server, until, within


async def read_until_it_fails(stream, expected):
    received = b""
    while expected.startswith(received):
        received += await stream.read(100)
    raise AssertionError(f"{received!r} is not the beginning of {expected!r}")


async def test_reset_comes_after_the_bytes_before_it(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        stream.write(b"before")
        assert await within(peer.read(1)) == b"b"
        stream.reset(42)
        with pytest.raises(msquic.StreamReset) as caught:
            await within(read_until_it_fails(peer, b"efore"))
        assert (caught.value.app_code, caught.value.remote) == (42, True)
        with pytest.raises(msquic.InvalidState, match="reset"):
            stream.write(b"more")
        peer.write(b"the other direction lives")
        peer.write_eof()
        assert await within(stream.read()) == b"the other direction lives"


@pytest.mark.parametrize("method", ["read", "readexactly", "readuntil", "__anext__"])
async def test_reset_wakes_a_reader(certificate, method):
    arguments = {"readexactly": [5], "readuntil": [b"x"]}.get(method, [])
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        reading = asyncio.ensure_future(getattr(peer, method)(*arguments))
        await asyncio.sleep(0)
        stream.reset(9)
        with pytest.raises(msquic.StreamReset):
            await within(reading)


async def test_stop_is_told_to_the_writer(certificate):
    async with pair(certificate, client_options={"write_limit": 1024}) as both:
        stream, peer = await both.streams()
        stream.write(bytes(10_000_000))
        draining = asyncio.ensure_future(stream.drain())
        await within(peer.read(1))
        peer.stop(7)
        with pytest.raises(msquic.StreamStopped) as caught:
            await within(draining)
        assert (caught.value.app_code, caught.value.remote) == (7, True)
        with pytest.raises(msquic.StreamStopped):
            stream.write(b"x")
        with pytest.raises(msquic.InvalidState, match="stop"):
            await peer.read(1)


async def test_nothing_can_be_written_after_write_eof(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        stream.write_eof()
        stream.write_eof()
        with pytest.raises(msquic.InvalidState, match="write_eof"):
            stream.write(b"x")
        assert await within(peer.read()) == b""


async def test_a_dropped_stream_is_aborted(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        stream.write(b"x")
        assert await within(peer.read(1)) == b"x"
        del stream
        gc.collect()
        with pytest.raises(msquic.StreamReset) as caught:
            await within(peer.read())
        assert caught.value.app_code == 0


async def test_what_was_written_and_finished_survives_dropping_the_stream(certificate):
    async with pair(certificate) as both:
        for size in (5, 5_000_000):
            stream = await both.client.open_stream()
            stream.write(bytes(size))
            stream.write_eof()
            del stream
            gc.collect()
            peer = await within(both.server.accept_stream())
            assert len(await within(peer.read())) == size


async def test_the_peers_close_reaches_everything_that_waits(certificate):
    async with pair(certificate, client_options={"write_limit": 1024}) as both:
        stream, _ = await both.streams()
        stream.write(bytes(10_000_000))
        waiting = [
            asyncio.ensure_future(each)
            for each in (
                stream.read(),
                stream.drain(),
                both.client.accept_stream(),
                both.client.receive_datagram(),
                anext(both.client.datagrams()),
            )
        ]
        closed = asyncio.ensure_future(both.client.wait_closed())
        await asyncio.sleep(0)
        both.server.close(99, "enough")
        results = await within(asyncio.gather(*waiting, return_exceptions=True))
        assert [(type(each), each.app_code) for each in results] == [(msquic.PeerClosed, 99)] * 5
        error = await within(closed)
        assert isinstance(error, msquic.PeerClosed)
        assert error.app_code == 99
        assert error.remote
        assert both.client.is_closed
        assert "over" in repr(both.client)
        with pytest.raises(msquic.PeerClosed):
            await both.client.open_stream()
        with pytest.raises(msquic.PeerClosed):
            stream.write(b"x")


async def test_closing_here_is_told_as_such(certificate):
    async with pair(certificate) as both:
        stream, _ = await both.streams()
        waiting = asyncio.ensure_future(stream.read())
        await asyncio.sleep(0)
        both.client.close(3)
        both.client.close(4)
        with pytest.raises(msquic.ConnectionClosed):
            await within(waiting)
        with pytest.raises(msquic.ConnectionClosed):
            await both.client.open_stream()
        assert await within(both.client.wait_closed()) is None
        assert both.client.close_error is None
        error = await within(both.server.wait_closed())
        assert isinstance(error, msquic.PeerClosed)
        assert error.app_code == 3


@pytest.mark.parametrize(("code", "raises"), [(0, False), (5, True)])
async def test_iterating_ends_with_code_0_and_raises_otherwise(certificate, code, raises):
    async with pair(certificate) as both:

        async def iterate(iterator):
            return [item async for item in iterator]

        tasks = [asyncio.ensure_future(iterate(each)) for each in (both.client, both.client.datagrams())]
        await asyncio.sleep(0)
        both.server.close(code)
        results = await within(asyncio.gather(*tasks, return_exceptions=True))
        if raises:
            assert all(isinstance(each, msquic.PeerClosed) for each in results)
        else:
            assert results == [[], []]


async def test_a_dropped_connection_is_closed(certificate):
    async with pair(certificate) as both:
        other = await within(connect_again(certificate, both))
        accepted = both.extra
        del other
        gc.collect()
        error = await within(accepted.wait_closed())
        assert isinstance(error, msquic.PeerClosed)
        assert error.app_code == 0


async def connect_again(certificate, both):
    from msquic.asyncio import connect

    accepted: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def handler(connection):
        accepted.set_result(connection)
        await connection.wait_closed()

    both.listener._handler = handler
    made = await connect("127.0.0.1", both.listener.port, alpn="test", ca_file=certificate.certificate_file)
    both.extra = await within(accepted)
    return made


async def test_leaving_async_with_waits_for_what_was_written(certificate):
    received = asyncio.get_running_loop().create_future()

    async def handler(connection):
        stream = await connection.accept_stream()
        received.set_result(await stream.read())

    async with server(certificate, handler) as made:
        async with client(certificate, made) as connection:
            stream = await connection.open_uni_stream()
            stream.write(bytes(3_000_000))
            stream.write_eof()
        assert len(await within(received)) == 3_000_000


@pytest.mark.parametrize("writing", [False, True])
@pytest.mark.parametrize("method", ["close", "abort"])
async def test_a_reason_that_is_too_long_closes_nothing(certificate, method, writing):
    async with pair(certificate) as both:
        connection = both.client
        stream = await within(connection.open_stream())
        if writing:
            stream.write(bytes(100_000))
        with pytest.raises(msquic.InvalidArgument, match="511 bytes"):
            getattr(connection, method)(0, "\u00e9" * 256)
        stream.write(b"it is open")
        getattr(connection, method)(0, "e" * 511)
        assert await within(connection.wait_closed()) is None


async def test_a_handler_that_returns_closes_after_its_data_arrived(certificate):
    async def handler(connection):
        stream = await connection.open_uni_stream()
        stream.write(b"d" * 2_000_000)
        stream.write_eof()

    async with server(certificate, handler) as made, client(certificate, made) as connection:
        stream = await within(connection.accept_stream())
        assert len(await within(stream.read())) == 2_000_000
        error = await within(connection.wait_closed())
        assert isinstance(error, msquic.PeerClosed)
        assert error.app_code == 0


async def test_a_handler_that_raises_closes_with_code_1_and_is_reported(certificate):
    reported = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context["exception"]))

    async def handler(connection):
        raise ZeroDivisionError("on purpose")

    async with server(certificate, handler) as made, client(certificate, made) as connection:
        error = await within(connection.wait_closed())
        assert isinstance(error, msquic.PeerClosed)
        assert error.app_code == 1
        await until(lambda: reported)
    assert [type(error) for error in reported] == [ZeroDivisionError]


async def test_the_idle_timeout_has_a_name(certificate):
    async with pair(certificate, client_options={"idle_timeout_ms": 300}) as both:
        error = await within(both.client.wait_closed())
        assert isinstance(error, msquic.IdleTimeout)
        with pytest.raises(msquic.IdleTimeout):
            await both.client.accept_stream()
