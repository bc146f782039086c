"""Which library does the work: the media packages of the reference where they install, else PyAV, else ffmpeg."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Protocol

from .frame import EncodedFrame, MediaError, Picture, VideoFormat

BACKENDS = ("webcodecs", "pyav", "ffmpeg")
_ENCODED_BY = {"webcodecs": "webcodecs-py", "pyav": "PyAV", "ffmpeg": "the ffmpeg program"}
# The order of preference: on Linux webcodecs-py has no H.264, and AV1 costs PyAV more time than H.264 does.
_DEFAULT_CODEC = {"webcodecs": "av1", "pyav": "h264", "ffmpeg": "h264"}
CODECS = ("h264", "av1", "vp9", "vp8")


class Encoder(Protocol):
    """Pictures in, coded frames out in the same order. Blocks at most about one frame interval."""

    codec_string: str

    def encode(self, picture: Picture) -> list[EncodedFrame]: ...
    def flush(self) -> list[EncodedFrame]: ...
    def close(self) -> None: ...


def available() -> list[str]:
    """The backends that can be loaded here, best first. Loads them, which takes a moment."""
    return [name for name in BACKENDS if not isinstance(_load(name), ImportError)]


def open_encoder(
    video: VideoFormat,
    *,
    codec: str | None = None,
    backend: str | None = None,
    bitrate: int = 1_500_000,
    keyframe_interval: int = 30,
) -> tuple[Encoder, str, str]:
    """An encoder, its codec (h264, av1, vp9 or vp8), and a line for people on what was chosen.

    `MediaError` when no installed backend can do it; the message says what to install.
    """
    name, module, codec = _choose(codec, backend)
    encoder = module.Encoder(codec, video, bitrate=bitrate, keyframe_interval=keyframe_interval)
    return encoder, codec, f"{codec} encoded by {_ENCODED_BY[name]}"


def _choose(codec: str | None, backend: str | None) -> tuple[str, ModuleType, str]:
    reasons: list[str] = []
    for name in (backend,) if backend else BACKENDS:
        module = _load(name)
        if isinstance(module, ImportError):
            reasons.append(f"{name}: {module}")
        elif (wanted := codec or _DEFAULT_CODEC[name]) in module.CODECS:
            return name, module, wanted
        else:
            reasons.append(f"{name}: cannot encode {wanted}")
    raise MediaError(
        f"nothing here can encode {codec or 'any codec'} ({'; '.join(reasons)}); "
        "`uv sync --group example` installs a media package"
    )


def _load(name: str) -> ModuleType | ImportError:
    if name not in BACKENDS:
        raise MediaError(f"unknown backend {name!r}; known are {', '.join(BACKENDS)}")
    try:
        module = importlib.import_module(f".{name}_backend", __package__)
        if name == "ffmpeg":
            module.ffmpeg_path()
        return module
    except ImportError as error:
        return error
