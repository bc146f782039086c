"""An echo server, and clients of it: `server CERTIFICATE KEY`, `asyncio HOST PORT`, `callbacks HOST PORT`."""

from __future__ import annotations

import asyncio
import json
import sys
import threading

import msquic
from msquic.asyncio import Connection, connect, serve


async def echo(connection: Connection) -> None:
    async for stream in connection:
        async with stream:
            stream.write(await stream.read())


async def server(certificate: str, key: str) -> None:
    async with serve(echo, None, 0, alpn="test", cert_file=certificate, key_file=key) as made:
        print(f"port {made.port}", flush=True)
        await made.serve_forever()


async def ask(host: str, port: int) -> None:
    async with connect(host, port, alpn="test", verify=False) as connection:
        stream = await connection.open_stream()
        stream.write(b"hello")
        stream.write_eof()
        assert await stream.read() == b"hello"
        print(json.dumps(connection.remote_address), flush=True)


def ask_by_callbacks(host: str, port: int) -> None:
    with msquic.Registration("link") as registration:
        configuration = msquic.Configuration(registration, ["test"])
        configuration.load_credential_none(no_certificate_validation=True)
        connection = msquic.Connection(registration)
        connected = threading.Event()
        connection.set_on_connected(connected.set)
        connection.start(configuration, host, port)
        assert connected.wait(20), connection.close_error
        print(json.dumps(connection.remote_address), flush=True)


role, first, second = sys.argv[1:]
if role == "server":
    asyncio.run(server(first, second))
elif role == "asyncio":
    asyncio.run(asyncio.wait_for(ask(first, int(second)), 30))
else:
    ask_by_callbacks(first, int(second))
