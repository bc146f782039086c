"""The exceptions of this package::

    MoqtError
    ├── NeedMoreData (ValueError)       the bytes so far are a valid beginning; more must follow
    ├── ProtocolViolation (ValueError)  the bytes can never become valid; names the session error
    ├── EncodeError (ValueError)        a value that the wire cannot carry; names the field
    ├── MalformedExtension (ValueError) an extension header without a meaning; the session is not concerned
    └── SessionStateError (RuntimeError) a call that is not possible now; nothing was sent

Errors of the transport below are :class:`msquic.QuicError`.
"""

from __future__ import annotations

from msquic._native.moqt import ErrorCode

__all__ = ["EncodeError", "MalformedExtension", "MoqtError", "NeedMoreData", "ProtocolViolation", "SessionStateError"]


class MoqtError(Exception):
    """Base of every exception that this package defines."""


class NeedMoreData(MoqtError, ValueError):
    """Decoding reached the end of the bytes given, all of which were valid.

    Not an error of the peer: keep the bytes, append what arrives next, decode again from the same offset. On a
    stream that has ended it means that the peer broke off inside an element, which section 10.4 calls a
    ``PROTOCOL_VIOLATION`` for objects.

    A ValueError like every outcome of decoding that is no value: a loop that waits for more on ValueError works, and
    one that closes the session must catch :class:`ProtocolViolation`.
    """


class ProtocolViolation(MoqtError, ValueError):
    """The bytes break a rule of draft-ietf-moq-transport-15 and can never become valid.

    The message names the rule and its section.
    """

    code: ErrorCode | int
    """What the session is to be closed with (section 13.3.1)."""

    def __init__(self, message: str, code: int = ErrorCode.PROTOCOL_VIOLATION) -> None:
        super().__init__(message, code)
        self.message = message
        try:
            self.code = ErrorCode(code)
        except ValueError:
            self.code = code

    def __str__(self) -> str:
        code = self.code
        name = code.name if isinstance(code, ErrorCode) else "UNKNOWN"
        return f"{name} ({int(code):#x}): {self.message}"


class EncodeError(MoqtError, ValueError):
    """A value that cannot be carried on the wire, found when it is assigned or at the latest by ``encode()``."""

    field: str
    """The field that holds the value, as it is named in Python."""
    code: str
    """What is wrong with it, for programs: ``"NOT_IN_DRAFT"`` where the draft has no such message, or no place for that
    value; ``"PARAMETER_REPEATED"`` and others; empty where it has no name."""

    def __init__(self, field: str, problem: str, code: str = "") -> None:
        super().__init__(field, problem)
        self.field, self.code = field, code

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.args[1]}"

    def __reduce__(self) -> tuple[type[EncodeError], tuple[str, str, str]]:
        return type(self), (*self.args, self.code)


class MalformedExtension(MoqtError, ValueError):
    """An extension header of an object whose value does not fit its definition.

    The object and the session are well-formed without it: what to do is the application's to decide.
    """

    header: str
    """The header, as its argument of :func:`moqt.create_loc_extensions` is named."""

    def __init__(self, header: str, problem: str) -> None:
        super().__init__(header, problem)
        self.header = header

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.args[1]}"


class SessionStateError(MoqtError, RuntimeError):
    """The call is not possible now; nothing was sent. The message says why and what to do."""
