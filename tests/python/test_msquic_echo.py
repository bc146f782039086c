"""Streams and datagrams between two endpoints of the package msquic."""

from __future__ import annotations

import contextlib
import functools
import threading
import weakref

import pytest

import msquic
from msquic import SendFlags, StreamOpenFlags, StreamShutdownFlags, StreamStartFlags

FIN = SendFlags.FIN


def echo(connection):
    """Sends everything back, on streams that nobody stores."""

    def on_stream(stream):
        stream.set_on_receive(lambda data, fin: stream.send(data, FIN if fin else SendFlags.NONE))

    connection.set_on_peer_stream_started(on_stream)


@pytest.mark.parametrize("size", [1, 1200, 65536, 3_000_000])
def test_stream_echoes_byte_for_byte(loopback, collector, size):
    data = bytes(i * 7 & 0xFF for i in range(min(size, 4096))) * (size // min(size, 4096))
    connection = loopback.connect(loopback.listen(echo))
    received = collector()
    stream = connection.open_stream()
    stream.set_on_receive(received)
    stream.start(StreamStartFlags.IMMEDIATE)
    stream.send(data, FIN)
    assert received.wait_fin() == data
    assert stream.id == 0


def test_start_with_the_send_and_never_stored(loopback, collector):
    connection = loopback.connect(loopback.listen(echo))
    received = collector()

    def ask():
        stream = connection.open_stream()
        stream.set_on_receive(received)
        stream.send(b"hello", SendFlags.START | FIN)

    ask()
    assert received.wait_fin() == b"hello"


def test_unidirectional(loopback, collector):
    received = collector()
    listener = loopback.listen(lambda c: c.set_on_peer_stream_started(lambda s: s.set_on_receive(received)))
    connection = loopback.connect(listener)
    stream = connection.open_stream(StreamOpenFlags.UNIDIRECTIONAL)
    stream.start()
    stream.send(b"one")
    stream.send(memoryview(b"-two-")[1:4], FIN)
    assert received.wait_fin() == b"onetwo"
    assert stream.id == 2


def test_fin_alone_and_empty_sends(loopback, collector, waiter):
    received, completed = collector(), waiter()
    listener = loopback.listen(lambda c: c.set_on_peer_stream_started(lambda s: s.set_on_receive(received)))
    connection = loopback.connect(listener)
    stream = connection.open_stream()
    stream.set_on_send_complete(completed.set)
    stream.start()
    stream.send(b"")
    completed.wait("the completion of an empty send")
    stream.send(b"x")
    stream.send(b"", FIN)
    assert received.wait_fin() == b"x"


def test_send_holds_the_buffer_until_complete(loopback, waiter):
    completed, take = waiter(), threading.Event()
    listener = loopback.listen(
        lambda c: c.set_on_peer_stream_started(
            lambda s: s.set_on_receive(lambda data, fin: None) if take.is_set() else None
        )
    )
    connection = loopback.connect(listener, send_buffering_enabled=False)
    stream = connection.open_stream()
    stream.set_on_send_complete(lambda canceled: completed.set(canceled))
    stream.start()
    data = bytearray(200_000)  # more than the peer's window while nobody reads
    stream.send(data)
    with pytest.raises(BufferError):
        data.append(1)
    stream.shutdown(StreamShutdownFlags.ABORT, 3)
    assert completed.wait("the completion") is True  # canceled
    data.append(1)


def test_send_complete_with_and_without_argument(loopback, waiter):
    connection = loopback.connect(loopback.listen(echo))
    for handler_takes_argument in (False, True):
        completed = waiter()
        stream = connection.open_stream()
        with_argument, without = (
            (functools.partial(lambda c, canceled: c.set(canceled), completed)),
            (lambda c=completed: c.set("none")),
        )
        stream.set_on_send_complete(with_argument if handler_takes_argument else without)
        stream.send(b"x", SendFlags.START | FIN)
        assert completed.wait() == (False if handler_takes_argument else "none")


def test_data_before_the_handler_is_kept_and_bounded(loopback, collector, waiter):
    arrived = waiter()
    connection = loopback.connect(loopback.listen(lambda c: c.set_on_peer_stream_started(arrived.set)))
    stream = connection.open_stream()
    data = bytes(range(256)) * 8192  # 2 MiB, far more than is kept without a handler
    stream.send(data, SendFlags.START | FIN)
    server_stream = arrived.wait("the stream")
    received = collector()
    assert not received.calls
    server_stream.set_on_receive(received)
    assert received.wait_fin() == data


def test_streams_before_their_handler_are_kept(loopback, collector, waiter):
    connection = loopback.connect(loopback.listen())
    done = waiter()
    for i in range(20):
        stream = connection.open_stream(StreamOpenFlags.UNIDIRECTIONAL)
        if i == 19:
            stream.set_on_shutdown_complete(done.set)
        stream.send(bytes([i]), SendFlags.START | FIN)
    done.wait("the acknowledgement of the last stream")
    seen, all_seen = [], waiter()

    def on_stream(stream):
        def on_receive(data, fin):
            seen.append(data)
            if len(seen) == 20:
                all_seen.set()

        stream.set_on_receive(on_receive)

    loopback.accepted[0].set_on_peer_stream_started(on_stream)
    all_seen.wait("all streams")
    assert b"".join(seen) == bytes(range(20))


def test_late_handlers_hear_what_was(loopback, waiter):
    connection = loopback.connect(loopback.listen())
    server = loopback.accepted[0]
    late = waiter()
    server.set_on_connected(lambda resumed: late.set(resumed))
    assert late.wait("the late on_connected") is False
    connection.shutdown(error_code=9, reason="bye")
    over, again = waiter(), waiter()
    server.set_on_shutdown_complete(over.set)
    assert over.wait("the end") is False
    again = waiter()
    connection.set_on_shutdown_complete(again.set)
    again.wait("the late on_shutdown_complete")
    assert server.close_code == 9
    assert isinstance(server.close_error, msquic.PeerClosed)
    assert server.close_error.app_code == 9
    assert server.close_error.remote
    assert connection.close_error is None


def test_reset_and_stop_sending(loopback, waiter):
    reset, stopped, over = waiter(), waiter(), waiter()

    def on_stream(stream):
        stream.set_on_receive(lambda data, fin: stream.shutdown(StreamShutdownFlags.ABORT_RECEIVE, 77))
        stream.set_on_peer_send_aborted(reset.set)
        stream.set_on_shutdown_complete(over.set)

    connection = loopback.connect(loopback.listen(lambda c: c.set_on_peer_stream_started(on_stream)))
    stream = connection.open_stream()
    stream.set_on_peer_receive_aborted(stopped.set)
    stream.start()
    stream.send(b"x")
    assert stopped.wait("STOP_SENDING") == 77
    stream.shutdown(StreamShutdownFlags.ABORT, 2**62 - 1)


def test_reset_comes_after_the_data(loopback, collector, waiter):
    events, arrived, reset = [], waiter(), waiter()
    connection = loopback.connect(loopback.listen(lambda c: c.set_on_peer_stream_started(arrived.set)))
    stream = connection.open_stream()
    stream.send(b"data", SendFlags.START)
    server_stream = arrived.wait()
    got = collector()
    server_stream.set_on_receive(lambda data, fin: (events.append("data"), got(data, fin)))
    got.wait_size(4)
    server_stream.set_on_peer_send_aborted(lambda code: (events.append(code), reset.set()))
    stream.shutdown(StreamShutdownFlags.ABORT_SEND, 5)
    reset.wait("the reset")
    assert events == ["data", 5]


@pytest.mark.parametrize("form", ["none", "one", "args", "method", "partial", "default", "builtin"])
def test_both_forms_of_on_connected(loopback, waiter, form):
    got = waiter()

    class Client:
        def on_connected(self):
            got.set("called")

    def passed_back(extra):
        got.set(extra)

    handlers = {
        "none": lambda: got.set("called"),
        "one": lambda resumed: got.set(resumed),
        "args": lambda *args: got.set(args),
        "method": Client().on_connected,
        "partial": functools.partial(passed_back, "extra"),
        "default": lambda client=7: got.set(client),
        "builtin": [].clear,
    }
    listener = loopback.listen()
    connection = msquic.Connection(loopback.registration)
    connection.set_on_connected(handlers[form])
    if form == "builtin":
        connection.set_on_datagram_state_changed(lambda enabled, size: None)
        connected = waiter()
        loopback.accepted.clear()
        connection.set_on_peer_stream_started(connected.set)
    connection.start(loopback.configuration(server=False), "localhost", listener.port, address="127.0.0.1")
    if form == "builtin":
        connection.set_on_connected([].clear)
        return
    assert (
        got.wait()
        == {"none": "called", "one": False, "args": (False,), "method": "called", "partial": "extra", "default": 7}[
            form
        ]
    )


def test_handlers_with_wrong_arguments_are_refused(registration):
    connection = msquic.Connection(registration)
    for bad in (lambda a, b: None, 5, "x"):
        with pytest.raises(msquic.InvalidHandler, match="set_on_connected"):
            connection.set_on_connected(bad)
    with pytest.raises(msquic.InvalidHandler, match=r"\(send_enabled, max_send_length\)"):
        connection.set_on_datagram_state_changed(lambda enabled: None)
    connection.set_on_connected(None)


def test_datagrams(loopback, waiter):
    echoed, state, acknowledged = waiter(), waiter(), waiter()

    def serve(connection):
        def on_datagram(data):
            with contextlib.suppress(msquic.DatagramUnavailable):  # until the server knows the path's size
                connection.send_datagram(data)

        connection.set_on_datagram_received(on_datagram)

    listener = loopback.listen(serve, datagram_receive_enabled=True)
    connection = msquic.Connection(loopback.registration)
    connection.set_on_datagram_state_changed(lambda enabled, size: state.set(size) if enabled else None)
    connection.set_on_datagram_received(echoed.set)
    connection.set_on_datagram_send_state_changed(
        lambda s: acknowledged.set(s) if s is msquic.DatagramSendState.ACKNOWLEDGED else None
    )
    connected = waiter()
    connection.set_on_connected(connected.set)
    connection.start(loopback.configuration(server=False, datagram_receive_enabled=True), "localhost", listener.port)
    connected.wait()
    assert state.wait("the datagram state") >= 1000
    for _ in range(150):  # datagrams may get lost
        connection.send_datagram(bytearray(b"ping"))
        if echoed.is_set(0.1):
            break
    assert echoed.wait("the echo") == b"ping"
    acknowledged.wait("the acknowledgement")
    with pytest.raises(msquic.DatagramTooLarge):
        connection.send_datagram(bytes(60000))


def test_datagrams_before_the_handler_and_unavailable(loopback, waiter):
    connection = loopback.connect(loopback.listen(), datagram_receive_enabled=False)
    with pytest.raises(msquic.DatagramUnavailable):
        connection.send_datagram(b"x")


def test_stream_limit(loopback, waiter):
    result = waiter()
    connection = loopback.connect(loopback.listen(peer_bidi_stream_count=0))
    stream = connection.open_stream()
    stream.set_on_start_complete(result.set)
    stream.start(StreamStartFlags.FAIL_BLOCKED)
    assert isinstance(result.wait("the result of the start"), msquic.StreamLimitReached)


def test_listener_restarts_and_knows_its_port(loopback):
    listener = loopback.listen()
    port = listener.port
    assert port > 0
    first = loopback.connect(listener)
    listener.stop()
    assert listener.port == 0
    listener.start(loopback.configuration(server=True), [loopback.ALPN], port)
    assert listener.port == port
    loopback.connect(listener)
    assert not first.is_closed
    other = msquic.Listener(loopback.registration)
    with pytest.raises(msquic.AlpnInUse):
        other.start(loopback.configuration(server=True), [loopback.ALPN], port)


def test_set_configuration_in_the_handler(loopback, certificate):
    configuration = loopback.configuration(server=True)
    other = loopback.configuration(server=True)
    refused = []

    def on_new_connection(connection):
        connection.set_configuration(configuration)
        try:
            connection.set_configuration(other)
        except msquic.InvalidState as error:
            refused.append(error)

    listener = msquic.Listener(loopback.registration)
    listener.set_on_new_connection(on_new_connection)
    listener.start(configuration, [loopback.ALPN], 0, "127.0.0.1")
    loopback.connect(listener)
    assert len(refused) == 1


def test_close_from_every_handler(loopback, waiter):
    over = waiter()

    def serve(connection):
        def on_stream(stream):
            stream.set_on_receive(lambda data, fin: (stream.close(), connection.close()))

        connection.set_on_peer_stream_started(on_stream)
        connection.set_on_shutdown_complete(lambda closing: (connection.close(), over.set(closing)))

    listener = loopback.listen(serve)
    connection = loopback.connect(listener)
    client_over = waiter()
    connection.set_on_shutdown_complete(client_over.set)
    connection.open_stream().send(b"x", SendFlags.START)
    assert over.wait("the server's end") is True
    client_over.wait("the client's end")


@pytest.mark.parametrize("what", ["listener", "registration", "new"])
def test_close_parents_in_a_handler(loopback, registration, waiter, what):
    done = waiter()
    listener = None

    def serve(connection):
        if what == "new":
            connection.close()
            done.set()
            return

        def on_stream(stream):
            (listener if what == "listener" else registration).close()
            done.set()

        connection.set_on_peer_stream_started(on_stream)

    listener = loopback.listen(serve)
    connection = loopback.connect(listener, wait=what != "new")
    if what != "new":
        connection.open_stream().send(b"x", SendFlags.START)
    done.wait("close() in the handler")


def test_repr_weakref_and_context_managers(loopback):
    with loopback.listen(echo) as listener, loopback.connect(listener) as connection:
        with connection.open_stream() as stream:
            for thing in (loopback.registration, listener, connection, stream, loopback.configuration(server=False)):
                assert repr(thing).startswith(f"<{type(thing).__name__}")
                assert weakref.ref(thing)() is thing
            stream.start()
        assert "connected" in repr(connection)
        assert stream.connection is connection
    assert connection.is_closed
    assert listener.port == 0
    with pytest.raises(msquic.ClosedHandle):
        connection.open_stream()
    assert connection.negotiated_alpn == b"test"
