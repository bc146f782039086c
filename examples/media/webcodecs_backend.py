"""webcodecs-py encodes AV1, VP9 and VP8. It needs Python 3.12 or later."""

from __future__ import annotations

import threading

import numpy as np
import webcodecs

from .frame import EncodedFrame, MediaError, Picture, VideoFormat

CODECS = ("av1", "vp9", "vp8")
_CODEC_STRINGS = {"av1": "av01.0.08M.08", "vp9": "vp09.00.40.08", "vp8": "vp8"}
_FLUSH_SECONDS = 10.0


class Encoder:
    """One picture in, usually one frame out at once; no frame is reordered."""

    def __init__(self, codec: str, video: VideoFormat, *, bitrate: int, keyframe_interval: int) -> None:
        self.codec_string = _CODEC_STRINGS[codec]
        self._video, self._interval = video, keyframe_interval
        self._changed = threading.Condition()  # guards the four below: on_output runs on a thread of the encoder
        self._ready: list[EncodedFrame] = []
        self._pending: dict[int, Picture] = {}
        self._error: str | None = None
        config: webcodecs.VideoEncoderConfig = {
            "codec": self.codec_string, "width": video.width, "height": video.height,
            "bitrate": bitrate, "framerate": float(video.fps), "latency_mode": webcodecs.LatencyMode.REALTIME,
        }  # fmt: skip
        encoder = webcodecs.VideoEncoder(self._on_output, self._on_error)
        self._encoder: webcodecs.VideoEncoder | None = encoder
        try:
            encoder.configure(config)
        except (RuntimeError, TypeError, ValueError) as error:
            raise MediaError(f"webcodecs-py cannot encode {codec}: {error}") from error

    def encode(self, picture: Picture) -> list[EncodedFrame]:
        encoder = self._open_encoder()
        is_key = picture.index % self._interval == 0
        timestamp = picture.index * 1_000_000 // self._video.fps
        with self._changed:
            self._pending[timestamp] = picture
        frame = webcodecs.VideoFrame(
            np.frombuffer(picture.i420, np.uint8).copy(),  # it takes no read-only array
            {
                "format": webcodecs.VideoPixelFormat.I420, "coded_width": self._video.width,
                "coded_height": self._video.height, "timestamp": timestamp,
            },
        )  # fmt: skip
        try:
            # The option was renamed between releases, and an unknown name is ignored without a word.
            encoder.encode(frame, {"key_frame": is_key, "keyFrame": is_key})
        finally:
            frame.close()
        return self._take(1 / self._video.fps)

    def flush(self) -> list[EncodedFrame]:
        """The frames the encoder still holds. Nothing may be encoded afterwards."""
        self._open_encoder().flush()
        return self._take(_FLUSH_SECONDS)

    def close(self) -> None:
        if self._encoder is not None:
            self._encoder.close()
            self._encoder = None  # it holds our methods, and its reference cycle is invisible to Python

    def _open_encoder(self) -> webcodecs.VideoEncoder:
        if self._encoder is None:
            raise MediaError("the encoder is closed")
        return self._encoder

    def _take(self, patience: float) -> list[EncodedFrame]:
        """What is ready, after waiting a moment for the frames still being coded."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending or self._error, patience)
            if self._error:
                raise MediaError(f"webcodecs-py failed to encode: {self._error}")
            ready, self._ready = self._ready, []
            return ready

    def _on_output(self, chunk: webcodecs.EncodedVideoChunk, *_metadata: object) -> None:
        payload = np.empty(chunk.byte_length, np.uint8)
        chunk.copy_to(payload)
        is_key = chunk.type == webcodecs.EncodedVideoChunkType.KEY
        with self._changed:
            picture = self._pending.pop(chunk.timestamp)
            self._ready.append(EncodedFrame(picture.index, picture.capture_us, is_key, payload.tobytes()))
            self._changed.notify_all()

    def _on_error(self, message: str) -> None:
        with self._changed:
            self._error = message
            self._changed.notify_all()
