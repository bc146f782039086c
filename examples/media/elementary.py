"""Two small containers that carry coded frames one by one, without delay.

IVF for VP8, VP9 and AV1, FLV for H.264: ffmpeg writes both through a pipe.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO


def container_of(codec: str) -> str:
    """ffmpeg's name of the container for this codec."""
    return "flv" if codec == "h264" else "ivf"


def read_frames(codec: str, pipe: IO[bytes]) -> Iterator[tuple[bytes, bool, bytes | None]]:
    """Frames as they come out of an encoder's pipe: (payload, is_key, config)."""
    yield from (_read_flv(pipe) if codec == "h264" else _read_ivf(codec, pipe))


def _read_ivf(codec: str, pipe: IO[bytes]) -> Iterator[tuple[bytes, bool, bytes | None]]:
    if len(pipe.read(32)) < 32:
        return
    while len(head := pipe.read(12)) == 12:
        payload = pipe.read(struct.unpack_from("<I", head)[0])
        yield payload, is_key_frame(codec, payload), None


def _read_flv(pipe: IO[bytes]) -> Iterator[tuple[bytes, bool, bytes | None]]:
    config = None
    pipe.read(13)
    while len(head := pipe.read(11)) == 11:
        body = pipe.read(int.from_bytes(head[1:4], "big"))
        pipe.read(4)
        if head[0] != 9 or len(body) < 5:  # metadata
            continue
        if body[1] == 0:
            config = body[5:]
        elif body[1] == 1:
            is_key = body[0] >> 4 == 1
            yield body[5:], is_key, config if is_key else None


def is_key_frame(codec: str, payload: bytes) -> bool:
    """Whether a VP8, VP9 or AV1 frame can be decoded without an earlier one."""
    if not payload:
        return False
    if codec == "vp8":
        return not payload[0] & 1
    if codec == "vp9":  # frame_marker (2), profile (2), show_existing_frame, frame_type
        return payload[0] & 0x0C == 0
    from .av1 import obus

    return any(kind == 1 for kind, _ in obus(payload))
