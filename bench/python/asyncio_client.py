"""The jobs of bench_protocol through msquic.asyncio, as its documentation has them: the client.

python bench/python/asyncio_client.py --port 4433 <<<"requests 10000 100"
"""

from __future__ import annotations

import argparse
import asyncio
import time

import msquic
from bench_protocol import (
    BULK_RECEIVE,
    BULK_SEND,
    COUNTS_PER_WINDOW,
    DATAGRAM,
    DATAGRAM_PATIENCE,
    DATAGRAMS,
    HANDSHAKES,
    HOLD,
    PIECE,
    REQUEST,
    REQUESTS,
    Outcome,
    number,
    run_commands,
    value_of,
)
from msquic.asyncio import Connection, Opening, connect
from msquic_settings import OPTIONS, PROFILES


class Client:
    def __init__(self, registration: msquic.Registration, port: int) -> None:
        self._registration, self._port = registration, port
        self._held: list[Connection] = []

    def jobs(self) -> dict[str, object]:
        return {
            BULK_SEND: self.bulk_send,
            BULK_RECEIVE: self.bulk_receive,
            REQUESTS: self.requests,
            DATAGRAMS: self.datagrams,
            HANDSHAKES: self.handshakes,
            HOLD: self.hold,
        }

    def connect(self, alpn: str) -> Opening[Connection]:
        return connect("127.0.0.1", self._port, alpn=alpn, verify=False, registration=self._registration, **OPTIONS)

    async def bulk_send(self, size: int, _: int) -> Outcome:
        async with self.connect(BULK_SEND) as connection:
            started = time.perf_counter()
            stream = await connection.open_stream()
            left = size
            while left:
                piece = PIECE if left >= len(PIECE) else PIECE[:left]
                stream.write(piece)
                left -= len(piece)
                await stream.drain()
            stream.write_eof()
            counted = value_of(await stream.read())
            taken = time.perf_counter() - started
        if counted != size:
            raise SystemExit(f"the server counted {counted} bytes of {size}")
        return Outcome(size, taken)

    async def bulk_receive(self, size: int, _: int) -> Outcome:
        async with self.connect(BULK_RECEIVE) as connection:
            started = time.perf_counter()
            stream = await connection.open_stream()
            stream.write(number(size))
            stream.write_eof()
            received = 0
            async for chunk in stream:
                received += len(chunk)
            taken = time.perf_counter() - started
        if received != size:
            raise SystemExit(f"{received} bytes of {size} came")
        return Outcome(size, taken)

    async def requests(self, count: int, parallel: int) -> Outcome:
        left = count

        async def one_after_the_other() -> None:
            nonlocal left
            while left:
                left -= 1
                stream = await connection.open_stream()
                stream.write(REQUEST)
                stream.write_eof()
                answer = await stream.read()
                if len(answer) != len(REQUEST):
                    raise SystemExit(f"an answer has {len(answer)} bytes")

        async with self.connect(REQUESTS) as connection:
            started = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                for _ in range(parallel):
                    group.create_task(one_after_the_other())
            return Outcome(count, time.perf_counter() - started)

    async def datagrams(self, count: int, window: int) -> Outcome:
        async with self.connect(DATAGRAMS) as connection:
            stream = await connection.open_stream()
            stream.write(number(count) + number(max(window // COUNTS_PER_WINDOW, 1)))
            sent = received = value_of(await stream.readexactly(8))
            started = counted_at = time.perf_counter()
            try:
                while received < count:
                    while sent < count and sent - received < window:
                        connection.send_datagram(DATAGRAM)
                        sent += 1
                    async with asyncio.timeout(DATAGRAM_PATIENCE):
                        received = value_of(await stream.readexactly(8))
                    counted_at = time.perf_counter()
            except TimeoutError:
                stream.write_eof()
                received = value_of((await stream.read())[-8:])
            return Outcome(received, counted_at - started, sent - received)

    async def handshakes(self, count: int, parallel: int) -> Outcome:
        done = 0
        over_at = 0.0

        async def one_after_the_other() -> None:
            nonlocal done, over_at
            while done < count:
                async with self.connect(HANDSHAKES):
                    pass
                done += 1
                if done == count:
                    over_at = time.perf_counter()

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(parallel):
                group.create_task(one_after_the_other())
        return Outcome(count, over_at - started)

    async def hold(self, count: int, parallel: int) -> Outcome:
        """Until the program ends."""
        left = count

        async def one_after_the_other() -> None:
            nonlocal left
            while left:
                left -= 1
                self._held.append(await self.connect(HANDSHAKES))

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(parallel):
                group.create_task(one_after_the_other())
        return Outcome(count, time.perf_counter() - started)

    async def release(self) -> None:
        for connection in self._held:
            connection.close()
        await asyncio.gather(*(connection.wait_closed() for connection in self._held))


async def run(profile: str, port: int) -> None:
    registration = msquic.Registration("bench", PROFILES[profile])
    client = Client(registration, port)
    await run_commands(client.jobs())
    await client.release()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default="low-latency")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    asyncio.run(run(options.profile, options.port))


if __name__ == "__main__":
    main()
