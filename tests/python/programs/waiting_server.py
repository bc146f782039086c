"""A server whose handlers wait for ever, on nothing of the library's. Prints its port, and DONE when it is through."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from msquic.asyncio import Connection, Stream, serve


async def forever(connection: Connection) -> None:
    async def answer(stream: Stream) -> None:
        print("WAITING", flush=True)
        await asyncio.Event().wait()

    streams = asyncio.create_task(connection.serve_streams(answer))
    try:
        await asyncio.Event().wait()
    finally:
        streams.cancel()
        print("CANCELLED", flush=True)


async def main(certificate: Path, key: Path) -> None:
    try:
        async with serve(
            forever, "127.0.0.1", 0, alpn="test", cert_file=certificate, key_file=key, grace=0.5
        ) as server:
            print(f"PORT {server.port}", flush=True)
            await server.serve_forever()
    finally:
        print("DONE", flush=True)


asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
