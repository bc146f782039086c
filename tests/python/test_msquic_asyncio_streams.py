"""Streams of msquic.asyncio: what asyncio's own streams taught people to expect."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import random

import pytest

import msquic
from asyncio_pairs import pair, until, within


async def test_a_request_and_its_answer(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        stream.write(b"question")
        stream.write_eof()
        assert await within(peer.read()) == b"question"
        assert peer.at_eof()
        peer.write(b"answer")
        peer.write_eof()
        assert await within(stream.read()) == b"answer"
        assert await within(stream.read()) == b""
        await within(stream.wait_closed())
        await within(peer.wait_closed())


async def test_stream_ids_are_those_of_rfc_9000(certificate):
    async with pair(certificate) as both:
        opened = [await both.client.open_stream() for _ in range(3)]
        unidirectional = [await both.client.open_uni_stream() for _ in range(2)]
        # [d15 §2.1]: the two lowest bits are the initiator (0 client) and the direction (2 unidirectional).
        assert [stream.id for stream in opened] == [0, 4, 8]
        assert [stream.id for stream in unidirectional] == [2, 6]
        accepted = sorted([(await within(both.server.accept_stream())).id for _ in range(5)])
        assert accepted == [0, 2, 4, 6, 8]
        assert (await both.server.open_stream()).id == 1
        assert (await both.server.open_uni_stream()).id == 3


async def test_a_unidirectional_stream_goes_one_way(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams(unidirectional=True)
        assert stream.is_unidirectional
        assert stream.is_local
        assert peer.is_unidirectional
        assert not peer.is_local
        with pytest.raises(msquic.InvalidState, match="only sends"):
            await stream.read()
        with pytest.raises(msquic.InvalidState, match="only receives"):
            peer.write(b"x")
        stream.write(b"one way")
        stream.write_eof()
        assert await within(peer.read()) == b"one way"


async def test_read_gives_what_is_there(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        stream.write(b"abcdef")
        assert await within(peer.read(2)) == b"ab"
        assert await within(peer.read(100)) == b"cdef"
        assert await peer.read(0) == b""
        waiting = asyncio.ensure_future(peer.read(100))
        stream.write(b"g")
        assert await within(waiting) == b"g"


async def test_readexactly_and_its_incomplete_end(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        stream.write(b"12345")
        assert await within(peer.readexactly(3)) == b"123"
        assert await peer.readexactly(0) == b""
        stream.write(b"6")
        stream.write_eof()
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await within(peer.readexactly(10))
        assert caught.value.partial == b"456"
        assert caught.value.expected == 10


async def test_readexactly_more_than_the_read_limit(certificate):
    async with pair(certificate, server_options={"read_limit": 4096}) as both:
        stream, peer = await both.streams()
        data = random.Random(1).randbytes(300_000)
        stream.write(data)
        assert await within(peer.readexactly(len(data))) == data


async def test_readuntil_finds_a_separator_that_arrives_in_two_pieces(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        waiting = asyncio.ensure_future(peer.readuntil(b"\r\n"))
        stream.write(b"GET /\r")
        await stream.wait_acked()
        assert not waiting.done()
        stream.write(b"\nrest\r\nlast")
        stream.write_eof()
        assert await within(waiting) == b"GET /\r\n"
        assert await within(peer.readuntil(b"\r\n")) == b"rest\r\n"
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await within(peer.readuntil(b"\r\n"))
        assert caught.value.partial == b"last"


async def test_readuntil_leaves_everything_in_place_beyond_its_limit(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        stream.write(b"0123456789\n")
        stream.write_eof()
        with pytest.raises(asyncio.LimitOverrunError):
            await within(peer.readuntil(b"\n", 5))
        assert await within(peer.read()) == b"0123456789\n"


async def test_readline_and_iteration(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        stream.writelines([b"one\n", b"two\n", b"three"])
        stream.write_eof()
        assert [await within(peer.readline()) for _ in range(4)] == [b"one\n", b"two\n", b"three", b""]
        peer.write(b"chunks")
        peer.write_eof()
        assert b"".join([chunk async for chunk in stream]) == b"chunks"


@pytest.mark.parametrize("size", [1, 4095, 4096, 65536, 1_000_003, 8 * 1024 * 1024])
async def test_what_is_written_arrives_unchanged(certificate, size):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        data = random.Random(size).randbytes(size)
        stream.write(data)
        stream.write_eof()
        assert await within(peer.read()) == data


@pytest.mark.parametrize("size", [32 * 1024, 100_000, 1024 * 1024])
async def test_large_reads_at_full_speed_are_exact(certificate, size):
    """Large pieces go straight into the bytes that the reader gets, while MsQuic's thread writes them."""
    block = random.Random(size).randbytes(1024 * 1024)
    blocks = 100

    async def send(stream):
        for number in range(blocks):
            stream.write(number.to_bytes(4, "big") + block)
            await stream.drain()
        stream.write_eof()

    async with pair(
        certificate, {"write_limit": 8 << 20}, {"read_limit": 8 << 20, "stream_recv_window": 8 << 20}
    ) as both:
        stream, peer = await both.streams()
        sending = asyncio.ensure_future(send(stream))
        received, expected, turns = hashlib.sha256(), hashlib.sha256(), 0
        async with asyncio.timeout(40):
            while chunk := await peer.read(size if turns % 50 else 10):
                received.update(chunk)
                turns += 1
        await within(sending)
        for number in range(blocks):
            expected.update(number.to_bytes(4, "big") + block)
        assert received.digest() == expected.digest()


