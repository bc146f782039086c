"""What is wrong with a call: its arguments, or the moment."""

from __future__ import annotations

from msquic.exceptions.base import QuicError


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
    """The process was forked while a registration was open. Fork before anything is opened or after everything is
    closed, or use the start methods spawn or forkserver."""


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
