"""How namespaces may be written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from moqt.asyncio._arguments import check_type
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
    check_type(value, bytes | bytearray | memoryview, "a track name", "a str or bytes")
    return bytes(value)
