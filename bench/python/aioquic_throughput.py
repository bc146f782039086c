"""One stream, as many bytes per second as it takes, through aioquic: the same work as msquic_throughput.py.

python bench/python/aioquic_throughput.py server --cert cert.pem --key key.pem    # until standard input ends
python bench/python/aioquic_throughput.py client --port 4433 --bytes 16777216     # prints the seconds
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import ssl
import sys
import time

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent, StreamDataReceived

ALPN = ["bulk"]


def configuration(is_client: bool) -> QuicConfiguration:
    return QuicConfiguration(
        is_client=is_client,
        alpn_protocols=ALPN,
        verify_mode=ssl.CERT_NONE if is_client else None,
        max_stream_data=8 * 1024 * 1024,
        max_data=32 * 1024 * 1024,
    )


class BulkServer(QuicConnectionProtocol):
    received = 0

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, StreamDataReceived):
            self.received += len(event.data)
            if event.end_stream:
                self._quic.send_stream_data(event.stream_id, self.received.to_bytes(8, "little"), end_stream=True)
                self.transmit()


class BulkClient(QuicConnectionProtocol):
    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, StreamDataReceived):
            self.answer += event.data
            if event.end_stream:
                self.answered.set()

    async def send(self, size: int) -> float:
        self.answer = b""
        self.answered = asyncio.Event()
        started = time.perf_counter()
        stream_id = self._quic.get_next_available_stream_id()
        # There is no public way to learn how much is outstanding, so aioquic gets everything at once.
        self._quic.send_stream_data(stream_id, bytes(size), end_stream=True)
        self.transmit()
        await asyncio.wait_for(self.answered.wait(), 120)
        taken = time.perf_counter() - started
        if int.from_bytes(self.answer, "little") != size:
            raise SystemExit(f"the server's count is {self.answer!r}, sent were {size} bytes")
        return taken


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def run_server(cert: str, key: str) -> None:
    settings = configuration(is_client=False)
    settings.load_cert_chain(cert, key)
    port = free_port()
    server = await serve("127.0.0.1", port, configuration=settings, create_protocol=BulkServer)
    print(f"listening on port {port}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


async def run_client(port: int, size: int) -> float:
    settings = configuration(is_client=True)
    async with connect("127.0.0.1", port, configuration=settings, create_protocol=BulkClient) as protocol:
        assert isinstance(protocol, BulkClient)
        return await protocol.send(size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["server", "client"])
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--port", type=int)
    parser.add_argument("--bytes", type=int, default=16 * 1024 * 1024)
    options = parser.parse_args()
    if options.role == "server":
        asyncio.run(run_server(options.cert, options.key))
    else:
        print(f"{asyncio.run(run_client(options.port, options.bytes)):.6f}")


if __name__ == "__main__":
    main()
