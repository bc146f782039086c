"""What waits on a connection before somebody has to."""

from __future__ import annotations

from typing import Any

from msquic.exceptions import InvalidArgument

READ_LIMIT = 1024 * 1024
WRITE_LIMIT = 256 * 1024
CONNECTION_READ_LIMIT = 16 * 1024 * 1024
STREAM_BACKLOG = 1024
CLOSE_TIMEOUT = 10.0

Limits = tuple[int, int, int, int, float]
"""In the order of the native module's AsyncLimits."""


def limits_of(
    read_limit: Any, write_limit: Any, connection_read_limit: Any, stream_backlog: Any, close_timeout: Any
) -> Limits:
    """Checks them by name: numbers of any kind may come from a program without types."""
    for name, value in (
        ("read_limit", read_limit),
        ("write_limit", write_limit),
        ("connection_read_limit", connection_read_limit),
        ("stream_backlog", stream_backlog),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**48:
            raise InvalidArgument(f"{name} must be a number from 1 to 2**48 - 1")
    if isinstance(close_timeout, bool) or not isinstance(close_timeout, int | float) or not 0 <= close_timeout < 1e9:
        raise InvalidArgument("close_timeout must be a number of seconds, at least 0")
    return read_limit, write_limit, connection_read_limit, stream_backlog, float(close_timeout)
