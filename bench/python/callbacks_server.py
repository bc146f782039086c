"""The job bulk-send through the callbacks of the package msquic: the server.

python bench/python/callbacks_server.py --cert cert.pem --key key.pem
"""

from __future__ import annotations

import argparse
import asyncio

import msquic
from bench_protocol import BULK_SEND, answer_commands, number
from msquic import SendFlags
from msquic_settings import PROFILES, SETTINGS


def on_stream(stream: msquic.Stream) -> None:
    received = 0

    def on_receive(data: bytes, fin: bool) -> None:
        nonlocal received
        received += len(data)
        if fin:
            stream.send(number(received), SendFlags.FIN)

    stream.set_on_receive(on_receive)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default="low-latency")
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    options = parser.parse_args()
    registration = msquic.Registration("callbacks_server", PROFILES[options.profile])
    configuration = msquic.Configuration(registration, [BULK_SEND], **SETTINGS)
    configuration.load_credential_file(options.cert, options.key)
    listener = msquic.Listener(registration)
    listener.set_on_new_connection(lambda connection: connection.set_on_peer_stream_started(on_stream))
    listener.start(configuration, [BULK_SEND], 0)
    address = listener.local_address
    assert address is not None
    asyncio.run(answer_commands(address[1]))
    registration.close()


if __name__ == "__main__":
    main()
