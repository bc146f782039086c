"""The jobs of bench_protocol through msquic.asyncio, as its documentation has them: the server.

python bench/python/asyncio_server.py --cert cert.pem --key key.pem
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib

import msquic
from bench_protocol import (
    ALPNS,
    ANSWER,
    BULK_RECEIVE,
    BULK_SEND,
    DATAGRAMS,
    PIECE,
    REQUEST,
    REQUESTS,
    answer_commands,
    number,
    value_of,
)
from msquic.asyncio import Connection, Stream, serve
from msquic_settings import OPTIONS, PROFILES


async def count_bulk(connection: Connection) -> None:
    async for stream in connection:
        received = 0
        async for chunk in stream:
            received += len(chunk)
        stream.write(number(received))
        stream.write_eof()


async def send_bulk(connection: Connection) -> None:
    async for stream in connection:
        left = value_of(await stream.read())
        while left:
            piece = PIECE if left >= len(PIECE) else PIECE[:left]
            stream.write(piece)
            left -= len(piece)
            await stream.drain()
        stream.write_eof()


async def answer_request(stream: Stream) -> None:
    request = await stream.read()
    if len(request) == len(REQUEST):
        stream.write(ANSWER)


async def answer_requests(connection: Connection) -> None:
    await connection.serve_streams(answer_request)


async def count_datagrams(connection: Connection) -> None:
    stream = await connection.accept_stream()
    wanted, interval = value_of(await stream.readexactly(8)), value_of(await stream.readexactly(8))
    received = 0

    async def answer_end() -> None:
        with contextlib.suppress(msquic.ConnectionFailed):  # a client that lost nothing closes
            await stream.read()
            stream.write(number(received))
            stream.write_eof()

    stream.write(number(0))
    async with asyncio.TaskGroup() as group:
        group.create_task(answer_end())
        async for _ in connection.datagrams():
            received += 1
            if received % interval == 0 or received == wanted:
                stream.write(number(received))


async def wait(connection: Connection) -> None:
    await connection.wait_closed()


HANDLERS = {
    BULK_SEND: count_bulk,
    BULK_RECEIVE: send_bulk,
    REQUESTS: answer_requests,
    DATAGRAMS: count_datagrams,
}


async def run(profile: str, cert: str, key: str) -> None:
    async def handle(connection: Connection) -> None:
        await HANDLERS.get(connection.alpn, wait)(connection)

    registration = msquic.Registration("bench", PROFILES[profile])
    async with serve(
        handle,
        "127.0.0.1",
        0,
        alpn=ALPNS,
        cert_file=cert,
        key_file=key,
        registration=registration,
        **OPTIONS,
    ) as server:
        await answer_commands(server.port)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default="low-latency")
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    options = parser.parse_args()
    asyncio.run(run(options.profile, options.cert, options.key))


if __name__ == "__main__":
    main()
