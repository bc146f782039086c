"""Messages and objects of moqt that threads share, and sessions in loops that run side by side."""

from __future__ import annotations

import asyncio
import time

import pytest

import moqt
from asyncio_pairs import within
from moqt_sessions import publish_and_subscribe, publish_through_a_relay
from threads_at_once import at_once


@pytest.mark.timeout(90)
def test_sessions_in_loops_side_by_side() -> None:
    at_once(
        *[lambda: asyncio.run(within(publish_and_subscribe(), 30))] * 3,
        lambda: asyncio.run(within(publish_through_a_relay(), 30)),
    )


def test_messages_and_objects_shared_by_threads() -> None:
    """What a thread reads or encodes is what some thread has set, whole."""
    names = [bytes([number]) * (number * 150 + 1) for number in range(26)]
    message = moqt.TrackStatus(6, ["a"], names[0])
    expected = [moqt.TrackStatus(6, ["a"], name).encode() for name in names]
    objects = [moqt.SubgroupObject(7, payload=name) for name in names]
    shared = moqt.SubgroupObject(7, payload=names[0])
    over = time.monotonic() + 1.0

    def change() -> None:
        while time.monotonic() < over:
            for name in names:
                message.track_name = name
                message.track_namespace = ["a"]
                message.parameters = []
                shared.payload = name
                shared.extensions = {}

    def look() -> None:
        while time.monotonic() < over:
            assert message.encode() in expected
            assert message.track_name in names
            repr(message), repr(shared)
            assert shared.payload in names
            shared in objects, objects[0] == shared  # it may be another one for each comparison

    def transcode() -> None:
        while time.monotonic() < over:
            for data in expected:
                decoded, size = moqt.decode_control_message(data)
                assert (decoded.encode(), size) == (data, len(data))

    at_once(change, change, look, look, transcode, transcode)
