"""The exception for every status of MsQuic (from its numbers, which are those of the system's errno), the texts of
messages, and the names of wire codes."""

from __future__ import annotations

import errno
import re
import socket
import sys

import pytest

import msquic

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the numbers of other systems differ")

TLS_ALERT = 200_000_256
CERTIFICATE = 200_000_512

# MsQuic's name, its number on Linux, the name in messages, the exception and what else it is.
STATUSES = [
    ("OUT_OF_MEMORY", errno.ENOMEM, "OutOfMemory", "QuicMemoryError", MemoryError),
    ("INVALID_PARAMETER", errno.EINVAL, "InvalidParameter", "InvalidArgument", ValueError),
    ("INVALID_STATE", errno.EPERM, "InvalidState", "InvalidState", RuntimeError),
    ("NOT_SUPPORTED", errno.EOPNOTSUPP, "NotSupported", "NotSupported", NotImplementedError),
    ("NOT_FOUND", errno.ENOENT, "NotFound", "NotFound", LookupError),
    ("BUFFER_TOO_SMALL", errno.EOVERFLOW, "BufferTooSmall", "InvalidArgument", ValueError),
    ("HANDSHAKE_FAILURE", errno.ECONNABORTED, "HandshakeFailure", "HandshakeError", ConnectionError),
    ("ABORTED", errno.ECANCELED, "Aborted", "ConnectionAborted", ConnectionAbortedError),
    ("ADDRESS_IN_USE", errno.EADDRINUSE, "AddressInUse", "AddressInUse", OSError),
    ("INVALID_ADDRESS", errno.EAFNOSUPPORT, "InvalidAddress", "InvalidAddress", OSError),
    ("ADDRESS_NOT_AVAILABLE", errno.EADDRNOTAVAIL, "AddressNotAvailable", "AddressNotAvailable", OSError),
    ("CONNECTION_TIMEOUT", errno.ETIMEDOUT, "ConnectionTimeout", "ConnectionTimeout", TimeoutError),
    ("CONNECTION_IDLE", errno.ETIME, "ConnectionIdle", "IdleTimeout", TimeoutError),
    ("INTERNAL_ERROR", errno.EIO, "InternalError", "InternalError", ConnectionError),
    ("CONNECTION_REFUSED", errno.ECONNREFUSED, "ConnectionRefused", "ConnectionRefused", ConnectionRefusedError),
    ("PROTOCOL_ERROR", errno.EPROTO, "ProtocolError", "ProtocolError", ConnectionError),
    ("VER_NEG_ERROR", errno.EPROTONOSUPPORT, "VersionNegotiationError", "VersionNegotiationError", ConnectionError),
    ("UNREACHABLE", errno.EHOSTUNREACH, "Unreachable", "Unreachable", ConnectionError),
    ("UNREACHABLE", errno.ENETUNREACH, "Unreachable", "Unreachable", ConnectionRefusedError),  # the system's own
    ("TLS_ERROR", errno.ENOKEY, "TlsError", "TlsError", ConnectionError),
    ("USER_CANCELED", errno.EOWNERDEAD, "UserCanceled", "ConnectionAborted", ConnectionAbortedError),
    ("ALPN_NEG_FAILURE", errno.ENOPROTOOPT, "AlpnNegotiationFailure", "AlpnError", ConnectionError),
    ("STREAM_LIMIT_REACHED", errno.ESTRPIPE, "StreamLimitReached", "StreamLimitReached", msquic.StreamError),
    ("ALPN_IN_USE", errno.EPROTOTYPE, "AlpnInUse", "AlpnInUse", OSError),
    ("CLOSE_NOTIFY", TLS_ALERT + 0, "CloseNotify", "TlsAlert", msquic.TlsError),
    ("BAD_CERTIFICATE", TLS_ALERT + 42, "BadCertificate", "CertificateError", msquic.TlsAlert),
    ("UNSUPPORTED_CERTIFICATE", TLS_ALERT + 43, "UnsupportedCertificate", "CertificateError", msquic.TlsAlert),
    ("REVOKED_CERTIFICATE", TLS_ALERT + 44, "RevokedCertificate", "CertificateError", msquic.TlsAlert),
    ("EXPIRED_CERTIFICATE", TLS_ALERT + 45, "ExpiredCertificate", "CertificateError", msquic.TlsAlert),
    ("UNKNOWN_CERTIFICATE", TLS_ALERT + 46, "UnknownCertificate", "CertificateError", msquic.TlsAlert),
    ("TLS_ALERT(unknown_ca)", TLS_ALERT + 48, "UnknownCa", "CertificateError", msquic.TlsAlert),
    ("TLS_ALERT(access_denied)", TLS_ALERT + 49, "AccessDenied", "CertificateError", msquic.TlsAlert),
    ("REQUIRED_CERTIFICATE", TLS_ALERT + 116, "RequiredCertificate", "CertificateError", msquic.TlsAlert),
    ("TLS_ALERT(handshake_failure)", TLS_ALERT + 40, "HandshakeFailure", "HandshakeError", ConnectionError),
    ("TLS_ALERT(user_canceled)", TLS_ALERT + 90, "UserCanceled", "ConnectionAborted", ConnectionAbortedError),
    ("TLS_ALERT(no_application_protocol)", TLS_ALERT + 120, "AlpnNegotiationFailure", "AlpnError", ConnectionError),
    ("TLS_ALERT(protocol_version)", TLS_ALERT + 70, "TlsAlert", "TlsAlert", msquic.TlsError),
    ("CERT_EXPIRED", CERTIFICATE + 1, "ExpiredCertificate", "CertificateError", msquic.TlsAlert),
    ("CERT_UNTRUSTED_ROOT", CERTIFICATE + 2, "UntrustedRoot", "CertificateError", msquic.TlsAlert),
    ("CERT_NO_CERT", CERTIFICATE + 3, "NoCertificate", "CertificateError", msquic.TlsAlert),
]


