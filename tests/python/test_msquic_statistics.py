"""Statistics, counters and what is known of a connection."""

from __future__ import annotations

import dataclasses
import time

import pytest

import msquic
from conftest import DEADLINE
from msquic import SendFlags


@pytest.fixture
def echo(loopback, collector):
    """A connection whose server sends back what it gets, and a function that does it once."""

    def serve(connection):
        def on_stream(stream):
            stream.set_on_receive(lambda data, fin: stream.send(data, SendFlags.FIN if fin else SendFlags.NONE))

        connection.set_on_peer_stream_started(on_stream)

    listener = loopback.listen(serve)
    connection = loopback.connect(listener)

    def transfer(size: int):
        stream, echoed = connection.open_stream(), collector()
        stream.set_on_receive(echoed)
        stream.send(bytes(size), SendFlags.START | SendFlags.FIN)
        assert len(echoed.wait_fin()) == size
        return stream

    return listener, connection, transfer


def test_a_connection_counts_what_it_carries(echo, loopback):
    _, connection, transfer = echo
    before = connection.statistics()
    transfer(500_000)
    after = connection.statistics()
    assert after.send_total_stream_bytes - before.send_total_stream_bytes >= 500_000
    assert after.recv_total_stream_bytes - before.recv_total_stream_bytes == 500_000
    assert after.send_total_bytes - before.send_total_bytes > 500_000
    assert 0 < after.min_rtt_us <= after.rtt_us <= after.max_rtt_us < 60_000_000
    assert after.handshake_us > 0
    assert 1248 <= after.send_path_mtu <= 1500
    assert after.send_congestion_window > 0
    assert after.send_lost_packets == after.send_suspected_lost_packets - after.send_spurious_lost_packets
    assert (after.resumption_attempted, after.stateless_retry, after.version_negotiation) == (False, False, False)
    server = loopback.accepted[0].statistics()
    assert server.recv_total_stream_bytes == after.send_total_stream_bytes
    with pytest.raises(dataclasses.FrozenInstanceError):
        after.rtt_us = 0


def test_a_stream_tells_what_held_it_back(loopback, waiter):
    # The peer has a window of 64 KiB and nobody takes what comes: flow control holds the rest back.
    listener = loopback.listen()
    connection = loopback.connect(listener)
    stream = connection.open_stream()
    with pytest.raises(msquic.InvalidState, match="before it is started"):
        stream.statistics()
    stream.send(bytes(10_000_000), SendFlags.START)
    blocked = waiter()

    def ask(_size: int = 0) -> None:
        if stream.statistics().blocked_by_stream_flow_control_us > 0:
            blocked.set()

    for _ in range(1000):
        ask()
        if blocked.is_set(0.01):
            break
    assert blocked.is_set()
    statistics = stream.statistics()
    assert statistics.blocked_by_stream_limit_us == 0
    assert all(value >= 0 for value in dataclasses.astuple(statistics))
    stream.close()
    connection.close()


def test_a_listener_counts_accepted_and_refused_clients(loopback, waiter):
    listener = loopback.listen()
    connection = loopback.connect(listener)
    assert listener.statistics().accepted_connections == 1
    other = msquic.Configuration(loopback.registration, ["something else"])
    other.load_credential_none(no_certificate_validation=True)
    refused, over = msquic.Connection(loopback.registration), waiter()
    refused.set_on_shutdown_complete(over.set)
    refused.start(other, "localhost", listener.port, address="127.0.0.1")
    over.wait()
    assert listener.statistics().accepted_connections == 1
    listener.stop()
    with pytest.raises(msquic.InvalidState, match="while it is started"):
        listener.statistics()
    connection.close()


def test_performance_counters_count_this_process(echo):
    _, _, transfer = echo
    before = msquic.performance_counters()
    transfer(100_000)
    after = msquic.performance_counters()
    assert after.connections_active >= 2
    assert after.connections_connected >= 2
    assert after.application_sent_bytes - before.application_sent_bytes >= 200_000
    assert after.udp_send_calls > before.udp_send_calls
    assert after.worker_operations_completed >= before.worker_operations_completed
    assert after.connection_operations_completed > before.connection_operations_completed


