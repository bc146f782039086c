"""The job bulk-send through the callbacks of the package msquic: the client.

python bench/python/callbacks_client.py --port 4433 <<<"bulk-send 268435456"
"""

from __future__ import annotations

import argparse
import asyncio
import threading
import time

import msquic
from bench_protocol import BULK_SEND, MIB, PIECE, Outcome, run_commands, value_of
from msquic import SendFlags
from msquic_settings import PROFILES, SETTINGS

PIECES_OUTSTANDING = 8


def send(registration: msquic.Registration, port: int, size: int) -> Outcome:
    configuration = msquic.Configuration(registration, [BULK_SEND], **SETTINGS)
    configuration.load_credential_none(no_certificate_validation=True)
    connection = msquic.Connection(registration)
    connected, over, closed = threading.Event(), threading.Event(), threading.Event()
    connection.set_on_connected(connected.set)
    connection.set_on_shutdown_complete(lambda _: [event.set() for event in (connected, over, closed)])
    connection.start(configuration, "127.0.0.1", port)
    connected.wait(10)

    left = size
    answer = bytearray()
    started = time.perf_counter()
    stream = connection.open_stream()

    def on_receive(data: bytes, fin: bool) -> None:
        answer.extend(data)
        if fin:
            over.set()

    def send_piece() -> None:
        nonlocal left
        if left == 0:
            return
        piece = PIECE if left >= MIB else PIECE[:left]
        left -= len(piece)
        stream.send(piece, SendFlags.FIN if left == 0 else SendFlags.NONE)

    stream.set_on_receive(on_receive)
    stream.set_on_send_complete(send_piece)
    stream.start()
    for _ in range(PIECES_OUTSTANDING):
        send_piece()
    over.wait(120)
    taken = time.perf_counter() - started
    if value_of(answer) != size:
        raise SystemExit(f"the server's count is {bytes(answer)!r}, sent were {size} bytes")
    connection.shutdown()
    closed.wait(10)
    return Outcome(size, taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default="low-latency")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    registration = msquic.Registration("callbacks_client", PROFILES[options.profile])

    async def bulk_send(size: int, _: int) -> Outcome:
        return await asyncio.to_thread(send, registration, options.port, size)

    asyncio.run(run_commands({BULK_SEND: bulk_send}))
    registration.close()


if __name__ == "__main__":
    main()
