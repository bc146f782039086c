"""Catalogs and the updates that change them (draft-ietf-moq-msf-01, sections 5.1 and 5.3)."""

from __future__ import annotations

import base64
import binascii
import copy
import dataclasses
from dataclasses import dataclass, field
from typing import Any, Final

from ._json import MEMBERS, dump, track_to_json, unnamed
from ._rules import check_catalog, check_delta
from .track import CatalogError, InitData, Track

__all__ = ["CATALOG_TRACK_NAME", "DRAFT_VERSION", "Catalog", "DeltaOperation", "DeltaUpdate"]

CATALOG_TRACK_NAME: Final = "catalog"
"""Name of the track that carries catalogs (section 5)."""

DRAFT_VERSION: Final = "draft-01"
"""``version`` of a catalog of this draft (section 5.1.1); ``1``, the number of the published version, is read too."""


@dataclass
class DeltaOperation:
    """One operation of a delta update (section 5.1.6): `op` is ``add``, ``remove`` or ``clone``.

    Tracks that are removed have nothing but a name and a namespace; a clone has a `parent_name`, whose attributes it
    takes over where it gives none of its own.
    """

    op: str
    tracks: list[Track]
    other: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class DeltaUpdate:
    """A catalog object that changes the catalog before it in the same group (section 5.3)."""

    operations: list[DeltaOperation]
    generated_at: float | None = None
    is_complete: bool = False
    other: dict[str, Any] = field(default_factory=dict[str, Any])

    def encode(self) -> bytes:
        """JSON in UTF-8. :exc:`CatalogError` when there is no operation, or one holds what it must not."""
        check_delta(self)
        fields: dict[str, Any] = _shared_fields(self)
        fields["deltaUpdate"] = [
            {"op": operation.op, "tracks": [track_to_json(track) for track in operation.tracks], **operation.other}
            for operation in self.operations
        ]
        return dump({**fields, **unnamed(self.other, fields)})


@dataclass
class Catalog:
    """An independent catalog (section 5.1): complete in itself, first object of its group.

    `generated_at` is in milliseconds since the Unix epoch. `is_complete` says that nothing will be published any more.
    `publish_tracks` are those that a subscriber may publish.
    """

    tracks: list[Track] = field(default_factory=list[Track])
    version: str = DRAFT_VERSION
    generated_at: float | None = None
    is_complete: bool = False
    publish_tracks: list[Track] = field(default_factory=list[Track])
    init_data_list: list[InitData] = field(default_factory=list[InitData])
    other: dict[str, Any] = field(default_factory=dict[str, Any])

    def find(self, name: str) -> Track | None:
        """The track of that name in the catalog's own namespace."""
        return next((track for track in self.tracks if track.name == name and track.namespace is None), None)

    def initialization_of(self, track: Track) -> bytes | None:
        """The initialization data that `track` refers to, None when it refers to none.

        :exc:`CatalogError` when the list has no such entry, or its data cannot be decoded.
        """
        if track.init_ref is None:
            return None
        entry = next((data for data in self.init_data_list if data.id == track.init_ref), None)
        if entry is None:
            raise CatalogError(f"initDataList has no {track.init_ref!r}, which {track.name!r} needs")
        if entry.type != "inline":
            raise CatalogError(f"the initialization data of {track.name!r} is of type {entry.type!r}, not inline")
        try:
            return base64.b64decode(entry.data, validate=True)
        except (binascii.Error, ValueError):
            raise CatalogError(f"the initialization data of {track.name!r} is not base64") from None

    def set_initialization(self, track: Track, data: bytes) -> None:
        """Add an inline entry, or use one that holds the same bytes, and let `track` refer to it."""
        text = base64.b64encode(data).decode()
        entry = next((old for old in self.init_data_list if old.type == "inline" and old.data == text), None)
        if entry is None:
            number = len(self.init_data_list) + 1
            while any(old.id == f"init-{number}" for old in self.init_data_list):
                number += 1
            entry = InitData(f"init-{number}", text)
            self.init_data_list.append(entry)
        track.init_ref = entry.id

    def encode(self) -> bytes:
        """JSON in UTF-8. :exc:`CatalogError` when the catalog breaks a rule.

        More is a fault here than in :func:`decode_catalog`: a track without ``isLive``, video or audio without
        ``codec`` or ``bitrate``, audio without ``samplerate`` or ``channelConfig``, tracks that are rendered together
        and wait for different times.
        """
        check_catalog(self, own=True)
        fields: dict[str, Any] = {"version": self.version, **_shared_fields(self)}
        fields["tracks"] = [track_to_json(track) for track in self.tracks]
        if self.publish_tracks:
            fields["publishTracks"] = [track_to_json(track) for track in self.publish_tracks]
        fields.update(unnamed(self.other, fields))
        if self.init_data_list:  # behind the tracks, as section 5.1.7 of the MSF draft demands
            fields["initDataList"] = [
                {"id": entry.id, "type": entry.type, "data": entry.data, **entry.other} for entry in self.init_data_list
            ]
        return dump(fields)

    def apply(self, update: DeltaUpdate) -> None:
        """Apply a delta update, whole or not at all: :exc:`CatalogError` leaves the catalog as it was (section 5.3)."""
        check_delta(update)
        changed = dataclasses.replace(self, tracks=list(self.tracks))
        for operation in update.operations:
            for track in operation.tracks:
                if operation.op == "add":
                    changed.tracks.append(copy.deepcopy(track))
                elif operation.op == "remove":
                    changed.tracks.remove(_declared(changed.tracks, track.namespace, track.name, "removed"))
                else:
                    assert track.parent_name is not None  # checked above
                    parent = _declared(changed.tracks, track.parent_namespace, track.parent_name, "cloned")
                    changed.tracks.append(_clone(parent, track))
                check_catalog(changed, own=False)
        self.tracks = changed.tracks
        self.generated_at = update.generated_at if update.generated_at is not None else self.generated_at
        self.is_complete = self.is_complete or update.is_complete


def _clone(parent: Track, changes: Track) -> Track:
    clone = copy.deepcopy(parent)
    # One of the two may stand alone: the clone's takes the place of the other as well.
    if changes.buffers is not None or changes.target_latency is not None:
        clone.buffers = clone.target_latency = None
    for member in MEMBERS:
        value = getattr(changes, member)
        if value is not None and value not in ([], ""):
            setattr(clone, member, copy.deepcopy(value))
    clone.other.update(copy.deepcopy(changes.other))
    clone.parent_name = clone.parent_namespace = None
    return clone


def _declared(tracks: list[Track], namespace: str | None, name: str, verb: str) -> Track:
    for track in tracks:
        if (track.namespace, track.name) == (namespace, name):
            return track
    raise CatalogError(f"{name!r} is {verb}, but was not declared")


def _shared_fields(source: Catalog | DeltaUpdate) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if source.generated_at is not None:
        fields["generatedAt"] = source.generated_at
    if source.is_complete:
        fields["isComplete"] = True
    return fields
