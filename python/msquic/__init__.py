"""QUIC for Python, on Microsoft MsQuic: the callback API.

Objects and their order: a :class:`Registration` (one per process), a :class:`Configuration` with credentials, then a
:class:`Listener` for a server or a :class:`Connection` for a client, and :class:`Stream` objects on a connection.

**Threads.** Handlers run on one thread of this library, called ``msquic-handlers``, one at a time, in the order of
the events. They may call every method, ``close()`` included. A handler that takes long holds up the others, never
QUIC itself: MsQuic has threads of its own, which never run Python. Methods may be called on any thread.

**Errors in handlers.** An exception goes to ``sys.unraisablehook`` and to the logger ``"msquic"``; its connection is
shut down with code 1. The process goes on.

**What comes before its handler is set** is kept and delivered then: streams, their data (up to 64 KiB each and 4 MiB
per connection, then flow control holds the peer back), datagrams (the newest 4096), tickets and states.

**Lifetimes.** Children hold their parents: a stream its connection, everything its registration. A connection holds
its streams from their start until they are over, and a listener the connections that it accepted until they are
over; neither need be stored. A client's connection must be stored: when its last reference goes, it is shut down
with code 0. Handlers may refer to the objects that they are set on; the garbage collector finds such cycles, and
they are broken anyway when the connection is over. Objects may be dropped in any order. ``close()``, or leaving a
``with`` block, does not wait for references to go; closing a registration closes everything made from it.

**The end of the interpreter** ends all connections, without waiting longer than a moment. No handler runs after
that begins. **After a fork** the child may use this library when nothing was open in its parent: importing it is
not enough to be in the way. When something was, every call of the child raises :class:`ForkedProcess`; the parent goes
on undisturbed.

**Certificates.** A client verifies the server's certificate and its host name unless told otherwise: by other roots,
pins, or a verifier of the program (:meth:`Configuration.set_certificate_verifier`). :class:`Certificate` is what this
side shows, and :class:`SessionTicket` what a client comes back with.

Every exception is a :class:`QuicError`; see :mod:`msquic.exceptions` for the tree.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import os
from typing import TYPE_CHECKING

from msquic._development_certificate import DevelopmentCertificate, generate_development_certificate
from msquic._library import before_fork as _before_fork
from msquic._library import close_api, wait_until_idle
from msquic._native import quic as _native_quic
from msquic._native.quic import (
    Certificate,
    Configuration,
    Connection,
    Listener,
    Registration,
    Stream,
    configure,
    decode_varint,
    encode_varint,
    exception_from_status,
    library_version,
    live_objects,
    open_api,
    performance_counters,
    tls_provider,
    varint_size,
    wire_code_name,
)
from msquic._peer_certificate import PeerCertificate
from msquic._session_ticket import SessionTicket
from msquic.enums import (
    CongestionControl,
    ConnectionShutdownFlags,
    DatagramSendState,
    ExecutionProfile,
    LoadBalancing,
    SendFlags,
    SendResumptionFlags,
    ServerResumptionLevel,
    StreamOpenFlags,
    StreamScheduling,
    StreamShutdownFlags,
    StreamStartFlags,
)
from msquic.exceptions import (
    AddressError,
    AddressInUse,
    AddressNotAvailable,
    AlpnError,
    AlpnInUse,
    CertificateError,
    CertificateFileExpired,
    CertificateFileInvalid,
    CertificatePasswordWrong,
    ClosedHandle,
    ConnectionAborted,
    ConnectionClosed,
    ConnectionClosing,
    ConnectionFailed,
    ConnectionRefused,
    ConnectionTimeout,
    CredentialsNotLoaded,
    DatagramTooLarge,
    DatagramUnavailable,
    Finalizing,
    ForkedProcess,
    HandshakeError,
    HandshakeTimeout,
    IdleTimeout,
    IncompleteVarint,
    InternalError,
    InvalidAddress,
    InvalidArgument,
    InvalidArgumentType,
    InvalidHandler,
    InvalidState,
    LibraryInUse,
    NameResolutionFailed,
    NotFound,
    NotSupported,
    PeerClosed,
    ProtocolError,
    QuicError,
    QuicMemoryError,
    StreamAborted,
    StreamError,
    StreamLimitReached,
    StreamReset,
    StreamStopped,
    TicketMismatch,
    TlsAlert,
    TlsError,
    Unreachable,
    VarintOutOfRange,
    VersionNegotiationError,
    WouldDeadlock,
)
from msquic.settings import Settings
from msquic.statistics import (
    ConnectionStatistics,
    HandshakeInfo,
    ListenerStatistics,
    PerformanceCounters,
    StreamStatistics,
)

__all__ = [
    "AddressError",
    "AddressInUse",
    "AddressNotAvailable",
    "AlpnError",
    "AlpnInUse",
    "Certificate",
    "CertificateError",
    "CertificateFileExpired",
    "CertificateFileInvalid",
    "CertificatePasswordWrong",
    "ClosedHandle",
    "Configuration",
    "CongestionControl",
    "Connection",
    "ConnectionAborted",
    "ConnectionClosed",
    "ConnectionClosing",
    "ConnectionFailed",
    "ConnectionRefused",
    "ConnectionShutdownFlags",
    "ConnectionStatistics",
    "ConnectionTimeout",
    "CredentialsNotLoaded",
    "DatagramSendState",
    "DatagramTooLarge",
    "DatagramUnavailable",
    "DevelopmentCertificate",
    "ExecutionProfile",
    "Finalizing",
    "ForkedProcess",
    "HandshakeError",
    "HandshakeInfo",
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
    "Listener",
    "ListenerStatistics",
    "LoadBalancing",
    "NameResolutionFailed",
    "NotFound",
    "NotSupported",
    "PeerCertificate",
    "PeerClosed",
    "PerformanceCounters",
    "ProtocolError",
    "QuicError",
    "QuicMemoryError",
    "Registration",
    "SendFlags",
    "SendResumptionFlags",
    "ServerResumptionLevel",
    "SessionTicket",
    "Settings",
    "Stream",
    "StreamAborted",
    "StreamError",
    "StreamLimitReached",
    "StreamOpenFlags",
    "StreamReset",
    "StreamScheduling",
    "StreamShutdownFlags",
    "StreamStartFlags",
    "StreamStatistics",
    "StreamStopped",
    "TicketMismatch",
    "TlsAlert",
    "TlsError",
    "Unreachable",
    "VarintOutOfRange",
    "VersionNegotiationError",
    "WouldDeadlock",
    "__version__",
    "close_api",
    "configure",
    "decode_varint",
    "encode_varint",
    "exception_from_status",
    "generate_development_certificate",
    "library_version",
    "live_objects",
    "open_api",
    "performance_counters",
    "tls_provider",
    "varint_size",
    "wait_until_idle",
    "wire_code_name",
]

__version__: str = _native_quic.package_version

# Whether and where something is logged is the program's to say; without a word of it nothing is printed.
logging.getLogger("msquic").addHandler(logging.NullHandler())
atexit.register(_native_quic.leave)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_native_quic.after_fork_in_child)

if TYPE_CHECKING:
    from msquic import asyncio as asyncio
else:

    def __getattr__(name: str) -> object:
        """``msquic.asyncio`` is imported when it is first used, also by a program that imported ``msquic`` alone."""
        if name == "asyncio":
            return importlib.import_module("msquic.asyncio")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
