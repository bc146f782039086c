"""The exceptions of this package::

    QuicError
    ├── InvalidArgument (ValueError)           an argument outside what is allowed
    │   ├── VarintOutOfRange                   not from 0 to 2**62 - 1
    │   ├── DatagramTooLarge
    │   ├── TicketMismatch                     a ticket of another server or with other trust
    │   └── CertificateFileInvalid             a certificate or key of this side that cannot be used
    │       ├── CertificatePasswordWrong       the password of a private key is missing or wrong
    │       └── CertificateFileExpired         outside its validity period
    ├── InvalidArgumentType (TypeError)
    │   └── InvalidHandler                     not callable, or with other arguments than its event has
    ├── IncompleteVarint (ValueError)          the data ends inside a varint
    ├── InvalidState (RuntimeError)            not possible now
    │   ├── ClosedHandle                       the object was closed
    │   ├── ConnectionClosing
    │   ├── CredentialsNotLoaded               call load_credential_file() or load_credential_none() first
    │   ├── DatagramUnavailable                the peer takes no datagrams
    │   ├── LibraryInUse                       objects are still alive
    │   ├── WouldDeadlock
    │   ├── ForkedProcess                      use spawn or forkserver instead of fork
    │   └── Finalizing                         the interpreter is ending
    ├── NotFound (LookupError) · NotSupported (NotImplementedError) · QuicMemoryError (MemoryError)
    ├── AddressError (OSError)
    │   ├── AddressInUse · AddressNotAvailable · InvalidAddress · AlpnInUse
    ├── StreamError
    │   ├── StreamLimitReached                 the peer admits no more streams now
    │   ├── StreamReset · StreamStopped        the peer abandoned, or refuses, the data of a stream
    │   └── StreamAborted
    └── ConnectionFailed (ConnectionError)     why a connection ended
        ├── PeerClosed                         the peer's application closed it, with app_code and reason
        ├── ConnectionClosed                   this side closed it, with app_code
        ├── ConnectionRefused (ConnectionRefusedError) · ConnectionAborted (ConnectionAbortedError)
        ├── ConnectionTimeout (TimeoutError)
        │   ├── IdleTimeout
        │   └── HandshakeTimeout               of a server: the client did not complete it in time
        ├── Unreachable · NameResolutionFailed · ProtocolError · InternalError
        └── HandshakeError
            ├── AlpnError · VersionNegotiationError
            └── TlsError
                └── TlsAlert                   with alert
                    └── CertificateError       the certificate was not accepted

Compare classes or ``name``, never ``status``: the numbers differ between systems.
"""

from __future__ import annotations

__all__ = [
    "AddressError",
    "AddressInUse",
    "AddressNotAvailable",
    "AlpnError",
    "AlpnInUse",
    "CertificateError",
    "CertificateFileExpired",
    "CertificateFileInvalid",
    "CertificatePasswordWrong",
    "ClosedHandle",
    "ConnectionAborted",
    "ConnectionClosed",
    "ConnectionClosing",
    "ConnectionFailed",
    "ConnectionRefused",
    "ConnectionTimeout",
    "CredentialsNotLoaded",
    "DatagramTooLarge",
    "DatagramUnavailable",
    "Finalizing",
    "ForkedProcess",
    "HandshakeError",
    "HandshakeTimeout",
    "IdleTimeout",
    "IncompleteVarint",
    "InternalError",
    "InvalidAddress",
    "InvalidArgument",
    "InvalidArgumentType",
    "InvalidHandler",
    "InvalidState",
    "LibraryInUse",
    "NameResolutionFailed",
    "NotFound",
    "NotSupported",
    "PeerClosed",
    "ProtocolError",
    "QuicError",
    "QuicMemoryError",
    "StreamAborted",
    "StreamError",
    "StreamLimitReached",
    "StreamReset",
    "StreamStopped",
    "TicketMismatch",
    "TlsAlert",
    "TlsError",
    "Unreachable",
    "VarintOutOfRange",
    "VersionNegotiationError",
    "WouldDeadlock",
]


