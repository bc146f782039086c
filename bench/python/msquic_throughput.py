"""One stream, as many bytes per second as it takes, through the Python package msquic.

Speaks the same little protocol as bench/quic_throughput: the client sends and ends its direction, the server answers
with the number of bytes that it counted, 8 bytes little endian.

    python bench/python/msquic_throughput.py server --cert cert.pem --key key.pem     # until standard input ends
    python bench/python/msquic_throughput.py client --port 4433 --bytes 268435456     # prints the seconds
"""

from __future__ import annotations

import argparse
import sys
import threading
import time

import msquic
from msquic import ExecutionProfile, SendFlags

ALPN = ["bulk"]
PIECE = bytes(1024 * 1024)
PIECES_OUTSTANDING = 8
PROFILES = {"low-latency": ExecutionProfile.LOW_LATENCY, "max-throughput": ExecutionProfile.MAX_THROUGHPUT}
SETTINGS = {
    "idle_timeout_ms": 30_000,
    "peer_bidi_stream_count": 1,
    "send_buffering_enabled": False,
    "stream_recv_window": 8 * 1024 * 1024,
    "conn_flow_control_window": 32 * 1024 * 1024,
}


def serve(profile: ExecutionProfile, cert: str, key: str) -> None:
    registration = msquic.Registration("msquic_throughput", profile)
    configuration = msquic.Configuration(registration, ALPN, **SETTINGS)
    configuration.load_credential_file(cert, key)

    def on_stream(stream: msquic.Stream) -> None:
        received = 0

        def on_receive(data: bytes, fin: bool) -> None:
            nonlocal received
            received += len(data)
            if fin:
                stream.send(received.to_bytes(8, "little"), SendFlags.FIN)

        stream.set_on_receive(on_receive)

    listener = msquic.Listener(registration)
    listener.set_on_new_connection(lambda connection: connection.set_on_peer_stream_started(on_stream))
    listener.start(configuration, ALPN, 0)
    address = listener.local_address
    assert address is not None
    print(f"listening on port {address[1]}", flush=True)
    sys.stdin.read()
    registration.close()


def send(profile: ExecutionProfile, port: int, size: int) -> float:
    """Seconds from opening the stream, on a connection that was up already, to the server's answer."""
    registration = msquic.Registration("msquic_throughput", profile)
    configuration = msquic.Configuration(registration, ALPN, **SETTINGS)
    configuration.load_credential_none(no_certificate_validation=True)
    connection = msquic.Connection(registration)
    connected = threading.Event()
    over = threading.Event()
    connection.set_on_connected(connected.set)
    connection.set_on_shutdown_complete(lambda _: (connected.set(), over.set()))
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
        piece = PIECE if left >= len(PIECE) else PIECE[:left]
        left -= len(piece)
        stream.send(piece, SendFlags.FIN if left == 0 else SendFlags.NONE)

    stream.set_on_receive(on_receive)
    stream.set_on_send_complete(send_piece)
    stream.start()
    for _ in range(PIECES_OUTSTANDING):
        send_piece()
    over.wait(120)
    taken = time.perf_counter() - started
    if int.from_bytes(answer, "little") != size:
        raise SystemExit(f"the server's count is {bytes(answer)!r}, sent were {size} bytes")
    registration.close()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["server", "client"])
    parser.add_argument("--profile", choices=PROFILES, default="low-latency")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--port", type=int)
    parser.add_argument("--bytes", type=int, default=256 * 1024 * 1024)
    options = parser.parse_args()
    profile = PROFILES[options.profile]
    if options.role == "server":
        serve(profile, options.cert, options.key)
    else:
        print(f"{send(profile, options.port, options.bytes):.6f}")


if __name__ == "__main__":
    main()
