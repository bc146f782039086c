"""A track object of a catalog and what it is made of (draft-ietf-moq-msf-01, section 5.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from moqt.exceptions import MoqtError

__all__ = ["Accessibility", "Buffers", "CatalogError", "InitData", "Track"]


class CatalogError(MoqtError, ValueError):
    """A catalog that breaks a rule of draft-ietf-moq-msf-01; the message names the field."""


@dataclass
class Buffers:
    """How much to hold before decoding begins, each in milliseconds or absent (section 5.2.9)."""

    target: float | None = None
    min: float | None = None
    max: float | None = None


@dataclass
class Accessibility:
    """A feature inside of a track, such as captions (section 5.2.44)."""

    scheme: str
    value: str


@dataclass
class InitData:
    """An entry of the initialization data list (section 5.1.7); `data` is base64 when `type` is ``inline``."""

    id: str
    data: str
    type: str = "inline"
    other: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class Track:
    """A track object of a catalog (section 5.2); what is None, or empty, is left out of the JSON.

    Times are in milliseconds, bitrates in bits per second, sizes in pixels. `namespace` has its fields separated by
    ``/``; None is the namespace of the catalog. `packaging` is ``loc``, ``mediatimeline``, ``eventtimeline``,
    ``moqlog``, ``moqmetrics``, or ``cmaf`` for objects that are CMAF chunks. `other` holds the fields that the draft
    does not name: they are kept, not interpreted.
    """

    name: str
    packaging: str = ""
    namespace: str | None = None
    is_live: bool | None = None
    event_type: str | None = None
    target_latency: float | None = None
    buffers: Buffers | None = None
    role: str | None = None
    label: str | None = None
    render_group: int | None = None
    alt_group: int | None = None
    init_ref: str | None = None
    depends: list[str] = field(default_factory=list[str])
    temporal_id: int | None = None
    spatial_id: int | None = None
    codec: str | None = None
    mime_type: str | None = None
    framerate: float | None = None
    timescale: int | None = None
    bitrate: float | None = None
    average_bitrate: float | None = None
    max_gop_duration: float | None = None
    max_group_duration: float | None = None
    width: int | None = None
    height: int | None = None
    samplerate: int | None = None
    channel_config: str | None = None
    display_width: int | None = None
    display_height: int | None = None
    language: str | None = None
    parent_name: str | None = None
    parent_namespace: str | None = None
    track_duration: int | None = None
    connection_uri: str | None = None
    token: str | None = None
    encryption_scheme: str | None = None
    cipher_suite: str | None = None
    key_id: str | None = None
    track_base_key: str | None = None
    accessibility: list[Accessibility] = field(default_factory=list[Accessibility])
    other: dict[str, Any] = field(default_factory=dict[str, Any])
