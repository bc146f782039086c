"""Which exception stands for a status of MsQuic or of this library. Called by the native layer."""

from __future__ import annotations

from msquic.exceptions.base import (
    QuicError,
)
from msquic.exceptions.calls import (
    AddressInUse,
    AddressNotAvailable,
    AlpnInUse,
    CertificateFileExpired,
    CertificateFileInvalid,
    CertificatePasswordWrong,
    ClosedHandle,
    ConnectionClosing,
    DatagramTooLarge,
    DatagramUnavailable,
    Finalizing,
    ForkedProcess,
    InvalidAddress,
    InvalidArgument,
    InvalidState,
    LibraryInUse,
    NotFound,
    NotSupported,
    QuicMemoryError,
    TicketMismatch,
    WouldDeadlock,
)
from msquic.exceptions.connections import (
    AlpnError,
    CertificateError,
    ConnectionAborted,
    ConnectionFailed,
    ConnectionRefused,
    ConnectionTimeout,
    HandshakeError,
    HandshakeTimeout,
    IdleTimeout,
    InternalError,
    NameResolutionFailed,
    PeerClosed,
    ProtocolError,
    TlsAlert,
    TlsError,
    Unreachable,
    VersionNegotiationError,
)
from msquic.exceptions.streams import (
    StreamAborted,
    StreamLimitReached,
)

BY_NAME: dict[str, type[QuicError]] = {
    "OutOfMemory": QuicMemoryError,
    "InvalidParameter": InvalidArgument,
    "InvalidState": InvalidState,
    "NotSupported": NotSupported,
    "NotFound": NotFound,
    "BufferTooSmall": InvalidArgument,
    "FileNotFound": CertificateFileInvalid,
    "HandshakeFailure": HandshakeError,
    "Aborted": ConnectionAborted,
    "AddressInUse": AddressInUse,
    "InvalidAddress": InvalidAddress,
    "AddressNotAvailable": AddressNotAvailable,
    "ConnectionTimeout": ConnectionTimeout,
    "ConnectionIdle": IdleTimeout,
    "ConnectionRefused": ConnectionRefused,
    "InternalError": InternalError,
    "ProtocolError": ProtocolError,
    "VersionNegotiationError": VersionNegotiationError,
    "Unreachable": Unreachable,
    "TlsError": TlsError,
    "UserCanceled": ConnectionAborted,
    "AlpnNegotiationFailure": AlpnError,
    "AlpnInUse": AlpnInUse,
    "StreamLimitReached": StreamLimitReached,
    "CloseNotify": TlsAlert,
    "BadCertificate": CertificateError,
    "UnsupportedCertificate": CertificateError,
    "RevokedCertificate": CertificateError,
    "ExpiredCertificate": CertificateError,
    "UnknownCertificate": CertificateError,
    "RequiredCertificate": CertificateError,
    "UntrustedRoot": CertificateError,
    "NoCertificate": CertificateError,
    "UnknownCa": CertificateError,
    "AccessDenied": CertificateError,
    "TlsAlert": TlsAlert,
    "ForkedProcess": ForkedProcess,
    "Finalizing": Finalizing,
    "LibraryInUse": LibraryInUse,
    "ClosedHandle": ClosedHandle,
    "ConnectionClosing": ConnectionClosing,
    "StreamAborted": StreamAborted,
    "DatagramTooLarge": DatagramTooLarge,
    "DatagramUnavailable": DatagramUnavailable,
    "CertificateNameMismatch": CertificateError,
    "CertificateFileInvalid": CertificateFileInvalid,
    "CertificatePasswordWrong": CertificatePasswordWrong,
    "CertificateFileExpired": CertificateFileExpired,
    "CertificateRefused": CertificateError,
    "TicketMismatch": TicketMismatch,
    "NameResolutionFailed": NameResolutionFailed,
    "HandshakeTimeout": HandshakeTimeout,
    "WouldDeadlock": WouldDeadlock,
}


def from_status(name: str, status: int, message: str) -> QuicError:
    """The exception for a status of the native layer."""
    return BY_NAME.get(name, QuicError)(message, status=status, name=name)


def from_close(
    name: str, status: int, message: str, wire_code: int | None, app_code: int | None, remote: bool, reason: str
) -> ConnectionFailed:
    """The exception for the end of a connection."""
    kind = PeerClosed if app_code is not None and remote else BY_NAME.get(name, ConnectionFailed)
    if not issubclass(kind, ConnectionFailed):
        kind = ConnectionFailed
    error = kind(message, status=status, name=name, wire_code=wire_code, app_code=app_code, remote=remote)
    error.reason = reason
    return error
