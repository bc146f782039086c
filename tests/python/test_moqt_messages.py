"""Control messages: bytes worked out by hand from draft-15, fields, parameters and properties."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable

import pytest

import moqt
from moqt import (
    AuthorizationToken,
    FilterType,
    GroupOrder,
    Location,
    MessageParameterType,
    MessageType,
    Parameter,
    ParameterType,
    PublishDoneCode,
    RequestErrorCode,
    SetupParameterType,
    SubscriptionFilter,
    TokenAliasType,
    TrackNamespace,
)


def client_setup() -> moqt.ClientSetup:
    message = moqt.ClientSetup()
    message.set_path("/moq")
    message.set_max_request_id(100)
    message.set_authority("localhost:4443")
    return message


def subscribe_range() -> moqt.Subscribe:
    message = moqt.Subscribe(0, ["a"], "t")
    message.forward = True
    message.subscriber_priority = 128
    message.filter = SubscriptionFilter.absolute_range(Location(10, 0), 70)
    return message


def publish() -> moqt.Publish:
    message = moqt.Publish(request_id=1, track_namespace=["a"], track_name=b"t", track_alias=7)
    message.largest_object = Location(5, 7)
    message.group_order = GroupOrder.DESCENDING
    return message


def with_token() -> moqt.SubscribeNamespace:
    message = moqt.SubscribeNamespace(2, ["a"])
    message.add_authorization_token(AuthorizationToken(value=b"abc"))
    return message


# Message, its bytes as the grammar of the draft gives them, and what they are.
CASES: list[tuple[Callable[[], moqt.ControlMessage], str]] = [
    (client_setup, "20 001a 03 01 04 2f6d6f71 02 4064 05 0e 6c6f63616c686f73743a34343433"),
    (lambda: moqt.ServerSetup([Parameter(2, 100)]), "21 0004 01 02 4064"),
    (lambda: moqt.Goaway(), "10 0001 00"),
    (lambda: moqt.Goaway("moqt://b"), "10 0009 08 6d6f71743a2f2f62"),
    (lambda: moqt.MaxRequestId(request_id=100), "15 0002 4064"),
    (lambda: moqt.RequestsBlocked(maximum_request_id=6), "1a 0001 06"),
    (lambda: moqt.RequestOk(0), "07 0002 00 00"),
    (
        lambda: moqt.RequestError(0, RequestErrorCode.DOES_NOT_EXIST, "not found"),
        "05 000c 00 10 09 6e6f7420666f756e64",
    ),
    (
        lambda: moqt.Subscribe(0, ["moq-test", "interop"], "test-track", [Parameter(0x21, b"\x02")]),
        "03 0022 00 02 08 6d6f712d74657374 07 696e7465726f70 0a 746573742d747261636b 01 21 01 02",
    ),
    (subscribe_range, "03 0013 00 01 0161 01 74 03 10 01 20 4080 21 05 04 0a 00 4046"),
    (
        lambda: moqt.SubscribeOk(0, 2, [Parameter(MessageParameterType.LARGEST_OBJECT, b"\x05\x07")]),
        "04 0007 00 02 01 09 02 05 07",
    ),
    (lambda: moqt.SubscribeUpdate(4, 2, [Parameter(0x10, 0)]), "02 0005 04 02 01 10 00"),
    (lambda: moqt.Unsubscribe(2), "0a 0001 02"),
    (publish, "1d 000e 01 01 0161 01 74 07 02 09 02 05 07 22 02"),
    (lambda: moqt.PublishOk(1), "1e 0002 01 00"),
    (
        lambda: moqt.PublishDone(0, PublishDoneCode.TRACK_ENDED, 2**62 - 1),
        "0b 000b 00 02 ffffffffffffffff 00",
    ),
    (
        lambda: moqt.Fetch(
            2, track_namespace=["a"], track_name="t", start_location=Location(3, 0), end_location=Location(5, 0)
        ),
        "16 000c 02 01 01 0161 01 74 03 00 05 00 00",
    ),
    (
        lambda: moqt.Fetch(2, moqt.FetchType.RELATIVE_JOINING, joining_request_id=0, joining_start=1),
        "16 0005 02 02 00 01 00",
    ),
    (
        lambda: moqt.Fetch(2, moqt.FetchType.ABSOLUTE_JOINING, joining_request_id=4, joining_start=9),
        "16 0005 02 03 04 09 00",
    ),
    (lambda: moqt.FetchOk(2, False, Location(5, 8)), "18 0005 02 00 05 08 00"),
    (lambda: moqt.FetchCancel(2), "17 0001 02"),
    (lambda: moqt.TrackStatus(6, ["a"], b"t"), "0d 0007 06 01 0161 01 74 00"),
    (
        lambda: moqt.PublishNamespace(0, ["moq-test", "interop"]),
        "06 0014 00 02 08 6d6f712d74657374 07 696e7465726f70 00",
    ),
    (lambda: moqt.PublishNamespaceDone(["a"]), "09 0003 01 0161"),
    (lambda: moqt.PublishNamespaceCancel(["a"], 1, "no"), "0c 0007 01 0161 01 02 6e6f"),
    (with_token, "11 000c 02 01 0161 01 03 05 03 00 616263"),
    (lambda: moqt.UnsubscribeNamespace(2), "14 0001 02"),
]
IDS = [type(make()).__name__ + str(index) for index, (make, _) in enumerate(CASES)]
every_case = pytest.mark.parametrize(("make", "text"), CASES, ids=IDS)


@every_case
def test_encodes_to_the_bytes_of_the_draft(make: Callable[[], moqt.ControlMessage], text: str) -> None:
    assert make().encode().hex() == text.replace(" ", "")


@every_case
def test_decodes_from_the_bytes_of_the_draft(make: Callable[[], moqt.ControlMessage], text: str) -> None:
    data = bytes.fromhex(text)
    message, consumed = moqt.decode_control_message(data)
    assert consumed == len(data)
    assert type(message) is type(make())
    assert message == make()
    assert isinstance(message, moqt.ControlMessage)
    assert message.MESSAGE_TYPE == message.message_type == data[0]


@every_case
def test_class_decode_and_payload(make: Callable[[], moqt.ControlMessage], text: str) -> None:
    message = make()
    data = b"\xff" + bytes.fromhex(text) + b"rest"
    assert type(message).decode(data, 1) == (message, len(data) - 5)
    payload = message.encode_payload()
    assert payload == message.encode()[3:]
    assert type(message).decode_payload(payload) == message


@every_case
def test_every_truncation_needs_more_data(make: Callable[[], moqt.ControlMessage], text: str) -> None:
    data = bytes.fromhex(text)
    for size in range(len(data)):
        with pytest.raises(moqt.NeedMoreData):
            moqt.decode_control_message(data[:size])


@every_case
def test_copy_pickle_repr_and_equality(make: Callable[[], moqt.ControlMessage], text: str) -> None:
    message = make()
    for other in (copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert other is not message
        assert other == message
        assert other.encode() == message.encode()
    assert message != object()
    assert message != moqt.Goaway("another")
    assert repr(message).startswith(type(message).__name__ + "(")
    with pytest.raises(TypeError):
        hash(message)


def test_every_message_type_has_a_class() -> None:
    classes = {type(make()) for make, _ in CASES}
    later = {"NAMESPACE", "NAMESPACE_DONE", "PUBLISH_SKIPPED", "PUBLISH_STATE_NOTIFY", "SETUP", "SUBSCRIBE_TRACKS"}
    assert {cls.MESSAGE_TYPE.name for cls in classes} == {each.name for each in MessageType} - later
    assert len(MessageType) == 23 + len(later)


def test_parameters_is_a_list_of_the_message() -> None:
    message = moqt.Subscribe(0, ["a"], "t")
    assert message.parameters == []
    message.parameters.append(Parameter(MessageParameterType.FORWARD, 0))
    assert message.forward is False
    assert message.encode().endswith(b"\x01\x10\x00")
    message.parameters[0] = Parameter(MessageParameterType.FORWARD, 1)
    assert message.forward is True
    message.parameters.clear()
    assert message.forward is None
    message.parameters = (Parameter(3, b"\x03\x00x") for _ in range(1))
    assert [token.value for token in message.authorization_tokens] == [b"x"]
    source: list[Parameter] = []
    assert moqt.RequestOk(parameters=source).parameters is not source


def test_a_wrong_item_among_the_parameters_is_named() -> None:
    message = moqt.RequestOk()
    message.parameters.append("forward")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Parameter"):
        message.encode()
    with pytest.raises(TypeError, match="Parameter"):
        moqt.RequestOk(parameters=[1])  # type: ignore[list-item]


def test_typed_properties_write_and_remove_parameters() -> None:
    message = moqt.PublishOk(1)
    message.delivery_timeout = 500
    message.expires = 1000
    message.subscriber_priority = 7
    message.filter = SubscriptionFilter.next_group_start()
    message.group_order = GroupOrder.ASCENDING
    message.new_group_request = 0
    assert [parameter.type for parameter in message.parameters] == [2, 8, 0x20, 0x21, 0x22, 0x32]
    message.expires = 2000
    assert [parameter.int_value for parameter in message.parameters] == [500, 2000, 7, None, 1, 0]
    assert message.get_parameter(ParameterType.EXPIRES) == Parameter(8, 2000)
    message.expires = None
    message.filter = None
    assert message.expires is None
    assert [parameter.type for parameter in message.parameters] == [2, 0x20, 0x22, 0x32]
    decoded, _ = moqt.PublishOk.decode(message.encode())
    assert (decoded.delivery_timeout, decoded.subscriber_priority, decoded.group_order) == (
        500,
        7,
        GroupOrder.ASCENDING,
    )
    with pytest.raises(moqt.EncodeError, match="subscriber_priority"):
        message.subscriber_priority = 256


def test_setup_parameters() -> None:
    message = client_setup()
    assert (message.path, message.authority, message.max_request_id) == ("/moq", "localhost:4443", 100)
    assert message.implementation is None
    assert message.max_auth_token_cache_size == 0
    message.set_implementation("msquic-py")
    message.set_max_auth_token_cache_size(4096)
    message.path = None
    decoded, _ = moqt.ClientSetup.decode(message.encode())
    assert (decoded.path, decoded.implementation, decoded.max_auth_token_cache_size) == (None, "msquic-py", 4096)
    path = client_setup().get_parameter(ParameterType.PATH)
    assert path is not None
    assert path.value == b"/moq"
    assert message.get_parameter(ParameterType.PATH) is None
    message.set_parameter(SetupParameterType.PATH, "/again")
    assert message.path == "/again"


def test_one_number_means_two_things() -> None:
    assert ParameterType.MAX_REQUEST_ID == ParameterType.DELIVERY_TIMEOUT == 2
    assert ParameterType.MAX_REQUEST_ID is SetupParameterType.MAX_REQUEST_ID
    assert ParameterType.DELIVERY_TIMEOUT is MessageParameterType.DELIVERY_TIMEOUT
    for space in (SetupParameterType, MessageParameterType):
        assert all(getattr(ParameterType, member.name) == member for member in space)


def test_unknown_parameters_survive() -> None:
    data = bytes.fromhex("07 000b 00 03 7f01 00 7f03 01 ff 10 01")
    message, _ = moqt.RequestOk.decode(data)
    assert message.parameters == [Parameter(0x3F01, b""), Parameter(0x3F03, b"\xff"), Parameter(0x10, 1)]
    assert message.encode() == data


def test_parameter_accepts_numbers_and_bytes() -> None:
    assert Parameter(2, 100) == Parameter(2, b"\x40\x64")
    assert Parameter(2, 100).value == b"\x40\x64"
    assert Parameter(2, 100).int_value == 100
    assert Parameter(1, "/x").value == b"/x"
    assert Parameter(1, "/x").int_value is None
    assert len({Parameter(1, b"a"), Parameter(1, "a"), Parameter(3, b"a")}) == 2
    with pytest.raises(moqt.EncodeError):
        Parameter(1, 5)
    with pytest.raises(moqt.EncodeError, match="parameters"):
        moqt.RequestOk(parameters=[Parameter(2, b"\x40")]).encode()


def test_tokens() -> None:
    message = moqt.Subscribe(0, ["a"], "t")
    register = AuthorizationToken(TokenAliasType.REGISTER, alias=4, token_type=1, value=b"secret")
    message.add_authorization_token(register)
    message.add_authorization_token(AuthorizationToken(TokenAliasType.USE_ALIAS, alias=9))
    assert message.parameters[0].value == bytes.fromhex("01 04 01") + b"secret"
    assert message.parameters[1].value == bytes.fromhex("02 09")
    decoded, _ = moqt.Subscribe.decode(message.encode())
    assert decoded.authorization_tokens[0] == register
    assert "secret" not in repr(register)


def test_codes_without_a_name_stay_numbers() -> None:
    message, _ = moqt.RequestError.decode(bytes.fromhex("05 0004 00 407b 00"))
    assert message.error_code == 0x7B
    assert type(message.error_code) is int
    assert isinstance(moqt.RequestError(error_code=3).error_code, RequestErrorCode)


def test_reason_phrase_that_is_not_utf8_is_kept() -> None:
    data = bytes.fromhex("05 0005 00 00 02 ff41")
    message, _ = moqt.RequestError.decode(data)
    assert message.reason_phrase == "\N{REPLACEMENT CHARACTER}A"
    assert message.encode() == data


def test_fetch_fields_belong_to_its_type() -> None:
    message = moqt.Fetch(0, track_namespace=["a"], track_name="t")
    with pytest.raises(moqt.EncodeError, match="joining_start"):
        message.joining_start = 1
    message.fetch_type = moqt.FetchType.ABSOLUTE_JOINING
    message.joining_start = 1
    with pytest.raises(moqt.EncodeError, match="track_name"):
        message.track_name = b"x"
    message.fetch_type = moqt.FetchType.RELATIVE_JOINING
    assert message.joining_start == 1


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_decodes(kind: Callable[[bytes], bytes | bytearray | memoryview]) -> None:
    message, consumed = moqt.decode_control_message(kind(bytes.fromhex("15 0002 4064")))
    assert (message, consumed) == (moqt.MaxRequestId(100), 5)


def test_values() -> None:
    assert Location(1, 9) < Location(2, 0) <= Location(2, 0)
    assert sorted([Location(1, 1), Location(0, 5), Location(1, 0)])[0] == Location(group=0, object=5)
    assert hash(Location(1, 2)) == hash(Location(1, 2))
    namespace = TrackNamespace(tuple=[b"live", "stream"])
    assert namespace.tuple == [b"live", b"stream"]
    assert namespace.fields == (b"live", b"stream")
    assert list(namespace) == [b"live", b"stream"]
    assert len({namespace, TrackNamespace(["live", "stream"]), TrackNamespace(["livestream"])}) == 2
    assert TrackNamespace(["live"]).is_prefix_of(namespace)
    assert pickle.loads(pickle.dumps(namespace)) == namespace
    with pytest.raises(TypeError, match="sequence"):
        TrackNamespace("live")
    with pytest.raises(AttributeError):
        Location(1, 2).group = 3  # type: ignore[misc]
    assert SubscriptionFilter().type is FilterType.LARGEST_OBJECT
    assert FilterType.LATEST_OBJECT is FilterType.LARGEST_OBJECT
    assert FilterType.LATEST_GROUP is FilterType.NEXT_GROUP_START


def test_a_cycle_through_the_parameters_is_collected() -> None:
    class Marker:
        pass

    message = moqt.RequestOk()
    marker = Marker()
    gone = weakref.ref(marker)
    message.parameters.append(message)  # type: ignore[arg-type]
    message.parameters.append(marker)  # type: ignore[arg-type]
    del message, marker
    gc.collect()
    assert gone() is None
