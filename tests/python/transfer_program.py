"""One process, a server and a client: a transfer of four megabytes in both directions, and 50 streams after it.

usage: transfer_program.py [HOST]    prints "exact" and how many worker threads MsQuic had
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading

import msquic
from msquic import SendFlags

DEADLINE = 40.0


def echo(connection: msquic.Connection) -> None:
    def on_stream(stream: msquic.Stream) -> None:
        stream.set_on_receive(lambda data, fin: stream.send(data, SendFlags.FIN if fin else SendFlags.NONE))

    connection.set_on_peer_stream_started(on_stream)


def exchange(connection: msquic.Connection, payload: bytes) -> None:
    received, finished = bytearray(), threading.Event()

    def on_receive(data: bytes, fin: bool) -> None:
        received.extend(data)
        if fin:
            finished.set()

    stream = connection.open_stream()
    stream.set_on_receive(on_receive)
    stream.send(payload, SendFlags.START | SendFlags.FIN)
    assert finished.wait(DEADLINE), f"{len(received)} of {len(payload)} bytes came"
    assert received == payload


def main() -> None:
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    with tempfile.TemporaryDirectory() as folder:
        certificate = msquic.generate_development_certificate(folder)
        before = len(os.listdir("/proc/self/task"))
        registration = msquic.Registration("transfer")
        workers = len(os.listdir("/proc/self/task")) - before
        server = msquic.Configuration(registration, ["transfer"], peer_bidi_stream_count=100)
        server.load_credential_file(certificate.certificate_file, certificate.private_key_file)
        client = msquic.Configuration(registration, ["transfer"])
        client.load_credential_none(ca_file=certificate.certificate_file)
        listener = msquic.Listener(registration)
        listener.set_on_new_connection(echo)
        listener.start(server, ["transfer"], 0)
        connected = threading.Event()
        connection = msquic.Connection(registration)
        connection.set_on_connected(connected.set)
        connection.start(client, "localhost", listener.port, address=host)
        assert connected.wait(DEADLINE), connection.close_error
        exchange(connection, bytes(range(256)) * (4 << 12))
        for number in range(50):
            exchange(connection, b"%d" % number)
        registration.close()
    print("exact", workers)


if __name__ == "__main__":
    main()
