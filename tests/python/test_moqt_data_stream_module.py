"""``moqt.data_stream`` as a program that was written for the reference package uses it; bytes from draft-15 by hand."""

from __future__ import annotations

import copy
import pickle

import pytest

import moqt
import moqt.data_stream
from moqt.data_stream import (
    DatagramType,
    FetchHeader,
    FetchObject,
    FetchSerializationFlags,
    ObjectDatagram,
    ObjectExtensions,
    ObjectStatus,
    SubgroupHeader,
    SubgroupHeaderType,
    SubgroupObject,
    decode_datagram,
    decode_fetch_header,
    decode_fetch_object,
    decode_subgroup_header,
    decode_subgroup_object,
)


def test_every_name_is_the_package_s_own() -> None:
    for name in moqt.data_stream.__all__:
        assert getattr(moqt.data_stream, name) is getattr(moqt, name)
        assert name in moqt.__all__


def test_object_does_not_exist() -> None:
    assert ObjectStatus.OBJECT_DOES_NOT_EXIST is ObjectStatus.DOES_NOT_EXIST
    assert ObjectStatus.OBJECT_DOES_NOT_EXIST == 0x1


# [d15 §10.3.1]: type, track alias 1, group 10, [object], [priority], [extensions], status or payload.
DATAGRAMS = [
    ({"datagram_type": DatagramType.OBJECT_ID_PRIORITY_PAYLOAD, "object_id": 5, "publisher_priority": 128,
      "payload": b"hi"}, "00 01 0a 05 80 6869"),
    ({"datagram_type": DatagramType.OBJECT_ID_PRIORITY_PAYLOAD, "publisher_priority": 1, "payload": b"hi"},
     "00 01 0a 00 01 6869"),
    ({"datagram_type": DatagramType.NO_OBJECT_ID_PRIORITY_PAYLOAD, "object_id": 0, "publisher_priority": 64,
      "payload": b"hi"}, "04 01 0a 40 6869"),
    ({"datagram_type": DatagramType.OBJECT_ID_EXTENSIONS_PRIORITY_PAYLOAD, "object_id": 15,
      "publisher_priority": 200, "extensions": ObjectExtensions(headers={2: b"\x40\x64"}), "payload": b"d"},
     "01 01 0a 0f c8 03 02 4064 64"),
    ({"datagram_type": DatagramType.OBJECT_ID_PRIORITY_PAYLOAD_END_OF_GROUP, "object_id": 5,
      "publisher_priority": 255, "payload": b"l"}, "02 01 0a 05 ff 6c"),
    ({"datagram_type": DatagramType.OBJECT_ID_PRIORITY_STATUS, "object_id": 25, "publisher_priority": 128,
      "object_status": ObjectStatus.OBJECT_DOES_NOT_EXIST}, "20 01 0a 19 80 01"),
    ({"datagram_type": DatagramType.OBJECT_ID_NO_PRIORITY_STATUS}, "28 01 0a 00 00"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "text"), DATAGRAMS)
def test_datagram_of_a_type(arguments: dict[str, object], text: str) -> None:
    data = bytes.fromhex(text)
    datagram = ObjectDatagram(track_alias=1, group_id=10, **arguments)  # type: ignore[arg-type]
    assert datagram.encode() == data
    assert datagram.datagram_type is arguments["datagram_type"]
    decoded, size = decode_datagram(data)
    assert (decoded, size) == (datagram, len(data))
    assert decoded.datagram_type is arguments["datagram_type"]
    assert decoded.encode() == data
    for again in (copy.copy(decoded), copy.deepcopy(datagram), pickle.loads(pickle.dumps(datagram))):
        assert (again, again.encode()) == (datagram, data)


@pytest.mark.parametrize("number", [*range(16), 0x20, 0x21, 0x24, 0x25, 0x28, 0x29])
def test_every_datagram_type_is_written_as_chosen(number: int) -> None:
    kind = DatagramType(number)
    datagram = ObjectDatagram(
        datagram_type=kind,
        track_alias=1,
        group_id=10,
        publisher_priority=7 if kind.has_priority() else None,
        extensions={2: 1} if kind.has_extensions() else None,
        payload=b"" if kind.has_status() else b"x",
    )
    data = datagram.encode()
    assert data[0] == number
    assert decode_datagram(data)[0] == datagram
    assert datagram.end_of_group is kind.is_end_of_group()


def test_a_datagram_type_must_not_contradict() -> None:
    mistakes: list[tuple[int, dict[str, object]]] = [
        (0x00, {}),  # a priority that nobody gave
        (0x08, {"publisher_priority": 1}),
        (0x0C, {"object_id": 1}),
        (0x09, {}),  # extensions that are missing
        (0x08, {"extensions": {2: 1}}),
        (0x08, {"object_status": ObjectStatus.END_OF_GROUP}),
        (0x08, {"end_of_group": True}),
        (0x2C, {}),  # two readings: never sent
    ]
    for number, arguments in mistakes:
        with pytest.raises(moqt.EncodeError) as caught:
            ObjectDatagram(datagram_type=DatagramType(number), **arguments)  # type: ignore[arg-type]
        assert caught.value.field == "datagram_type"


