"""How namespaces may be written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from msquic._native.moqt import TrackNamespace

NamespaceLike: TypeAlias = TrackNamespace | Sequence[str | bytes] | str
"""A :class:`moqt.TrackNamespace`, a sequence of its fields, or text whose fields are separated by ``/``."""


def namespace_of(value: NamespaceLike) -> TrackNamespace:
    """The namespace that `value` stands for; ``"live/demo"`` has the two fields ``live`` and ``demo``."""
    if isinstance(value, TrackNamespace):
        return value
    if isinstance(value, str):
        return TrackNamespace(value.split("/"))
    return TrackNamespace(value)


def track_name_of(value: str | bytes) -> bytes:
    """A track name as the bytes that it is; text is UTF-8."""
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError(f"a track name is str or bytes, not {type(value).__name__}")
    return bytes(value)