@pytest.mark.parametrize(("status", "number", "name", "exception", "base"), STATUSES, ids=[s[0] for s in STATUSES])
def test_every_status_has_its_exception_and_its_name_in_the_message(status, number, name, exception, base) -> None:
    error = msquic.exception_from_status(number)
    assert type(error) is getattr(msquic, exception)
    assert isinstance(error, base)
    assert (error.status, error.name) == (number, name)
    assert f"[{name}" in str(error)
    assert f"status {number}]" in str(error)


def test_no_number_stands_alone() -> None:
    """Whatever the number, a name stands beside it."""
    for number in [*range(1, 134), *range(TLS_ALERT, TLS_ALERT + 256), *range(CERTIFICATE, CERTIFICATE + 8)]:
        assert re.search(rf" \[[A-Z]\w+( \w+)?, status {number}\]$", str(msquic.exception_from_status(number))), number


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0x0, "NO_ERROR (0x0)"),
        (0x1, "INTERNAL_ERROR (0x1)"),
        (0x2, "CONNECTION_REFUSED (0x2)"),
        (0x3, "FLOW_CONTROL_ERROR (0x3)"),
        (0x4, "STREAM_LIMIT_ERROR (0x4)"),
        (0x5, "STREAM_STATE_ERROR (0x5)"),
        (0x6, "FINAL_SIZE_ERROR (0x6)"),
        (0x7, "FRAME_ENCODING_ERROR (0x7)"),
        (0x8, "TRANSPORT_PARAMETER_ERROR (0x8)"),
        (0x9, "CONNECTION_ID_LIMIT_ERROR (0x9)"),
        (0xA, "PROTOCOL_VIOLATION (0xa)"),
        (0xB, "INVALID_TOKEN or, from MsQuic, APPLICATION_ERROR (0xb)"),
        (0xC, "APPLICATION_ERROR (0xc)"),
        (0xD, "CRYPTO_BUFFER_EXCEEDED (0xd)"),
        (0xE, "KEY_UPDATE_ERROR (0xe)"),
        (0xF, "AEAD_LIMIT_REACHED (0xf)"),
        (0x10, "NO_VIABLE_PATH (0x10)"),
        (0x11, "VERSION_NEGOTIATION_ERROR (0x11)"),
        (0x12A, "CRYPTO_ERROR bad_certificate (0x12a)"),
        (0x130, "CRYPTO_ERROR unknown_ca (0x130)"),
        (0x174, "CRYPTO_ERROR certificate_required (0x174)"),
        (0x105, "CRYPTO_ERROR alert 5 (0x105)"),
        (0x1234, "an unknown code (0x1234)"),
    ],
)
def test_wire_codes_have_the_names_of_the_rfc(code, text) -> None:  # RFC 9000 section 20.1, RFC 8446 section 6
    assert msquic.wire_code_name(code) == text


