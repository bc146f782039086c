"""Three outcomes of decoding, and the mistakes of a caller, as exceptions of one tree."""

from __future__ import annotations

import pickle

import pytest

import moqt
from moqt import ErrorCode


def test_the_tree() -> None:
    for name in ("NeedMoreData", "ProtocolViolation", "EncodeError", "MalformedExtension"):
        assert issubclass(getattr(moqt, name), moqt.MoqtError)
    assert issubclass(moqt.NeedMoreData, ValueError)
    assert not issubclass(moqt.NeedMoreData, moqt.ProtocolViolation)
    assert issubclass(moqt.ProtocolViolation, ValueError)
    assert issubclass(moqt.EncodeError, ValueError)


# What is wrong, and what [d15 §12] of the draft's rules make of it.
VIOLATIONS = [
    ("7f 0000", ErrorCode.PROTOCOL_VIOLATION),  # unknown message type
    ("15 0003 01 00 00", ErrorCode.PROTOCOL_VIOLATION),  # bytes behind the last field
    ("15 0001 40", ErrorCode.PROTOCOL_VIOLATION),  # field cut by the length
    ("09 0001 00", ErrorCode.PROTOCOL_VIOLATION),  # namespace without fields
    ("1e 0004 01 01 10 02", ErrorCode.PROTOCOL_VIOLATION),  # FORWARD neither 0 nor 1
    ("1e 0006 01 02 10 01 10 01", ErrorCode.PROTOCOL_VIOLATION),  # FORWARD twice
    ("04 0006 00 02 01 09 01 05", ErrorCode.KEY_VALUE_FORMATTING_ERROR),  # half a Location
    ("20 0004 01 03 01 09", ErrorCode.KEY_VALUE_FORMATTING_ERROR),  # no token
    ("20 0005 01 03 02 02 00", ErrorCode.PROTOCOL_VIOLATION),  # USE_ALIAS in CLIENT_SETUP
    ("16 0003 02 04 00", ErrorCode.PROTOCOL_VIOLATION),  # unknown Fetch Type
]


@pytest.mark.parametrize(("text", "code"), VIOLATIONS)
def test_violations_name_the_session_error(text: str, code: ErrorCode) -> None:
    with pytest.raises(moqt.ProtocolViolation, match="section") as caught:
        moqt.decode_control_message(bytes.fromhex(text))
    assert caught.value.code is code
    assert str(caught.value).startswith(f"{code.name} ({int(code):#x}): ")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.code) == (str(caught.value), code)


def test_another_message_than_expected() -> None:
    with pytest.raises(moqt.ProtocolViolation, match="MAX_REQUEST_ID where GOAWAY"):
        moqt.Goaway.decode(moqt.MaxRequestId(1).encode())


def test_what_the_wire_cannot_carry_is_named() -> None:
    mistakes: list[tuple[str, object]] = [
        ("request_id", lambda: moqt.MaxRequestId(2**62)),
        ("request_id", lambda: moqt.MaxRequestId(-1)),
        ("track_alias", lambda: moqt.SubscribeOk(0, 10**30)),
        ("track_namespace", lambda: moqt.Subscribe(0, [], "t").encode()),
        ("track_namespace", lambda: moqt.PublishNamespaceDone(["x"] * 33).encode()),
        ("track_name", lambda: moqt.Subscribe(0, ["a"], b"x" * 4096).encode()),
        ("reason_phrase", lambda: moqt.RequestError(0, 0, "x" * 1025).encode()),
        ("new_session_uri", lambda: moqt.Goaway("x" * 8193).encode()),
        ("parameters", lambda: moqt.PublishOk(0, [moqt.Parameter(0x10, 2)]).encode()),
        ("parameters", lambda: moqt.PublishOk(0, [moqt.Parameter(0x10, 1)] * 2).encode()),
        ("value", lambda: moqt.encode_varint(2**62)),
    ]
    for field, make in mistakes:
        assert callable(make)
        with pytest.raises(moqt.EncodeError) as caught:
            make()
        assert caught.value.field == field
        assert str(caught.value).startswith(field + ": ")
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_wrong_types_are_type_errors() -> None:
    with pytest.raises(TypeError):
        moqt.MaxRequestId("1")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        moqt.MaxRequestId(True)
    with pytest.raises(TypeError, match="track_name"):
        moqt.Subscribe(0, ["a"], 5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        moqt.decode_control_message("text")  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        moqt.decode_varint(b"", 1)


def test_varints() -> None:
    # RFC 9000, section A.1.
    for text, value in (("c2197c5eff14e88c", 151288809941952652), ("9d7f3e7d", 494878333), ("7bbd", 15293), ("25", 37)):
        data = bytes.fromhex(text)
        assert moqt.decode_varint(data) == (value, len(data))
        assert moqt.encode_varint(value) == data
        assert moqt.varint_size(value) == len(data)
        for size in range(len(data)):
            with pytest.raises(moqt.NeedMoreData):
                moqt.decode_varint(data[:size])
    assert moqt.decode_varint(bytes.fromhex("ff 4025"), 1) == (37, 2)
    assert moqt.encode_varint(moqt.StreamType.CONTROL) == b"\0"
    assert moqt.SUPPORTED_VERSIONS == (moqt.CURRENT_VERSION,) == (0xFF00000F,)


def test_every_export_is_there_and_says_so() -> None:
    for name in moqt.__all__:
        value = getattr(moqt, name)
        assert getattr(value, "__module__", "moqt").partition(".")[0] in ("moqt", "builtins", "msquic")
        if isinstance(value, type):
            assert value.__module__.startswith("moqt")
            assert value.__doc__
