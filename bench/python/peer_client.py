"""The jobs of bench_protocol through aioquic, qh3 or aiopquic, with what each does fastest: the client.

python bench/python/peer_client.py --library aioquic --port 4433 <<<"requests 1000 100"
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from typing import Any

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
from peer_library import LIBRARIES, PeerLibrary

DEADLINE = 60.0


def pieces_of(size: int) -> list[bytes]:
    whole, rest = divmod(size, len(PIECE))
    return [PIECE] * whole + ([PIECE[:rest]] if rest else [])


class Client:
    def __init__(self, library: PeerLibrary, port: int) -> None:
        self._library, self._port = library, port
        self._held: list[Any] = []
        events, owner = library.events, self

        class Protocol(library.protocol):  # type: ignore[misc, name-defined]
            """Hands what comes on a stream to `received`, together with whether it is the end."""

            def __init__(self, *arguments: Any, **options: Any) -> None:
                super().__init__(*arguments, **options)
                self.received: Any = None

            def quic_event_received(self, event: Any) -> None:
                if isinstance(event, events.StreamDataReceived) and self.received is not None:
                    self.received(event.stream_id, event.data, event.end_stream)

        owner._protocol = Protocol

    def jobs(self) -> dict[str, Any]:
        return {
            BULK_SEND: self.bulk_send,
            BULK_RECEIVE: self.bulk_receive,
            REQUESTS: self.requests,
            DATAGRAMS: self.datagrams,
            HANDSHAKES: self.handshakes,
            HOLD: self.hold,
        }

    def connect(self, alpn: str) -> Any:
        return self._library.connect(self._port, alpn, self._protocol)

    async def bulk_send(self, size: int, _: int) -> Outcome:
        answer = bytearray()
        over = asyncio.Event()

        def received(_: int, data: bytes, end: bool) -> None:
            answer.extend(data)
            if end:
                over.set()

        async with self.connect(BULK_SEND) as protocol:
            protocol.received = received
            started = time.perf_counter()
            stream_id = protocol._quic.get_next_available_stream_id()
            await self._library.send_bulk(protocol, stream_id, pieces_of(size))
            await asyncio.wait_for(over.wait(), DEADLINE)
            taken = time.perf_counter() - started
        if value_of(answer) != size:
            raise SystemExit(f"the server counted {value_of(answer)} bytes of {size}")
        return Outcome(size, taken)

    async def bulk_receive(self, size: int, _: int) -> Outcome:
        count = 0
        over = asyncio.Event()

        def received(_: int, data: bytes, end: bool) -> None:
            nonlocal count
            count += len(data)
            if end:
                over.set()

        async with self.connect(BULK_RECEIVE) as protocol:
            protocol.received = received
            started = time.perf_counter()
            protocol._quic.send_stream_data(
                protocol._quic.get_next_available_stream_id(), number(size), end_stream=True
            )
            self._library.flush(protocol)
            await asyncio.wait_for(over.wait(), DEADLINE)
            taken = time.perf_counter() - started
        if count != size:
            raise SystemExit(f"{count} bytes of {size} came")
        return Outcome(size, taken)

    async def requests(self, count: int, parallel: int) -> Outcome:
        started_requests = done = 0
        over = asyncio.Event()
        answered: dict[int, int] = {}

        def start_one() -> None:
            nonlocal started_requests
            started_requests += 1
            stream_id = protocol._quic.get_next_available_stream_id()
            answered[stream_id] = 0
            protocol._quic.send_stream_data(stream_id, REQUEST, end_stream=True)

        def received(stream_id: int, data: bytes, end: bool) -> None:
            nonlocal done
            answered[stream_id] += len(data)
            if not end:
                return
            if (length := answered.pop(stream_id)) != len(REQUEST):
                raise SystemExit(f"an answer has {length} bytes")
            done += 1
            if done == count:
                over.set()
            elif started_requests < count:
                start_one()

        async with self.connect(REQUESTS) as protocol:
            protocol.received = received
            started = time.perf_counter()
            for _ in range(min(parallel, count)):
                start_one()
            self._library.flush(protocol)
            await asyncio.wait_for(over.wait(), DEADLINE)
            return Outcome(count, time.perf_counter() - started)

    async def datagrams(self, count: int, window: int) -> Outcome:
        numbers = bytearray()
        said: list[int] = []
        heard = asyncio.Event()

        def received(_: int, data: bytes, __: bool) -> None:
            numbers.extend(data)
            while len(numbers) >= 8:
                said.append(value_of(numbers[:8]))
                del numbers[:8]
            heard.set()

        async def next_count() -> int:
            heard.clear()
            if not said:
                await asyncio.wait_for(heard.wait(), DATAGRAM_PATIENCE)
            latest = said[-1]
            said.clear()
            return latest

        async with self.connect(DATAGRAMS) as protocol:
            quic = protocol._quic
            protocol.received = received
            stream_id = quic.get_next_available_stream_id()
            quic.send_stream_data(stream_id, number(count) + number(max(window // COUNTS_PER_WINDOW, 1)))
            self._library.flush(protocol)
            sent = arrived = await next_count()
            started = counted_at = time.perf_counter()
            try:
                while arrived < count:
                    while sent < count and sent - arrived < window:
                        # aiopquic's says 0 when its ring is full; the others' say nothing.
                        if quic.send_datagram_frame(DATAGRAM) == 0:
                            await quic.get_datagram_tx_drain_event().wait()
                            continue
                        sent += 1
                    self._library.flush(protocol)
                    arrived = await next_count()
                    counted_at = time.perf_counter()
            except TimeoutError:
                quic.send_stream_data(stream_id, b"", end_stream=True)
                self._library.flush(protocol)
                arrived = await next_count()
            return Outcome(arrived, counted_at - started, sent - arrived)

    async def handshakes(self, count: int, parallel: int) -> Outcome:
        done = 0
        over_at = 0.0
        closings: list[asyncio.Task[Any]] = []

        async def one_after_the_other() -> None:
            nonlocal done, over_at
            while done < count:
                context = self.connect(HANDSHAKES)
                await context.__aenter__()
                # aioquic keeps a closed connection for three probe timeouts; nobody has to wait for that.
                closings.append(asyncio.create_task(context.__aexit__(None, None, None)))
                done += 1
                if done == count:
                    over_at = time.perf_counter()

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(parallel):
                group.create_task(one_after_the_other())
        await asyncio.gather(*closings)
        return Outcome(count, over_at - started)

    async def hold(self, count: int, parallel: int) -> Outcome:
        """Until the program ends."""
        left = count

        async def one_after_the_other() -> None:
            nonlocal left
            while left:
                left -= 1
                context = self.connect(HANDSHAKES)
                await context.__aenter__()
                self._held.append(context)

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(parallel):
                group.create_task(one_after_the_other())
        return Outcome(count, time.perf_counter() - started)

    async def release(self) -> None:
        await asyncio.gather(*(context.__aexit__(None, None, None) for context in self._held))


def end_with(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What an event handler raises would be logged, and the job would wait for ever."""
    print(f"{context['message']}: {context.get('exception')!r}", file=sys.stderr, flush=True)
    os._exit(1)


async def run(library: str, port: int) -> None:
    asyncio.get_running_loop().set_exception_handler(end_with)
    client = Client(PeerLibrary(library), port)
    await run_commands(client.jobs())
    await client.release()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", choices=LIBRARIES, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    asyncio.run(run(options.library, options.port))


if __name__ == "__main__":
    main()