def test_both_sides_know_the_handshake_and_the_first_connection_id(echo, loopback, waiter):
    _, connection, _ = echo
    server, connected = loopback.accepted[0], waiter()
    server.set_on_connected(connected.set)
    connected.wait()
    assert connection.handshake == server.handshake
    assert connection.handshake.quic_version == "QUICv1"
    assert connection.handshake.tls_version == "TLSv1.3"
    assert connection.handshake.cipher_suite in ("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256")
    assert 8 <= len(connection.original_destination_cid) <= 20
    assert connection.original_destination_cid == server.original_destination_cid
    connection.close()
    assert connection.handshake.tls_version == "TLSv1.3"
    assert len(connection.original_destination_cid) >= 8
    with pytest.raises(msquic.ClosedHandle):
        connection.statistics()


def test_a_failed_handshake_has_its_connection_id_too(loopback, waiter):
    listener = loopback.listen()
    other = msquic.Configuration(loopback.registration, ["something else"])
    other.load_credential_none(no_certificate_validation=True)
    connection, over = msquic.Connection(loopback.registration), waiter()
    connection.set_on_shutdown_complete(over.set)
    assert connection.handshake is None
    assert connection.original_destination_cid == b""
    connection.start(other, "localhost", listener.port, address="127.0.0.1")
    over.wait()
    assert connection.handshake is None
    assert len(connection.original_destination_cid) >= 8


def test_a_client_binds_the_address_and_port_that_it_is_given(loopback, waiter):
    listener = loopback.listen()

    def connect(local):
        connection, over, connected = msquic.Connection(loopback.registration), waiter(), waiter()
        connection.set_on_connected(connected.set)
        connection.set_on_shutdown_complete(over.set)
        configuration = loopback.configuration(server=False)
        connection.start(configuration, "localhost", listener.port, address="127.0.0.1", local_address=local)
        return connection, connected, over

    free, connected, _ = connect(("127.0.0.1", 0))
    connected.wait()
    host, port = free.local_address
    assert host == "127.0.0.1"
    assert port > 0
    assert loopback.accepted[0].remote_address == (host, port)
    over = waiter()
    free.set_on_shutdown_complete(over.set)
    free.shutdown()
    over.wait()

    # MsQuic closes the socket some time after its connection is over.
    deadline = time.monotonic() + DEADLINE
    while True:
        chosen, connected, over = connect(("127.0.0.1", port))
        while not (connected.is_set(0.01) or over.is_set(0.01)):
            assert time.monotonic() < deadline
        if connected.is_set():
            break
        assert isinstance(chosen.close_error, msquic.AddressInUse)
    assert chosen.local_address == ("127.0.0.1", port)
    assert loopback.accepted[-1].remote_address == ("127.0.0.1", port)
    with pytest.raises(msquic.InvalidArgument, match="port of local_address"):
        connect(("127.0.0.1", 65536))
    with pytest.raises(msquic.InvalidArgument, match="local_address"):
        connect(("127.0.0.1",))
    elsewhere, _, over = connect("192.0.2.1")  # not an address of any machine (RFC 5737)
    over.wait()
    assert elsewhere.close_error.name == "AddressNotAvailable"


def test_listeners_of_several_addresses_share_a_port(loopback, waiter):
    first = loopback.listen()
    port = first.port
    first.close()
    listeners = []
    for host in ("127.0.0.1", "127.0.0.2"):
        listener = msquic.Listener(loopback.registration)
        listener.set_on_new_connection(lambda connection, host=host: loopback.accepted.append((host, connection)))
        listener.start(loopback.configuration(server=True), [loopback.ALPN], port, host)
        assert listener.local_address == (host, port)
        listeners.append(listener)
    connections = []
    for host in ("127.0.0.1", "127.0.0.2"):
        connection, connected = msquic.Connection(loopback.registration), waiter()
        connection.set_on_connected(connected.set)
        connection.start(loopback.configuration(server=False), "localhost", port, address=host)
        connected.wait()
        connections.append(connection)
    assert [host for host, _ in loopback.accepted] == ["127.0.0.1", "127.0.0.2"]