class QuicError(Exception):
    """Base of every exception that this package defines."""

    status: int
    """MsQuic's status number on this system, 0 when the error is this library's own."""
    name: str
    """What went wrong in one word, the same on every system, e.g. ``"AlpnNegotiationFailure"``."""
    wire_code: int | None
    """The QUIC error code of RFC 9000 section 20.1 (0x100 + the alert for TLS), where there is one."""
    app_code: int | None
    """The application's error code, where there is one."""
    remote: bool
    """The peer began it."""

    def __init__(
        self,
        message: str = "",
        *,
        status: int = 0,
        name: str | None = None,
        wire_code: int | None = None,
        app_code: int | None = None,
        remote: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.name = type(self).__name__ if name is None else name
        self.wire_code = wire_code
        self.app_code = app_code
        self.remote = remote


class InvalidArgument(QuicError, ValueError):
    """An argument outside what is allowed; the message names the argument and the limits."""


class VarintOutOfRange(InvalidArgument):
    """A number that no QUIC varint can carry: they reach from 0 to 2**62 - 1."""


class DatagramTooLarge(InvalidArgument):
    """More than fits into a datagram now; the limit is in the message."""


class TicketMismatch(InvalidArgument):
    """A resumption ticket of another server name or with other trust settings."""


class CertificateFileInvalid(InvalidArgument):
    """A certificate or key file is missing, unreadable, or the two do not belong together."""


class CertificatePasswordWrong(CertificateFileInvalid):
    """The password of a private key or PKCS#12 container is missing or wrong."""


class CertificateFileExpired(CertificateFileInvalid):
    """A certificate of this side is outside its validity period."""


class InvalidArgumentType(QuicError, TypeError):
    """An argument of the wrong type."""


class InvalidHandler(InvalidArgumentType):
    """A handler that cannot be called, or not with the arguments of its event."""


class IncompleteVarint(QuicError, ValueError):
    """The data ends inside a varint: append what follows and decode again."""


class InvalidState(QuicError, RuntimeError):
    """The object cannot do that now."""


class ClosedHandle(InvalidState):
    """The object was closed, or is of no more use."""


class ConnectionClosing(InvalidState):
    """The connection is being shut down."""


class CredentialsNotLoaded(InvalidState):
    """A :class:`Configuration` was used before its credentials were loaded."""


class DatagramUnavailable(InvalidState):
    """The peer did not enable datagrams, or the connection is closed."""


class LibraryInUse(InvalidState):
    """Something cannot close while objects that depend on it are alive."""


class WouldDeadlock(InvalidState):
    """A call that would wait for itself."""


class ForkedProcess(InvalidState):
    """The process was forked after the library started. Use the start methods spawn or forkserver."""


class Finalizing(InvalidState):
    """The interpreter is ending."""


class NotFound(QuicError, LookupError):
    """What was asked for does not exist."""


class NotSupported(QuicError, NotImplementedError):
    """MsQuic cannot do that on this system."""


class QuicMemoryError(QuicError, MemoryError):
    """Memory ran out."""


class AddressError(QuicError, OSError):
    """A local address cannot be used."""


class AddressInUse(AddressError):
    """Another socket has the port."""


class AddressNotAvailable(AddressError):
    """This machine does not have the address."""


class InvalidAddress(AddressError):
    """Not an address that can be used here."""


class AlpnInUse(AddressError):
    """A listener of this process has one of the ALPNs on that port already."""


class StreamError(QuicError):
    """A stream ended, or did not begin, otherwise than wished."""


class StreamLimitReached(StreamError):
    """The peer admits no more streams now."""


class StreamReset(StreamError):
    """The peer abandoned its direction of a stream with ``app_code``."""


class StreamStopped(StreamError):
    """The peer wants no more data on a stream, for the reason ``app_code``."""


class StreamAborted(StreamError):
    """The peer wants no more of the stream, or its connection has ended: what it was doing cannot go on."""


class ConnectionFailed(QuicError, ConnectionError):
    """Why a connection ended."""

    reason: str = ""
    """The reason phrase that came with it, often empty."""


class PeerClosed(ConnectionFailed):
    """The peer's application closed the connection with ``app_code``."""


class ConnectionClosed(ConnectionFailed):
    """This side closed the connection, with ``app_code`` where it gave one; what was pending on it cannot go on."""


class ConnectionRefused(ConnectionFailed, ConnectionRefusedError):
    """The server does not take the connection."""


class ConnectionAborted(ConnectionFailed, ConnectionAbortedError):
    """The connection was broken off."""


class ConnectionTimeout(ConnectionFailed, TimeoutError):
    """The peer did not answer in time."""


class IdleTimeout(ConnectionTimeout):
    """Nothing came from the peer for the idle timeout."""


class HandshakeTimeout(ConnectionTimeout):
    """A client did not complete its handshake in the time that the listener allows."""


class Unreachable(ConnectionFailed):
    """Nothing listens there, or no path leads there."""


class NameResolutionFailed(ConnectionFailed):
    """The host name could not be resolved."""


class ProtocolError(ConnectionFailed):
    """One side broke the rules of QUIC."""


class InternalError(ConnectionFailed):
    """MsQuic gave up without saying why."""


class HandshakeError(ConnectionFailed):
    """The handshake failed."""


class AlpnError(HandshakeError):
    """The two sides have no ALPN in common."""


class VersionNegotiationError(HandshakeError):
    """The two sides have no QUIC version in common."""


class TlsError(HandshakeError):
    """TLS failed."""


class TlsAlert(TlsError):
    """TLS failed with an alert."""

    @property
    def alert(self) -> int | None:
        """The number of the TLS alert (RFC 8446 section 6), where it is known."""
        return None if self.wire_code is None or not 0x100 <= self.wire_code <= 0x1FF else self.wire_code - 0x100


class CertificateError(TlsAlert):
    """A certificate was not accepted: untrusted, expired, revoked, missing, or for another name."""


_BY_NAME: dict[str, type[QuicError]] = {
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


def _from_status(name: str, status: int, message: str) -> QuicError:
    """The exception for a status of the native layer, called by it."""
    return _BY_NAME.get(name, QuicError)(message, status=status, name=name)


def _from_close(
    name: str, status: int, message: str, wire_code: int | None, app_code: int | None, remote: bool, reason: str
) -> ConnectionFailed:
    """The exception for the end of a connection, called by the native layer."""
    kind = PeerClosed if app_code is not None and remote else _BY_NAME.get(name, ConnectionFailed)
    if not issubclass(kind, ConnectionFailed):
        kind = ConnectionFailed
    error = kind(message, status=status, name=name, wire_code=wire_code, app_code=app_code, remote=remote)
    error.reason = reason
    return error
