"""QUIC for asyncio.

::

    async def echo(connection):
        async for stream in connection:
            stream.write(await stream.read())
            stream.write_eof()

    server = await serve(echo, port=4433, alpn="echo", cert_file="cert.pem", key_file="key.pem")


    async with connect("localhost", 4433, alpn="echo", ca_file="cert.pem") as connection:
        stream = await connection.open_stream()
        stream.write(b"hello")
        stream.write_eof()
        print(await stream.read())

Objects belong to the loop where they were made. MsQuic has threads of its own and tells a loop what happened in
batches, through one file descriptor; a loop where nothing happens is never woken. Errors are those of
:mod:`msquic.exceptions`.
"""

from msquic.asyncio._trust import CertificateVerifier
from msquic.asyncio.client import connect
from msquic.asyncio.connection import Connection
from msquic.asyncio.opening import Opening
from msquic.asyncio.options import ConnectOptions, DialOptions, ListenOptions, ServeOptions
from msquic.asyncio.server import Server, serve
from msquic.asyncio.stream import Stream

__all__ = [
    "CertificateVerifier",
    "ConnectOptions",
    "Connection",
    "DialOptions",
    "ListenOptions",
    "Opening",
    "ServeOptions",
    "Server",
    "Stream",
    "connect",
    "serve",
]
