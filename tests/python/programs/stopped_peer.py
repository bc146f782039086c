"""A peer that a test stops and lets go on. It counts the datagrams that it gets.

`server CERTIFICATE KEY` prints its port. `moqt PORT` subscribes to live/demo video at a server. Both print "ready", and
every datagram's number when it is told to go on: the first eight bytes, big-endian.
"""

from __future__ import annotations

import asyncio
import signal
import sys

import moqt.asyncio as ma
from msquic.asyncio import Connection, serve

PATIENT = {"idle_timeout_ms": 120_000, "disconnect_timeout_ms": 120_000}


def say(text: str) -> None:
    print(text, flush=True)


async def count(connection: Connection) -> None:
    say("ready")
    numbers: list[int] = []

    def report() -> None:
        say(f"{len(numbers)} {numbers[0] if numbers else -1} {numbers[-1] if numbers else -1}")

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, report)
    async for datagram in connection.datagrams():
        numbers.append(int.from_bytes(datagram[:8], "big"))


async def server(certificate: str, key: str) -> None:
    async with serve(count, "127.0.0.1", 0, alpn="test", cert_file=certificate, key_file=key, **PATIENT) as made:
        say(f"port {made.port}")
        await made.serve_forever()


async def subscriber(port: int) -> None:
    async with ma.connect("127.0.0.1", port, verify=False) as session:
        subscription = await session.subscribe(("live", "demo"), "video")
        say("ready")
        async for _ in subscription:
            pass


if sys.argv[1] == "server":
    asyncio.run(server(*sys.argv[2:]))
else:
    asyncio.run(subscriber(int(sys.argv[2])))
