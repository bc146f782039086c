"""How streams end otherwise than wished."""

from __future__ import annotations

from msquic.exceptions.base import QuicError


class StreamError(QuicError):
    """A stream ended, or did not begin, otherwise than wished."""


class StreamLimitReached(StreamError):
    """The peer admits no more streams now."""


class StreamReset(StreamError, ConnectionResetError):
    """The peer abandoned its direction of a stream with ``app_code``."""


class StreamStopped(StreamError, BrokenPipeError):
    """The peer wants no more data on a stream, for the reason ``app_code``."""


class StreamAborted(StreamError, BrokenPipeError):
    """The peer wants no more of the stream, or its connection has ended: what it was doing cannot go on."""
