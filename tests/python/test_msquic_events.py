"""The events that a program hears on request."""

from __future__ import annotations

import queue

import pytest

import msquic
from msquic import SendFlags, StreamShutdownFlags
from udp_path import UdpPath

DEADLINE = 15.0


def test_stream_limits_are_told(loopback) -> None:
    needed: queue.Queue[bool] = queue.Queue()
    listener = loopback.listen(
        lambda connection: connection.set_on_peer_needs_streams(needed.put),
        peer_bidi_stream_count=2,
        peer_unidi_stream_count=3,
    )
    connection = loopback.connect(listener)
    available: queue.Queue[tuple[int, int]] = queue.Queue()
    connection.set_on_streams_available(
        lambda bidirectional, unidirectional: available.put((bidirectional, unidirectional))
    )
    assert available.get(timeout=DEADLINE) == (2, 3)
    accepted: queue.Queue[int] = queue.Queue()
    for _ in range(3):
        stream = connection.open_stream()
        stream.set_on_peer_accepted(accepted.put)
        stream.start()
        stream.send(b"x")
    assert {accepted.get(timeout=DEADLINE) for _ in range(2)} == {0, 4}
    assert needed.get(timeout=DEADLINE) is False
    assert accepted.empty()
    loopback.accepted[0].update_settings(peer_bidi_stream_count=4)
    assert accepted.get(timeout=DEADLINE) == 8


@pytest.mark.parametrize("late", [False, True], ids=["asked before", "asked after"])
def test_the_end_of_sending_is_told(loopback, collector, waiter, late) -> None:
    received = collector()

    def serve(connection):
        connection.set_on_peer_stream_started(lambda stream: stream.set_on_receive(received))

    connection = loopback.connect(loopback.listen(serve))
    graceful: queue.Queue[bool] = queue.Queue()
    stream = connection.open_stream()
    if not late:
        stream.set_on_send_shutdown_complete(graceful.put)
    stream.send(b"x", SendFlags.START | SendFlags.FIN)
    received.wait_fin()
    if late:
        connection.statistics()
        stream.set_on_send_shutdown_complete(graceful.put)
    assert graceful.get(timeout=DEADLINE) is True
    broken = connection.open_stream()
    broken.set_on_send_shutdown_complete(graceful.put)
    broken.send(b"y", SendFlags.START)
    broken.shutdown(StreamShutdownFlags.ABORT_SEND, 1)
    assert graceful.get(timeout=DEADLINE) is False
    assert graceful.empty()


def test_the_ideal_send_buffer_grows(loopback, waiter) -> None:
    def serve(connection):
        connection.set_on_peer_stream_started(lambda stream: stream.set_on_receive(lambda data, fin: None))

    connection = loopback.connect(loopback.listen(serve, stream_recv_window=1 << 22))
    sizes: queue.Queue[int] = queue.Queue()
    stream = connection.open_stream()
    stream.set_on_ideal_send_buffer(sizes.put)
    stream.send(bytes(8_000_000), SendFlags.START | SendFlags.FIN)
    assert sizes.get(timeout=DEADLINE) > 0


def test_who_ends_it_is_told_at_once(loopback, waiter) -> None:
    connection = loopback.connect(loopback.listen())
    initiated, own, over = waiter(), waiter(), waiter()
    connection.set_on_shutdown_initiated(initiated.set)
    connection.set_on_shutdown_complete(over.set)
    server = loopback.served()
    server.set_on_shutdown_initiated(own.set)
    server.shutdown(error_code=5)
    error = initiated.wait()
    assert type(error) is msquic.PeerClosed
    assert error.app_code == 5
    over.wait()
    assert not own.is_set()


def test_handlers_have_the_right_shape(loopback) -> None:
    connection = loopback.connect(loopback.listen())
    with pytest.raises(msquic.InvalidHandler, match="bidirectional, unidirectional"):
        connection.set_on_streams_available(lambda: None)
    with pytest.raises(msquic.InvalidHandler, match="address"):
        connection.set_on_peer_address_changed(lambda: None)
    connection.set_on_local_address_changed(None)


class Rebinding(UdpPath):
    """A NAT between a client and a server that at a word sends from another port."""

    def rebind(self) -> int:
        """The new port, from which everything goes to the server from now on; what comes to the old one is lost."""
        self.retired.append(self.outside)
        self.outside = self.new_socket()
        return self.outside.getsockname()[1]


def test_a_client_that_comes_from_another_port_is_followed(loopback, waiter, collector) -> None:
    received, changed = collector(), waiter()

    def serve(connection):
        connection.set_on_peer_address_changed(changed.set)
        connection.set_on_peer_stream_started(lambda stream: stream.set_on_receive(received))

    listener = loopback.listen(serve)
    with Rebinding(listener.port) as nat:
        connection, connected = msquic.Connection(loopback.registration), waiter()
        connection.set_on_connected(connected.set)
        connection.start(loopback.configuration(server=False), "localhost", nat.port, address="127.0.0.1")
        connected.wait()
        stream = connection.open_stream()
        stream.send(b"before, ", SendFlags.START)
        received.wait_size(len(b"before, "))
        port = nat.rebind()
        stream.send(b"after", SendFlags.FIN)
        assert changed.wait("the new address") == ("127.0.0.1", port)
        assert received.wait_fin() == b"before, after"
        assert loopback.accepted[0].remote_address == ("127.0.0.1", port)
        connection.close()
