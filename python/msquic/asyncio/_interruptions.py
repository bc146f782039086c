"""Handlers that end because of what the peer did, which is no error of this side."""

from __future__ import annotations

import logging
from typing import cast

from msquic.exceptions import ConnectionFailed, StreamReset, StreamStopped

log = logging.getLogger("msquic.asyncio")


def caused_by_peer(error: BaseException, *, connection_over: bool, stream_aborted: bool) -> bool:
    """Whether ``error`` says no more than that this connection is over, or that the peer reset or stopped a stream.

    Of a group of exceptions, as a task group raises it, that holds for every one.
    """
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return all(
            caused_by_peer(each, connection_over=connection_over, stream_aborted=stream_aborted)
            for each in group.exceptions
        )
    if isinstance(error, ConnectionFailed):
        return connection_over
    return stream_aborted and isinstance(error, StreamReset | StreamStopped)
