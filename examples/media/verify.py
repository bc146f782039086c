"""Decode a finished MP4 with a decoder that had no part in making it.

The ffmpeg program does it where there is one, otherwise PyAV in this process. Every frame is
decoded; with the generated source, the frame number inside each picture is read back as well.
"""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

from .frame import MediaError, VideoFormat
from .test_card import flash_area, read_counter


@dataclass
class Decoded:
    """What the decoder saw."""

    decoder: str
    codec: str
    frames: int = 0
    counters: list[int | None] = field(default_factory=list[int | None])
    """The frame number read from each picture; None where it is unreadable."""


def decode_file(path: str, video: VideoFormat, *, timeout: float = 120.0) -> Decoded:
    """Decode every frame of `path`. `MediaError` when the file is broken or of another size.

    `timeout` in seconds bounds the whole run of an external program.
    """
    ffmpeg = shutil.which("ffmpeg")
    return _by_program(ffmpeg, path, video, timeout) if ffmpeg else _by_pyav(path, video)


@dataclass(frozen=True)
class Sync:
    """How far sound and picture are apart, at each flash that has its beep. Positive: the sound is late."""

    offsets_ms: tuple[float, ...]

    @property
    def worst_ms(self) -> float:
        return max(map(abs, self.offsets_ms), default=math.inf)


def measure_sync(path: str, video: VideoFormat, *, timeout: float = 120.0) -> Sync:
    """Decode picture and sound, and compare when the corner turns white with when the tone begins.

    `MediaError` when there is no decoder, no sound, or nothing to compare.
    """
    try:
        import av
        import numpy as np
        from av.error import FFmpegError
    except ImportError as error:
        raise MediaError("measuring sound against picture needs PyAV") from error
    left, bottom = flash_area(video.width, video.height)
    flashes: list[float] = []
    beeps: list[float] = []
    try:
        with av.open(path) as source:
            lit = False
            for frame in source.decode(source.streams.video[0]):
                corner = frame.to_ndarray(format="gray")[:bottom, left:]
                white = float(corner.mean()) > 128
                if white and not lit:
                    flashes.append(frame.time)
                lit = white
        with av.open(path) as source:
            heard = -math.inf
            for sound in source.decode(source.streams.audio[0]):
                start = sound.time
                if start is None:
                    continue
                samples = sound.to_ndarray().astype(float)
                level = np.abs(samples if sound.format.is_planar else samples.reshape(-1, sound.layout.nb_channels).T)
                peak = level.max(axis=0) / (1.0 if sound.format.name.startswith("flt") else 32768.0)
                for index in np.flatnonzero(peak > 0.08):
                    moment = start + float(index) / sound.sample_rate
                    if moment - heard > 0.3:
                        beeps.append(moment)
                    heard = moment
    except (FFmpegError, OSError, IndexError) as error:
        raise MediaError(f"{path} has no sound and picture to compare: {error}") from error
    if not flashes or not beeps:
        raise MediaError(f"{path} has {len(flashes)} flashes and {len(beeps)} beeps: nothing to compare")
    compared = [flash for flash in flashes if beeps[0] - 0.5 < flash < beeps[-1] + 0.5]
    offsets = [min(((beep - flash) * 1000 for beep in beeps), key=abs) for flash in compared]
    return Sync(tuple(offsets))


def _by_program(ffmpeg: str, path: str, video: VideoFormat, timeout: float) -> Decoded:
    # passthrough and fresh time stamps: one picture out per picture in, however close they were captured.
    command = [ffmpeg, "-nostdin", "-v", "level+info", "-nostats", "-xerror", "-i", path, "-map", "0:v:0",
               "-vf", "settb=1/1000,setpts=1000*N", "-fps_mode", "passthrough",
               "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise MediaError(f"ffmpeg did not decode {path} within {timeout:.0f} s") from None
    text = done.stderr.decode(errors="replace")
    stream = re.search(r"Stream #0:\d.*?Video: (\w+).*?, (\d+)x(\d+)", text)
    # What the decoder conceals shows as an [error] line only, with a good exit code.
    errors = [line for line in text.splitlines() if "[error]" in line or "[fatal]" in line]
    if done.returncode != 0 or stream is None or errors:
        raise MediaError(f"ffmpeg cannot decode {path}: {'; '.join(errors[:3]) or 'no video stream'}")
    if (int(stream[2]), int(stream[3])) != (video.width, video.height):
        raise MediaError(f"{path} is {stream[2]}x{stream[3]}, not {video.width}x{video.height}")
    size = video.width * video.height
    if len(done.stdout) % size:
        raise MediaError(f"ffmpeg gave a broken picture for {path}")
    planes = (done.stdout[start : start + size] for start in range(0, len(done.stdout), size))
    return _count(Decoded(f"ffmpeg ({ffmpeg})", stream[1]), planes, video)


def _by_pyav(path: str, video: VideoFormat) -> Decoded:
    try:
        import av
        import av.logging
        from av.error import FFmpegError
    except ImportError as error:
        raise MediaError("no decoder to verify the file with: install ffmpeg or PyAV") from error

    def planes() -> Iterator[bytes]:
        for frame in source.decode(stream):
            if (frame.width, frame.height) != (video.width, video.height):
                raise MediaError(f"{path} is {frame.width}x{frame.height}, not {video.width}x{video.height}")
            yield frame.reformat(format="gray").to_ndarray().tobytes()

    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        # What the decoder conceals shows in its log only.
        with av.logging.Capture(local=False) as errors, av.open(path) as source:
            stream = source.streams.video[0]
            result = Decoded(f"PyAV {av.__version__}", stream.codec_context.codec.canonical_name)
            _count(result, planes(), video)
    except (FFmpegError, OSError, IndexError) as error:
        raise MediaError(f"PyAV cannot decode {path}: {error}") from error
    finally:
        av.logging.set_level(level)
    if errors:
        raise MediaError(f"PyAV cannot decode {path}: {'; '.join(text.strip() for _, _, text in errors[:3])}")
    return result


def _count(result: Decoded, planes: Iterator[bytes], video: VideoFormat) -> Decoded:
    for plane in planes:
        result.frames += 1
        result.counters.append(read_counter(plane, video.width, video.height))
    return result
