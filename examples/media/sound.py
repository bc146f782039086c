"""Where sound comes from: beeps that go with the generated clock, or the sound of a video file."""

from __future__ import annotations

import json
import math
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from .frame import MediaError

RATE = 48_000
CHANNELS = 2
_BEEP_SECONDS = 0.1
_BEEP_HERTZ = 1000


class Sound(Protocol):
    """Interleaved signed 16-bit samples at `RATE` with `CHANNELS` channels, beginning with the first picture."""

    def blocks(self, samples: int) -> Iterator[bytes]: ...
    def close(self) -> None: ...


def open_sound(what: str) -> Sound | None:
    """The sound that belongs to the source `what` of `open_source`; None where there is none."""
    if what == "clock":
        return Beeps()
    if Path(what).is_char_device() or not shutil.which("ffmpeg") or not _has_sound(what):
        return None
    return _FileSound(what)


class Beeps:
    """A tone at the beginning of every second, while the clock flashes. Endless."""

    def blocks(self, samples: int) -> Iterator[bytes]:
        """Blocks of `samples` samples each."""
        step = 2 * math.pi * _BEEP_HERTZ / RATE
        beep = [round(8000 * math.sin(step * index)) for index in range(int(RATE * _BEEP_SECONDS))]
        second = b"".join(struct.pack("<hh", value, value) for value in beep).ljust(RATE * CHANNELS * 2, b"\0")
        size = samples * CHANNELS * 2
        position = 0
        while True:
            block = second[position : position + size]
            position += size
            if position >= len(second):
                position -= len(second)
                block += second[:position]
            yield block

    def close(self) -> None:
        """Nothing is held."""


class _FileSound:
    def __init__(self, what: str) -> None:
        # Silence fills what lies between the beginning of the pictures and that of the sound.
        self._process = subprocess.Popen(
            ["ffmpeg", "-v", "quiet", "-i", what, "-map", "0:a:0", "-af", "aresample=async=1:first_pts=0",
             "-f", "s16le", "-ar", str(RATE), "-ac", str(CHANNELS), "pipe:1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )  # fmt: skip

    def blocks(self, samples: int) -> Iterator[bytes]:
        """Blocks of `samples` samples each; the last one ends in silence."""
        assert self._process.stdout is not None
        size = samples * CHANNELS * 2
        while block := self._process.stdout.read(size):
            yield block.ljust(size, b"\0")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def _has_sound(path: str) -> bool:
    ffprobe = shutil.which("ffprobe")
    if ffprobe is None:
        return False
    command = [ffprobe, "-v", "quiet", "-select_streams", "a", "-show_entries", "stream=index", "-of", "json", path]
    try:
        found = subprocess.run(command, capture_output=True, timeout=30, check=True)
        return bool(json.loads(found.stdout).get("streams"))
    except subprocess.CalledProcessError:
        raise MediaError(f"{path} is a directory, empty, or no media that ffprobe can read") from None
    except (subprocess.SubprocessError, ValueError) as error:
        raise MediaError(f"cannot look for sound in {path}: {error}") from error
