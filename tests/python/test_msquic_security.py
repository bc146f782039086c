"""Certificates, tickets and 0-RTT of the package msquic."""

from __future__ import annotations

import queue

import pytest

import msquic
from conftest import DEADLINE
from msquic import SendFlags, ServerResumptionLevel, StreamOpenFlags


def failure(loopback, waiter, listener, configuration, name="localhost"):
    """The error with which a connection to `listener` ends."""
    connection = msquic.Connection(loopback.registration)
    connected, over = waiter(), waiter()
    connection.set_on_connected(connected.set)
    connection.set_on_shutdown_complete(over.set)
    connection.start(configuration, name, listener.port, address="127.0.0.1")
    over.wait("the end of the connection")
    assert not connected.is_set()
    return connection.close_error


def client(loopback, **credentials):
    configuration = msquic.Configuration(loopback.registration, [loopback.ALPN])
    configuration.load_credential_none(**credentials)
    return configuration


def test_self_signed_is_refused_by_default(loopback, waiter):
    error = failure(loopback, waiter, loopback.listen(), client(loopback))
    assert isinstance(error, msquic.TlsError)
    assert isinstance(error, ConnectionError)
    assert error.name
    assert error.status != 0


def test_wrong_host_name_is_refused(loopback, waiter, certificate):
    configuration = client(loopback, ca_file=certificate.certificate_file)
    error = failure(loopback, waiter, loopback.listen(), configuration, "other.example")
    assert isinstance(error, msquic.CertificateError)
    assert "other.example" in str(error)
    assert error.alert == 42


def test_ca_file_and_pin_and_no_validation_are_accepted(loopback, certificate):
    listener = loopback.listen()
    for credentials in (
        {"ca_file": certificate.certificate_file},
        {"pinned_sha256": [certificate.sha256_fingerprint]},
        {"no_certificate_validation": True},
    ):
        loopback.connect(listener, client(loopback, **credentials))


def test_wrong_pin_is_refused(loopback, waiter):
    error = failure(loopback, waiter, loopback.listen(), client(loopback, pinned_sha256=["00" * 32]))
    assert isinstance(error, msquic.CertificateError)


def test_wrong_alpn(loopback, waiter):
    configuration = msquic.Configuration(loopback.registration, ["other"])
    configuration.load_credential_none(no_certificate_validation=True)
    assert isinstance(failure(loopback, waiter, loopback.listen(), configuration), msquic.AlpnError)


def test_credential_files_that_cannot_be_used(registration, tmp_path, certificate):
    configuration = msquic.Configuration(registration, ["test"])
    with pytest.raises(msquic.CertificateFileInvalid, match=r"missing\.pem"):
        configuration.load_credential_file(tmp_path / "missing.pem", certificate.private_key_file)
    (tmp_path / "bad.pem").write_text("not a certificate")
    with pytest.raises(msquic.CertificateFileInvalid, match=r"bad\.pem"):
        configuration.load_credential_file(str(tmp_path / "bad.pem"), certificate.private_key_file)


def test_name_that_does_not_resolve(loopback, waiter):
    connection = msquic.Connection(loopback.registration)
    over = waiter()
    connection.set_on_shutdown_complete(over.set)
    connection.start(client(loopback), "name.invalid", 4433)
    over.wait("the failure")
    assert isinstance(connection.close_error, msquic.NameResolutionFailed)


def test_nothing_listens_there(loopback, waiter):
    listener = loopback.listen()
    port = listener.port
    listener.close()
    connection = msquic.Connection(loopback.registration)
    over = waiter()
    connection.set_on_shutdown_complete(over.set)
    connection.start(client(loopback, no_certificate_validation=True), "127.0.0.1", port)
    over.wait("the failure")
    assert isinstance(connection.close_error, msquic.ConnectionFailed)


def test_ticket_resumes_and_carries_early_data(loopback, waiter, collector):
    received, resumed_data = collector(), waiter()
    served = queue.SimpleQueue()

    def serve(connection):
        def send_ticket():
            connection.send_resumption_ticket(data=b"who")
            served.put(connection)

        connection.set_on_connected(send_ticket)
        connection.set_on_resumed(lambda data: resumed_data.set(data))
        connection.set_on_peer_stream_started(lambda s: s.set_on_receive(received))

    listener = loopback.listen(serve, server_resumption_level=ServerResumptionLevel.RESUME_AND_ZERORTT)
    configuration = loopback.configuration(server=False)
    ticket = waiter()
    first = loopback.connect(listener, configuration)
    first.set_on_resumption_ticket_received(ticket.set)
    secret = ticket.wait("the ticket")
    assert isinstance(secret, bytes)
    served.get(timeout=DEADLINE)
    first.shutdown()

    second = msquic.Connection(loopback.registration)
    second.set_resumption_ticket(secret)
    connected = waiter()
    second.set_on_connected(lambda resumed: connected.set(resumed))
    stream = second.open_stream(StreamOpenFlags.UNIDIRECTIONAL | StreamOpenFlags.ZERO_RTT)
    stream.send(b"early", SendFlags.START | SendFlags.FIN | SendFlags.ALLOW_0_RTT)
    second.start(configuration, "localhost", listener.port, address="127.0.0.1")
    assert connected.wait("the handshake") is True
    assert received.wait_fin() == b"early"
    assert resumed_data.wait("on_resumed") == b"who"
    # The server hears of the end of the handshake after its client: nothing is closed under its handler.
    served.get(timeout=DEADLINE)

    third = msquic.Connection(loopback.registration)
    third.set_resumption_ticket(secret)
    with pytest.raises(msquic.TicketMismatch):
        third.start(configuration, "127.0.0.1", listener.port)
    with pytest.raises(msquic.InvalidArgument):
        msquic.Connection(loopback.registration).set_resumption_ticket(b"garbage")
