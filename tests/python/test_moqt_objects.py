"""Objects on streams and in datagrams: bytes worked out by hand from section 10 of draft-15, and LOC-01."""

from __future__ import annotations

import copy
import itertools
import pickle
from collections.abc import Callable

import pytest

import moqt
from moqt import (
    AudioLevel,
    CaptureTimestamp,
    DatagramType,
    FetchObject,
    FetchSerializationFlags,
    LocExtensionType,
    ObjectDatagram,
    ObjectExtensions,
    ObjectStatus,
    SubgroupHeader,
    SubgroupHeaderType,
    SubgroupObject,
    VideoConfig,
    VideoFrameMarking,
    create_loc_extensions,
    decode_datagram,
    decode_fetch_object,
    decode_subgroup_header,
    decode_subgroup_object,
    parse_loc_extensions,
)


class DraftReader:
    """Reads a subgroup stream as sections 1.4, 1.4.2 and 10.4.2 describe it, and nothing of this package."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def number(self) -> int:
        size = 1 << (self.data[self.at] >> 6)
        value = int.from_bytes(self.take(size), "big")
        return value & ((1 << (8 * size - 2)) - 1)

    def take(self, size: int) -> bytes:
        self.at += size
        assert self.at <= len(self.data)
        return self.data[self.at - size : self.at]

    def header(self) -> dict[str, int | None]:
        kind = self.number()
        assert kind & ~0x2F == 0x10
        assert kind & 0x06 != 0x06
        fields: dict[str, int | None] = {"type": kind, "alias": self.number(), "group": self.number()}
        fields["subgroup"] = self.number() if kind & 0x04 else 0
        fields["priority"] = None if kind & 0x20 else self.take(1)[0]
        return fields

    def extensions(self) -> list[tuple[int, int | bytes]]:
        end = self.number() + self.at
        pairs: list[tuple[int, int | bytes]] = []
        while self.at < end:
            kind = self.number()
            pairs.append((kind, self.take(self.number()) if kind & 1 else self.number()))
        assert self.at == end
        return pairs


def test_readme_block_is_a_stream_of_the_draft() -> None:
    # The third code block of the README, word for word.
    header = SubgroupHeader(
        track_alias=0,
        group_id=1,
        subgroup_id=0,
        publisher_priority=0,
    )

    extensions = create_loc_extensions(
        capture_timestamp=CaptureTimestamp(milliseconds=1234567890),
        video_frame_marking=VideoFrameMarking(
            is_keyframe=True,
            is_discardable=False,
            base_layer_sync=True,
        ),
    )

    obj = SubgroupObject(
        object_id=0,
        extensions=ObjectExtensions(extensions),
        payload=b"video frame data",
    )

    header_bytes = header.encode()
    object_bytes = obj.encode()

    # 0x15: explicit Subgroup ID, extensions. The marking: S|E|I|B = 0xE8.
    assert header_bytes.hex() == "1500010000"
    reader = DraftReader(header_bytes + object_bytes)
    assert reader.header() == {"type": 0x15, "alias": 0, "group": 1, "subgroup": 0, "priority": 0}
    assert reader.number() == 0
    assert reader.extensions() == [(2, 1234567890000), (4, 0xE8)]
    assert reader.take(reader.number()) == b"video frame data"
    assert reader.at == len(reader.data)

    decoded, consumed = decode_subgroup_header(header_bytes + object_bytes)
    assert (decoded, consumed) == (header, 5)
    assert decode_subgroup_object(header_bytes + object_bytes, True, consumed) == (obj, len(object_bytes))


def test_section_10_5_examples() -> None:
    stream = bytes.fromhex("14 02 00 00 00  00 04 61626364  00 04 65666768")
    header, at = decode_subgroup_header(stream)
    assert header == SubgroupHeader(2, 0, 0, 0, extensions_present=False)
    first, size = decode_subgroup_object(stream, False, at)
    second, _ = decode_subgroup_object(stream, False, at + size, first.object_id)
    assert [(first.object_id, first.payload), (second.object_id, second.payload)] == [(0, b"abcd"), (1, b"efgh")]
    assert header.encode() + first.encode(False) + second.encode(False, first.object_id) == stream

    value = b"traceID:123456-------"
    block = bytes.fromhex("21 04 c00000008257dcd3 404d 15") + value
    stream = bytes.fromhex("35 02 00 00  00") + block + b"\x04abcd" + bytes.fromhex("00 00 04 65666768")
    header, at = decode_subgroup_header(stream)
    assert header.publisher_priority is None
    assert header.extensions_present
    first, size = decode_subgroup_object(stream, True, at)
    # A non-minimal number: the bytes are kept, so that they can be passed on unchanged.
    assert first.extensions.items() == [(4, 0x8257DCD3), (77, value)]
    assert first.extensions.encode() == block
    assert first.extensions.headers == {4: bytes.fromhex("c00000008257dcd3"), 77: value}
    second, _ = decode_subgroup_object(stream, True, at + size, 0)
    assert header.encode() + first.encode() + second.encode(previous_object_id=0) == stream


# [d15 §10.4.2], table 6: type, subgroup ID, extensions, end of group, priority.
SUBGROUP_TYPES = [
    (base + end + mode + ext, ("zero", "first_object", "present")[mode // 2], bool(ext), bool(end), base == 0x10)
    for base, end, mode, ext in itertools.product((0x10, 0x30), (0, 8), (0, 2, 4), (0, 1))
]


@pytest.mark.parametrize(("number", "mode", "ext", "end", "prio"), SUBGROUP_TYPES)
def test_subgroup_header_types(number: int, mode: str, ext: bool, end: bool, prio: bool) -> None:
    kind = SubgroupHeaderType(number)
    assert kind.subgroup_id_mode() == mode
    assert (kind.has_extensions(), kind.contains_end_of_group(), kind.has_priority()) == (ext, end, prio)
    header = SubgroupHeader(
        track_alias=1,
        group_id=2,
        subgroup_id={"zero": 0, "first_object": None, "present": 3}[mode],
        publisher_priority=4 if prio else None,
        header_type=kind,
    )
    data = bytes([number, 1, 2, *([3] if mode == "present" else []), *([4] if prio else [])])
    assert header.encode() == data
    assert decode_subgroup_header(data + b"rest") == (header, len(data))
    assert header.header_type is kind
    for other in (copy.copy(header), pickle.loads(pickle.dumps(header))):
        assert other == header
        assert other.encode() == data
    for size in range(len(data)):
        with pytest.raises(moqt.NeedMoreData):
            decode_subgroup_header(data[:size])


def test_names_of_the_types() -> None:
    assert len(SubgroupHeaderType) == len(DatagramType) == 24
    assert SubgroupHeaderType.SUBGROUP_ID_ZERO_NO_EXT_PRIORITY == 0x10
    assert SubgroupHeaderType.SUBGROUP_ID_FIRST_OBJECT_EXT_END_PRIORITY == 0x1B
    assert SubgroupHeaderType.SUBGROUP_ID_PRESENT_EXT_END_NO_PRIORITY == 0x3D
    assert DatagramType.OBJECT_ID_PRIORITY_PAYLOAD == 0x00
    assert DatagramType.NO_OBJECT_ID_EXTENSIONS_PRIORITY_PAYLOAD_END_OF_GROUP == 0x07
    assert DatagramType.NO_OBJECT_ID_EXTENSIONS_NO_PRIORITY_STATUS == 0x2D
    assert moqt.FetchHeader(1).encode()[0] == moqt.StreamType.FETCH


def test_header_type_must_not_contradict() -> None:
    with pytest.raises(moqt.EncodeError, match="header_type"):
        SubgroupHeader(publisher_priority=None, header_type=SubgroupHeaderType(0x10))
    with pytest.raises(moqt.EncodeError, match="header_type"):
        SubgroupHeader(subgroup_id=5, publisher_priority=0, header_type=SubgroupHeaderType(0x10))


@pytest.mark.parametrize("number", [0x00, 0x16, 0x17, 0x1E, 0x1F, 0x36, 0x37, 0x3E, 0x3F, 0x05, 0x20])
def test_other_stream_types_are_violations(number: int) -> None:
    with pytest.raises(moqt.ProtocolViolation) as caught:
        decode_subgroup_header(bytes([number, 0, 0, 0, 0]))
    assert caught.value.code is moqt.ErrorCode.PROTOCOL_VIOLATION


def test_subgroup_object_limits() -> None:
    status = SubgroupObject(9, object_status=ObjectStatus.END_OF_GROUP)
    assert status.encode() == bytes.fromhex("09 00 00 03")
    assert decode_subgroup_object(status.encode()) == (status, 4)
    empty = SubgroupObject(9)
    assert empty.encode(False) == bytes.fromhex("09 00 00")
    with pytest.raises(moqt.EncodeError, match="payload"):
        SubgroupObject(0, payload=b"x", object_status=ObjectStatus.END_OF_TRACK).encode()
    with pytest.raises(moqt.EncodeError, match="extensions"):
        SubgroupObject(0, {2: 1}, object_status=ObjectStatus.END_OF_TRACK).encode()
    with pytest.raises(moqt.EncodeError, match="extensions"):
        SubgroupObject(0, {2: 1}).encode(extensions_present=False)
    with pytest.raises(moqt.EncodeError, match="object_id"):
        SubgroupObject(4).encode(previous_object_id=4)
    for bad in (-1, 2**62):
        with pytest.raises(moqt.EncodeError, match="object_id") as caught:
            SubgroupObject(bad)
        assert caught.value.field == "object_id"
        assert isinstance(caught.value, ValueError)


def test_every_truncation_of_an_object_needs_more_data() -> None:
    data = SubgroupObject(300, {2: 70000, 0x4D: b"x" * 70}, b"payload").encode()
    for size in range(len(data)):
        with pytest.raises(moqt.NeedMoreData):
            decode_subgroup_object(data[:size])
    fetched = FetchObject(1, 2, 3, 4, {2: 70000}, b"payload").encode()
    for size in range(len(fetched)):
        with pytest.raises(moqt.NeedMoreData):
            decode_fetch_object(fetched[:size])


@pytest.mark.parametrize(
    "text",
    [
        "00 00 00 02",  # unknown status
        "00 02 02 05 00 03",  # extensions on End of Group
        "00 01 02 00 00",  # a pair that overruns the block
    ],
)
def test_malformed_objects(text: str) -> None:
    with pytest.raises(moqt.ProtocolViolation, match="section"):
        decode_subgroup_object(bytes.fromhex(text))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_is_taken(kind: Callable[[bytes], bytes | bytearray | memoryview]) -> None:
    obj = SubgroupObject(1, payload=kind(b"abc"))
    assert obj.payload == b"abc"
    assert type(obj.payload) is bytes
    decoded, _ = decode_subgroup_object(kind(obj.encode()))
    assert decoded == obj
    mutable = bytearray(b"abc")
    obj.payload = mutable
    mutable[0] = 0
    assert obj.payload == b"abc"
    mutable.append(1)  # the buffer is not held any more


def test_datagram_types() -> None:
    for number in [*range(0x10), 0x20, 0x21, 0x24, 0x25, 0x28, 0x29, 0x2C, 0x2D]:
        kind = DatagramType(number)
        assert kind.has_extensions() == bool(number & 1)
        assert kind.is_end_of_group() == bool(number & 2)
        assert kind.has_object_id() == (not number & 4)
        assert kind.has_priority() == (not number & 8)
        assert kind.has_status() == bool(number & 0x20)
        data = bytes([number, 1, 2, *([] if number & 4 else [5]), *([] if number & 8 else [200])])
        data += b"\x02\x06\x07" if number & 1 else b""
        if number & 0x20:
            data += b"\x00" if number & 1 else b"\x03"
        else:
            data += b"pay"
        datagram, consumed = decode_datagram(data)
        assert consumed == len(data)
        assert (datagram.track_alias, datagram.group_id) == (1, 2)
        assert datagram.object_id == (0 if number & 4 else 5)
        assert datagram.publisher_priority == (None if number & 8 else 200)
        assert datagram.extensions.items() == ([(6, 7)] if number & 1 else [])
        assert datagram.end_of_group == bool(number & 2)
        assert datagram.payload == (b"" if number & 0x20 else b"pay")
        if number not in (0x2C, 0x2D):  # read, but never sent
            assert datagram.encode() == data
            assert datagram.datagram_type is kind
        assert pickle.loads(pickle.dumps(datagram)) == datagram


@pytest.mark.parametrize(
    "text", ["10 00 00 00 00", "22 00 00 00 00 00", "01 00 00 00 00 00", "20 00 00 00 00 02", "", "00 01"]
)
def test_malformed_datagrams(text: str) -> None:
    with pytest.raises(moqt.ProtocolViolation):
        decode_datagram(bytes.fromhex(text))
    with pytest.raises(moqt.EncodeError, match="end_of_group"):
        ObjectDatagram(end_of_group=True, object_status=ObjectStatus.NORMAL).encode()


def test_fetch_stream() -> None:
    first = FetchObject(3, 1, 5, 128, payload=b"a")
    second = FetchObject(3, 1, 6, 128, {2: 1}, payload=b"b")
    data = moqt.FetchHeader(request_id=2).encode() + first.encode() + second.encode(first)
    # 0x1F: every field present. 0x21: subgroup as before, extensions.
    assert data == bytes.fromhex("05 02  1f 03 01 05 80 01 61  21 02 02 01 01 62")
    header, at = moqt.decode_fetch_header(data)
    assert header == moqt.FetchHeader(2)
    one, size = decode_fetch_object(data, at)
    two, _ = decode_fetch_object(data, at + size, one)
    assert (one, two) == (first, second)
    assert two.serialization_flags == (
        FetchSerializationFlags.SUBGROUP_PRIOR | FetchSerializationFlags.EXTENSIONS_PRESENT
    )
    with pytest.raises(moqt.ProtocolViolation):  # nothing to refer to
        decode_fetch_object(data, at + size)


def test_extensions_keep_order_and_repetitions() -> None:
    pairs: list[tuple[int, int | bytes]] = [(6, 1), (13, b"cfg"), (6, 2), (0x3C, 4)]
    extensions = ObjectExtensions(pairs)
    assert extensions.raw == bytes.fromhex("06 01 0d 03 636667 06 02 3c 04")
    assert extensions.encode() == b"\x0b" + extensions.raw
    assert extensions.items() == pairs
    assert (extensions.get(6), extensions.get(13), extensions.get(8), extensions.get(8, 0)) == (1, b"cfg", None, 0)
    assert 13 in extensions
    assert 8 not in extensions
    assert len(extensions) == 4
    assert ObjectExtensions.decode(b"\0" + extensions.encode(), 1) == (extensions, 12)
    assert ObjectExtensions(extensions) == extensions
    assert len({extensions, copy.copy(extensions), pickle.loads(pickle.dumps(extensions))}) == 1
    assert not ObjectExtensions()
    assert repr(ObjectExtensions({2: 1, 13: b"x"})) == "ObjectExtensions([(2, 1), (13, b'x')])"
    assert ObjectExtensions({}).headers == {}
    assert ObjectExtensions({2: b"\x80\x00\x01\x00"}).raw == bytes.fromhex("02 80000100")
    with pytest.raises(moqt.EncodeError, match="extensions"):
        ObjectExtensions({2: b"\x40"})
    with pytest.raises(moqt.EncodeError, match="extensions"):
        ObjectExtensions({13: 5})


def test_loc_values() -> None:
    extensions = create_loc_extensions(
        capture_timestamp=CaptureTimestamp(microseconds=1761000000000000),
        video_config=VideoConfig(codec_config=b"\x01\x42"),
        video_frame_marking=VideoFrameMarking(True, layer_id=2, tl0picidx=7),
        audio_level=AudioLevel(level=30, voice_activity=True),
    )
    assert isinstance(extensions, ObjectExtensions)
    assert LocExtensionType.VIDEO_CONFIG in extensions.headers
    # 0xE0 = S|E|I in front of LID and TL0PICIDX; 0x80 | 30 = 0x9E.
    assert dict(extensions.items()) == {2: 1761000000000000, 4: 0xE00207, 6: 0x9E, 13: b"\x01\x42"}
    assert extensions.raw.startswith(bytes.fromhex("02 c006419ec3731000"))
    parsed = parse_loc_extensions(extensions)
    assert parsed.capture_timestamp == CaptureTimestamp(milliseconds=1761000000000)
    assert parsed.video_config is not None
    assert parsed.video_config.codec_config == parsed.video_config.data == b"\x01\x42"
    assert parsed.video_frame_marking == VideoFrameMarking(independent=True, layer_id=2, tl0picidx=7)
    assert parsed.audio_level == AudioLevel(30, True)
    assert parsed.presentation_start is None
    start = CaptureTimestamp(microseconds=1761000000040000)
    unheard = create_loc_extensions(presentation_start=start)
    assert dict(unheard.items()) == {0x4D535052: 1761000000040000}
    assert parse_loc_extensions(unheard).presentation_start == start
    nothing = parse_loc_extensions(ObjectExtensions({0x40: 1}))
    assert nothing.capture_timestamp is nothing.video_config is None
    assert nothing.video_frame_marking is nothing.audio_level is None
    for value in (parsed.capture_timestamp, parsed.video_config, parsed.video_frame_marking, parsed.audio_level):
        assert pickle.loads(pickle.dumps(value)) == value
        assert hash(value) == hash(copy.copy(value))


@pytest.mark.parametrize(
    ("marking", "byte"),
    [
        (VideoFrameMarking(is_keyframe=True), 0xE0),
        (VideoFrameMarking(), 0xC0),
        (VideoFrameMarking(is_discardable=True), 0xD0),
        (VideoFrameMarking(base_layer_sync=True, temporal_id=5), 0xCD),
        (VideoFrameMarking(start_of_frame=False, end_of_frame=False, discardable=True), 0x10),
    ],
)
def test_video_frame_marking(marking: VideoFrameMarking, byte: int) -> None:
    assert create_loc_extensions(video_frame_marking=marking).get(4) == byte


def test_loc_mistakes() -> None:
    with pytest.raises(moqt.EncodeError, match="level"):
        AudioLevel(128)
    with pytest.raises(moqt.EncodeError, match="temporal_id"):
        VideoFrameMarking(temporal_id=8)
    with pytest.raises(moqt.EncodeError, match="video_frame_marking"):
        create_loc_extensions(video_frame_marking=VideoFrameMarking(tl0picidx=1))
    with pytest.raises(TypeError, match="milliseconds"):
        CaptureTimestamp()
    with pytest.raises(moqt.EncodeError, match="milliseconds"):
        CaptureTimestamp(milliseconds=2**62 // 1000 + 1)
    with pytest.raises(moqt.MalformedExtension):
        parse_loc_extensions([(2, 1), (2, 2)])
