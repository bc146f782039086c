"""Sound encoded by PyAV."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias, cast

import av
import numpy as np
from av.error import FFmpegError

from .frame import EncodedAudio, MediaError
from .sound import CHANNELS, RATE

# PyAV's annotations leave the stream of a packet open.
_Packet: TypeAlias = "av.Packet[av.AudioStream]"
_ENCODERS = {"opus": ("libopus", "s16"), "aac": ("aac", "fltp")}


class Encoder:
    """Blocks of samples in, coded frames out, each with the place of its first sample."""

    def __init__(self, codec: str, *, bitrate: int) -> None:
        name, self._format = _ENCODERS[codec]
        self.codec = codec
        try:
            context = av.CodecContext.create(name, "w")
            assert isinstance(context, av.AudioCodecContext)
            context.sample_rate, context.layout, context.format = RATE, "stereo", self._format
            context.time_base, context.bit_rate = Fraction(1, RATE), bitrate
            context.open()
        except (FFmpegError, ValueError) as error:
            raise MediaError(f"PyAV cannot encode {codec}: {error}") from error
        self._context = context
        self.block = context.frame_size
        self.config = context.extradata or b""
        self._taken = 0

    def encode(self, pcm: bytes) -> list[EncodedAudio]:
        samples = np.frombuffer(pcm, np.int16)
        if self._format == "fltp":
            planes = np.ascontiguousarray(samples.reshape(-1, CHANNELS).T.astype(np.float32) / 32768)
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
        else:
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._taken, Fraction(1, RATE)
        self._taken += self.block
        return self._frames(frame)

    def flush(self) -> list[EncodedAudio]:
        """What the encoder still holds. Nothing may be encoded afterwards."""
        return self._frames(None)

    def close(self) -> None:
        """Nothing is held."""

    def _frames(self, frame: av.AudioFrame | None) -> list[EncodedAudio]:
        frames: list[EncodedAudio] = []
        packets = cast("list[_Packet]", self._context.encode(frame))  # pyright: ignore[reportUnknownMemberType]
        for packet in packets:
            assert packet.pts is not None  # the samples' own, less the encoder's delay
            frames.append(EncodedAudio(packet.pts, self.block, bytes(packet)))
        return frames
