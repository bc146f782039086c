"""The ffmpeg program, through pipes: for machines that have it but neither media package."""

from __future__ import annotations

import contextlib
import queue
import shutil
import subprocess
import tempfile
import threading
from typing import IO

from . import elementary
from .frame import EncodedFrame, MediaError, Picture, VideoFormat

_ENCODERS = {
    "h264": ("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-sc_threshold", "0"),
    "vp8": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0"),
    "vp9": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0"),
    "av1": ("-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-lag-in-frames", "0"),
}  # fmt: skip
CODECS = tuple(_ENCODERS)
_CLOSE_SECONDS = 30.0


def ffmpeg_path() -> str:
    """The program itself; `ImportError` when there is none, as for the other backends."""
    path = shutil.which("ffmpeg")
    if path is None:
        raise ImportError("there is no ffmpeg program on PATH")
    return path


class _Program:
    """A running ffmpeg whose complaints are kept for the error message."""

    def __init__(self, arguments: list[str], *, read_output: bool) -> None:
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  closed by `wait` or `kill`
        self._process = subprocess.Popen(
            [ffmpeg_path(), "-v", "error", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if read_output else subprocess.DEVNULL,
            stderr=self._complaints,
        )

    @property
    def output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise self._failure() from error

    def end_input(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the exit status tells more
            self._process.stdin.close()

    def wait(self) -> None:
        """End of input, then wait for the program; `MediaError` when it failed or hangs."""
        if self._complaints.closed:  # already waited for
            return
        self.end_input()
        try:
            status = self._process.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise MediaError(f"ffmpeg did not finish within {_CLOSE_SECONDS:.0f} s") from None
        if status != 0:
            raise self._failure()
        self._complaints.close()

    def kill(self) -> None:
        """Let go of the program and of everything held for it."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self.end_input()
        self._complaints.close()

    def _failure(self) -> MediaError:
        self._complaints.seek(0)
        text = self._complaints.read().decode(errors="replace").strip()
        return MediaError(f"ffmpeg failed: {text or 'no message'}")


class Encoder:
    """One picture in; frames come back as soon as the program has written them, in order."""

    def __init__(self, codec: str, video: VideoFormat, *, bitrate: int, keyframe_interval: int) -> None:
        self.codec_string = codec
        self._codec, self._video = codec, video
        self._pictures: queue.SimpleQueue[Picture] = queue.SimpleQueue()
        self._frames: queue.Queue[EncodedFrame | None] = queue.Queue()
        self._waiting = 0
        self._program = _Program(
            ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{video.width}x{video.height}", "-r", str(video.fps),
             "-i", "pipe:0", *_ENCODERS[codec], "-b:v", str(bitrate), "-g", str(keyframe_interval),
             "-keyint_min", str(keyframe_interval), "-bf", "0", "-flush_packets", "1",
             "-f", elementary.container_of(codec), "pipe:1"],
            read_output=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, name="ffmpeg-frames", daemon=True)
        self._reader.start()

    def encode(self, picture: Picture) -> list[EncodedFrame]:
        self._pictures.put(picture)
        self._waiting += 1
        self._program.write(picture.i420)
        return self._take(1 / self._video.fps)

    def flush(self) -> list[EncodedFrame]:
        """The frames the encoder still holds. Nothing may be encoded afterwards."""
        self._program.end_input()
        frames = self._take(_CLOSE_SECONDS)
        self._program.wait()
        return frames

    def close(self) -> None:
        self._program.kill()
        self._reader.join(_CLOSE_SECONDS)
        self._program.output.close()

    def _take(self, patience: float) -> list[EncodedFrame]:
        frames: list[EncodedFrame] = []
        while self._waiting:
            try:
                frame = self._frames.get(timeout=patience)
            except queue.Empty:
                break
            if frame is None:
                self._waiting = 0
                self._program.wait()
                raise MediaError("ffmpeg ended before all frames were encoded")
            frames.append(frame)
            self._waiting -= 1
        return frames

    def _read(self) -> None:
        try:
            for payload, is_key, config in elementary.read_frames(self._codec, self._program.output):
                picture = self._pictures.get(timeout=_CLOSE_SECONDS)
                self._frames.put(EncodedFrame(picture.index, picture.capture_us, is_key, payload, config))
        finally:
            self._frames.put(None)
