"""How streams end."""

from __future__ import annotations

import contextlib
import gc
import itertools

import pytest

import msquic
from msquic import SendFlags, StreamShutdownFlags

ENDINGS = ("fin", "reset", "stop", "none")


def end(stream, how: str) -> None:
    if how == "fin":
        with contextlib.suppress(msquic.StreamAborted):  # the peer's stop came first
            stream.send(b"", SendFlags.FIN)
    elif how == "reset":
        stream.shutdown(StreamShutdownFlags.ABORT_SEND, 1)
    elif how == "stop":
        stream.shutdown(StreamShutdownFlags.ABORT_RECEIVE, 2)


@pytest.mark.parametrize(("client", "server"), list(itertools.product(ENDINGS, ENDINGS)))
def test_every_combination_of_endings_ends(loopback, waiter, client, server) -> None:
    """At once where both directions have ended, else with the connection; on both sides, and once."""
    came = waiter()
    ends = {"client": waiter(), "server": waiter()}
    calls = []

    def watch(stream, side):
        def over(_app_close_in_progress):
            calls.append(side)
            ends[side].set()

        stream.set_on_shutdown_complete(over)

    def serve(connection):
        def on_stream(stream):
            watch(stream, "server")
            stream.set_on_receive(lambda data, fin: came.set(stream))

        connection.set_on_peer_stream_started(on_stream)

    connection = loopback.connect(loopback.listen(serve))
    stream = connection.open_stream()
    watch(stream, "client")
    stream.set_on_receive(lambda data, fin: None)
    stream.send(b"x", SendFlags.START)
    peer = came.wait()
    end(stream, client)
    end(peer, server)
    to_server = client in ("fin", "reset") or server == "stop"
    to_client = server in ("fin", "reset") or client == "stop"
    if not (to_server and to_client):
        connection.statistics()
        assert not ends["client"].is_set()
        connection.shutdown()
    for side, over in ends.items():
        over.wait(f"the end on the {side}'s side")
    assert sorted(calls) == ["client", "server"]


def test_received_bytes_outlive_their_stream(loopback, waiter) -> None:
    kept, over = [], waiter()

    def serve(connection):
        def on_stream(stream):
            stream.set_on_receive(lambda data, fin: kept.append(memoryview(data)))
            stream.set_on_shutdown_complete(over.set)

        connection.set_on_peer_stream_started(on_stream)

    listener = loopback.listen(serve)
    connection = loopback.connect(listener)
    connection.open_stream(msquic.StreamOpenFlags.UNIDIRECTIONAL).send(b"y" * 100_000, SendFlags.START | SendFlags.FIN)
    over.wait()
    connection.close()
    listener.close()
    loopback.accepted.clear()
    loopback.registration.close()
    del connection, listener
    gc.collect()
    assert b"".join(kept) == b"y" * 100_000
