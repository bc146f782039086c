"""The wire vectors of every draft, by `draft=`; those of draft-15 alone are in the other modules, by its default."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import moqt

from .vector_file import bad, bytes_of, cuts, errors_of, good, load, object_fields, pairs_of, seen, text_of

DRAFTS = (15, 16, 18, 22)
CONTROL_FILES = (
    "setup", "session", "subscribe", "publish", "fetch_messages", "namespaces", "requests", "parameters", "framing",
)  # fmt: skip
LARGEST = 2**62 - 1
"""No number above it is taken from Python, though later drafts can write them."""


def of_drafts(*names: str, kind: str, drafts: tuple[int, ...] = DRAFTS) -> list[Any]:
    return [
        pytest.param(draft, *param.values, id=f"draft{draft}-{param.id}")
        for draft in drafts
        for param in load(*names, kind=kind, draft=draft)
    ]


def namespace(fields: list[Any]) -> moqt.TrackNamespace:
    return moqt.TrackNamespace([text_of(field) for field in fields])


def location(value: dict[str, int]) -> moqt.Location:
    return moqt.Location(value["group"], value["object"])


def narrowed(value: dict[str, Any]) -> moqt.SubscriptionFilter:
    start = location(value.get("start_location", {"group": 0, "object": 0}))
    match value["filter_type"]:
        case 1:
            return moqt.SubscriptionFilter.next_group_start()
        case 2:
            return moqt.SubscriptionFilter.largest_object()
        case 3:
            return moqt.SubscriptionFilter.absolute_start(start)
        case 4:
            return moqt.SubscriptionFilter.absolute_range(start, value["end_group"])
        case 256:
            return moqt.SubscriptionFilter.unfiltered()
        case 257:
            return moqt.SubscriptionFilter.relative_group(value["groups_back"])
    last = moqt.Location(value["end_group"], value["end_object"])
    return moqt.SubscriptionFilter.absolute_locations(start, last)


def structure(means: dict[str, Any]) -> Any:
    if "location" in means:
        return location(means["location"])
    if "filter" in means:
        return narrowed(means["filter"])
    if "namespace" in means:
        return namespace(means["namespace"])
    if "fill" in means:
        return tuple(parameter(each) for each in means["fill"])
    if "range_filter" in means:
        values = means["range_filter"]
        ranges = [(each[0], each[1] if len(each) > 1 else None) for each in values.get("ranges", ())]
        return moqt.RangeFilter(
            ranges,
            set_id=values.get("set_id", 0),
            property_type=values.get("property_type") or 0,
            removed=values.get("removed", False),
            valid=values.get("valid", True),
        )
    token = means["token"]
    fields = {"alias_type": moqt.TokenAliasType(token["alias_type"])}
    names = {"token_alias": "alias", "token_type": "token_type", "token_value": "value"}
    for name, own in names.items():
        if name in token:
            fields[own] = text_of(token[name]) if name == "token_value" else token[name]
    return moqt.AuthorizationToken(**fields)


def parameter(value: dict[str, Any], of_track: bool = False) -> moqt.Parameter:
    if "means" in value:
        return moqt.Parameter(value["type"], structure(value["means"]), of_track=of_track)
    return moqt.Parameter(value["type"], value["value"] if "value" in value else bytes_of(value["hex"]), of_track)


CONVERSIONS: dict[str, Any] = {
    "track_namespace": namespace,
    "track_namespace_prefix": namespace,
    "track_namespace_suffix": namespace,
    "track_name": text_of,
    "reason_phrase": lambda v: text_of(v).decode(),
    "new_session_uri": lambda v: text_of(v).decode(),
    "start_location": location,
    "end_location": location,
    "parameters": lambda v: [parameter(item) for item in v],
    "end_of_track": bool,
    "fetch_type": moqt.FetchType,
    "subscribe_options": moqt.SubscribeOptions,
    "redirect": lambda v: moqt.Redirect(
        text_of(v["connect_uri"]).decode(), namespace(v["track_namespace"]), text_of(v["track_name"])
    ),
}
CODES = ("error_code", "status_code")
"""In a vector the numbers of the draft; in Python those of draft-15, by name."""


def is_small(value: Any) -> bool:
    if isinstance(value, dict):
        return all(is_small(each) for each in value.values())
    if isinstance(value, list):
        return all(is_small(each) for each in value)
    return not isinstance(value, int) or value <= LARGEST


def class_of(message: dict[str, Any]) -> type[moqt.ControlMessage]:
    return getattr(moqt, "".join(part.capitalize() for part in message["type"].split("_")))


def fields_of(message: dict[str, Any]) -> dict[str, Any]:
    fields = {
        ("subscription_request_id" if key == "existing_request_id" else key): (
            CONVERSIONS[key](value) if key in CONVERSIONS and value is not None else value
        )
        for key, value in message.items()
        if key not in ("type", "track_properties", *CODES)
    }
    properties = [parameter(each, of_track=True) for each in message.get("track_properties", ())]
    if properties:
        fields["parameters"] = [*fields.get("parameters", ()), *properties]
    return fields


CONTROL = of_drafts(*CONTROL_FILES, kind="control")


class TestControlMessages:
    @pytest.mark.parametrize(("draft", "vector"), good(CONTROL))
    def test_decode_and_encode(self, draft: int, vector: dict[str, Any]) -> None:
        image = bytes_of(vector["hex"])
        message, size = moqt.decode_control_message(image + b"\xff" * 9, draft=draft)
        assert size == len(image)
        assert type(message) is class_of(vector["message"])
        if is_small(vector["message"]):
            assert copy.copy(message) == message
            assert pickle.loads(pickle.dumps(message)) == message
        if vector.get("encodes", True):
            written = bytes_of(vector["encoded"]) if "encoded" in vector else image
            encoded = message.encode(draft=draft)
            if vector["canonical"] or "encoded" in vector:
                assert encoded == written
            assert moqt.decode_control_message(encoded, draft=draft)[0].encode(draft=draft) == encoded
        if not is_small(vector["message"]):
            return
        fields = fields_of(vector["message"])
        assert {name: getattr(message, name) for name in fields} == fields
        for code in CODES:
            if code in vector["message"]:
                fields[code] = getattr(message, code)
        built = type(message)(**fields)
        assert built == message
        if vector.get("encodes", True):
            assert built.encode(draft=draft) == message.encode(draft=draft)
            payload = built.encode_payload(draft=draft)
            assert encoded.endswith(payload)
            if type(message) is not moqt.PublishOk or draft < 18:  # read as REQUEST_OK from draft 18 on
                assert type(message).decode_payload(payload, draft=draft) == message
                assert type(message).decode(encoded, draft=draft) == (message, len(encoded))

    @pytest.mark.parametrize(("draft", "vector"), bad(CONTROL))
    def test_refused(self, draft: int, vector: dict[str, Any]) -> None:
        with pytest.raises(moqt.ProtocolViolation) as raised:
            moqt.decode_control_message(bytes_of(vector["hex"]), draft=draft)
        assert raised.value.code in errors_of(vector)

    @pytest.mark.parametrize(("draft", "vector"), good(CONTROL))
    def test_incomplete_at_every_truncation(self, draft: int, vector: dict[str, Any]) -> None:
        image = memoryview(bytes_of(vector["hex"]))
        for cut in cuts(len(image)):
            with pytest.raises(moqt.NeedMoreData):
                moqt.decode_control_message(image[:cut], draft=draft)


def read_subgroup(image: bytes, draft: int) -> None:
    """Reads on until something is wrong with it."""
    header, position = moqt.decode_subgroup_header(image, draft=draft)
    before = None
    while True:
        item, size = moqt.decode_subgroup_object(image, header.extensions_present, position, before, draft=draft)
        position, before = position + size, item.object_id


def read_fetch(image: bytes, draft: int, order: moqt.GroupOrder) -> None:
    """Reads on until something is wrong with it."""
    _, position = moqt.decode_fetch_header(image, draft=draft)
    previous: moqt.FetchObject | moqt.FetchRangeEnd | None = None
    while True:
        previous, size = moqt.decode_fetch_object(image, position, previous, draft=draft, group_order=order)
        position += size


class TestSubgroups:
    @pytest.mark.parametrize(("draft", "vector"), good(of_drafts("subgroup", kind="subgroup")))
    def test_decode_and_encode(self, draft: int, vector: dict[str, Any]) -> None:
        image = bytes_of(vector["hex"])
        header, position = moqt.decode_subgroup_header(image, draft=draft)
        expected = vector["header"]
        assert header.first_object == expected.get("begins_with_first_object", False)
        for name in ("track_alias", "group_id", "publisher_priority", "extensions_present", "contains_end_of_group"):
            assert getattr(header, name) == expected[name]
        out = header.encode(draft=draft)
        if is_small(expected):
            assert copy.copy(header).encode(draft=draft) == out
        previous = None
        for each in vector["objects"]:
            before = previous.object_id if previous else None
            item, size = moqt.decode_subgroup_object(image, header.extensions_present, position, before, draft=draft)
            fields = object_fields(each, "object_id")
            if any(pair["type"] == 0x0B for pair in each["extensions"]):
                del fields["extensions"]  # what is inside of them has the form of draft-15 in Python, too
                assert seen(item, fields) == fields
            elif is_small(each):
                assert seen(item, fields) == fields
                assert moqt.SubgroupObject(**fields) == item
            out += item.encode(header.extensions_present, before, draft=draft)
            position, previous = position + size, item
        assert position == len(image)
        if vector["canonical"]:
            assert out == image

    @pytest.mark.parametrize(("draft", "vector"), bad(of_drafts("subgroup", kind="subgroup")))
    def test_refused(self, draft: int, vector: dict[str, Any]) -> None:
        image = bytes_of(vector["hex"])
        with pytest.raises((moqt.ProtocolViolation, moqt.NeedMoreData)) as raised:
            read_subgroup(image, draft)
        if vector.get("fin"):
            assert isinstance(raised.value, moqt.NeedMoreData)
        else:
            assert isinstance(raised.value, moqt.ProtocolViolation)
            assert raised.value.code in errors_of(vector)


class TestFetches:
    @pytest.mark.parametrize(("draft", "vector"), good(of_drafts("fetch", kind="fetch")))
    def test_decode_and_encode(self, draft: int, vector: dict[str, Any]) -> None:
        image = bytes_of(vector["hex"])
        order = moqt.GroupOrder.DESCENDING if vector.get("descending") else moqt.GroupOrder.ASCENDING
        header, position = moqt.decode_fetch_header(image, draft=draft)
        assert header.request_id == vector["header"]["request_id"]
        out = header.encode(draft=draft)
        own_out, own_previous = out, None
        previous: moqt.FetchObject | moqt.FetchRangeEnd | None = None
        for each in vector["objects"]:
            item, size = moqt.decode_fetch_object(image, position, previous, draft=draft, group_order=order)
            if "object_payload" in each:
                assert isinstance(item, moqt.FetchObject)
                names = ["group_id", "object_id", *(["subgroup_id"] if each["subgroup_id"] is not None else [])]
                fields = object_fields(each, *names, "publisher_priority")
                if draft > 15:
                    fields["datagram"] = each["subgroup_id"] is None
                assert seen(item, fields) == fields
                own: moqt.FetchObject | moqt.FetchRangeEnd = moqt.FetchObject(**fields)
                assert copy.copy(item) == item
            else:
                gap = moqt.FetchGap(each["serialization_flags"])
                own = moqt.FetchRangeEnd(each["group_id"], each["object_id"], gap)
                assert item == own
                assert pickle.loads(pickle.dumps(item)) == item
            out += item.encode(previous, draft=draft, group_order=order)
            own_out += own.encode(own_previous, draft=draft, group_order=order)
            position, previous, own_previous = position + size, item, item
        assert position == len(image)
        if vector["canonical"]:
            assert out == image
            assert own_out == image

    @pytest.mark.parametrize(("draft", "vector"), bad(of_drafts("fetch", kind="fetch")))
    def test_refused(self, draft: int, vector: dict[str, Any]) -> None:
        image = bytes_of(vector["hex"])
        order = moqt.GroupOrder.DESCENDING if vector.get("descending") else moqt.GroupOrder.ASCENDING
        with pytest.raises((moqt.ProtocolViolation, moqt.NeedMoreData)) as raised:
            read_fetch(image, draft, order)
        if vector.get("fin"):
            assert isinstance(raised.value, moqt.NeedMoreData)
        else:
            assert isinstance(raised.value, moqt.ProtocolViolation)
            assert raised.value.code in errors_of(vector)


class TestDatagrams:
    @pytest.mark.parametrize(("draft", "vector"), good(of_drafts("datagram", kind="datagram")))
    def test_decode_and_encode(self, draft: int, vector: dict[str, Any]) -> None:
        image, expected = bytes_of(vector["hex"]), vector["datagram"]
        datagram, size = moqt.decode_datagram(image, draft=draft)
        assert size == len(image)
        names = ("track_alias", "group_id", "object_id", "publisher_priority", "end_of_group")
        status = expected["object_status"]
        fields = {name: expected[name] for name in names} | {
            "extensions": pairs_of(expected["extensions"]),
            "object_status": None if status is None else moqt.ObjectStatus(status),
            "payload": b"" if expected["object_payload"] is None else text_of(expected["object_payload"]),
        }
        assert seen(datagram, fields) == fields
        if is_small(expected):
            assert moqt.ObjectDatagram(**fields) == datagram
        if vector["canonical"]:
            assert datagram.encode(draft=draft) == image

    @pytest.mark.parametrize(("draft", "vector"), bad(of_drafts("datagram", kind="datagram")))
    def test_refused(self, draft: int, vector: dict[str, Any]) -> None:
        with pytest.raises(moqt.ProtocolViolation) as raised:
            moqt.decode_datagram(bytes_of(vector["hex"]), draft=draft)
        assert raised.value.code in errors_of(vector)


class TestExtensions:
    @pytest.mark.parametrize(("draft", "vector"), good(of_drafts("extensions", kind="extensions")))
    def test_decode_and_encode(self, draft: int, vector: dict[str, Any]) -> None:
        raw = bytes_of(vector["hex"])
        block = moqt.encode_varint(len(raw), draft=draft) + raw
        if not is_small(vector["extensions"]):
            with pytest.raises(moqt.EncodeError) as raised:
                moqt.ObjectExtensions.decode(block, draft=draft)
            assert raised.value.field == "extensions"
            return
        extensions, size = moqt.ObjectExtensions.decode(block + b"\xff", draft=draft)
        assert size == len(block)
        if vector["canonical"]:
            assert extensions.encode(draft=draft) == block

    @pytest.mark.parametrize(("draft", "vector"), bad(of_drafts("extensions", kind="extensions")))
    def test_refused(self, draft: int, vector: dict[str, Any]) -> None:
        raw = bytes_of(vector["hex"])
        with pytest.raises(moqt.ProtocolViolation) as raised:
            moqt.ObjectExtensions.decode(moqt.encode_varint(len(raw), draft=draft) + raw, draft=draft)
        assert raised.value.code in errors_of(vector)


@pytest.mark.parametrize(("draft", "vector"), of_drafts("varint", kind="varint"))
def test_varint(draft: int, vector: dict[str, Any]) -> None:
    image = bytes_of(vector["hex"])
    assert moqt.decode_varint(image + b"\xff", draft=draft) == (vector["value"], len(image))
    if vector["canonical"]:
        assert moqt.encode_varint(vector["value"], draft=draft) == image
        assert moqt.varint_size(vector["value"], draft=draft) == len(image)
    with pytest.raises(moqt.NeedMoreData):
        moqt.decode_varint(image[:-1], draft=draft)


@pytest.mark.parametrize(("draft", "vector"), of_drafts("loc", kind="loc", drafts=(22,)))
def test_loc(draft: int, vector: dict[str, Any]) -> None:
    raw = bytes_of(vector["hex"])
    block = moqt.encode_varint(len(raw), draft=draft) + raw
    found = moqt.parse_loc_extensions(moqt.ObjectExtensions.decode(block, draft=draft)[0])
    expected = vector["loc"]
    values: dict[str, Any] = dict.fromkeys(expected)
    if expected["capture_timestamp"] is not None:
        values["capture_timestamp"] = moqt.CaptureTimestamp(microseconds=expected["capture_timestamp"])
    if time := expected["media_time"]:
        values["media_time"] = moqt.MediaTime(time["timestamp"], time["timescale"])
    for name, kind in (("video_config", moqt.VideoConfig), ("audio_config", moqt.AudioConfig)):
        if expected[name] is not None:
            values[name] = kind(bytes_of(expected[name]))
    if marking := expected["video_frame_marking"]:
        renamed = {"independent": "is_keyframe", "discardable": "is_discardable", "tl0_pic_idx": "tl0picidx"}
        values["video_frame_marking"] = moqt.VideoFrameMarking(
            **{renamed.get(name, name): value for name, value in marking.items()}
        )
    if audio := expected["audio_level"]:
        values["audio_level"] = moqt.AudioLevel(level=audio["level"], voice_activity=audio["voice_activity"])
    assert {name: getattr(found, name) for name in values} == values
    if vector["canonical"]:
        own = moqt.create_loc_extensions(**values, version=moqt.LocVersion.LOC_04)
        assert own.encode(draft=draft) == block
