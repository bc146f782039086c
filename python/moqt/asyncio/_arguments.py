"""Arguments that are looked at before anything is begun with them."""

from __future__ import annotations

LARGEST_CODE = (1 << 62) - 1
LONGEST = 1e6
"""Seconds that count as for ever."""


def check_callable(value: object, name: str) -> None:
    """Raises TypeError for what cannot be called; None is nothing to call."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be a function or coroutine function, not {type(value).__name__}")


def checked_seconds(value: float, name: str, most: float = LONGEST) -> float:
    """A time of at least 0 seconds, and no more than `most`. Raises TypeError and ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if not value >= 0:
        raise ValueError(f"{name} must be at least 0 seconds")
    return min(value, most)


def checked_end(code: int, reason: str) -> tuple[int, str]:
    """A code and a reason that the wire can carry. Raises TypeError and ValueError."""
    if isinstance(code, bool) or not isinstance(code, int):
        raise TypeError(f"code must be an int, not {type(code).__name__}")
    if not 0 <= code <= LARGEST_CODE:
        raise ValueError(f"code must be from 0 to 2**62 - 1, not {code}")
    if not isinstance(reason, str):
        raise TypeError(f"reason must be a str, not {type(reason).__name__}")
    reason.encode()  # UnicodeEncodeError is a ValueError
    return int(code), reason
