"""Objects on streams and in datagrams, and their extension headers."""

from __future__ import annotations

from typing import Any

import pytest

import moqt

from .vector_file import (
    bad,
    bytes_of,
    cuts,
    errors_of,
    good,
    images_of,
    load,
    object_fields,
    pairs_of,
    seen,
    text_of,
    varint,
)


class Subgroup:
    """How the objects of a subgroup stream are read and written; Fetch is the same for a fetch stream."""

    def __init__(self, data: bytes) -> None:
        self.header, self.position = moqt.decode_subgroup_header(data)

    def decode(self, data: bytes, previous: Any) -> tuple[Any, int]:
        before = previous and previous.object_id
        return moqt.decode_subgroup_object(data, self.header.extensions_present, self.position, before)

    def encode(self, item: Any, previous: Any) -> bytes:
        return item.encode(self.header.extensions_present, previous and previous.object_id)

    @staticmethod
    def header_fields(vector: dict[str, Any]) -> dict[str, Any]:
        names = ("track_alias", "group_id", "publisher_priority", "extensions_present", "contains_end_of_group")
        fields = {name: vector["header"][name] for name in names}
        modes = {"zero": 0, "first_object": None, "explicit": vector["header"]["subgroup_id"]}
        fields["subgroup_id"] = modes[vector["header"]["subgroup_id_mode"]]
        fields["header_type"] = moqt.SubgroupHeaderType(vector["header"]["type"])
        return fields

    @staticmethod
    def object_fields(expected: dict[str, Any]) -> dict[str, Any]:
        return object_fields(expected, "object_id")


class Fetch:
    def __init__(self, data: bytes) -> None:
        self.header, self.position = moqt.decode_fetch_header(data)

    def decode(self, data: bytes, previous: Any) -> tuple[Any, int]:
        return moqt.decode_fetch_object(data, self.position, previous)

    def encode(self, item: Any, previous: Any) -> bytes:
        return item.encode(previous)

    @staticmethod
    def header_fields(vector: dict[str, Any]) -> dict[str, Any]:
        return {"request_id": vector["header"]["request_id"]}

    @staticmethod
    def object_fields(expected: dict[str, Any]) -> dict[str, Any]:
        return object_fields(expected, "group_id", "subgroup_id", "object_id", "publisher_priority")


KINDS: dict[str, Any] = {"subgroup": Subgroup, "fetch": Fetch}
STREAMS = [pytest.param(kind, *param.values, id=param.id) for kind in KINDS for param in load(kind, kind=kind)]
GOOD_STREAMS = [param for param in STREAMS if "error" not in param.values[1]]
BAD_STREAMS = [param for param in STREAMS if "error" in param.values[1]]


def read_stream(kind: str, data: bytes) -> tuple[Any, list[Any]]:
    """The stream and all of its objects; raises what the decoder raises where the bytes end or break a rule."""
    stream = KINDS[kind](data)
    items: list[Any] = []
    while stream.position < len(data):
        item, size = stream.decode(data, items[-1] if items else None)
        items.append(item)
        stream.position += size
    return stream, items


def refusal(kind: str, data: bytes) -> moqt.ErrorCode | int | None:
    """What the stream is refused with; None when it may go on."""
    try:
        read_stream(kind, data)
    except moqt.NeedMoreData:
        return None
    except moqt.ProtocolViolation as violation:
        return violation.code
    return None


class TestStreams:
    @pytest.mark.parametrize(("kind", "vector"), GOOD_STREAMS)
    def test_decode(self, kind: str, vector: dict[str, Any]) -> None:
        header = KINDS[kind].header_fields(vector)
        objects = [KINDS[kind].object_fields(expected) for expected in vector["objects"]]
        for image in images_of(vector):
            stream, items = read_stream(kind, image)
            assert seen(stream.header, header) == header
            assert [seen(item, fields) for item, fields in zip(items, objects, strict=True)] == objects
            if kind == "fetch":
                flags = [expected["serialization_flags"] for expected in vector["objects"]]
                assert [int(item.serialization_flags) for item in items] == flags

    @pytest.mark.parametrize(("kind", "vector"), GOOD_STREAMS)
    def test_incomplete_at_every_truncation(self, kind: str, vector: dict[str, Any]) -> None:
        image = bytes_of(vector["hex"])
        for cut in cuts(len(image)):
            if cut in vector["ends"]:
                assert len(read_stream(kind, image[:cut])[1]) == vector["ends"].index(cut)
            else:
                with pytest.raises(moqt.NeedMoreData):
                    read_stream(kind, image[:cut])

    @pytest.mark.parametrize(("kind", "vector"), GOOD_STREAMS)
    def test_encode(self, kind: str, vector: dict[str, Any]) -> None:
        image = bytes_of(vector["hex"])
        stream, items = read_stream(kind, image)
        out = type(stream.header)(**KINDS[kind].header_fields(vector)).encode()
        assert out == stream.header.encode()
        previous = None
        for item, expected in zip(items, vector["objects"], strict=True):
            own = type(item)(**KINDS[kind].object_fields(expected))
            assert own == item
            out += stream.encode(own, previous)
            previous = own
        if vector["canonical"]:
            assert out == image
        else:
            assert read_stream(kind, out)[1] == items

    @pytest.mark.parametrize(("kind", "vector"), BAD_STREAMS)
    def test_refused(self, kind: str, vector: dict[str, Any]) -> None:
        image = bytes_of(vector["hex"])
        if vector.get("fin"):
            with pytest.raises(moqt.NeedMoreData):
                read_stream(kind, image)
            return
        visible_at = vector.get("visible_at", len(image))
        for cut in [*cuts(len(image)), len(image)]:
            allowed = errors_of(vector) if cut >= visible_at else {*errors_of(vector), None}
            assert refusal(kind, image[:cut]) in allowed, f"cut to {cut} bytes"


