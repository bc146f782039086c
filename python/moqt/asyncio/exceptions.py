"""What the calls of :mod:`moqt.asyncio` raise, beside the errors of :mod:`moqt` and :mod:`msquic`."""

from __future__ import annotations

from moqt.exceptions import MoqtError, SessionStateError

__all__ = ["RequestRefused", "SessionClosed", "SessionStateError"]


class SessionClosed(MoqtError):
    """The session is over; nothing can be done on it any more (sections 3.4, 13.3.1)."""

    code: int
    """The session error code, as received: a peer may use one without a name."""
    name: str
    """The draft's name of the code, ``"NO_ERROR"``; ``"UNKNOWN"`` when it has none."""
    reason: str
    """For people; may be empty."""
    remote: bool
    """Whether the peer closed it."""

    def __init__(self, code: int, name: str, reason: str, remote: bool) -> None:
        super().__init__(code, name, reason, remote)
        self.code, self.name, self.reason, self.remote = code, name, reason, remote

    def __str__(self) -> str:
        who = "the peer" if self.remote else "this endpoint"
        return f"session closed by {who}: {self.name} ({self.code:#x})" + (f": {self.reason}" if self.reason else "")


class RequestRefused(MoqtError):
    """The peer answered a request with REQUEST_ERROR (sections 9.8, 13.3.2)."""

    code: int
    """The error code, as received."""
    name: str
    """The draft's name of the code, ``"DOES_NOT_EXIST"``; ``"UNKNOWN"`` when it has none."""
    reason: str
    """For people; may be empty."""

    def __init__(self, code: int, name: str, reason: str) -> None:
        super().__init__(code, name, reason)
        self.code, self.name, self.reason = code, name, reason

    def __str__(self) -> str:
        return f"request refused: {self.name} ({self.code:#x})" + (f": {self.reason}" if self.reason else "")
