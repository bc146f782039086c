"""What a subscriber must know before it can write the first frame: one JSON object on a track of its own.

The publisher repeats it with every key frame, so that a subscriber may come at any time.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from .backends import CODECS
from .frame import MediaError, VideoFormat

TRACK_NAME = "catalog"


@dataclass(frozen=True)
class Catalog:
    """`codec` is h264, av1, vp9 or vp8; `codec_string` its WebCodecs name; `track` the video track's name."""

    codec: str
    codec_string: str
    width: int
    height: int
    framerate: int
    track: str = "video"
    packaging: str = "loc"

    @property
    def video(self) -> VideoFormat:
        return VideoFormat(self.width, self.height, self.framerate)

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @staticmethod
    def decode(data: bytes) -> Catalog:
        """`MediaError` when the data is not a catalog that this version understands."""
        try:
            fields = json.loads(data)
            catalog = Catalog(**{name: fields[name] for name in Catalog.__dataclass_fields__})
            if catalog.packaging != "loc" or catalog.codec not in CODECS:
                raise ValueError(f"{catalog.packaging}/{catalog.codec} is not supported")
            _ = catalog.video  # checks the size
        except (ValueError, KeyError, TypeError) as error:
            raise MediaError(f"the catalog cannot be used: {error!r}") from error
        return catalog
