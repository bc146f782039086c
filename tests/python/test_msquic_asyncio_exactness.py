"""What is written is what is read, whatever the sizes and pauses; a slow reader costs its sender time, not memory."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from asyncio_pairs import pair, server, within
from running import start_program

MEBIBYTE = 1 << 20


def sizes(generator: random.Random, total: int) -> list[int]:
    """From 1 byte to 1 MiB, small ones as often as large ones."""
    made: list[int] = []
    while (left := total - sum(made)) > 0:
        made.append(min(left, int(2 ** generator.uniform(0, 20))))
    return made


async def write(stream: Any, data: bytes, generator: random.Random) -> None:
    start = undrained = 0
    for size in sizes(generator, len(data)):
        stream.write(data[start : start + size])
        start += size
        undrained += size
        if generator.random() < 0.3 or undrained > MEBIBYTE:
            await stream.drain()
            undrained = 0
        if generator.random() < 0.05:
            await asyncio.sleep(generator.uniform(0, 0.003))
    stream.write_eof()


async def read(stream: Any, generator: random.Random) -> bytes:
    """In pieces of all sizes, with pauses during which flow control has to hold the sender back."""
    parts = []
    while True:
        size = int(2 ** generator.uniform(0, 20))
        part = await stream.read(size)
        if not part:
            return b"".join(parts)
        assert len(part) <= size
        parts.append(part)
        if generator.random() < 0.05:
            await asyncio.sleep(generator.uniform(0, 0.005))


async def echo(stream: Any, generator: random.Random) -> None:
    while part := await stream.read(int(2 ** generator.uniform(0, 18))):
        stream.write(part)
        await stream.drain()
        if generator.random() < 0.02:
            await asyncio.sleep(generator.uniform(0, 0.005))
    stream.write_eof()


@pytest.mark.parametrize("limit", [1, 4096, MEBIBYTE])
async def test_an_echo_is_byte_exact(certificate, limit):
    """With a limit of 1, every byte that waits to be read holds the peer back."""
    generator = random.Random(limit)
    total = 20_000 if limit == 1 else 4 * MEBIBYTE
    limits = {"read_limit": limit}
    async with pair(certificate, client_options=limits, server_options=limits) as both:
        datas = [generator.randbytes(total), generator.randbytes(1), b"", generator.randbytes(total // 4)]

        async def exchange(data: bytes, seed: int) -> bytes:
            stream = await both.client.open_stream()
            _, answer = await asyncio.gather(
                write(stream, data, random.Random(seed)), read(stream, random.Random(seed + 1))
            )
            return answer

        async def serve() -> None:
            async with asyncio.TaskGroup() as tasks:
                for seed in range(len(datas)):
                    tasks.create_task(echo(await both.server.accept_stream(), random.Random(seed)))

        serving = asyncio.ensure_future(serve())
        answers = await within(asyncio.gather(*[exchange(data, seed) for seed, data in enumerate(datas)]), 40)
        await within(serving)
    assert answers == datas


def resident_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_slow_reader_holds_its_peer_back(certificate):
    """The peer wants to send 200 MB; what waits here stays within the limits of the streams."""
    count, size, limit = 20, 10_000_000, 256 * 1024
    accepted: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def handler(connection: Any) -> None:
        accepted.set_result(connection)
        await connection.wait_closed()

    async with server(certificate, handler, read_limit=limit) as made:
        program = Path(__file__).parent / "programs" / "stream_flood.py"
        sender = await start_program(sys.executable, program, certificate.certificate_file, made.port, count, size)
        try:
            connection = await within(accepted)
            before = resident_bytes()
            streams = [await within(connection.accept_stream()) for _ in range(count)]
            received = await settled(connection)
            # Per stream: what waits to be read, and MsQuic's buffer, whose window grew a little until then.
            assert received < count * (limit + MEBIBYTE) < count * size / 4
            assert resident_bytes() - before < count * (limit + MEBIBYTE) + 16 * MEBIBYTE
            contents = [await within(drained(stream), 60) for stream in streams]
            assert sorted(contents) == [(number, size) for number in range(count)]
            await sender.line("written")
            connection.close()
            assert await sender.exit_code() == 0, sender.text
        finally:
            await sender.end()


async def settled(connection: Any) -> int:
    """The bytes received, once no more come."""
    last = -1
    while (now := (await connection.stats()).recv_total_stream_bytes) != last:
        last = now
        await asyncio.sleep(0.3)
    return last


async def drained(stream: Any) -> tuple[int, int]:
    """The byte that the stream consists of, and how many of them there are."""
    values, size = set(), 0
    async for data in stream:
        values |= set(data)
        size += len(data)
    assert len(values) == 1
    return values.pop(), size
