"""From JSON to catalogs and delta updates."""

from __future__ import annotations

import json
from typing import Any

from ._json import as_array, as_object, read, track_from_json
from ._rules import check_catalog, check_delta
from .catalog import DRAFT_VERSION, Catalog, DeltaOperation, DeltaUpdate
from .track import CatalogError, InitData, Track

__all__ = ["decode_catalog"]


def decode_catalog(data: bytes | bytearray | memoryview | str) -> Catalog | DeltaUpdate:
    """Decode an object of the catalog track.

    :exc:`CatalogError` names the field that is wrong. Unknown fields are kept, not interpreted. A version that is not
    understood is an error, whatever else there is.
    """
    try:
        text = data if isinstance(data, str) else bytes(data).decode()
        fields = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise CatalogError("the catalog is not JSON") from None
    members = as_object(fields, "the catalog")
    return _delta_from_json(members) if "deltaUpdate" in members else _catalog_from_json(members)


def _catalog_from_json(fields: dict[str, Any]) -> Catalog:
    if "version" not in fields:
        raise CatalogError("the catalog has no version")
    version = read(fields["version"], "s", "version")
    if version not in (DRAFT_VERSION, "1"):
        raise CatalogError(f"the catalog is of version {version!r}; 'draft-01' and '1' are understood")
    if "tracks" not in fields:
        raise CatalogError("the catalog has no tracks")
    catalog = Catalog(_tracks_from_json(fields["tracks"], "tracks"), version)
    for name, value in fields.items():
        if name == "publishTracks":
            catalog.publish_tracks = _tracks_from_json(value, name)
        elif name == "initDataList":
            catalog.init_data_list = _init_data_from_json(value)
        elif name not in ("version", "tracks"):
            _read_shared(catalog, name, value)
    check_catalog(catalog, own=False)
    return catalog


def _delta_from_json(fields: dict[str, Any]) -> DeltaUpdate:
    for name in ("tracks", "version"):
        if name in fields:
            raise CatalogError(f"a delta update must not have {name!r} (section 5.3)")
    update = DeltaUpdate([])
    for index, entry in enumerate(as_array(fields["deltaUpdate"], "deltaUpdate")):
        where = f"deltaUpdate[{index}]"
        operation = as_object(entry, where)
        op = read(operation.get("op"), "s", f"{where}.op")
        if "tracks" not in operation:
            raise CatalogError(f"{where} has no tracks")
        tracks = _tracks_from_json(operation["tracks"], f"{where}.tracks")
        rest = {key: value for key, value in operation.items() if key not in ("op", "tracks")}
        update.operations.append(DeltaOperation(op, tracks, rest))
    for name, value in fields.items():
        if name != "deltaUpdate":
            _read_shared(update, name, value)
    check_delta(update)
    return update


def _tracks_from_json(value: Any, where: str) -> list[Track]:
    return [track_from_json(entry, f"{where}[{index}]") for index, entry in enumerate(as_array(value, where))]


def _init_data_from_json(value: Any) -> list[InitData]:
    data: list[InitData] = []
    for index, entry in enumerate(as_array(value, "initDataList")):
        where = f"initDataList[{index}]"
        members = as_object(entry, where)
        named = {key: read(members.get(key), "s", f"{where}.{key}") for key in ("id", "type", "data")}
        data.append(InitData(**named, other={key: item for key, item in members.items() if key not in named}))
    return data


def _read_shared(target: Catalog | DeltaUpdate, name: str, value: Any) -> None:
    if name == "generatedAt":
        target.generated_at = read(value, "n", name)
    elif name == "isComplete":
        target.is_complete = read(value, "b", name)
        if not target.is_complete:
            raise CatalogError("isComplete is false: it must be left out then (section 5.1.3)")
    else:
        target.other[name] = value


def _no_constant(text: str) -> float:
    raise ValueError(text)  # NaN and Infinity are no JSON
