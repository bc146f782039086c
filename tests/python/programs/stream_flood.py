"""Sends more than anybody reads: COUNT unidirectional streams of SIZE bytes each.

    stream_flood.py CA PORT COUNT SIZE

The bytes of a stream are its number, over and over. Prints `written` when everything was; ends with the connection.
"""

from __future__ import annotations

import asyncio
import sys

from msquic.asyncio import Connection, connect

PIECE = 50_000


async def send(connection: Connection, number: int, size: int) -> None:
    stream = await connection.open_uni_stream()
    for start in range(0, size, PIECE):
        stream.write(bytes([number]) * min(PIECE, size - start))
        await stream.drain()
    stream.write_eof()


async def main(ca: str, port: int, count: int, size: int) -> None:
    async with connect("127.0.0.1", port, alpn="test", ca_file=ca, server_name="localhost") as connection:
        await asyncio.gather(*[send(connection, number, size) for number in range(count)])
        print("written", flush=True)
        await connection.wait_closed()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:5])))
