"""Objects per second of the Python codec, beside the same work in plain Python.

One object is what a video frame needs: object ID, the LOC capture timestamp and frame marking, and a payload of 100
or 1200 bytes. Encoding includes building the object; decoding includes the object that comes of it. The plain Python
side does no checks at all.

    python bench/python_codec.py [--objects N] [--repeat N]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

from moqt import (
    CaptureTimestamp,
    ObjectExtensions,
    SubgroupObject,
    VideoFrameMarking,
    create_loc_extensions,
    decode_subgroup_object,
)

TIMESTAMP = 1_761_000_000_000_000
EXTENSIONS = create_loc_extensions(
    capture_timestamp=CaptureTimestamp(microseconds=TIMESTAMP),
    video_frame_marking=VideoFrameMarking(is_keyframe=True),
)


def plain_varint(value: int) -> bytes:
    if value < 1 << 6:
        return value.to_bytes(1, "big")
    if value < 1 << 14:
        return (value | 1 << 14).to_bytes(2, "big")
    if value < 1 << 30:
        return (value | 2 << 30).to_bytes(4, "big")
    return (value | 3 << 62).to_bytes(8, "big")


def plain_number(data: bytes, at: int) -> tuple[int, int]:
    size = 1 << (data[at] >> 6)
    return int.from_bytes(data[at : at + size], "big") & ((1 << (8 * size - 2)) - 1), at + size


def encode_native(count: int, payload: bytes) -> None:
    previous: int | None = None
    for object_id in range(count):
        SubgroupObject(object_id, EXTENSIONS, payload).encode(True, previous)
        previous = object_id


def encode_plain(count: int, payload: bytes) -> None:
    for _ in range(count):
        block = plain_varint(2) + plain_varint(TIMESTAMP) + plain_varint(4) + plain_varint(0xE0)
        b"".join((plain_varint(0), plain_varint(len(block)), block, plain_varint(len(payload)), payload))


def decode_native(count: int, stream: bytes) -> None:
    at = 0
    previous: int | None = None
    for _ in range(count):
        value, size = decode_subgroup_object(stream, True, at, previous)
        previous = value.object_id
        at += size


def decode_plain(count: int, stream: bytes) -> None:
    at = 0
    previous = -1
    for _ in range(count):
        delta, at = plain_number(stream, at)
        previous += delta + 1
        length, at = plain_number(stream, at)
        end = at + length
        headers: dict[int, int | bytes] = {}
        while at < end:
            kind, at = plain_number(stream, at)
            if kind & 1:
                size, at = plain_number(stream, at)
                headers[kind] = stream[at : at + size]
                at += size
            else:
                headers[kind], at = plain_number(stream, at)
        size, at = plain_number(stream, at)
        {"object_id": previous, "headers": headers, "payload": stream[at : at + size]}
        at += size


def best(work: Callable[[int, bytes], None], count: int, data: bytes, repeat: int) -> float:
    """Objects per second of CPU time, of the best of `repeat` runs: other processes disturb it least."""
    seconds = []
    for _ in range(repeat):
        start = time.process_time()
        work(count, data)
        seconds.append(time.process_time() - start)
    return count / min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--objects", type=int, default=100_000, help="objects per run")
    parser.add_argument("--repeat", type=int, default=5, help="runs; the best one counts")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()

    rows = []
    for size in (100, 1200):
        payload = bytes(size)
        stream = bytearray()
        previous: int | None = None
        for object_id in range(options.objects):
            stream += SubgroupObject(object_id, ObjectExtensions(EXTENSIONS), payload).encode(True, previous)
            previous = object_id
        data = bytes(stream)
        for name, native, plain, source in (
            ("encode", encode_native, encode_plain, payload),
            ("decode", decode_native, decode_plain, data),
        ):
            ours = best(native, options.objects, source, options.repeat)
            theirs = best(plain, options.objects, source, options.repeat)
            rows.append((name, size, ours, theirs))
    if options.json:
        keys = ("operation", "payload", "moqt", "plain_python")
        print(json.dumps([dict(zip(keys, row, strict=True)) for row in rows]))
        return
    print(f"{'operation':<10} {'payload':>8} {'moqt objects/s':>16} {'plain Python':>16} {'ratio':>7}")
    for name, size, ours, theirs in rows:
        print(f"{name:<10} {size:>6} B {ours:>16,.0f} {theirs:>16,.0f} {ours / theirs:>6.1f}x")


if __name__ == "__main__":
    main()
