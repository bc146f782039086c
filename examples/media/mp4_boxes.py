"""Boxes of an MP4 (ISO/IEC 14496-12, section 4.2), written and walked."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator

from .frame import MediaError


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of that type around its parts."""
    return struct.pack(">I", 8 + sum(map(len, parts))) + kind + b"".join(parts)


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box whose payload begins with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The boxes in `data`: (type, where the box begins, where its payload begins); `MediaError` for one cut short."""
    position = 0
    while position < len(data):
        if len(data) - position < 8:
            raise MediaError("an MP4 box is cut short")
        size, kind = struct.unpack_from(">I4s", data, position)
        header = 8
        if size == 1 and len(data) - position >= 16:
            size, header = struct.unpack_from(">Q", data, position + 8)[0], 16
        if size == 0:
            size = len(data) - position
        if size < header or position + size > len(data):
            raise MediaError(f"the MP4 box {kind!r} is cut short")
        yield kind, position, position + header
        position += size


def children(data: bytes, wanted: bytes) -> Iterator[bytes]:
    """The payloads of the boxes of one type."""
    found = [*boxes(data), (b"", len(data), len(data))]
    for (kind, _, payload), (_, end, _) in itertools.pairwise(found):
        if kind == wanted:
            yield data[payload:end]


def descend(data: bytes, *path: bytes) -> bytes:
    """The payload of the first box along a path of types; `MediaError` when it is not there."""
    for kind in path:
        inner = next(children(data, kind), None)
        if inner is None:
            raise MediaError(f"the MP4 has no {'/'.join(part.decode() for part in path)} box")
        data = inner
    return data
