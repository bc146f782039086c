"""What the calls of :mod:`moqt.asyncio` raise, beside the errors of :mod:`moqt` and :mod:`msquic`."""

from __future__ import annotations

from moqt.asyncio._arguments import checked_end
from moqt.exceptions import MoqtError, SessionStateError
from msquic._native.moqt import ErrorCode, Redirect, RequestErrorCode

__all__ = [
    "FetchInterrupted",
    "FetchRefused",
    "ObjectRefused",
    "Refused",
    "RequestRefused",
    "SessionClosed",
    "SessionStateError",
]


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
    retry_after: float | None
    """From draft 16 on: seconds after which it may be asked again; None when that is pointless, or nobody has said."""
    redirect: Redirect | None
    """From draft 18 on: where else to ask, with the code REDIRECT; see :meth:`Session.subscribe`."""

    def __init__(
        self, code: int, name: str, reason: str, retry_after: float | None = None, redirect: Redirect | None = None
    ) -> None:
        super().__init__(code, name, reason)
        self.code, self.name, self.reason = code, name, reason
        self.retry_after, self.redirect = retry_after, redirect

    def __str__(self) -> str:
        return f"request refused: {self.name} ({self.code:#x})" + (f": {self.reason}" if self.reason else "")


class ObjectRefused(MoqtError):
    """An object that was written before was not taken, and nobody got it: the draft does not allow it in its place.

    Writing does not wait for the library, so this is raised by what comes next: a write, :meth:`TrackWriter.drain`,
    :meth:`TrackWriter.end`. What raised it was not done, but for the two ends of a group and a track. Of several
    objects the first is named; :attr:`DeliveryStatistics.refused` counts all.
    """

    group_id: int
    """Group ID."""
    object_id: int
    """Object ID within the group."""
    reason: str
    """For people."""

    def __init__(self, group_id: int, object_id: int, reason: str) -> None:
        super().__init__(group_id, object_id, reason)
        self.group_id, self.object_id, self.reason = group_id, object_id, reason

    def __str__(self) -> str:
        return f"object {self.object_id} of group {self.group_id} was not taken: {self.reason}"


class Refused(MoqtError):
    """Raised by the application in the `authorize` of :func:`serve`, :func:`relay` and :func:`connect` to refuse what
    the peer asks."""

    reason: str
    """For people, at most 1024 bytes; the peer gets it."""
    code: int
    """The code of REQUEST_ERROR (section 13.3.2)."""
    session_code: int | None
    """The code that a session is closed with (section 13.3.1); None: what corresponds to `code`."""

    def __init__(
        self,
        reason: str = "",
        code: RequestErrorCode | int = RequestErrorCode.UNAUTHORIZED,
        session_code: ErrorCode | int | None = None,
    ) -> None:
        super().__init__(reason)
        self.code, self.reason = checked_end(int(code), reason)
        self.session_code = None if session_code is None else checked_end(int(session_code), "")[0]


class FetchRefused(RequestRefused):
    """The publisher answered a FETCH with REQUEST_ERROR (section 9.17).

    INVALID_RANGE: nothing of the range has been published. UNKNOWN_STATUS_IN_RANGE: some of it was, and is not kept any
    more; from draft 16 on that is INTERNAL_ERROR. NOT_SUPPORTED: the publisher answers no FETCH.
    """


class FetchInterrupted(MoqtError):
    """The publisher broke the answer to a FETCH off: objects that were wanted may be missing behind the last one."""

    code: int
    """The code of RESET_STREAM (section 10.4.3), as received."""
    name: str
    """The draft's name of the code, ``"CANCELLED"``; ``"MALFORMED_TRACK"`` when what came broke the rules of section
    2.4.2; ``"UNKNOWN"`` when it has none."""
    reason: str
    """For people; may be empty."""

    def __init__(self, code: int, name: str, reason: str) -> None:
        super().__init__(code, name, reason)
        self.code, self.name, self.reason = code, name, reason

    def __str__(self) -> str:
        return f"fetch broken off: {self.name} ({self.code:#x})" + (f": {self.reason}" if self.reason else "")