async def test_many_small_and_large_writes_keep_their_order(certificate):
    source = random.Random(7)
    pieces = [source.randbytes(source.choice([1, 10, 100, 4000, 4096, 5000, 70_000])) for _ in range(300)]

    async def send(stream):
        for piece in pieces:
            stream.write(piece)
            await stream.drain()
        stream.write_eof()

    async with pair(certificate) as both:
        stream, peer = await both.streams()
        sending = asyncio.ensure_future(send(stream))
        received = bytearray()
        while chunk := await within(peer.read(source.choice([1, 100, 10_000, 1_000_000]))):
            received += chunk
        await within(sending)
        assert bytes(received) == b"".join(pieces)


async def test_any_buffer_can_be_written_and_is_held_until_it_is_acknowledged(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        small, large = bytearray(b"small"), bytearray(b"L" * 10_000)
        stream.write(memoryview(b"view"))
        stream.write(small)
        stream.write(large)
        small += b"!"  # was copied
        with pytest.raises(BufferError):
            large += b"!"
        await within(stream.wait_acked())
        assert await within(peer.readexactly(9 + 10_000)) == b"viewsmall" + b"L" * 10_000
        large += b"!"
        with pytest.raises(TypeError, match="data must be"):
            stream.write("text")
        stream.write(b"")


async def write_until_held_back(stream):
    """How many bytes went before drain() waited for half a second."""
    block, written = bytes(64 * 1024), 0
    while written < 64 * 1024 * 1024:
        stream.write(block)
        written += len(block)
        try:
            await asyncio.wait_for(stream.drain(), 0.5)
        except TimeoutError:
            break
    return written


async def test_the_reader_holds_the_writer_back(certificate):
    options = {"read_limit": 64 * 1024, "stream_recv_window": 65536}
    async with pair(certificate, client_options={"write_limit": 64 * 1024}, server_options=options) as both:
        stream, peer = await both.streams()
        written = await write_until_held_back(stream)
        assert written <= 2 * 1024 * 1024
        stream.write_eof()
        assert len(await within(peer.read())) == written
        await within(stream.drain())


async def test_several_coroutines_may_drain_one_may_read(certificate):
    async with pair(certificate, client_options={"write_limit": 1024}) as both:
        stream, peer = await both.streams()
        stream.write(bytes(5_000_000))
        draining = [asyncio.ensure_future(stream.drain()) for _ in range(3)]
        waiting = asyncio.ensure_future(stream.read(1))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="already"):
            await stream.read(1)
        assert len(await within(peer.readexactly(5_000_000))) == 5_000_000
        await within(asyncio.gather(*draining))
        peer.write(b"x")
        assert await within(waiting) == b"x"


async def test_writing_far_more_than_the_peer_takes_is_refused(certificate):
    async with pair(certificate, client_options={"write_limit": 1024}, server_options={"read_limit": 1024}) as both:
        stream, _peer = await both.streams()
        with pytest.raises(BufferError, match=r"await drain\(\)"):
            stream.writelines([bytes(1024 * 1024)] * 1000)


async def test_cancelled_reads_lose_nothing(certificate):
    data = random.Random(3).randbytes(2_000_000)
    async with pair(certificate) as both:
        stream, peer = await both.streams()

        async def send():
            for start in range(0, len(data), 20_000):
                stream.write(data[start : start + 20_000])
                await stream.drain()
                await asyncio.sleep(0.0005)
            stream.write_eof()

        sending = asyncio.ensure_future(send())
        received = bytearray()
        cancelled = 0
        source = random.Random(5)
        while True:
            method, arguments = source.choice([(peer.read, [50_000]), (peer.readexactly, [30_000]), (peer.read, [])])
            reading = asyncio.ensure_future(method(*arguments))
            try:
                async with asyncio.timeout(source.choice([0, 0.0005, 0.002])):
                    chunk = await asyncio.shield(reading)
            except TimeoutError:
                reading.cancel()
                cancelled += 1
                try:
                    chunk = await reading
                except asyncio.CancelledError:
                    continue
            except asyncio.IncompleteReadError as error:
                chunk = error.partial
            received += chunk
            if not chunk:
                break
        await within(sending)
        assert bytes(received) == data
        assert cancelled > 10


async def test_a_waiting_task_that_nobody_holds_is_not_collected(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        answers = []

        async def read_once(target):
            answers.append(await target.read())

        asyncio.ensure_future(read_once(peer))  # noqa: RUF006 - that is the point
        del peer
        for _ in range(3):
            await asyncio.sleep(0)
            gc.collect()
        stream.write(b"still there")
        stream.write_eof()
        await until(lambda: answers)
        assert answers == [b"still there"]


async def test_priorities(certificate):
    async with pair(certificate) as both:
        stream, _ = await both.streams()
        assert stream.priority == 32767
        stream.priority = 65535
        assert stream.priority == 65535
        with pytest.raises(msquic.InvalidArgument, match="priority must be from 0 to 65535"):
            stream.priority = 65536


async def write_until_it_fails(stream):
    while True:
        stream.write(b"unwanted")
        await stream.wait_acked()


async def write_and_raise(stream):
    async with stream:
        stream.write(b"partial")
        await stream.wait_acked()
        raise ZeroDivisionError


async def test_async_with_finishes_a_stream_or_aborts_it(certificate):
    async with pair(certificate) as both:
        async with await both.client.open_stream() as stream:
            stream.write(b"done")
        peer = await within(both.server.accept_stream())
        assert await within(peer.read()) == b"done"
        with pytest.raises(msquic.StreamStopped):  # it does not want an answer
            await within(write_until_it_fails(peer))

        with pytest.raises(ZeroDivisionError):
            await write_and_raise(await both.client.open_stream())
        peer = await within(both.server.accept_stream())
        with pytest.raises(msquic.StreamReset) as caught:
            await within(peer.read())
        assert caught.value.app_code == 1
