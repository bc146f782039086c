"""The jobs of bench_protocol through aioquic, qh3 or aiopquic, with what each does fastest: the server.

python bench/python/peer_server.py --library aioquic --cert cert.pem --key key.pem
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from bench_protocol import (
    ANSWER,
    BULK_RECEIVE,
    BULK_SEND,
    DATAGRAMS,
    REQUESTS,
    answer_commands,
    free_port,
    number,
    value_of,
)
from peer_client import pieces_of
from peer_library import LIBRARIES, PeerLibrary


def protocol_of(library: PeerLibrary) -> Any:
    events = library.events

    class Protocol(library.protocol):  # type: ignore[misc, name-defined]
        job: str | None = None
        received = 0
        wanted = 0
        interval = 1
        stream_id = 0

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.number = bytearray()
            self.tasks: set[asyncio.Task[None]] = set()

        def quic_event_received(self, event: Any) -> None:
            if isinstance(event, events.StreamDataReceived):
                self.stream_data(event.stream_id, event.data, event.end_stream)
            elif isinstance(event, events.DatagramFrameReceived):
                self.received += 1
                if self.received % self.interval == 0 or self.received == self.wanted:
                    self._quic.send_stream_data(self.stream_id, number(self.received))
            elif isinstance(event, events.ProtocolNegotiated):
                self.job = event.alpn_protocol

        def stream_data(self, stream_id: int, data: bytes, end: bool) -> None:
            quic = self._quic
            if self.job == BULK_SEND:
                self.received += len(data)
                if end:
                    quic.send_stream_data(stream_id, number(self.received), end_stream=True)
            elif self.job == REQUESTS:
                if end:
                    quic.send_stream_data(stream_id, ANSWER, end_stream=True)
            elif self.job == BULK_RECEIVE:
                self.number += data
                if end:
                    pieces = pieces_of(value_of(self.number))
                    task = asyncio.ensure_future(library.send_bulk(self, stream_id, pieces))
                    self.tasks.add(task)
                    task.add_done_callback(self.tasks.discard)
            elif self.job == DATAGRAMS:
                self.stream_id = stream_id
                self.number += data
                if len(self.number) == 16 and not self.wanted:
                    self.wanted, self.interval = value_of(self.number[:8]), value_of(self.number[8:])
                    quic.send_stream_data(stream_id, number(0))
                if end:
                    quic.send_stream_data(stream_id, number(self.received), end_stream=True)

    return Protocol


async def run(name: str, cert: str, key: str) -> None:
    library = PeerLibrary(name)
    port = free_port()
    server = await library.serve(port, cert, key, protocol_of(library))
    await answer_commands(port)
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", choices=LIBRARIES, required=True)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    options = parser.parse_args()
    asyncio.run(run(options.library, options.cert, options.key))


if __name__ == "__main__":
    main()
