"""A client and a server for tests of links, each a process. One JSON object per line on standard output.

    link_endpoint.py server CERTIFICATE KEY [NAME=VALUE…]
    link_endpoint.py client CA HOST PORT SIZE TIMES [NAME=VALUE…]

NAME=VALUE are settings, with numbers, true or false. The client sends SIZE bytes; the server answers with their
SHA-256 and then a pattern of the same length, so that both directions are checked; and so on TIMES times.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import sys
from typing import Any

from msquic.asyncio import Connection, Stream, connect, serve

SEED = 53


def say(event: str, **fields: Any) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


def options_of(words: list[str]) -> dict[str, Any]:
    return {name: json.loads(value) for name, value in (word.split("=") for word in words)}


async def answer(stream: Stream) -> None:
    digest, size = hashlib.sha256(), 0
    async for data in stream:
        digest.update(data)
        size += len(data)
    if not stream.is_unidirectional:
        stream.write(digest.digest())
        await write_pattern(stream, size)


async def write_pattern(stream: Stream, size: int) -> None:
    generator = random.Random(SEED)
    for start in range(0, size, 64_000):
        stream.write(generator.randbytes(min(64_000, size - start)))
        await stream.drain()
    stream.write_eof()


def pattern_digest(size: int) -> bytes:
    generator, digest = random.Random(SEED), hashlib.sha256()
    for start in range(0, size, 64_000):
        digest.update(generator.randbytes(min(64_000, size - start)))
    return digest.digest()


async def handle(connection: Connection) -> None:
    say("connected", remote=connection.remote_address)
    try:
        async for stream in connection:
            await answer(stream)
            say("answered", remote=connection.remote_address)  # or read to its end, when it is unidirectional
    finally:
        say("over", error=repr(connection.close_error), kind=type(connection.close_error).__name__)


async def server(certificate: str, key: str, *words: str) -> None:
    async with serve(handle, None, 0, alpn="link", cert_file=certificate, key_file=key, **options_of([*words])) as made:
        say("ready", port=made.port)
        await asyncio.to_thread(sys.stdin.read)  # until the test closes it


async def client(ca: str, host: str, port: str, size: str, times: str, *words: str) -> None:
    options, bytes_each = options_of([*words]), int(size)
    expected = pattern_digest(bytes_each)
    try:
        async with connect(host, int(port), alpn="link", ca_file=ca, server_name="localhost", **options) as connection:
            say("connected", mtu=(await connection.stats()).send_path_mtu)
            for _ in range(int(times)):
                stream = await connection.open_stream()
                writing = asyncio.ensure_future(write_pattern(stream, bytes_each))
                received = await stream.readexactly(32)
                await writing
                digest = hashlib.sha256()
                async for data in stream:
                    digest.update(data)
                say("exchanged", sent_exact=received == expected, received_exact=digest.digest() == expected)
            statistics = await connection.stats()
            say(
                "done",
                lost=statistics.send_suspected_lost_packets,
                mtu=statistics.send_path_mtu,
                reordered=statistics.recv_reordered_packets,
                duplicated=statistics.recv_duplicate_packets,
            )
    except Exception as error:
        say("failed", error=repr(error), kind=type(error).__name__)


if __name__ == "__main__":
    asyncio.run({"server": server, "client": client}[sys.argv[1]](*sys.argv[2:]))
