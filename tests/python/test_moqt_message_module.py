"""``moqt.message`` as a program that was written for the reference package uses it; bytes from draft-15 by hand."""

from __future__ import annotations

import pytest

import moqt
import moqt.message
from moqt.message import (
    MESSAGE_CLASSES,
    ClientSetup,
    ControlMessage,
    Fetch,
    FetchType,
    FilterType,
    Location,
    MessageType,
    Parameter,
    ParameterType,
    Subscribe,
    SubscriptionFilter,
    TrackNamespace,
    decode_control_message,
)


def test_every_name_is_the_package_s_own() -> None:
    for name in moqt.message.__all__:
        if name != "MESSAGE_CLASSES":
            assert getattr(moqt.message, name) is getattr(moqt, name)
            assert name in moqt.__all__
    assert set(MESSAGE_CLASSES) == set(MessageType)
    for kind, each in MESSAGE_CLASSES.items():
        assert each().message_type is kind


def test_location() -> None:
    # [d15 §1.4.1].
    assert Location(group=10, object=300).encode().hex() == "0a412c"
    assert Location.decode(bytes.fromhex("0a412c")) == (Location(10, 300), 3)
    assert Location.decode(bytes.fromhex("ff0a412cff"), 1) == (Location(10, 300), 3)
    for size in range(3):
        with pytest.raises(moqt.NeedMoreData):
            Location.decode(bytes.fromhex("0a412c")[:size])
    with pytest.raises(IndexError):
        Location.decode(b"", 1)


def test_track_namespace() -> None:
    # [d15 §2.4.1].
    namespace = TrackNamespace(tuple=[b"live", b"a"])
    data = bytes.fromhex("02 04 6c697665 01 61")
    assert namespace.encode() == data
    assert TrackNamespace.decode(b"\0" + data + b"\0", 1) == (namespace, len(data))
    assert TrackNamespace.decode(TrackNamespace(tuple=[]).encode()) == (TrackNamespace(), 1)
    for size in range(len(data)):
        with pytest.raises(moqt.NeedMoreData):
            TrackNamespace.decode(data[:size])
    assert TrackNamespace.decode(TrackNamespace(["x"] * 32).encode())[0] == TrackNamespace(["x"] * 32)
    for many in (TrackNamespace(["x"] * 33), TrackNamespace(["x" * 4097])):
        with pytest.raises(moqt.EncodeError) as caught:
            many.encode()
        assert caught.value.field == "track_namespace"
    for text in ("21", "01 5001"):  # 33 fields; a field of 4097 bytes, known before it is here
        with pytest.raises(moqt.ProtocolViolation, match=r"2\.4\.1"):
            TrackNamespace.decode(bytes.fromhex(text))


def test_parameter() -> None:
    # [d15 §1.4.2]: an even type is followed by a number, an odd one by length and bytes.
    path = Parameter(type=ParameterType.PATH, value=b"/moq")
    assert path.encode().hex() == "01042f6d6f71"
    assert Parameter.decode(bytes.fromhex("01042f6d6f71ff")) == (path, 6)
    limit = Parameter(type=ParameterType.MAX_REQUEST_ID, value=moqt.encode_varint(100))
    assert limit.encode().hex() == "024064"
    assert Parameter.decode(bytes.fromhex("024064")) == (limit, 3)
    # Not the shortest form of 100: the value is the number.
    assert Parameter.decode(bytes.fromhex("0280000064")) == (limit, 5)
    for text in ("", "01", "0104", "01042f6d6f", "02", "0240"):
        with pytest.raises(moqt.NeedMoreData):
            Parameter.decode(bytes.fromhex(text))
    with pytest.raises(moqt.EncodeError, match="value"):
        Parameter(2, b"\x40").encode()
    with pytest.raises(moqt.EncodeError, match="65535"):
        Parameter(1, bytes(65536)).encode()
    with pytest.raises(moqt.ProtocolViolation, match=r"1\.4\.2"):
        Parameter.decode(bytes.fromhex("01 80010000"))


FILTERS = [
    (SubscriptionFilter(filter_type=FilterType.LATEST_GROUP), "01"),
    (SubscriptionFilter(filter_type=FilterType.LATEST_OBJECT), "02"),
    (SubscriptionFilter(filter_type=FilterType.ABSOLUTE_START, start_group=3, start_object=64), "03034040"),
    (
        SubscriptionFilter(
            filter_type=FilterType.ABSOLUTE_RANGE, start_group=3, start_object=1, end_group=9, end_object=0
        ),
        "04030109",
    ),
]


