"""The values that travel between a source, an encoder and a muxer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VideoFormat:
    """What every stage agrees on before the first picture."""

    width: int
    height: int
    fps: int

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0 or self.width % 2 or self.height % 2:
            raise ValueError(f"I420 needs an even, positive size, not {self.width}x{self.height}")
        if not 1 <= self.fps <= 240:
            raise ValueError(f"fps must be between 1 and 240, not {self.fps}")

    @property
    def i420_size(self) -> int:
        """Bytes of one I420 picture: a full Y plane, then U and V at half size."""
        return self.width * self.height * 3 // 2


@dataclass(frozen=True)
class Picture:
    """One captured picture.

    `i420` is the Y, U and V plane one after the other, without padding;
    `capture_us` is the wall clock in microseconds since the Unix epoch.
    """

    index: int
    capture_us: int
    i420: bytes


@dataclass(frozen=True)
class EncodedFrame:
    """One coded picture, in the form of the WebCodecs registry.

    That is the LOC payload (draft-ietf-moq-loc-01, section 2): for H.264 NAL units behind
    4-byte lengths, for AV1 a temporal unit, for VP8 and VP9 a frame. `config` is the codec's
    "extradata" (the avcC record of H.264); it is there on key frames of codecs that have it.
    """

    index: int
    capture_us: int
    is_key: bool
    payload: bytes
    config: bytes | None = None


@dataclass(frozen=True)
class EncodedAudio:
    """One coded frame of sound. `first_sample` counts from the first picture; below 0 it is the encoder's delay."""

    first_sample: int
    samples: int
    payload: bytes


class MediaError(Exception):
    """A media library is missing, refuses the configuration or meets broken data."""
