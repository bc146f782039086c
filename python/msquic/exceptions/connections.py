"""Why connections end."""

from __future__ import annotations

from msquic.exceptions.base import QuicError


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


class Unreachable(ConnectionFailed, ConnectionRefusedError):
    """Nothing listens there, or no path leads there; the message names host and port."""


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
