"""The library as a whole."""

from __future__ import annotations

from collections.abc import Callable

from msquic._native import quic

__all__ = ["close_api", "wait_until_idle"]

released_before_closing: list[Callable[[], None]] = []
"""Give up what a part of this package keeps for later use."""


def _release() -> None:
    for release in released_before_closing:
        release()


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
