"""Stream credit comes back, whatever became of the streams that had it."""

from __future__ import annotations

import contextlib
import queue

import pytest

import msquic
from msquic import SendFlags, StreamShutdownFlags, StreamStartFlags

DEADLINE = 15.0
LIMIT = 10


@pytest.fixture
def connection(loopback):
    def serve(connection):
        def on_stream(stream):
            def on_receive(data, fin):
                with contextlib.suppress(
                    msquic.InvalidState, msquic.StreamAborted
                ):  # the client has stopped the stream
                    stream.send(data, SendFlags.FIN if fin else SendFlags.NONE)

            stream.set_on_receive(on_receive)
            stream.set_on_peer_send_aborted(lambda code: stream.shutdown(StreamShutdownFlags.ABORT_SEND, code))

        connection.set_on_peer_stream_started(on_stream)

    listener = loopback.listen(serve, peer_bidi_stream_count=LIMIT)
    connection = loopback.connect(listener)
    yield connection
    connection.close()


def open_all_at_once(connection, count: int) -> list[msquic.Stream]:
    """Streams of which each has been answered while all are open."""
    answered: queue.Queue[int] = queue.Queue()
    streams = []
    for number in range(count):
        stream = connection.open_stream()
        stream.set_on_receive(lambda data, fin, number=number: answered.put(number))
        stream.send(b"x", SendFlags.START)
        streams.append(stream)
    assert {answered.get(timeout=DEADLINE) for _ in range(count)} == set(range(count))
    return streams


@pytest.mark.parametrize("end", ["close", "abort", "immediate abort"])
def test_three_times_the_limit_and_half_is_cancelled(connection, end) -> None:
    over: queue.Queue[int] = queue.Queue()
    streams = []
    for number in range(3 * LIMIT):
        stream = connection.open_stream()
        stream.set_on_shutdown_complete(lambda _, number=number: over.put(number))
        stream.set_on_receive(lambda data, fin: None)
        stream.send(b"x" * number, SendFlags.START)
        streams.append(stream)
    for stream in streams[::2]:
        if end == "close":
            stream.close()
        elif end == "abort":
            stream.shutdown(StreamShutdownFlags.ABORT, 9)
        else:
            stream.shutdown(StreamShutdownFlags.ABORT | StreamShutdownFlags.IMMEDIATE, 9)
    for stream in streams[1::2]:
        stream.send(b"", SendFlags.FIN)
    assert {over.get(timeout=DEADLINE) for _ in streams} == set(range(3 * LIMIT))
    again = open_all_at_once(connection, LIMIT)
    blocked: queue.Queue[object] = queue.Queue()
    one_more = connection.open_stream()
    one_more.set_on_start_complete(blocked.put)
    one_more.start(StreamStartFlags.FAIL_BLOCKED)
    assert isinstance(blocked.get(timeout=DEADLINE), msquic.StreamLimitReached)
    assert len(again) == LIMIT
