"""The JSON of a track object: names and types of its fields; and how JSON is written."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable
from typing import Any, Final, cast

from .track import Accessibility, Buffers, CatalogError, Track

_MAX_EXACT = 2**53

# JSON name, member, kind: s string, b boolean, n number, i integer, u integer from 0 on.
FIELDS: Final = (
    ("name", "name", "s"), ("namespace", "namespace", "s"), ("parentName", "parent_name", "s"),
    ("parentNamespace", "parent_namespace", "s"), ("packaging", "packaging", "s"), ("eventType", "event_type", "s"),
    ("isLive", "is_live", "b"), ("targetLatency", "target_latency", "n"), ("buffers", "buffers", "buffers"),
    ("role", "role", "s"), ("label", "label", "s"), ("renderGroup", "render_group", "i"),
    ("altGroup", "alt_group", "i"), ("initRef", "init_ref", "s"), ("depends", "depends", "strings"),
    ("temporalId", "temporal_id", "u"), ("spatialId", "spatial_id", "u"), ("codec", "codec", "s"),
    ("mimeType", "mime_type", "s"), ("framerate", "framerate", "n"), ("timescale", "timescale", "u"),
    ("bitrate", "bitrate", "n"), ("avgBitrate", "average_bitrate", "n"), ("maxGopDuration", "max_gop_duration", "n"),
    ("maxGroupDuration", "max_group_duration", "n"), ("width", "width", "u"), ("height", "height", "u"),
    ("samplerate", "samplerate", "u"), ("channelConfig", "channel_config", "s"),
    ("displayWidth", "display_width", "u"), ("displayHeight", "display_height", "u"), ("lang", "language", "s"),
    ("trackDuration", "track_duration", "u"), ("connectionUri", "connection_uri", "s"), ("token", "token", "s"),
    ("encryptionScheme", "encryption_scheme", "s"), ("cipherSuite", "cipher_suite", "s"), ("keyId", "key_id", "s"),
    ("trackBaseKey", "track_base_key", "s"), ("accessibility", "accessibility", "accessibility"),
)  # fmt: skip
_BY_NAME: Final = {name: (member, kind) for name, member, kind in FIELDS}
MEMBERS: Final = tuple(member for _, member, _ in FIELDS)


def as_object(value: Any, where: str) -> dict[str, Any]:
    """`value`, which must be a JSON object."""
    if not isinstance(value, dict):
        raise CatalogError(f"{where} is not an object")
    return cast("dict[str, Any]", value)


def as_array(value: Any, where: str) -> list[Any]:
    """`value`, which must be a JSON array."""
    if not isinstance(value, list):
        raise CatalogError(f"{where} is not an array")
    return [*cast("Iterable[Any]", value)]


def read(value: Any, kind: str, where: str) -> Any:
    if kind == "s":
        if not isinstance(value, str):
            raise CatalogError(f"{where} is not a string")
        return value
    if kind == "b":
        if not isinstance(value, bool):
            raise CatalogError(f"{where} is not true or false")
        return value
    if kind in "niu":
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise CatalogError(f"{where} is not a number")
        if kind == "n":
            return value
        least = 0 if kind == "u" else -_MAX_EXACT
        if value != math.floor(value) or not least <= value <= _MAX_EXACT:
            raise CatalogError(f"{where} is not an integer" + (" from 0 on" if kind == "u" else ""))
        return int(value)
    if kind == "buffers":
        limits = as_object(value, where)
        return Buffers(
            **{key: read(limits[key], "n", f"{where}.{key}") for key in ("target", "min", "max") if key in limits}
        )
    entries = as_array(value, where)
    if kind == "strings":
        return [read(entry, "s", f"{where}[{index}]") for index, entry in enumerate(entries)]
    descriptors: list[Accessibility] = []
    for index, entry in enumerate(entries):
        fields = as_object(entry, f"{where}[{index}]")
        scheme, content = (read(fields.get(key), "s", f"{where}[{index}].{key}") for key in ("scheme", "value"))
        descriptors.append(Accessibility(scheme, content))
    return descriptors


def track_from_json(value: Any, where: str) -> Track:
    fields = as_object(value, where)
    track = Track("")
    for name, content in fields.items():
        if name in _BY_NAME:
            member, kind = _BY_NAME[name]
            setattr(track, member, read(content, kind, f"{where}.{name}"))
        else:
            track.other[name] = content
    return track


def track_to_json(track: Track) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, member, kind in FIELDS:
        value = getattr(track, member)
        if value is None or value == [] or (member == "packaging" and not value):
            continue
        if kind == "buffers":
            value = {key: limit for key, limit in dataclasses.asdict(value).items() if limit is not None}
        elif kind == "accessibility":
            value = [dataclasses.asdict(descriptor) for descriptor in value]
        fields[name] = value
    return {**fields, **unnamed(track.other, fields)}


def unnamed(other: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in other.items() if name not in fields}


def dump(fields: dict[str, Any]) -> bytes:
    try:
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise CatalogError(f"the catalog cannot be written as JSON: {error}") from error
