"""What becomes of single datagrams."""

from __future__ import annotations

import gc
import sys
import weakref

import pytest

import msquic
from msquic import DatagramSendState
from udp_path import UdpPath

FINAL = {
    DatagramSendState.LOST_DISCARDED,
    DatagramSendState.ACKNOWLEDGED,
    DatagramSendState.ACKNOWLEDGED_SPURIOUS,
    DatagramSendState.CANCELED,
}


@pytest.fixture
def connection(loopback):
    return loopback.connect(loopback.listen(datagram_receive_enabled=True), datagram_receive_enabled=True)


class States:
    def __init__(self, waiter):
        self.states: list[DatagramSendState] = []
        self.final = waiter()

    def __call__(self, state):
        self.states.append(state)
        if state in FINAL:
            self.final.set(state)


def test_each_datagram_has_its_own_states(connection, waiter):
    of_others = States(waiter)
    connection.set_on_datagram_send_state_changed(of_others)
    own = [States(waiter) for _ in range(20)]
    for number, states in enumerate(own):
        connection.send_datagram(b"%d" % number, on_state=states)
    for states in own:
        assert states.final.wait() is DatagramSendState.ACKNOWLEDGED
        assert states.states == [DatagramSendState.SENT, DatagramSendState.ACKNOWLEDGED]
    assert of_others.states == []
    connection.send_datagram(b"without")
    of_others.final.wait()
    assert all(len(states.states) == 2 for states in own)


def test_without_a_handler_of_the_connection(connection, waiter):
    states = States(waiter)
    connection.send_datagram(b"x", msquic.SendFlags.DGRAM_PRIORITY, states)
    assert states.final.wait() is DatagramSendState.ACKNOWLEDGED


def test_datagrams_that_cannot_go_out_have_no_states(connection, waiter):
    states = States(waiter)
    with pytest.raises(msquic.DatagramTooLarge):
        connection.send_datagram(bytes(60000), on_state=states)
    with pytest.raises(msquic.InvalidHandler, match="on_state"):
        connection.send_datagram(b"x", on_state=5)
    reference = weakref.ref(states)
    del states
    gc.collect()
    assert reference() is None


def test_a_handler_is_let_go_with_the_last_state(connection, waiter):
    states = States(waiter)
    final = states.final
    connection.send_datagram(b"x", on_state=states)
    reference = weakref.ref(states)
    del states
    final.wait()
    connection.statistics()
    done = waiter()
    connection.send_datagram(b"y", on_state=lambda state: done.set() if state in FINAL else None)
    done.wait()  # the dispatcher has left the first handler
    gc.collect()
    assert reference() is None


def test_what_is_pending_at_the_end_is_canceled_or_was_sent(loopback, waiter):
    connection = loopback.connect(loopback.listen(datagram_receive_enabled=True), datagram_receive_enabled=True)
    all_states = [States(waiter) for _ in range(200)]
    for states in all_states:
        connection.send_datagram(bytes(1000), on_state=states)
    over = waiter()
    connection.set_on_shutdown_complete(over.set)
    connection.shutdown()
    over.wait()
    for states in all_states:
        assert states.final.wait() in FINAL
        assert len([s for s in states.states if s in FINAL]) == 1


def test_a_raising_handler_closes_its_connection(connection, waiter, monkeypatch):
    unraisable, over = waiter(), waiter()
    monkeypatch.setattr(sys, "unraisablehook", lambda args: unraisable.set(repr(args.exc_value)))
    connection.set_on_shutdown_complete(over.set)

    def raising(_state):
        raise ZeroDivisionError("in on_state")

    connection.send_datagram(b"x", on_state=raising)
    assert unraisable.wait() == "ZeroDivisionError('in on_state')"
    over.wait()
    assert connection.close_code == 1


def test_close_drops_pending_handlers(loopback, waiter):
    connection = loopback.connect(loopback.listen(datagram_receive_enabled=True), datagram_receive_enabled=True)
    states = States(waiter)
    connection.send_datagram(b"x", on_state=states)
    connection.close()
    reference = weakref.ref(states)
    del states
    gc.collect()
    assert reference() is None


class LosesOne(UdpPath):
    """A path to a server on which one datagram is lost, told by its size."""

    SIZE = 700

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._lost = False

    def passes(self, data: bytes, from_client: bool) -> bool:
        if not from_client or self._lost or not self.SIZE < len(data) < self.SIZE + 100:
            return True
        self._lost = True
        return False


@pytest.mark.parametrize("keep_alive", [0, 100])
def test_a_lost_datagram_is_settled_by_what_comes_after_it(loopback, waiter, keep_alive):
    listener = loopback.listen(datagram_receive_enabled=True)
    connection, connected = msquic.Connection(loopback.registration), waiter()
    connection.set_on_connected(connected.set)
    suspected, lost = waiter(), States(waiter)

    def on_state(state):
        lost(state)
        if state is DatagramSendState.LOST_SUSPECT:
            suspected.set()

    configuration = loopback.configuration(
        server=False, datagram_receive_enabled=True, keep_alive_interval_ms=keep_alive
    )
    with LosesOne(listener.port) as path:
        connection.start(configuration, "localhost", path.port, address="127.0.0.1")
        connected.wait()
        connection.send_datagram(b"x" * LosesOne.SIZE, on_state=on_state)
        suspected.wait("the loss")
        if not keep_alive:
            assert not lost.final.is_set()
        while not keep_alive and not lost.final.is_set(0.02):  # one will do, if it is not too soon
            later = States(waiter)
            connection.send_datagram(b"later", on_state=later)
            assert later.final.wait() is DatagramSendState.ACKNOWLEDGED
        assert lost.final.wait() is DatagramSendState.LOST_DISCARDED
        connection.close()
