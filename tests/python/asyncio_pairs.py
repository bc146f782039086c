"""Pairs of msquic.asyncio endpoints on the loopback interface, for tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from msquic.asyncio import Connection, Server, connect, serve

ALPN = "test"
DEADLINE = 45.0
"""Seconds that any wait may take, on a busy machine too."""


async def within(awaitable: Awaitable[Any], seconds: float = DEADLINE) -> Any:
    return await asyncio.wait_for(awaitable, seconds)


async def until(condition: Callable[[], object], seconds: float = DEADLINE) -> None:
    """Waits for what no event tells."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def server(
    certificate: Any, handler: Callable[[Connection], Awaitable[object]], **options: Any
) -> AsyncIterator[Server]:
    options = {"cert_file": certificate.certificate_file, "key_file": certificate.private_key_file} | options
    async with serve(handler, "127.0.0.1", 0, alpn=ALPN, **options) as made:
        yield made


@contextlib.asynccontextmanager
async def client(certificate: Any, made: Server, **options: Any) -> AsyncIterator[Connection]:
    async with connect(
        "127.0.0.1", made.port, **({"alpn": ALPN, "ca_file": certificate.certificate_file} | options)
    ) as connection:
        yield connection


class Pair:
    """A client's connection and the server's side of it, both in this process and loop."""

    def __init__(self, client_side: Connection, server_side: Connection, made: Server) -> None:
        self.client, self.server, self.listener = client_side, server_side, made

    async def streams(self, unidirectional: bool = False) -> tuple[Any, Any]:
        """A stream that the client opened, and the server's end of it."""
        opened = await (self.client.open_uni_stream() if unidirectional else self.client.open_stream())
        return opened, await within(self.server.accept_stream())


@contextlib.asynccontextmanager
async def pair(
    certificate: Any, client_options: dict[str, Any] | None = None, server_options: dict[str, Any] | None = None
) -> AsyncIterator[Pair]:
    accepted: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def handler(connection: Connection) -> None:
        accepted.set_result(connection)
        await over.wait()

    async with server(certificate, handler, **(server_options or {})) as made:
        try:
            async with client(certificate, made, **(client_options or {})) as connection:
                yield Pair(connection, await within(accepted), made)
        finally:
            over.set()
