"""webcodecs-py encodes AV1, VP9 and VP8; mp4-py writes MP4. Both need Python 3.12 or later."""

from __future__ import annotations

import threading

import mp4
import numpy as np
import webcodecs

from . import av1, h264
from .frame import EncodedFrame, MediaError, Picture, VideoFormat

CODECS = ("av1", "vp9", "vp8")
MUXES = ("av1", "vp9", "vp8", "h264")
_CODEC_STRINGS = {"av1": "av01.0.08M.08", "vp9": "vp09.00.40.08", "vp8": "vp8"}
_FLUSH_SECONDS = 10.0
_TIMESCALE = 1_000_000


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


class Muxer:
    """Writes coded frames to an MP4 file, as they are, with their capture times."""

    def __init__(self, path: str, codec: str, video: VideoFormat) -> None:
        self._codec, self._video = codec, video
        self._muxer = mp4.Mp4FileMuxer(path)
        self._entry: object | None = None
        self._held: EncodedFrame | None = None  # a sample's duration is known when its successor comes

    def add(self, frame: EncodedFrame) -> None:
        """Append a frame; the first must be a key frame."""
        if self._entry is None:
            self._entry = self._describe(frame)
        if self._held is not None:
            self._append(self._held, max(1, frame.capture_us - self._held.capture_us))
        self._held = frame

    def close(self) -> None:
        if self._held is not None:
            self._append(self._held, _TIMESCALE // self._video.fps)
            self._held = None
        self._muxer.finalize()
        self._muxer.close()

    def _append(self, frame: EncodedFrame, duration: int) -> None:
        data = av1.without_delimiters(frame.payload) if self._codec == "av1" else frame.payload
        self._muxer.append_sample(
            mp4.Mp4MuxSample(
                track_kind="video", sample_entry=self._entry, keyframe=frame.is_key,
                timescale=_TIMESCALE, duration=duration, data=data,
            )
        )  # fmt: skip

    def _describe(self, frame: EncodedFrame) -> object:
        size = {"width": self._video.width, "height": self._video.height}
        if self._codec == "av1":
            header = av1.sequence_header(frame.payload)
            profile, level = av1.profile_and_level(header)
            return mp4.Mp4SampleEntryAv01(**size, seq_profile=profile, seq_level_idx_0=level, config_obus=header)
        if self._codec == "vp9":
            return mp4.Mp4SampleEntryVp09(**size, profile=0, level=40)
        if self._codec == "vp8":
            return mp4.Mp4SampleEntryVp08(**size)
        if frame.config is None:
            raise MediaError("the first H.264 key frame came without its Video Config")
        sps, pps = h264.parameter_sets(frame.config)
        return mp4.Mp4SampleEntryAvc1(
            **size, avc_profile_indication=frame.config[1], profile_compatibility=frame.config[2],
            avc_level_indication=frame.config[3], sps_data=sps, pps_data=pps,
        )  # fmt: skip
