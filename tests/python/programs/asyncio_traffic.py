"""Echoes on msquic.asyncio that are still going on when the interpreter ends, the way the first argument names."""

from __future__ import annotations

import asyncio
import sys

from msquic.asyncio import connect, serve


async def echo(connection):
    async for stream in connection:
        await answer(stream)


async def answer(stream):
    async for chunk in stream:
        stream.write(chunk)
        await stream.drain()


async def flood(connection):
    stream = await connection.open_stream()
    reading = asyncio.ensure_future(drop(stream))
    while True:
        stream.write(bytes(100_000))
        connection.send_datagram(b"x")
        await stream.drain()
        reading.done()


async def drop(stream):
    async for _ in stream:
        pass


async def main(how: str, cert: str, key: str) -> None:
    server = await serve(echo, "127.0.0.1", 0, alpn="echo", cert_file=cert, key_file=key)
    connection = await connect("127.0.0.1", server.port, alpn="echo", ca_file=cert)
    flooding = asyncio.ensure_future(flood(connection))
    await asyncio.sleep(0.2)
    assert not flooding.done()
    if how == "raise":
        raise ZeroDivisionError("on purpose")
    if how == "exit":
        sys.exit(7)
    if how == "cancel":
        flooding.cancel()
        await asyncio.sleep(0)
    keep.extend([server, connection, flooding])


keep: list[object] = []
asyncio.run(main(*sys.argv[1:]))
