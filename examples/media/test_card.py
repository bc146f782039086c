"""A generated moving picture with a clock that both people and programs can read.

The digits show the frame number and the time of capture. The corner flashes at the beginning of
each second, together with the beep of `sound.Beeps`. The strip of blocks at the bottom
repeats the frame number in 16 bits, so that a check can decode the finished file with any
decoder and prove that every frame is there, in order, and intact.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from .frame import Picture, VideoFormat

_STRIP_BLOCKS = 20  # white, black, 16 bits (most significant first), odd parity, white
_FONT = {  # 3 columns x 5 rows, one number per row
    "0": (7, 5, 5, 5, 7), "1": (2, 6, 2, 2, 7), "2": (7, 1, 7, 4, 7), "3": (7, 1, 7, 1, 7),
    "4": (5, 5, 7, 1, 1), "5": (7, 4, 7, 1, 7), "6": (7, 4, 7, 5, 7), "7": (7, 1, 1, 1, 1),
    "8": (7, 5, 7, 5, 7), "9": (7, 5, 7, 1, 7), ":": (0, 2, 0, 2, 0), ".": (0, 0, 0, 0, 2),
    " ": (0, 0, 0, 0, 0),
}  # fmt: skip


class TestCard:
    """The default source: endless, and the same size and rate as asked for."""

    __test__ = False  # the name begins with "Test", yet it is no test case
    name = "clock"

    def __init__(self, video: VideoFormat) -> None:
        if video.width < 160 or video.height < 120:
            raise ValueError("the generated picture needs at least 160x120")
        self._video = video
        columns = np.arange(video.width * 2, dtype=np.uint16)
        rows = np.arange(video.height, dtype=np.uint16)[:, None]
        # Twice as wide as the picture: sliding a window over it is the motion.
        self._backdrop = (48 + (columns * 64 // video.width + rows * 64 // video.height) % 128).astype(np.uint8)
        half = np.arange(video.width // 2, dtype=np.uint16)
        self._u = np.broadcast_to(96 + half * 64 // half.size, (video.height // 2, half.size)).astype(np.uint8)
        self._v = self._u[:, ::-1].copy()
        self._scale = max(2, video.width // 80)
        self._glyphs = {
            char: np.kron(
                np.array([[row >> 2 & 1, row >> 1 & 1, row & 1, 0] for row in rows_], np.uint8),
                np.ones((self._scale, self._scale), np.uint8),
            )
            for char, rows_ in _FONT.items()
        }

    def pictures(self, start_us: int | None = None) -> Iterator[Picture]:
        """Draw one picture each time the caller asks; the caller keeps the pace.

        A picture is as old as if a camera had taken it: pictures follow each other at exactly the wanted rate.
        """
        index, start_us = 0, time.time_ns() // 1000 if start_us is None else start_us
        while True:
            capture_us = start_us + index * 1_000_000 // self._video.fps
            yield Picture(index, capture_us, self._draw(index, capture_us))
            index += 1

    def close(self) -> None:
        """Nothing is held."""

    def _draw(self, index: int, capture_us: int) -> bytes:
        width, height = self._video.width, self._video.height
        shift = index * 4 % width
        luma = self._backdrop[:, shift : shift + width].copy()
        size = height // 8
        x = index * 5 % (width - size)
        y = height // 2 + int(np.sin(index / 9) * height / 8)
        luma[y : y + size, x : x + size] = 225
        clock = time.strftime("%H:%M:%S", time.localtime(capture_us // 1_000_000))
        self._write(luma, self._scale * 4, self._scale * 4, f"{index:06d}")
        self._write(luma, self._scale * 4, self._scale * 12, f"{clock}.{capture_us // 1000 % 1000:03d}")
        left, bottom = flash_area(width, height)
        luma[:bottom, left:] = 235 if is_flash(index, self._video.fps) else 16
        _draw_strip(luma, index)
        return luma.tobytes() + self._u.tobytes() + self._v.tobytes()

    def _write(self, luma: np.ndarray, x: int, y: int, text: str) -> None:
        for char in text:
            glyph = self._glyphs[char]
            luma[y : y + glyph.shape[0], x : x + glyph.shape[1]] = np.where(glyph, 235, 16)
            x += glyph.shape[1]


def is_flash(index: int, fps: int) -> bool:
    """Whether the corner of that picture is white: during the first tenth of each second, as `sound.Beeps` sound."""
    return index % fps < max(1, fps // 10)


def flash_area(width: int, height: int) -> tuple[int, int]:
    """The corner that flashes, at the upper right: its left edge and its lower edge."""
    return width - width // 8 // 2 * 2, height // 8 // 2 * 2


def _strip_bits(index: int) -> list[int]:
    bits = [index >> shift & 1 for shift in range(15, -1, -1)]
    return [1, 0, *bits, 1 - sum(bits) % 2, 1]


def _draw_strip(luma: np.ndarray, index: int) -> None:
    height, width = luma.shape
    block, rows = width // _STRIP_BLOCKS, height // 12
    for position, bit in enumerate(_strip_bits(index)):
        luma[height - rows :, position * block : (position + 1) * block] = 235 if bit else 16


def read_counter(luma: bytes, width: int, height: int) -> int | None:
    """Read the frame number, modulo 65536, from a decoded Y plane.

    Returns None when the strip is not there or a bit is damaged.
    """
    plane = np.frombuffer(luma, np.uint8, width * height).reshape(height, width)
    block, rows = width // _STRIP_BLOCKS, height // 12
    strip = plane[height - rows + rows // 4 : height - rows // 4]
    bits: list[int] = []
    for position in range(_STRIP_BLOCKS):
        left = position * block
        level = float(strip[:, left + block // 4 : left + block - block // 4].mean())
        if 100 < level < 156:  # neither black nor white: damaged, or not our picture
            return None
        bits.append(int(level >= 128))
    index = int("".join(map(str, bits[2:18])), 2)
    return index if bits == _strip_bits(index) else None
