"""What the examples use of webcodecs-py, which they ask for on Python 3.12 and later only: type checkers need no
installation."""

import enum
from collections.abc import Callable, Mapping
from typing import NotRequired, TypedDict

import numpy as np
import numpy.typing as npt

class LatencyMode(enum.Enum):
    QUALITY = ...
    REALTIME = ...

class VideoPixelFormat(enum.Enum):
    I420 = ...

class EncodedVideoChunkType(enum.Enum):
    KEY = ...
    DELTA = ...

class VideoEncoderConfig(TypedDict):
    codec: str
    width: int
    height: int
    bitrate: NotRequired[int | None]
    framerate: NotRequired[float | None]
    latency_mode: NotRequired[LatencyMode | None]

class VideoFrameBufferInit(TypedDict):
    format: VideoPixelFormat
    coded_width: int
    coded_height: int
    timestamp: int

class VideoFrame:
    def __init__(self, data: npt.NDArray[np.uint8], init: VideoFrameBufferInit, /) -> None: ...
    def close(self) -> None: ...

class EncodedVideoChunk:
    @property
    def type(self) -> EncodedVideoChunkType: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def byte_length(self) -> int: ...
    def copy_to(self, destination: npt.NDArray[np.uint8], /) -> None: ...

class VideoEncoder:
    def __init__(self, output: Callable[[EncodedVideoChunk], None], error: Callable[[str], None], /) -> None: ...
    def configure(self, config: VideoEncoderConfig, /) -> None: ...
    # Whether the option is key_frame or keyFrame depends on the release.
    def encode(self, frame: VideoFrame, options: Mapping[str, bool], /) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...
