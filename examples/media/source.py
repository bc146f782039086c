"""Where pictures come from: the generated clock, a video file, or a camera."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from .frame import MediaError, Picture, VideoFormat
from .test_card import TestCard


class Source(Protocol):
    """Pictures at the caller's pace; a file ends, the clock and a camera do not."""

    name: str

    def pictures(self, start_us: int | None = None) -> Iterator[Picture]:
        """`start_us` is when the first one counts as taken, microseconds since the Unix epoch; without it, now."""
        ...

    def close(self) -> None: ...


def open_source(what: str, video: VideoFormat) -> Source:
    """`clock`, the path of a video file, or a camera such as `/dev/video0`.

    Files and cameras are scaled to the wanted size; `MediaError` when they cannot be opened.
    """
    if what == "clock":
        return TestCard(video)
    if not Path(what).exists():
        raise MediaError(f"there is no video source {what!r}: give 'clock', a file, or a camera like /dev/video0")
    if shutil.which("ffmpeg"):
        return _FfmpegSource(what, video)
    return _PyavSource(what, video)


def _is_camera(what: str) -> bool:
    return Path(what).is_char_device()


def _taken_us(start_us: int | None, index: int, video: VideoFormat, what: str) -> int:
    """When a picture counts as taken: a camera's when it comes, a file's at the rate of the video."""
    if start_us is None or _is_camera(what):
        return time.time_ns() // 1000
    return start_us + index * 1_000_000 // video.fps


class _PyavSource:
    def __init__(self, what: str, video: VideoFormat) -> None:
        try:
            import av
            from av.error import FFmpegError
        except ImportError as error:
            raise MediaError("reading a file or a camera needs PyAV or the ffmpeg program") from error
        self.name, self._video = what, video
        try:
            self._input = av.open(what, format="v4l2" if _is_camera(what) else None)
            self._stream = self._input.streams.video[0]
        except (FFmpegError, OSError, IndexError) as error:
            raise MediaError(f"cannot open the video source {what}: {error}") from error

    def pictures(self, start_us: int | None = None) -> Iterator[Picture]:
        width, height = self._video.width, self._video.height
        for index, frame in enumerate(self._input.decode(self._stream)):
            scaled = frame.reformat(width, height, "yuv420p")
            yield Picture(index, _taken_us(start_us, index, self._video, self.name), scaled.to_ndarray().tobytes())

    def close(self) -> None:
        self._input.close()


class _FfmpegSource:
    def __init__(self, what: str, video: VideoFormat) -> None:
        self.name, self._video = what, video
        # A pipe would block the program once it is full.
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115
        camera = ["-f", "v4l2"] if _is_camera(what) else []
        self._process = subprocess.Popen(
            ["ffmpeg", "-v", "error", *camera, "-i", what, "-map", "0:v:0",
             "-vf", f"fps={video.fps},scale={video.width}:{video.height}",
             "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._complaints,
        )  # fmt: skip

    def pictures(self, start_us: int | None = None) -> Iterator[Picture]:
        assert self._process.stdout is not None
        index = 0
        while len(data := self._process.stdout.read(self._video.i420_size)) == self._video.i420_size:
            yield Picture(index, _taken_us(start_us, index, self._video, self.name), data)
            index += 1
        if index == 0:
            self._process.wait()
            self._complaints.seek(0)
            text = self._complaints.read().decode(errors="replace").strip()
            raise MediaError(f"cannot read the video source {self.name}: {text or 'it holds no picture'}")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._complaints.close()