@pytest.mark.parametrize("vector", load("stream_type", kind="stream_type"))
def test_stream_type(vector: dict[str, Any]) -> None:
    image = bytes_of(vector["hex"])
    kinds = {"SUBGROUP_HEADER": moqt.decode_subgroup_header, "FETCH_HEADER": moqt.decode_fetch_header}
    for name, decode in kinds.items():
        if vector.get("stream") == name:
            with pytest.raises(moqt.NeedMoreData):
                decode(image)
            continue
        with pytest.raises(moqt.ProtocolViolation) as raised:
            decode(image[: vector.get("visible_at", len(image))])
        assert raised.value.code is moqt.ErrorCode.PROTOCOL_VIOLATION


DATAGRAMS = load("datagram", kind="datagram")


def datagram_fields(vector: dict[str, Any]) -> dict[str, Any]:
    names = ("track_alias", "group_id", "object_id", "publisher_priority", "end_of_group")
    expected = vector["datagram"]
    status = expected["object_status"]
    return {name: expected[name] for name in names} | {
        "extensions": pairs_of(expected["extensions"]),
        "object_status": None if status is None else moqt.ObjectStatus(status),
        "payload": b"" if expected["object_payload"] is None else text_of(expected["object_payload"]),
    }


class TestDatagrams:
    @pytest.mark.parametrize("vector", good(DATAGRAMS))
    def test_decode_and_encode(self, vector: dict[str, Any]) -> None:
        fields = datagram_fields(vector)
        for image in images_of(vector):
            datagram, size = moqt.decode_datagram(image)
            assert size == len(image)
            assert seen(datagram, fields) == fields
            assert datagram == moqt.ObjectDatagram(**fields)
        encoded = moqt.ObjectDatagram(**fields).encode()
        if vector["canonical"]:
            assert encoded == bytes_of(vector["hex"])
            assert datagram.datagram_type == moqt.DatagramType(vector["datagram"]["type"])
        else:
            assert moqt.decode_datagram(encoded)[0] == datagram

    @pytest.mark.parametrize("vector", good(DATAGRAMS))
    def test_malformed_when_the_header_is_cut(self, vector: dict[str, Any]) -> None:
        image = bytes_of(vector["hex"])
        for cut in range(vector["header_end"]):
            with pytest.raises(moqt.ProtocolViolation) as raised:
                moqt.decode_datagram(image[:cut])
            assert raised.value.code is moqt.ErrorCode.PROTOCOL_VIOLATION

    @pytest.mark.parametrize("vector", bad(DATAGRAMS))
    def test_refused(self, vector: dict[str, Any]) -> None:
        with pytest.raises(moqt.ProtocolViolation) as raised:
            moqt.decode_datagram(bytes_of(vector["hex"]))
        assert raised.value.code in errors_of(vector)


EXTENSIONS = load("extensions", kind="extensions")


class TestExtensions:
    @pytest.mark.parametrize("vector", good(EXTENSIONS))
    def test_decode_and_encode(self, vector: dict[str, Any]) -> None:
        raw = bytes_of(vector["hex"])
        block = varint(len(raw)) + raw
        extensions, size = moqt.ObjectExtensions.decode(block + b"\xff")
        assert size == len(block)
        assert extensions.items() == pairs_of(vector["extensions"])
        assert extensions.raw == raw
        assert extensions.encode() == block
        if vector["canonical"]:
            assert moqt.ObjectExtensions(pairs_of(vector["extensions"])) == extensions

    @pytest.mark.parametrize("vector", bad(EXTENSIONS))
    def test_refused(self, vector: dict[str, Any]) -> None:
        raw = bytes_of(vector["hex"])
        with pytest.raises(moqt.ProtocolViolation) as raised:
            moqt.ObjectExtensions.decode(varint(len(raw)) + raw)
        assert raised.value.code in errors_of(vector)


@pytest.mark.parametrize("vector", load("loc", kind="loc"))
def test_loc(vector: dict[str, Any]) -> None:
    expected = vector["loc"]
    raw = bytes_of(vector["hex"])
    found = moqt.parse_loc_extensions(moqt.ObjectExtensions.decode(varint(len(raw)) + raw)[0])
    values: dict[str, Any] = dict.fromkeys(expected)
    if expected["capture_timestamp"] is not None:
        values["capture_timestamp"] = moqt.CaptureTimestamp(microseconds=expected["capture_timestamp"])
    if expected["video_config"] is not None:
        values["video_config"] = moqt.VideoConfig(bytes_of(expected["video_config"]))
    if marking := expected["video_frame_marking"]:
        renamed = {"independent": "is_keyframe", "discardable": "is_discardable", "tl0_pic_idx": "tl0picidx"}
        fields = {renamed.get(name, name): value for name, value in marking.items()}
        values["video_frame_marking"] = moqt.VideoFrameMarking(**fields)
        assert {name: getattr(found.video_frame_marking, name) for name in fields} == fields
    if audio := expected["audio_level"]:
        values["audio_level"] = moqt.AudioLevel(level=audio["level"], voice_activity=audio["voice_activity"])
    assert {name: getattr(found, name) for name in values} == values
    if vector["canonical"] and any(value is not None for value in values.values()):
        assert moqt.ObjectExtensions(moqt.create_loc_extensions(**values)).raw == raw