@pytest.mark.parametrize(("value", "text"), FILTERS)
def test_subscription_filter(value: SubscriptionFilter, text: str) -> None:
    # [d15 §5.1.2].
    data = bytes.fromhex(text)
    assert value.encode() == data
    assert SubscriptionFilter.decode(b"\0" + data, 1) == (value, len(data))
    for size in range(len(data)):
        with pytest.raises(moqt.NeedMoreData):
            SubscriptionFilter.decode(data[:size])
    message = Subscribe(0, ["a"], b"t", [Parameter(ParameterType.SUBSCRIPTION_FILTER, value.encode())])
    decoded, _ = decode_control_message(message.encode())
    assert isinstance(decoded, Subscribe)
    assert decoded.filter == value


def test_the_two_ways_to_make_a_filter() -> None:
    value = SubscriptionFilter(FilterType.ABSOLUTE_RANGE, 3, 1, 9)
    assert value == SubscriptionFilter(FilterType.ABSOLUTE_RANGE, Location(3, 1), 9)
    assert (value.filter_type, value.start_group, value.start_object) == (FilterType.ABSOLUTE_RANGE, 3, 1)
    assert SubscriptionFilter(FilterType.LARGEST_OBJECT).start_group is None
    mistakes: list[tuple[str, dict[str, int]]] = [
        ("start_group", {}),
        ("start_object", {"start_group": 1}),
        ("end_group", {"start_group": 1, "start_object": 0}),
        ("end_object", {"start_group": 1, "start_object": 0, "end_group": 2, "end_object": 5}),
        ("start_group", {"start_group": -1, "start_object": 0, "end_group": 2}),
    ]
    for field, arguments in mistakes:
        with pytest.raises(moqt.EncodeError) as caught:
            SubscriptionFilter(filter_type=FilterType.ABSOLUTE_RANGE, **arguments)
        assert caught.value.field == field
    with pytest.raises(moqt.EncodeError, match="end_group"):
        SubscriptionFilter(FilterType.ABSOLUTE_RANGE, 3, 0, 2).encode()
    for text in ("00", "05"):
        with pytest.raises(moqt.ProtocolViolation, match=r"5\.1\.2"):
            SubscriptionFilter.decode(bytes.fromhex(text))


def test_fetch_with_start_and_end() -> None:
    # [d15 §9.16.1]: Request ID 2, Fetch Type 1, one field "a", name "t", from {3, 0} to {5, 0}, no parameters.
    data = bytes.fromhex("16 000c 02 01 01 0161 01 74 03 00 05 00 00")
    namespace = TrackNamespace(tuple=[b"a"])
    fetch = Fetch(
        request_id=2,
        track_namespace=namespace,
        track_name=b"t",
        start=Location(3, 0),
        end=Location(5, 0),
        parameters=[],
    )
    assert fetch.encode() == data
    assert Fetch(2, namespace, b"t", Location(3, 0), Location(5, 0)) == fetch
    assert Fetch(2, FetchType.STANDALONE, namespace, b"t", Location(3, 0), Location(5, 0)) == fetch
    assert (fetch.start, fetch.end) == (fetch.start_location, fetch.end_location) == (Location(3, 0), Location(5, 0))
    fetch.end = Location(6, 0)
    assert fetch.end_location == Location(6, 0)
    with pytest.raises(moqt.EncodeError, match="fetch_type"):
        Fetch(fetch_type=FetchType.RELATIVE_JOINING).start = Location(1, 0)
    with pytest.raises(TypeError):
        Fetch(start=Location(), start_location=Location())  # type: ignore[call-overload]


def test_decode_payload() -> None:
    payload = bytes.fromhex("01 01 04 2f6d6f71")
    setup = ClientSetup.decode_payload(payload)
    assert setup.path == "/moq"
    assert ClientSetup.decode_payload(b"\xff\xff" + payload, 2) == setup
    assert ClientSetup.decode_payload(payload, offset=0).encode_payload() == payload
    with pytest.raises(moqt.ProtocolViolation):
        ClientSetup.decode_payload(payload[:-1])
    with pytest.raises(IndexError):
        ClientSetup.decode_payload(payload, 8)
    with pytest.raises(NotImplementedError, match="class"):
        ControlMessage.decode_payload(payload)


def test_a_loop_that_waits_on_value_error() -> None:
    stream = Subscribe(0, ["a"], b"t").encode() + ClientSetup().encode()
    buffer = bytearray()
    found: list[ControlMessage] = []
    for byte in stream:
        buffer.append(byte)
        while len(buffer) > 0:
            try:
                message, consumed = decode_control_message(bytes(buffer))
            except ValueError:
                break
            del buffer[:consumed]
            found.append(message)
    assert found == [Subscribe(0, ["a"], b"t"), ClientSetup()]


def test_what_draft_15_does_not_have() -> None:
    with pytest.raises(TypeError, match="track_alias"):
        Subscribe(track_alias=1)  # type: ignore[call-arg]
    assert not hasattr(moqt.message, "TrackStatusCode")
    assert moqt.ErrorCode.DUPLICATE_TRACK_ALIAS == 0x5
    assert moqt.StreamType.SUBGROUP == 0x10
