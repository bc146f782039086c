"""``moqt.varint`` as a program that was written for the reference package uses it."""

from __future__ import annotations

import pytest

import moqt
from moqt.varint import decode_varint, encode_varint, varint_size


def test_these_are_the_package_s_own() -> None:
    assert encode_varint is moqt.encode_varint
    assert decode_varint is moqt.decode_varint
    assert varint_size is moqt.varint_size


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "00"), (63, "3f"), (64, "4040"), (16383, "7fff"), (16384, "80004000"), (2**30, "c000000040000000")],
)
def test_the_four_sizes(value: int, text: str) -> None:
    data = bytes.fromhex(text)
    assert encode_varint(value) == data
    assert decode_varint(data) == (value, len(data))
    assert decode_varint(memoryview(b"xx" + data), 2) == (value, len(data))
    assert varint_size(value) == len(data)


def test_what_is_wrong_is_a_value_error() -> None:
    for value in (-1, 2**62):
        with pytest.raises(ValueError, match="value"):
            encode_varint(value)
        with pytest.raises(ValueError, match="value"):
            varint_size(value)
    # There, and so here, a loop on a stream breaks off on ValueError until more has come.
    with pytest.raises(ValueError, match="incomplete"):
        decode_varint(b"\x40")