def test_a_status_with_an_end_of_group_has_no_type() -> None:
    datagram = ObjectDatagram(1, 10, object_status=ObjectStatus.END_OF_GROUP, end_of_group=True)
    for ask in (lambda: datagram.datagram_type, datagram.encode):
        with pytest.raises(moqt.EncodeError) as caught:
            ask()
        assert caught.value.field == "end_of_group"
    decoded, _ = decode_datagram(bytes.fromhex("20 01 0a 00 80 03"))
    decoded.end_of_group = True
    for again in (copy.copy(decoded), pickle.loads(pickle.dumps(decoded))):
        assert again == decoded
        again.end_of_group = False
        assert again.datagram_type.has_status()


# [d15 §10.4.2]: type, track alias 1, group 10, [subgroup], priority 7.
@pytest.mark.parametrize("argument", [{}, {"subgroup_id": None}], ids=["left out", "None"])
@pytest.mark.parametrize("number", [n for n in range(0x10, 0x3E) if n & 0x10 and n & 0x06 != 0x06])
def test_a_header_type_says_where_the_subgroup_id_is(number: int, argument: dict[str, None]) -> None:
    kind = SubgroupHeaderType(number)
    priority = 7 if kind.has_priority() else None
    if kind.has_subgroup_id() and argument:
        with pytest.raises(moqt.EncodeError, match="header_type"):
            SubgroupHeader(1, 10, header_type=kind, publisher_priority=priority, **argument)
        return
    header = SubgroupHeader(1, 10, header_type=kind, publisher_priority=priority, **argument)
    assert header.header_type is kind
    assert header.subgroup_id == (None if kind.subgroup_id_mode() == "first_object" else 0)
    expected = bytes([number, 1, 10, *([0] if kind.has_subgroup_id() else []), *([7] if kind.has_priority() else [])])
    assert header.encode() == expected
    for again in (copy.copy(header), pickle.loads(pickle.dumps(header)), decode_subgroup_header(expected)[0]):
        assert (again, again.encode()) == (header, expected)


def test_a_subgroup_id_without_a_type() -> None:
    assert SubgroupHeader().subgroup_id == 0
    assert SubgroupHeader(subgroup_id=None).subgroup_id is None
    assert SubgroupHeader(subgroup_id=3).subgroup_id == 3
    with pytest.raises(moqt.EncodeError, match="header_type"):
        SubgroupHeader(subgroup_id=0, header_type=SubgroupHeaderType(0x32))
    with pytest.raises(moqt.EncodeError, match="subgroup_id"):
        SubgroupHeader(subgroup_id=-1)
    with pytest.raises(TypeError):
        SubgroupHeader(subgroup_id="first")  # type: ignore[arg-type]


def test_what_the_flags_leave_out_may_be_none() -> None:
    obj = FetchObject(
        serialization_flags=0x00, group_id=None, subgroup_id=None, object_id=None, publisher_priority=None, payload=b"x"
    )
    assert (obj.group_id, obj.subgroup_id, obj.object_id, obj.publisher_priority) == (0, 0, 0, 128)
    assert obj.encode().hex() == "000178"
    assert ObjectDatagram(1, 10, object_id=None, payload=b"x") == ObjectDatagram(1, 10, 0, payload=b"x")


def test_subgroup_object_by_its_delta() -> None:
    # [d15 §10.4.2]: delta, [extensions], length, payload or status.
    obj = SubgroupObject(object_id_delta=5, payload_length=4, payload=b"test")
    assert obj.encode(extensions_present=False).hex() == "050474657374"
    decoded, size = decode_subgroup_object(bytes.fromhex("050474657374"), extensions_present=False)
    assert (decoded, size, decoded.object_id_delta, decoded.payload_length) == (obj, 6, 5, 4)
    status = SubgroupObject(object_id_delta=2, payload_length=0, object_status=ObjectStatus.END_OF_GROUP)
    assert status.encode(extensions_present=False).hex() == "020003"
    with_extensions = SubgroupObject(object_id_delta=1, extensions={4: b"\x20"}, payload_length=1, payload=b"a")
    assert with_extensions.encode(extensions_present=True).hex() == "010204200161"
    assert SubgroupObject(object_status=None).object_status is ObjectStatus.NORMAL


def test_the_delta_is_the_wire_s() -> None:
    # The object behind number 7: a delta of 2 is number 10.
    data = bytes.fromhex("02 01 61")
    decoded, _ = decode_subgroup_object(data, False, previous_object_id=7)
    assert (decoded.object_id, decoded.object_id_delta) == (10, 2)
    assert decoded.encode(False, 7) == data
    decoded.object_id = 11
    assert decoded.object_id_delta == 11
    decoded.object_id_delta = 3
    assert decoded.object_id == 3


def test_fetch_header() -> None:
    assert FetchHeader.STREAM_TYPE == 0x05
    assert FetchHeader(request_id=42).encode().hex() == "052a"
    assert decode_fetch_header(bytes.fromhex("052a")) == (FetchHeader(42), 2)


