"""The catalog that the examples publish and read (draft-ietf-moq-msf-01), and what they make of its tracks.

The publisher repeats it all the time, so that a subscriber may come at any time.
"""

from __future__ import annotations

from dataclasses import dataclass

from moqt import msf

from .frame import MediaError, VideoFormat

TRACK_NAME = msf.CATALOG_TRACK_NAME
_CODECS = {
    "avc1": "h264", "avc3": "h264", "av01": "av1", "vp09": "vp9", "vp9": "vp9", "vp08": "vp8", "vp8": "vp8",
    "opus": "opus", "Opus": "opus", "mp4a": "aac",
}  # fmt: skip


@dataclass(frozen=True)
class SoundFormat:
    """What the catalog says of a sound track; `config` is its decoder's, an OpusHead or AudioSpecificConfig."""

    codec: str
    rate: int
    channels: int
    config: bytes


def codec_string(codec: str, name: str) -> str:
    """The WebCodecs name of a video codec; `name` where it is one, else the usual one for what the examples encode."""
    usual = {"h264": "avc1.42c01e", "av1": "av01.0.08M.08", "vp9": "vp09.00.40.08", "vp8": "vp8"}
    return name if "." in name else usual[codec]


def video_track(name: str, codec: str, video: VideoFormat, bitrate: int) -> msf.Track:
    """A track of LOC frames; `codec` is its WebCodecs name."""
    return msf.Track(
        name, "loc", is_live=True, role="video", render_group=1, codec=codec, bitrate=bitrate,
        width=video.width, height=video.height, framerate=video.fps,
    )  # fmt: skip


def sound_track(catalog: msf.Catalog, name: str, sound: SoundFormat, bitrate: int) -> msf.Track:
    """A track of LOC frames, whose configuration goes into `catalog`."""
    track = msf.Track(
        name, "loc", is_live=True, role="audio", render_group=1, bitrate=bitrate,
        codec="opus" if sound.codec == "opus" else "mp4a.40.2",
        samplerate=sound.rate, channel_config=str(sound.channels),
    )  # fmt: skip
    catalog.set_initialization(track, sound.config)
    return track


def read_catalog(data: bytes) -> msf.Catalog:
    """`MediaError` when the data is not an independent catalog."""
    try:
        catalog = msf.decode_catalog(data)
    except msf.CatalogError as error:
        raise MediaError(f"the catalog cannot be used: {error}") from error
    if not isinstance(catalog, msf.Catalog):
        raise MediaError("the catalog cannot be used: it begins with a delta update")
    return catalog


def is_sound(track: msf.Track) -> bool:
    return track.role == "audio" or (track.role is None and track.samplerate is not None)


def codec_of(track: msf.Track) -> str:
    """h264, av1, vp9, vp8, opus or aac; `MediaError` for any other."""
    name = (track.codec or "").partition(".")[0]
    if name not in _CODECS:
        raise MediaError(f"the track {track.name!r} has the codec {track.codec!r}, which the examples cannot record")
    return _CODECS[name]


def video_of(track: msf.Track) -> VideoFormat:
    """Size and rate of a track; `MediaError` when the catalog does not tell them."""
    if track.width is None or track.height is None:
        raise MediaError(f"the catalog has no width and height for {track.name!r}")
    try:
        return VideoFormat(track.width, track.height, round(track.framerate or 30))
    except ValueError as error:
        raise MediaError(f"the track {track.name!r} cannot be recorded: {error}") from error


def sound_of(catalog: msf.Catalog, track: msf.Track) -> SoundFormat:
    """What a recorder must know of a LOC sound track; `MediaError` when the catalog does not tell it."""
    codec, rate = codec_of(track), track.samplerate or 48_000
    told = track.channel_config or ""
    channels = int(told) if told.isdecimal() else 2
    try:
        config = catalog.initialization_of(track)
    except msf.CatalogError as error:
        raise MediaError(f"the catalog cannot be used: {error}") from error
    if config is None and codec == "opus":
        config = b"OpusHead" + bytes((1, channels, 0, 0)) + rate.to_bytes(4, "little") + bytes(3)
    if config is None:
        raise MediaError(f"the catalog has no decoder configuration for {track.name!r}")
    return SoundFormat(codec, rate, channels, config)
