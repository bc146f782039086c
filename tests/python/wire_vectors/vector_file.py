"""Reads the wire vectors of tests/vectors. Their form is documented in the README there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import moqt

VECTORS = Path(__file__).resolve().parents[2] / "vectors"


def load(*names: str, kind: str, draft: int = 15) -> list[Any]:
    """Every vector of these files as a pytest parameter; a file that is missing or empty fails the collection."""
    params = []
    for name in names:
        file = json.loads((VECTORS / f"draft{draft}" / f"{name}.json").read_text(encoding="ascii"))
        if file["kind"] != kind or not file["vectors"]:
            raise ValueError(f"{name}.json holds no vectors of kind {kind}")
        params += [pytest.param(vector, id=f"{name}-{vector['name']}") for vector in file["vectors"]]
    return params


def good(params: list[Any]) -> list[Any]:
    """Those whose vector, the last value of each, is no error."""
    return [param for param in params if "error" not in param.values[-1]]


def bad(params: list[Any]) -> list[Any]:
    return [param for param in params if "error" in param.values[-1]]


def bytes_of(value: Any) -> bytes:
    """The bytes of a "hex" value: a string with spaces and marks, or a list of strings and {"repeat", "count"}."""
    if isinstance(value, str):
        return bytes.fromhex(value.replace("~", "").replace("#", ""))
    if isinstance(value, list):
        return b"".join(map(bytes_of, value))
    return bytes.fromhex(value["repeat"]) * value["count"]


def text_of(value: Any) -> bytes:
    """The bytes of a text value: a string, {"hex"} or {"repeat", "count"}."""
    if isinstance(value, str):
        return value.encode("ascii")
    return bytes.fromhex(value["hex"]) if "hex" in value else bytes_of(value)


def images_of(vector: dict[str, Any]) -> list[bytes]:
    return [bytes_of(vector["hex"]), *map(bytes_of, vector.get("nonminimal", ()))]


def pairs_of(extensions: list[dict[str, Any]]) -> list[tuple[int, int | bytes]]:
    return [(pair["type"], pair["value"] if "value" in pair else bytes_of(pair["hex"])) for pair in extensions]


def object_fields(expected: dict[str, Any], *names: str) -> dict[str, Any]:
    fields = {name: expected[name] for name in names}
    fields["object_status"] = moqt.ObjectStatus(expected["object_status"])
    fields["extensions"] = pairs_of(expected["extensions"])
    fields["payload"] = text_of(expected["object_payload"])
    return fields


def seen(item: Any, names: Any) -> dict[str, Any]:
    """The attributes of these names, extensions as pairs."""
    return {name: getattr(item, name).items() if name == "extensions" else getattr(item, name) for name in names}


def cuts(size: int) -> list[int]:
    """Every length below `size`; of long inputs those near both ends and a sample between."""
    if size <= 600:
        return list(range(size))
    return [*range(100), *range(100, size - 100, 1009), *range(size - 100, size)]


def errors_of(vector: dict[str, Any]) -> set[moqt.ErrorCode]:
    named = vector["error"]
    return {moqt.ErrorCode[name] for name in ([named] if isinstance(named, str) else named)}


def varint(value: int) -> bytes:
    """The shortest encoding, from RFC 9000 section 16 and not from the package."""
    for size, tag in ((1, 0), (2, 1), (4, 2), (8, 3)):
        if value < 1 << (8 * size - 2):
            return (value | tag << (8 * size - 2)).to_bytes(size)
    raise ValueError(value)
