"""The boxes that describe a codec inside an MP4 (stsd entries)."""

from __future__ import annotations

import struct

from . import av1
from .frame import EncodedFrame, MediaError, VideoFormat
from .mp4_boxes import box, full_box


def video_entry(codec: str, video: VideoFormat, frame: EncodedFrame) -> bytes:
    """The entry of a track that begins with this key frame; `codec` is h264, av1, vp9 or vp8."""
    if codec == "h264":
        if frame.config is None:
            raise MediaError("the first H.264 key frame came without its Video Config")
        return _visual(b"avc1", video, box(b"avcC", frame.config))
    if codec == "av1":
        header = av1.sequence_header(frame.payload)
        profile, level = av1.profile_and_level(header)
        return _visual(b"av01", video, box(b"av1C", bytes((0x81, profile << 5 | level, 0x0C, 0)), header))
    # 8 bits, 4:2:0, limited range, BT.709
    configuration = full_box(b"vpcC", 1, 0, bytes((0, 40, 8 << 4 | 1 << 1, 1, 1, 1)), struct.pack(">H", 0))
    return _visual(b"vp09" if codec == "vp9" else b"vp08", video, configuration)


def audio_entry(codec: str, rate: int, channels: int, config: bytes) -> bytes:
    """`codec` is opus (`config` an OpusHead) or aac (`config` an AudioSpecificConfig)."""
    if codec == "opus":
        if len(config) < 19 or config[:8] != b"OpusHead":
            raise MediaError("the Opus track has no identification header")
        skip, input_rate, gain = struct.unpack_from("<HIh", config, 10)
        header = struct.pack(">BBHIhB", 0, channels, skip, input_rate, gain, 0)
        return _sound(b"Opus", rate, channels, box(b"dOps", header))
    specific = _descriptor(5, config)
    decoder = _descriptor(4, struct.pack(">BBIII", 0x40, 0x15, 0, 0, 0)[:13], specific)
    stream = _descriptor(3, b"\0\0\0", decoder, _descriptor(6, b"\2"))
    return _sound(b"mp4a", rate, channels, full_box(b"esds", 0, 0, stream))


def _visual(kind: bytes, video: VideoFormat, configuration: bytes) -> bytes:
    head = struct.pack(">6xH16xHHIII H 32s Hh", 1, video.width, video.height, 0x480000, 0x480000, 0, 1, b"", 24, -1)
    return box(kind, head, configuration)


def _sound(kind: bytes, rate: int, channels: int, configuration: bytes) -> bytes:
    return box(kind, struct.pack(">6xH8xHHHHI", 1, channels, 16, 0, 0, rate << 16), configuration)


def _descriptor(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return bytes((tag, 0x80, 0x80, 0x80, len(content))) + content