# [d15 §10.4.4]: flags, [group], [subgroup], [object], [priority], [extensions], length, payload or status.
FETCH_OBJECTS = [
    ({"serialization_flags": 0x1F, "group_id": 10, "subgroup_id": 5, "object_id": 3, "publisher_priority": 128,
      "payload_length": 4, "payload": b"data"}, "1f 0a 05 03 80 04 64617461"),
    ({"serialization_flags": 0x3F, "group_id": 20, "subgroup_id": 10, "object_id": 7, "publisher_priority": 64,
      "extensions": ObjectExtensions(headers={6: b"\x20"}), "payload_length": 1, "payload": b"h"},
     "3f 14 0a 07 40 02 06 20 01 68"),
    ({"serialization_flags": 0x01, "group_id": 100, "subgroup_id": 50, "object_id": 11, "publisher_priority": 200,
      "payload": b"def"}, "01 03 646566"),
    ({"serialization_flags": FetchSerializationFlags.OBJECT_ID_PRESENT, "group_id": 9, "object_id": 4,
      "payload": b"x"}, "04 04 01 78"),
    ({"serialization_flags": 0x1C, "object_status": ObjectStatus.END_OF_GROUP}, "1c 00 00 80 00 03"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "text"), FETCH_OBJECTS)
def test_fetch_object_of_flags(arguments: dict[str, object], text: str) -> None:
    data = bytes.fromhex(text)
    obj = FetchObject(**arguments)  # type: ignore[arg-type]
    assert obj.encode() == data
    assert obj.serialization_flags == arguments["serialization_flags"]
    for again in (copy.copy(obj), copy.deepcopy(obj), pickle.loads(pickle.dumps(obj))):
        assert (again, again.encode()) == (obj, data)
    decoded, size = decode_fetch_object(
        data,
        first_object=data[0] & 0x1C == 0x1C,
        prior_group_id=obj.group_id,
        prior_subgroup_id=obj.subgroup_id,
        prior_object_id=obj.object_id - 1 if obj.object_id else 0,
        prior_priority=obj.publisher_priority,
    )
    assert (decoded, size, decoded.serialization_flags) == (obj, len(data), data[0])


def test_a_first_object_refers_to_none() -> None:
    data = bytes.fromhex("01 03 646566")
    with pytest.raises(moqt.ProtocolViolation, match="first object"):
        decode_fetch_object(data, first_object=True, prior_object_id=5)
    decoded, size = decode_fetch_object(b"\xff" + data, False, 1, 100, 50, 10, 200)
    assert (decoded.group_id, decoded.subgroup_id, decoded.object_id, decoded.publisher_priority) == (100, 50, 11, 200)
    assert size == len(data)
    prior = FetchObject(100, 50, 10, 200, payload=b"x")
    assert decode_fetch_object(data, 0, prior) == (decoded, size)
    with pytest.raises(moqt.EncodeError, match="prior_priority"):
        decode_fetch_object(data, False, prior_priority=256)
    for cut in range(len(data)):
        with pytest.raises(moqt.NeedMoreData):
            decode_fetch_object(data[:cut], first_object=False)


def test_flags_must_not_contradict() -> None:
    for arguments in (
        {"serialization_flags": 0x40},
        {"serialization_flags": 0x1C, "subgroup_id": 1},
        {"serialization_flags": 0x1C, "extensions": {2: 1}},
        {"serialization_flags": -1},
    ):
        with pytest.raises(moqt.EncodeError) as caught:
            FetchObject(**arguments)  # type: ignore[arg-type]
        assert caught.value.field == "serialization_flags"
    prior = FetchObject(group_id=1, subgroup_id=2, object_id=3, publisher_priority=4, payload=b"x")
    for flags, place in (
        (0x17, (9, 2, 4, 4)),  # another group, left out
        (0x1B, (1, 2, 9, 4)),  # another object
        (0x1D, (1, 9, 4, 4)),  # another subgroup
        (0x1E, (1, 2, 4, 4)),  # not one more
        (0x0F, (1, 2, 4, 9)),  # another priority
    ):
        obj = FetchObject(*place, payload=b"y", serialization_flags=flags)
        with pytest.raises(moqt.EncodeError, match="serialization_flags"):
            obj.encode(prior)
    behind = FetchObject(1, 3, 4, 4, payload=b"y", serialization_flags=0x02)
    assert behind.encode(prior).hex() == "020179"
    behind.serialization_flags = None
    assert behind.encode(prior).hex() == "020179"
    assert behind.encode().hex() == "1f010304040179"


@pytest.mark.parametrize("kind", [SubgroupObject, FetchObject])
def test_a_payload_length_that_is_none(kind: type[SubgroupObject | FetchObject]) -> None:
    for length in (0, 4, 2**62):
        with pytest.raises(moqt.EncodeError) as caught:
            kind(payload_length=length, payload=b"abc")
        assert caught.value.field == "payload_length"
    with pytest.raises(moqt.EncodeError, match="object_id_delta"):
        SubgroupObject(object_id=1, object_id_delta=2)
