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
    │   ├── ForkedProcess                      forked while something was open
    │   └── Finalizing                         the interpreter is ending
    ├── NotFound (LookupError) · NotSupported (NotImplementedError) · QuicMemoryError (MemoryError)
    ├── AddressError (OSError)
    │   ├── AddressInUse · AddressNotAvailable · InvalidAddress · AlpnInUse
    ├── StreamError
    │   ├── StreamLimitReached                 the peer admits no more streams now
    │   ├── StreamReset (ConnectionResetError) the peer abandoned its direction of a stream
    │   └── StreamStopped · StreamAborted (BrokenPipeError)   the peer wants no more of it
    └── ConnectionFailed (ConnectionError)     why a connection ended
        ├── PeerClosed                         the peer's application closed it, with app_code and reason
        ├── ConnectionClosed                   this side closed it, with app_code
        ├── ConnectionRefused (ConnectionRefusedError) · ConnectionAborted (ConnectionAbortedError)
        ├── ConnectionTimeout (TimeoutError)
        │   ├── IdleTimeout
        │   └── HandshakeTimeout               of a server: the client did not complete it in time
        ├── Unreachable (ConnectionRefusedError)
        ├── NameResolutionFailed · ProtocolError · InternalError
        └── HandshakeError
            ├── AlpnError · VersionNegotiationError
            └── TlsError
                └── TlsAlert                   with alert
                    └── CertificateError       the certificate was not accepted

Compare classes or ``name``, never ``status``: the numbers differ between systems.
"""

from __future__ import annotations

from msquic.exceptions.base import (
    QuicError,
)
from msquic.exceptions.calls import (
    AddressError,
    AddressInUse,
    AddressNotAvailable,
    AlpnInUse,
    CertificateFileExpired,
    CertificateFileInvalid,
    CertificatePasswordWrong,
    ClosedHandle,
    ConnectionClosing,
    CredentialsNotLoaded,
    DatagramTooLarge,
    DatagramUnavailable,
    Finalizing,
    ForkedProcess,
    IncompleteVarint,
    InvalidAddress,
    InvalidArgument,
    InvalidArgumentType,
    InvalidHandler,
    InvalidState,
    LibraryInUse,
    NotFound,
    NotSupported,
    QuicMemoryError,
    TicketMismatch,
    VarintOutOfRange,
    WouldDeadlock,
)
from msquic.exceptions.connections import (
    AlpnError,
    CertificateError,
    ConnectionAborted,
    ConnectionClosed,
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
    StreamError,
    StreamLimitReached,
    StreamReset,
    StreamStopped,
)

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

# They are named, in tracebacks and pickles, by the place where they are looked for.
for _name in __all__:
    globals()[_name].__module__ = __name__
