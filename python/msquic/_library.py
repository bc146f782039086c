"""The library as a whole."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

from msquic._native import quic

__all__ = ["close_api", "wait_until_idle"]

released_before_closing: list[Callable[[], int]] = []
"""Give up what a part of this package keeps for later use, and tell how many registrations that were."""


_ENDING_BEFORE_FORK = 0.1
"""Seconds that a fork waits for what may be ending, while something else may be open."""
_CLOSING_BEFORE_FORK = 1.0
"""Seconds that a fork waits for what is closing, when nothing else is open."""


def _release() -> int:
    return sum(release() for release in released_before_closing)


def before_fork() -> None:
    """A child can begin anew when nothing is open, so what is kept for later use, and garbage, is given up for it."""
    if quic.live_objects()["registrations"] == 0:
        return
    gc.collect()
    deadline = time.monotonic() + _ENDING_BEFORE_FORK
    while (live := quic.live_objects())["listeners"] != 0 or live["connections"] != 0:
        if time.monotonic() >= deadline:
            return
        time.sleep(0.002)
    all_are_kept = _release() >= live["registrations"]
    quic.wait_until_idle(_CLOSING_BEFORE_FORK if all_are_kept else _ENDING_BEFORE_FORK)  # the others may be closing


def close_api(timeout: float = 1.0) -> None:
    """Ends MsQuic and its threads, after waiting at most ``timeout`` seconds for objects that are closing.

    The next :class:`Registration` starts it again. There is no need to call it: the end of the process does it. What
    :mod:`msquic.asyncio` keeps for later connections is given up.

    Raises :class:`LibraryInUse`, naming what is alive, when there are objects that were neither closed nor dropped.
    """
    _release()
    quic.close_api(timeout)


def wait_until_idle(timeout: float) -> bool:
    """Waits until no object is open in MsQuic; False when that took longer than ``timeout`` seconds.

    What :mod:`msquic.asyncio` keeps for later connections is given up.
    """
    _release()
    return quic.wait_until_idle(timeout)
