"""PyAV: the FFmpeg libraries inside a Python wheel. Encodes H.264, VP8, VP9 and AV1."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from typing import TypeAlias, cast

import av
import numpy as np
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.frame import PictureType

from . import h264
from .frame import EncodedFrame, MediaError, Picture, VideoFormat
from .scheduling import unchanged_scheduling

os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder prints its settings otherwise

_ENCODERS = {
    "h264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "scenecut=0"}),
    "vp8": ("libvpx", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "row-mt": "1", "lag-in-frames": "0"}),
    "av1": ("libsvtav1", {"preset": "8", "svtav1-params": "rc=2:pred-struct=1"}),
}
CODECS = tuple(_ENCODERS)
_MICROSECOND = Fraction(1, 1_000_000)

# PyAV's annotations leave the stream of a packet open, which a strict checker reports wherever packets go in or out.
_Packet: TypeAlias = "av.Packet[av.VideoStream]"


class Encoder:
    """One picture in, usually one frame out at once; no frame is reordered."""

    def __init__(self, codec: str, video: VideoFormat, *, bitrate: int, keyframe_interval: int) -> None:
        name, options = _ENCODERS[codec]
        self._codec, self._video, self._interval = codec, video, keyframe_interval
        self._capture_us: dict[int, int] = {}
        self._config: bytes | None = None
        try:
            context = av.CodecContext.create(name, "w")
            assert isinstance(context, av.VideoCodecContext)
            self._context = context
            self._context.width, self._context.height = video.width, video.height
            self._context.pix_fmt = "yuv420p"
            self._context.time_base = Fraction(1, video.fps)
            self._context.framerate = Fraction(video.fps)
            self._context.gop_size, self._context.max_b_frames = keyframe_interval, 0
            self._context.bit_rate = bitrate
            self._context.options = options
            if codec == "h264":
                self._context.flags |= Flags.global_header
            with unchanged_scheduling():
                self._context.open()
        except (FFmpegError, ValueError) as error:
            raise MediaError(f"PyAV cannot encode {codec}: {error}") from error
        if codec == "h264":
            self._config = h264.avcc_from_annex_b(self._context.extradata or b"")

    @property
    def codec_string(self) -> str:
        """The WebCodecs name where it is known before the first frame, else the plain codec name."""
        return h264.codec_string(self._config) if self._config else self._codec

    def encode(self, picture: Picture) -> list[EncodedFrame]:
        planes = np.frombuffer(picture.i420, np.uint8).reshape(-1, self._video.width)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = picture.index
        if picture.index % self._interval == 0:
            frame.pict_type = PictureType.I
        self._capture_us[picture.index] = picture.capture_us
        return list(self._frames(frame))

    def flush(self) -> list[EncodedFrame]:
        """The frames the encoder still holds. Nothing may be encoded afterwards."""
        return list(self._frames(None))

    def close(self) -> None:
        self._capture_us.clear()

    def _frames(self, frame: av.VideoFrame | None) -> Iterator[EncodedFrame]:
        packets = cast("list[_Packet]", self._context.encode(frame))  # pyright: ignore[reportUnknownMemberType]
        for packet in packets:
            payload, config = bytes(packet), None
            if self._codec == "h264":
                payload = h264.lengths_from_annex_b(payload)
                config = self._config if packet.is_keyframe else None
            index = packet.pts
            assert index is not None  # the picture's own
            yield EncodedFrame(index, self._capture_us.pop(index), packet.is_keyframe, payload, config)
