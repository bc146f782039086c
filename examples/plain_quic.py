"""QUIC without a protocol on top, through the callback API of `msquic`.

`moqt_server.py` accepts it beside MOQT on the same port: QUIC itself tells the two apart by their ALPN.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator

import msquic


@contextlib.contextmanager
def accept_quic(alpn: str, host: str, port: int, cert_file: str, key_file: str) -> Generator[None]:
    """Accept connections of this ALPN inside the `with` block.

    They are kept until the peer leaves or is silent for 30 s. Nothing is said on them; what the
    peer sends on a stream comes back to it. Handlers run on the thread of `msquic`.
    """

    def on_new_connection(connection: msquic.Connection) -> None:
        connection.set_on_connected(lambda: print(f"QUIC connection accepted, ALPN {alpn}"))
        connection.set_on_shutdown_complete(lambda _: print(f"QUIC connection ended, ALPN {alpn}"))
        connection.set_on_peer_stream_started(echo)

    with msquic.Registration("moqt_server") as registration:
        configuration = msquic.Configuration(registration, [alpn], idle_timeout_ms=30000, peer_bidi_stream_count=100)
        configuration.load_credential_file(cert_file, key_file)
        with msquic.Listener(registration) as listener:
            listener.set_on_new_connection(on_new_connection)
            listener.start(configuration, [alpn], port, host)
            yield


def echo(stream: msquic.Stream) -> None:
    def on_receive(data: bytes, fin: bool) -> None:
        stream.send(data, msquic.SendFlags.FIN if fin else msquic.SendFlags.NONE)

    stream.set_on_receive(on_receive)
