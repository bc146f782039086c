"""Arguments, exceptions, enumerations and varints of the package msquic."""

from __future__ import annotations

import enum
import inspect
import logging
import pickle
import sys

import pytest

import msquic
from msquic import exceptions
from msquic.exceptions.by_status import BY_NAME, from_status


def test_every_public_name_exists_and_is_documented():
    for name in msquic.__all__:
        value = getattr(msquic, name)
        if callable(value):
            assert inspect.getdoc(value), name
    assert msquic.library_version().startswith("2.")


@pytest.mark.parametrize("name", exceptions.__all__)
def test_every_exception_can_be_raised_and_pickled(name):
    kind = getattr(exceptions, name)
    assert issubclass(kind, msquic.QuicError)
    error = kind("what happened", status=5, wire_code=0x12A, app_code=3, remote=True)
    assert str(error) == "what happened"
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.status, copy.name, copy.wire_code, copy.app_code, copy.remote) == (5, name, 0x12A, 3, True)


@pytest.mark.parametrize("status", sorted(BY_NAME))
def test_every_status_has_its_exception(status):
    error = from_status(status, 7, "text")
    assert error.name == status
    assert type(error) is not msquic.QuicError


def test_builtin_bases():
    assert issubclass(msquic.InvalidArgument, ValueError)
    assert issubclass(msquic.ConnectionTimeout, TimeoutError)
    assert issubclass(msquic.ConnectionRefused, ConnectionRefusedError)
    assert issubclass(msquic.AddressInUse, OSError)
    assert issubclass(msquic.HandshakeError, ConnectionError)
    assert issubclass(msquic.InvalidState, RuntimeError)
    assert issubclass(msquic.QuicMemoryError, MemoryError)


def test_enumerations_combine():
    assert msquic.SendFlags.START | msquic.SendFlags.FIN == 6
    assert isinstance(msquic.SendFlags.START | msquic.SendFlags.FIN, msquic.SendFlags)
    assert (
        msquic.StreamShutdownFlags.ABORT
        == msquic.StreamShutdownFlags.ABORT_SEND | msquic.StreamShutdownFlags.ABORT_RECEIVE
    )
    assert issubclass(msquic.DatagramSendState, enum.IntEnum)


# RFC 9000 appendix A.1
@pytest.mark.parametrize(
    ("encoded", "value"),
    [("c2197c5eff14e88c", 151288809941952652), ("9d7f3e7d", 494878333), ("7bbd", 15293), ("25", 37)],
)
def test_varint_vectors(encoded, value):
    data = bytes.fromhex(encoded)
    assert msquic.encode_varint(value) == data
    assert msquic.varint_size(value) == len(data)
    for kind in (bytes, bytearray, memoryview):
        assert msquic.decode_varint(kind(data)) == (value, len(data))
    assert msquic.decode_varint(b"x" * 70000 + data, 70000) == (value, len(data))
    for short in range(len(data)):
        with pytest.raises(msquic.IncompleteVarint):
            msquic.decode_varint(data[:short])


def test_varint_limits():
    assert msquic.decode_varint(bytes.fromhex("4025")) == (37, 2)  # not minimal, RFC 9000 appendix A.1
    assert msquic.encode_varint(2**62 - 1) == b"\xff" * 8
    for bad in (-1, 2**62, 2**64, 2**100):
        with pytest.raises(msquic.VarintOutOfRange, match="varint"):
            msquic.encode_varint(bad)
        with pytest.raises(ValueError, match="varint"):
            msquic.varint_size(bad)
    for bad in ("1", 1.5, None, True):
        with pytest.raises(msquic.InvalidArgumentType):
            msquic.encode_varint(bad)
    with pytest.raises(msquic.InvalidArgument):
        msquic.decode_varint(b"1", 2)
    with pytest.raises(msquic.InvalidArgument):
        msquic.decode_varint(b"1", -1)


