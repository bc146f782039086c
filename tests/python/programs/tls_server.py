"""A server for tests of session resumption: prints what it sees, one JSON object a line, until its input ends.

tls_server.py CERT KEY TICKET_KEYS(hex, or - for none) [--refuse]
"""

from __future__ import annotations

import json
import sys

import msquic


def tell(**values: object) -> None:
    print(json.dumps(values), flush=True)


def main() -> None:
    certificate, key, keys, *options = sys.argv[1:]
    refuse = "--refuse" in options
    with msquic.Registration("tls-server") as registration:
        configuration = msquic.Configuration(
            registration,
            ["test"],
            peer_bidi_stream_count=10,
            peer_unidi_stream_count=10,
            server_resumption_level=msquic.ServerResumptionLevel.RESUME_AND_ZERORTT,
        )
        configuration.load_credential(
            msquic.Certificate.from_files(certificate, key), ticket_keys=None if keys == "-" else bytes.fromhex(keys)
        )
        listener = msquic.Listener(registration)

        def accept(connection: msquic.Connection) -> None:
            def on_connected(resumed: bool) -> None:
                tell(connected=True, resumed=resumed)
                connection.send_resumption_ticket(data=b"session 1")

            def on_resumed(data: bytes) -> bool:
                tell(returns=data.decode())
                return not refuse

            def on_stream(stream: msquic.Stream) -> None:
                received = bytearray()

                def on_receive(data: bytes, fin: bool) -> None:
                    received.extend(data)
                    if fin:
                        tell(stream=received.decode(), early=stream.is_early_data)

                stream.set_on_receive(on_receive)

            connection.set_on_connected(on_connected)
            connection.set_on_resumed(on_resumed)
            connection.set_on_peer_stream_started(on_stream)

        listener.set_on_new_connection(accept)
        listener.start(configuration, ["test"], 0)
        tell(port=listener.port)
        sys.stdin.read()


main()
