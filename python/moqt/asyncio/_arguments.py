"""Arguments that are looked at before anything is begun with them."""

from __future__ import annotations

from types import UnionType

LARGEST_CODE = (1 << 62) - 1
LONGEST = 1e6
"""Seconds that count as for ever."""


def check_type(value: object, wanted: type | UnionType, name: str, said: str) -> None:
    """Raises TypeError for what is of another type than it may be; a bool is no number."""
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted in (int, int | float)):
        raise TypeError(f"{name} must be {said}, not {type(value).__name__}")


def check_callable(value: object, name: str) -> None:
    """Raises TypeError for what cannot be called; None is nothing to call."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be a function or coroutine function, not {type(value).__name__}")


def checked_seconds(value: float, name: str, most: float = LONGEST) -> float:
    """A time of at least 0 seconds, and no more than `most`. Raises TypeError and ValueError."""
    check_type(value, int | float, name, "a number of seconds")
    if not value >= 0:
        raise ValueError(f"{name} must be at least 0 seconds")
    return min(value, most)


def checked_end(code: int, reason: str) -> tuple[int, str]:
    """A code and a reason that the wire can carry. Raises TypeError and ValueError."""
    check_type(code, int, "code", "an int")
    if not 0 <= code <= LARGEST_CODE:
        raise ValueError(f"code must be from 0 to 2**62 - 1, not {code}")
    check_type(reason, str, "reason", "a str")
    reason.encode()  # UnicodeEncodeError is a ValueError
    return int(code), reason
