"""What two codecs say about the same control message, in one form: each names fields and writes values its own way."""

from __future__ import annotations

from typing import Any

Form = dict[str, Any]

NUMBER_MOST = 2**64 - 1
LOCATION_FILTER = 0x21
PROPERTY_FILTERS = (0x28, 0x29)


def text(value: str) -> str:
    """Of bytes in hex, what they say as UTF-8; moqtap tells names so."""
    return bytes.fromhex(value).decode("utf-8", "replace")


# ---- this project's: the JSON of the wire vectors ----


def ours(draft: int, said: Form) -> Form:
    form: Form = {}
    for key, value in said.items():
        if key == "type":
            form[key] = value
        elif key in ("track_namespace", "track_namespace_prefix", "track_namespace_suffix"):
            form[key.removeprefix("track_namespace_") if key != "track_namespace" else key] = [*map(text, value)]
        elif key in ("track_name", "reason_phrase", "new_session_uri"):
            form[key] = text(value)
        elif key in ("start_location", "end_location"):
            name = key.removesuffix("_location")
            form[f"{name}_group"], form[f"{name}_object"] = value["group"], value["object"]
        elif key in ("parameters", "track_properties"):
            form[key] = [_our_parameter(draft, each) for each in value]
            if said["type"].endswith("SETUP"):  # whose bytes moqtap tells as texts
                form[key] = [
                    (kind, text(each).encode().hex() if isinstance(each, str) else each) for kind, each in form[key]
                ]
        elif key == "redirect":
            form[key] = {
                "connect_uri": text(value["connect_uri"]),
                "track_namespace": [*map(text, value["track_namespace"])],
                "track_name": text(value["track_name"]),
            }
        else:
            form[key] = value
    if draft >= 20 and said["type"] == "FETCH":
        _range_as_parameter(form)
    if draft >= 20 and said["type"] == "FETCH_OK":
        # Here the end is one behind the last object, as drafts up to 19 write it; from draft 20 on it is that object.
        form["end_object"] = (form["end_object"] - 1) % 2**64
    form.setdefault("track_properties", [])
    return form


def _range_as_parameter(form: Form) -> None:
    """A FETCH of draft-22 has a filter where its range is a field here."""
    form.pop("fetch_type", None)
    if "groups_back" in form:
        chosen: tuple[int, ...] | None = (1, form.pop("groups_back"))
    else:
        start = (form.pop("start_group"), form.pop("start_object"))
        end = (form.pop("end_group"), form.pop("end_object"))
        if end == (NUMBER_MOST, 0):
            chosen = None if start == (0, 0) else (5,) if start == (NUMBER_MOST, NUMBER_MOST) else (2, *start)
        elif end[1] == 0:
            chosen = (3, *start, end[0] - start[0])
        else:
            chosen = (4, *start, end[0] - start[0], end[1] - 1)
    if chosen is not None:
        form["parameters"] = sorted([*form["parameters"], (LOCATION_FILTER, chosen)], key=lambda each: each[0])


def _our_parameter(draft: int, said: Form) -> tuple[int, Any]:
    kind = said["type"]
    if "value" in said:
        return kind, said["value"]
    if "hex" in said:
        return kind, said["hex"]
    if "location" in said:
        return kind, (said["location"]["group"], said["location"]["object"])
    if "token" in said:
        return kind, said["token"]
    if "namespace" in said:
        return kind, [*map(text, said["namespace"])]
    if "range_filter" in said:
        no_type = {"property_type": 0} if kind in PROPERTY_FILTERS else {}
        return kind, {**no_type, **said["range_filter"]}
    if "fill" in said:
        return kind, [_our_parameter(draft, each) for each in said["fill"]]
    return kind, _our_filter(draft, said["filter"])


def _our_filter(draft: int, said: Form) -> tuple[int, ...]:
    """The numbers on the wire."""
    kind = said["filter_type"]
    start = (said["start_location"]["group"], said["start_location"]["object"]) if "start_location" in said else ()
    if draft >= 20:
        if kind in (0x100, 0x2):
            return (0,) if kind == 0x100 else (5,)
        if kind in (0x1, 0x101):
            return 1, said.get("groups_back", 0)
        if kind == 0x3:
            return (2, *start)
        delta = said["end_group"] - start[0]
        return (3, *start, delta) if kind == 0x4 else (4, *start, delta, said["end_object"])
    if kind != 0x4:
        return (kind, *start)
    return (kind, *start, said["end_group"] - (start[0] if draft >= 17 else 0))


# ---- moqtap's ----

_NAMES = {
    "namespace_prefix": "prefix",
    "namespace_suffix": "suffix",
    "options": "parameters",
    "track_extensions": "track_properties",
    "max_request_id": "request_id",
}


def moqtap(draft: int, said: Form) -> Form:
    kind = said["type"].upper()
    form: Form = {"type": kind, "track_properties": []}
    for key, value in said["fields"].items():
        name = _NAMES.get(key, key)
        if name in ("parameters", "track_properties"):
            form[name] = [_their_parameter(draft, each) for each in value]
        else:
            form[name] = value
    if draft >= 20 and kind == "FETCH":  # a filter of type 0 says as much as none
        form["parameters"] = [each for each in form["parameters"] if each != (LOCATION_FILTER, (0,))]
    return form


def _their_parameter(draft: int, said: Form) -> tuple[int, Any]:
    kind = int(said["type"], 16)
    if "raw_hex" in said:
        return kind, said["raw_hex"]
    value = said["value"]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return kind, [_their_parameter(draft, each) for each in value]
    if isinstance(value, dict) and "ranges" in value:
        ranges = [[each["start"], *([each["end"]] if "end" in each else [])] for each in value["ranges"]]
        return kind, {**value, "ranges": ranges}
    if isinstance(value, dict) and "alias_type" not in value:  # a filter or a location
        return kind, tuple(value.values())
    if isinstance(value, str):
        return kind, value.encode("utf-8", "surrogateescape").hex()
    return kind, value