def test_bad_arguments_are_named(registration):
    def refused(kind, text, call, *args, **kwargs):
        with pytest.raises(kind, match=text):
            call(*args, **kwargs)

    make = msquic.Configuration
    refused(msquic.InvalidArgumentType, "alpn_list", make, registration, "h3")
    refused(msquic.InvalidArgument, "alpn_list", make, registration, [])
    refused(msquic.InvalidArgument, "ALPN", make, registration, ["x" * 256])
    refused(msquic.InvalidArgument, "idle_timeout_ms", make, registration, ["h3"], idle_timeout_ms=-1)
    refused(msquic.InvalidArgument, "peer_bidi_stream_count", make, registration, ["h3"], 1, 65536)
    refused(msquic.InvalidArgumentType, "pacing_enabled", make, registration, ["h3"], pacing_enabled=1)
    refused(msquic.InvalidArgumentType, "nonsense", make, registration, ["h3"], nonsense=1)
    refused(msquic.InvalidArgumentType, "given twice", make, registration, ["h3"], 1, idle_timeout_ms=1)
    refused(msquic.InvalidArgumentType, "registration", make, None, ["h3"])
    refused(msquic.InvalidArgumentType, "registration", msquic.Connection, 5)
    configuration = make(registration, [b"h3"], 0, 10, 10, True, msquic.ServerResumptionLevel.RESUME_ONLY)
    connection = msquic.Connection(registration)
    refused(msquic.CredentialsNotLoaded, "load_credential", connection.start, configuration, "localhost", 1)
    configuration.load_credential_none()
    refused(msquic.InvalidArgument, "port", connection.start, configuration, "localhost", 65536)
    refused(msquic.InvalidArgument, "address", connection.start, configuration, "localhost", 1, address="localhost")
    refused(msquic.InvalidArgument, "error_code", connection.shutdown, 0, 2**62)
    refused(msquic.InvalidArgument, "flags", connection.open_stream, 64)
    stream = connection.open_stream()
    refused(msquic.InvalidArgumentType, "data", stream.send, "text")
    refused(msquic.InvalidArgument, "GRACEFUL", stream.shutdown, msquic.StreamShutdownFlags.NONE)
    refused(
        msquic.InvalidArgument, "host", msquic.Listener(registration).start, _server(registration), ["h3"], 0, "nowhere"
    )


def _server(registration):
    configuration = msquic.Configuration(registration, ["h3"])
    configuration.load_credential_none()
    return configuration


def test_handler_exception_closes_that_connection_alone(loopback, waiter, monkeypatch, caplog):
    unraisable = waiter()
    monkeypatch.setattr(sys, "unraisablehook", lambda args: unraisable.set(repr(args.exc_value)))

    def serve(connection):
        def on_stream(stream):
            raise ZeroDivisionError("in a handler")

        connection.set_on_peer_stream_started(on_stream)

    listener = loopback.listen(serve)
    connection, other = loopback.connect(listener), loopback.connect(listener)
    over = waiter()
    connection.set_on_shutdown_complete(over.set)
    with caplog.at_level(logging.ERROR, "msquic"):
        connection.open_stream().send(b"x", msquic.SendFlags.START)
        over.wait("the end of the connection")
    assert unraisable.wait() == "ZeroDivisionError('in a handler')"
    assert any(record.name == "msquic" and record.exc_info for record in caplog.records)
    assert (connection.close_code, connection.closed_remotely) == (1, True)
    assert not other.is_closed
    loopback.connect(listener)


def test_new_connection_handler_exception(loopback, waiter, monkeypatch):
    monkeypatch.setattr(sys, "unraisablehook", lambda args: None)

    def serve(connection):
        raise KeyError("refused")

    connection = loopback.connect(loopback.listen(serve), wait=False)
    over = waiter()
    connection.set_on_shutdown_complete(over.set)
    over.wait("the end of the connection")


def test_close_api_refuses_while_in_use(registration):
    with pytest.raises(msquic.LibraryInUse, match="registration"):
        msquic.close_api(timeout=0)
    msquic.open_api()