# Golden messages: what a program shows to its user when a connection cannot be made or ends.


def failure(loopback, waiter, port, *, configuration=None, host="localhost", address="127.0.0.1", **settings):
    connection, over = msquic.Connection(loopback.registration), waiter()
    connection.set_on_shutdown_complete(over.set)
    connection.start(configuration or loopback.configuration(server=False, **settings), host, port, address=address)
    over.wait("the failure")
    return connection.close_error


def test_golden_alpn(loopback, waiter) -> None:
    configuration = msquic.Configuration(loopback.registration, ["other"])
    configuration.load_credential_none(no_certificate_validation=True)
    listener = loopback.listen()
    error = failure(loopback, waiter, listener.port, configuration=configuration)
    assert type(error) is msquic.AlpnError
    assert str(error) == (
        "the peer ended the connection: no ALPN in common with the peer "
        "[AlpnNegotiationFailure, status 92, CRYPTO_ERROR no_application_protocol (0x178)]"
    )
    assert (error.remote, error.wire_code, error.app_code) == (True, 0x178, None)


def test_golden_untrusted_issuer(loopback, waiter) -> None:
    configuration = msquic.Configuration(loopback.registration, [loopback.ALPN])
    configuration.load_credential_none()
    listener = loopback.listen()
    error = failure(loopback, waiter, listener.port, configuration=configuration)
    assert isinstance(error, msquic.CertificateError)
    assert not error.remote
    assert error.alert == error.wire_code - 0x100
    assert "issuer" in str(error) or "self-signed" in str(error)


def test_golden_unreachable(loopback, waiter) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    error = failure(loopback, waiter, port)
    assert type(error) is msquic.Unreachable
    assert str(error) == (
        f"nothing listens at localhost (127.0.0.1) port {port}, or it cannot be reached [Unreachable, status 113]"
    )
    assert (error.remote, error.wire_code, error.app_code) == (False, None, None)


def test_golden_idle_timeout(loopback, waiter) -> None:
    connection, over = loopback.connect(loopback.listen(), idle_timeout_ms=200), waiter()
    connection.set_on_shutdown_complete(over.set)
    over.wait()
    error = connection.close_error
    assert type(error) is msquic.IdleTimeout
    assert str(error) == "the connection was idle for longer than the idle timeout [ConnectionIdle, status 62]"
    assert (error.remote, error.wire_code, connection.close_code) == (False, None, None)


def test_golden_handshake_timeout(loopback, waiter) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        error = failure(loopback, waiter, silent.getsockname()[1], handshake_idle_timeout_ms=300)
    assert type(error) is msquic.IdleTimeout or type(error) is msquic.ConnectionTimeout
    assert isinstance(error, TimeoutError)
    assert str(error).startswith("the ")
    assert error.wire_code is None


def test_golden_name_resolution(loopback, waiter) -> None:
    error = failure(loopback, waiter, 4433, host="nowhere.invalid", address=None)
    assert type(error) is msquic.NameResolutionFailed
    assert str(error).startswith("cannot resolve 'nowhere.invalid': ")


def test_golden_application_close(loopback, waiter) -> None:
    connection, over = loopback.connect(loopback.listen()), waiter()
    connection.set_on_shutdown_complete(over.set)
    loopback.served().shutdown(error_code=7)
    over.wait()
    error = connection.close_error
    assert type(error) is msquic.PeerClosed
    assert str(error) == "the peer's application closed the connection with code 7"
    assert (error.app_code, error.wire_code, error.remote, connection.close_code) == (7, None, True, 7)


def test_golden_address_in_use(loopback) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as taken:
        taken.bind(("::", 0))
        port = taken.getsockname()[1]
        with pytest.raises(msquic.AddressInUse) as caught:
            msquic.Listener(loopback.registration).start(loopback.configuration(server=True), [loopback.ALPN], port)
    assert str(caught.value) == (
        f"UDP port {port} is in use by another socket: end the program that has it, or choose another port"
    )


def test_golden_alpn_in_use(loopback) -> None:
    listener = loopback.listen()
    port = listener.port
    with pytest.raises(msquic.AlpnInUse) as caught:
        msquic.Listener(loopback.registration).start(loopback.configuration(server=True), [loopback.ALPN], port)
    assert str(caught.value) == (
        f"listening on *:{port}: a listener of this process has this ALPN on the port already [AlpnInUse, status 91]"
    )
