"""Sound to coded frames: Opus or AAC by PyAV, AAC by the ffmpeg program where PyAV is missing."""

from __future__ import annotations

import importlib
import queue
import shutil
import subprocess
import threading
from typing import Protocol

from .frame import EncodedAudio, MediaError
from .sound import CHANNELS, RATE

CODECS = ("opus", "aac")
_AAC_CONFIG = bytes.fromhex("1190")  # AAC-LC, 48 kHz, two channels (ISO/IEC 14496-3, section 1.6.2.1)


class AudioEncoder(Protocol):
    """Blocks of `block` samples in, coded frames out; `config` is what a decoder must know first."""

    codec: str
    block: int
    config: bytes

    def encode(self, pcm: bytes) -> list[EncodedAudio]: ...
    def flush(self) -> list[EncodedAudio]: ...
    def close(self) -> None: ...


def open_audio_encoder(codec: str | None = None, *, bitrate: int = 96_000) -> AudioEncoder:
    """`codec` is opus or aac; without it, what is there. `MediaError` says what to install."""
    try:
        module = importlib.import_module(".pyav_audio", __package__)
        encoder: AudioEncoder = module.Encoder(codec or "opus", bitrate=bitrate)
        return encoder
    except ImportError as error:
        if codec in (None, "aac") and shutil.which("ffmpeg"):
            return _FfmpegAac(bitrate)
        raise MediaError(f"nothing here can encode {codec or 'sound'} ({error}); --no-audio goes without") from error


class _FfmpegAac:
    codec, block, config = "aac", 1024, _AAC_CONFIG

    def __init__(self, bitrate: int) -> None:
        self._process = subprocess.Popen(
            ["ffmpeg", "-v", "quiet", "-f", "s16le", "-ar", str(RATE), "-ac", str(CHANNELS), "-i", "pipe:0",
             "-c:a", "aac", "-b:a", str(bitrate), "-flush_packets", "1", "-f", "adts", "pipe:1"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._frames: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._count = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def encode(self, pcm: bytes) -> list[EncodedAudio]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(pcm)
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise MediaError("ffmpeg ended while it encoded the sound") from error
        frames: list[EncodedAudio] = []
        while not self._frames.empty() and (payload := self._frames.get()) is not None:
            frames.append(self._frame(payload))
        return frames

    def flush(self) -> list[EncodedAudio]:
        assert self._process.stdin is not None
        self._process.stdin.close()
        frames: list[EncodedAudio] = []
        while (payload := self._frames.get(timeout=30)) is not None:
            frames.append(self._frame(payload))
        return frames

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(5)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue

    def _frame(self, payload: bytes) -> EncodedAudio:
        # The first frame carries the encoder's delay, one block, in front of the sound.
        first_sample = (self._count - 1) * self.block
        self._count += 1
        return EncodedAudio(first_sample, self.block, payload)

    def _read(self) -> None:
        assert self._process.stdout is not None
        pipe = self._process.stdout
        while len(head := pipe.read(7)) == 7:  # ADTS, ISO/IEC 14496-3, section 1.A.2.2
            size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
            skip = 0 if head[1] & 1 else 2  # a checksum
            payload = pipe.read(size - 7)[skip:]
            self._frames.put(payload)
        self._frames.put(None)
