"""Control messages, and the varints they are made of."""

from __future__ import annotations

from typing import Any

import pytest

import moqt

from .vector_file import bad, bytes_of, cuts, errors_of, good, images_of, load, text_of, varint

CONTROL_FILES = (
    "setup",
    "session",
    "subscribe",
    "publish",
    "fetch_messages",
    "namespaces",
    "requests",
    "parameters",
    "framing",
)


def structure(means: dict[str, Any]) -> bytes:
    """A Location, Subscription Filter or Token with minimal varints: what a parameter is kept as."""
    if location := means.get("location"):
        return varint(location["group"]) + varint(location["object"])
    if narrowed := means.get("filter"):
        start = narrowed.get("start_location")
        out = varint(narrowed["filter_type"])
        out += varint(start["group"]) + varint(start["object"]) if start else b""
        return out + (varint(narrowed["end_group"]) if "end_group" in narrowed else b"")
    token = means["token"]
    numbers = [token[key] for key in ("alias_type", "token_alias", "token_type") if key in token]
    return b"".join(map(varint, numbers)) + text_of(token.get("token_value", ""))


def parameter(value: dict[str, Any]) -> moqt.Parameter:
    if "value" in value:
        return moqt.Parameter(value["type"], value["value"])
    return moqt.Parameter(value["type"], structure(value["means"]) if "means" in value else bytes_of(value["hex"]))


CONVERSIONS = {
    "track_namespace": lambda v: moqt.TrackNamespace([text_of(field) for field in v]),
    "track_namespace_prefix": lambda v: moqt.TrackNamespace([text_of(field) for field in v]),
    "track_name": text_of,
    "reason_phrase": lambda v: text_of(v).decode(),
    "new_session_uri": lambda v: text_of(v).decode(),
    "start_location": lambda v: moqt.Location(v["group"], v["object"]),
    "end_location": lambda v: moqt.Location(v["group"], v["object"]),
    "parameters": lambda v: [parameter(item) for item in v],
    "end_of_track": bool,
    "fetch_type": lambda v: moqt.FetchType(v),
}


def fields_of(message: dict[str, Any]) -> dict[str, Any]:
    return {
        key: CONVERSIONS[key](value) if key in CONVERSIONS else value for key, value in message.items() if key != "type"
    }


def class_of(message: dict[str, Any]) -> type[moqt.ControlMessage]:
    return getattr(moqt, "".join(part.capitalize() for part in message["type"].split("_")))


CONTROL = load(*CONTROL_FILES, kind="control")


class TestControlMessages:
    @pytest.mark.parametrize("vector", good(CONTROL))
    def test_decode(self, vector: dict[str, Any]) -> None:
        expected = fields_of(vector["message"])
        for image in images_of(vector):
            for offset, data in ((0, image), (0, image + b"\xff" * 9), (3, b"\xff" * 3 + image)):
                message, consumed = moqt.decode_control_message(data, offset)
                assert consumed == len(image)
                assert type(message) is class_of(vector["message"])
                assert {name: getattr(message, name) for name in expected} == expected
                assert message == class_of(vector["message"])(**expected)

    @pytest.mark.parametrize("vector", good(CONTROL))
    def test_incomplete_at_every_truncation(self, vector: dict[str, Any]) -> None:
        for image in images_of(vector):
            view = memoryview(image)
            for cut in cuts(len(image)):
                with pytest.raises(moqt.NeedMoreData):
                    moqt.decode_control_message(view[:cut])

    @pytest.mark.parametrize("vector", good(CONTROL))
    def test_encode(self, vector: dict[str, Any]) -> None:
        image = bytes_of(vector["hex"])
        decoded, _ = moqt.decode_control_message(image)
        built = class_of(vector["message"])(**fields_of(vector["message"]))
        if vector["canonical"]:
            assert decoded.encode() == image
            assert built.encode() == image
        else:
            assert built.encode() == decoded.encode()
            assert len(built.encode()) <= len(image)

    @pytest.mark.parametrize("vector", good(CONTROL))
    def test_refused_with_another_payload_length(self, vector: dict[str, Any]) -> None:
        image = bytes_of(vector["hex"])
        start = (1 << (image[0] >> 6)) + 2
        payloads = [image[start : start + cut] for cut in cuts(len(image) - start)]
        if len(image) - start < 65535:
            payloads.append(image[start:] + b"\0")
        for payload in payloads:
            with pytest.raises(moqt.ProtocolViolation) as raised:
                moqt.decode_control_message(image[: start - 2] + len(payload).to_bytes(2) + payload)
            assert raised.value.code is moqt.ErrorCode.PROTOCOL_VIOLATION

    @pytest.mark.parametrize("vector", bad(CONTROL))
    def test_refused(self, vector: dict[str, Any]) -> None:
        image = bytes_of(vector["hex"])
        with pytest.raises(moqt.ProtocolViolation) as raised:
            moqt.decode_control_message(image)
        assert raised.value.code in errors_of(vector)
        for cut in cuts(len(image)):
            with pytest.raises((moqt.NeedMoreData, moqt.ProtocolViolation)) as early:
                moqt.decode_control_message(memoryview(image)[:cut])
            if cut >= vector.get("visible_at", len(image)):
                assert early.type is moqt.ProtocolViolation
            if early.type is moqt.ProtocolViolation:
                assert early.value.code in errors_of(vector)


@pytest.mark.parametrize("vector", load("varint", kind="varint"))
def test_varint(vector: dict[str, Any]) -> None:
    image = bytes_of(vector["hex"])
    assert moqt.decode_varint(image + b"\xff") == (vector["value"], len(image))
    assert moqt.varint_size(vector["value"]) <= len(image)
    if vector["canonical"]:
        assert moqt.encode_varint(vector["value"]) == image
    for cut in range(len(image)):
        with pytest.raises(moqt.NeedMoreData):
            moqt.decode_varint(image[:cut])
