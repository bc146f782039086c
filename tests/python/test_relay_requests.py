"""A real relay between endpoints that are bytes on QUIC streams: requests, limits and the streams that come of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from relay_programs import Programs, Relay

pytest.importorskip("aioquic", reason="aioquic is not installed")

from raw_moqt_peer import RawPeer, fields, message, moqt_peer

pytestmark = pytest.mark.timeout(120)

# [d15 §13.2] and 13.3.
DELIVERY_TIMEOUT, FORWARD, DYNAMIC_GROUPS, NEW_GROUP_REQUEST = 0x02, 0x10, 0x30, 0x32
INTERNAL_ERROR, TIMEOUT = 0x0, 0x2
SUBSCRIBE_UPDATE, SUBSCRIBE, SUBSCRIBE_OK, REQUEST_ERROR, PUBLISH_NAMESPACE, REQUEST_OK = 2, 3, 4, 5, 6, 7
PUBLISH_NAMESPACE_DONE, UNSUBSCRIBE, TRACK_STATUS, SUBSCRIBE_NAMESPACE = 9, 10, 0x0D, 0x11
MAX_REQUEST_ID, PUBLISH, PUBLISH_OK = 0x15, 0x1D, 0x1E


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    """Every session of this module ends as its peer wants; the relay has to outlive them all."""
    programs = Programs()
    running = programs.relay("--upstream-timeout", 1.5)
    yield running
    running.stop()
    programs.close()


def namespace(*names: bytes) -> bytes:
    return fields(len(names), *(fields(len(name), name) for name in names))


def track(name: bytes, *names: bytes) -> bytes:
    return namespace(*names) + fields(len(name), name)


def parameters(values: dict[int, int] | None = None) -> bytes:
    """Of even types only, which are integers."""
    values = values or {}
    return fields(len(values), *(fields(kind, value) for kind, value in values.items()))


def subscribe(request: int, full_name: bytes, values: dict[int, int] | None = None) -> bytes:
    return message(SUBSCRIBE, fields(request, full_name) + parameters(values))


def subscribe_ok(request: int, alias: int, values: dict[int, int] | None = None, largest: bytes = b"") -> bytes:
    count = len(values or {}) + bool(largest)
    given = fields(*(fields(kind, value) for kind, value in (values or {}).items()))
    if largest:
        given += fields(0x09, len(largest), largest)
    return message(SUBSCRIBE_OK, fields(request, alias, count) + given)


def publish(request: int, full_name: bytes, alias: int, values: dict[int, int] | None = None) -> bytes:
    return message(PUBLISH, fields(request, full_name, alias) + parameters(values))


def subgroup(alias: int, group: int, subgroup_id: int = 0, priority: int = 128) -> bytes:
    """SUBGROUP_HEADER of type 0x14: explicit Subgroup ID, no extensions."""
    return fields(0x14, alias, group, subgroup_id) + bytes([priority])


def an_object(delta: int, payload: bytes) -> bytes:
    return fields(delta, len(payload), payload)


def parameter_of(payload: bytes, kind: int) -> list[int]:
    """Values of an even parameter in a message of which the test knows that no other bytes look like it."""
    start = payload.find(fields(kind))
    return [] if start < 0 else [payload[start + len(fields(kind))]]


async def published(relay: Relay, peer: RawPeer, *names: bytes) -> None:
    """PUBLISH_NAMESPACE as request 0."""
    peer.control(message(PUBLISH_NAMESPACE, fields(0, namespace(*names)) + parameters()))
    await peer.message(REQUEST_OK)


async def accepted(publisher: RawPeer, alias: int, count: int = 1, largest: bytes = b"", **values: int) -> int:
    """Answers the `count`-th SUBSCRIBE of the relay; its Request ID."""
    request = (await publisher.message(SUBSCRIBE, count))[0]
    given = {DYNAMIC_GROUPS: 1} if values.get("dynamic") else {}
    publisher.control(subscribe_ok(request, alias, given, largest))
    return request


# ---- limits ----


async def test_open_subgroups_of_one_track_do_not_silence_another(relay: Relay) -> None:
    async with (
        moqt_peer(relay) as hog,
        moqt_peer(relay) as other,
        moqt_peer(relay, unidirectional_streams=4096) as subscriber,
    ):
        await published(relay, hog, b"hog")
        await published(relay, other, b"other")
        subscriber.control(subscribe(0, track(b"t", b"hog")) + subscribe(2, track(b"t", b"other")))
        await accepted(hog, 7)
        await accepted(other, 8)
        await subscriber.message(SUBSCRIBE_OK, 2)
        for number in range(1024):
            hog.stream(subgroup(7, 0, number) + an_object(number, b"h"))
        await subscriber.until(lambda: len(subscriber.streams) == 1024, "1024 open subgroups")
        for group in range(10):
            other.stream(subgroup(8, group) + an_object(0, b"live"), fin=True)
        await subscriber.until(lambda: len(subscriber.finished) == 10, "ten groups of the other track")
        assert set(subscriber.resets.values()) == {INTERNAL_ERROR}, "what had to make room was not said so"
        assert len(subscriber.resets) <= 10
        assert not subscriber.terminated.done()


async def test_open_subgroups_of_one_track_do_not_silence_another_of_their_publisher(relay: Relay) -> None:
    async with moqt_peer(relay) as publisher, moqt_peer(relay, unidirectional_streams=4096) as subscriber:
        await published(relay, publisher, b"both")
        subscriber.control(subscribe(0, track(b"hog", b"both")) + subscribe(2, track(b"other", b"both")))
        await accepted(publisher, 7)
        await accepted(publisher, 8, count=2)
        await subscriber.message(SUBSCRIBE_OK, 2)
        for number in range(1024):
            publisher.stream(subgroup(7, 0, number) + an_object(number, b"h"))
        await subscriber.until(lambda: len(subscriber.streams) == 1024, "1024 open subgroups")
        for group in range(10):
            publisher.stream(subgroup(8, group) + an_object(0, b"live"), fin=True)
        await subscriber.until(lambda: len(subscriber.finished) == 10, "ten groups of the other track")
        assert set(publisher.stopped.values()) == {INTERNAL_ERROR}
        assert not publisher.terminated.done()


async def test_every_namespace_is_announced_once_credit_rises(relay: Relay) -> None:
    async with moqt_peer(relay, max_request_id=100) as listener:  # 50 requests of the relay
        listener.control(message(SUBSCRIBE_NAMESPACE, fields(0, namespace(b"many")) + parameters()))
        await listener.message(REQUEST_OK)
        # The relay lets one session publish 128 namespaces.
        wanted = 1200
        async with (
            moqt_peer(relay) as p0,
            moqt_peer(relay) as p1,
            moqt_peer(relay) as p2,
            moqt_peer(relay) as p3,
            moqt_peer(relay) as p4,
            moqt_peer(relay) as p5,
            moqt_peer(relay) as p6,
            moqt_peer(relay) as p7,
            moqt_peer(relay) as p8,
            moqt_peer(relay) as p9,
        ):
            for index, publisher in enumerate((p0, p1, p2, p3, p4, p5, p6, p7, p8, p9)):
                for number in range(120):
                    name = namespace(b"many", b"%d" % (index * 120 + number))
                    publisher.control(message(PUBLISH_NAMESPACE, fields(2 * number, name) + parameters()))
                await publisher.message(REQUEST_OK, 120)
            await listener.message(PUBLISH_NAMESPACE, 50)
            for credit in range(200, 2 * wanted + 200, 100):
                listener.control(message(MAX_REQUEST_ID, fields(credit)))
            await listener.message(PUBLISH_NAMESPACE, wanted)
            assert len(set(listener.all_of(PUBLISH_NAMESPACE))) == wanted


# ---- SUBSCRIBE_NAMESPACE, [d15 §9.23] ----


async def everything_heard(peer: Any, request: int) -> None:
    """Until the relay has acted on all that came before: it answers in order, and an acknowledgement says less."""
    answers = len(peer.all_of(REQUEST_OK))
    peer.control(message(SUBSCRIBE_NAMESPACE, fields(request, namespace(b"nobody-%d" % id(peer))) + parameters()))
    await peer.message(REQUEST_OK, answers + 1)


@pytest.mark.parametrize("forward", [0, 1, None])
@pytest.mark.parametrize("before", [True, False], ids=["published before", "published after"])
async def test_forward_of_subscribe_namespace(relay: Relay, forward: int | None, before: bool) -> None:
    name = b"forward-%d-%s" % (before, b"none" if forward is None else b"%d" % forward)
    async with moqt_peer(relay) as publisher, moqt_peer(relay) as listener:
        if before:
            publisher.control(publish(0, track(b"t", name), 5))
            await publisher.message(PUBLISH_OK)
        wish = {} if forward is None else {FORWARD: forward}
        listener.control(message(SUBSCRIBE_NAMESPACE, fields(0, namespace(name)) + parameters(wish)))
        await listener.message(REQUEST_OK)
        if not before:
            publisher.control(publish(0, track(b"t", name), 5))
        offered = await listener.message(PUBLISH)
        # Request 1, the track, its alias, then the parameters.
        behind_name = offered[1 + len(track(b"t", name)) + 1 :]
        assert behind_name == (parameters({FORWARD: 0}) if forward == 0 else parameters())
        publisher.stream(subgroup(5, 0) + an_object(0, b"first"), fin=True)
        await everything_heard(publisher, 2)
        if forward == 0:
            listener.control(message(PUBLISH_OK, fields(1) + parameters({FORWARD: 1})))
            await everything_heard(listener, 2)
            publisher.stream(subgroup(5, 1) + an_object(0, b"second"), fin=True)
        await listener.until(lambda: len(listener.finished) == 1, "a group")
        assert bytes(*listener.streams.values()).endswith(b"second" if forward == 0 else b"first")


# ---- NEW_GROUP_REQUEST, [d15 §9.2.1.12] ----


async def test_new_group_request_in_publish_ok(relay: Relay) -> None:
    async with moqt_peer(relay) as publisher, moqt_peer(relay) as listener:
        publisher.control(publish(0, track(b"t", b"new-group-1"), 5, {DYNAMIC_GROUPS: 1}))
        listener.control(message(SUBSCRIBE_NAMESPACE, fields(0, namespace(b"new-group-1")) + parameters()))
        await listener.message(PUBLISH)
        listener.control(message(PUBLISH_OK, fields(1) + parameters({NEW_GROUP_REQUEST: 0})))
        update = await publisher.message(SUBSCRIBE_UPDATE)
        assert update == fields(1, 0) + parameters({NEW_GROUP_REQUEST: 0})


async def test_new_group_request_is_outstanding_until_the_largest_group_increases(relay: Relay) -> None:
    far = 1 << 40
    async with moqt_peer(relay) as publisher, moqt_peer(relay) as subscriber:
        await published(relay, publisher, b"new-group-2")
        subscriber.control(subscribe(0, track(b"t", b"new-group-2")))
        await accepted(publisher, 5, dynamic=1, largest=fields(4, 0))
        await subscriber.message(SUBSCRIBE_OK)
        for number, value in enumerate((far, 6)):
            update = fields(2 + 2 * number, 0) + parameters({NEW_GROUP_REQUEST: value})
            subscriber.control(message(SUBSCRIBE_UPDATE, update))
        await subscriber.message(REQUEST_OK, 2)
        assert (await publisher.message(SUBSCRIBE_UPDATE)) == fields(3, 1) + parameters({NEW_GROUP_REQUEST: far})
        publisher.control(message(REQUEST_OK, fields(3) + parameters()))
        publisher.stream(subgroup(5, 5) + an_object(0, b"x"), fin=True)
        await subscriber.until(lambda: len(subscriber.finished) == 1, "group 5")
        subscriber.control(message(SUBSCRIBE_UPDATE, fields(6, 0) + parameters({NEW_GROUP_REQUEST: 6})))
        assert (await publisher.message(SUBSCRIBE_UPDATE, 2)) == fields(5, 1) + parameters({NEW_GROUP_REQUEST: 6})
        assert len(publisher.all_of(SUBSCRIBE_UPDATE)) == 2


async def test_new_group_request_that_comes_before_the_upstream_answer(relay: Relay) -> None:
    async with moqt_peer(relay) as publisher, moqt_peer(relay) as first, moqt_peer(relay) as second:
        await published(relay, publisher, b"new-group-3")
        first.control(subscribe(0, track(b"t", b"new-group-3")))
        await publisher.message(SUBSCRIBE)
        second.control(subscribe(0, track(b"t", b"new-group-3"), {NEW_GROUP_REQUEST: 0}))
        await second.ping()
        await accepted(publisher, 5, dynamic=1, largest=fields(4, 0))
        update = await publisher.message(SUBSCRIBE_UPDATE)
        assert update == fields(3, 1) + parameters({NEW_GROUP_REQUEST: 0})


# ---- requests that nobody answers ----


@pytest.mark.parametrize("credit", [0, 10_000], ids=["no credit", "no answer"])
@pytest.mark.parametrize("kind", [SUBSCRIBE, TRACK_STATUS])
async def test_a_silent_publisher_costs_a_timeout_and_no_session(relay: Relay, credit: int, kind: int) -> None:
    name = b"silent-%d-%d" % (credit, kind)
    async with moqt_peer(relay, max_request_id=credit) as publisher, moqt_peer(relay) as subscriber:
        await published(relay, publisher, name)
        subscriber.control(message(kind, fields(0, track(b"t", name)) + parameters()))
        error = await subscriber.message(REQUEST_ERROR)
        assert error[:2] == fields(0, TIMEOUT)
        assert len(error) > 3, "a reason for people"
        if credit and kind == SUBSCRIBE:
            assert (await publisher.message(UNSUBSCRIBE)) == fields(1)
            publisher.control(subscribe_ok(1, 5))  # too late, and no harm
        await publisher.ping()
        await subscriber.ping()
        assert not publisher.terminated.done()
        assert not subscriber.terminated.done()
        # The next one is asked for anew, and served.
        if credit and kind == SUBSCRIBE:
            subscriber.control(subscribe(2, track(b"t", name)))
            await accepted(publisher, 6, count=2)
            await subscriber.message(SUBSCRIBE_OK)


# ---- STOP_SENDING, [d15 §10.4.3] ----


async def test_a_stopped_subgroup_is_not_opened_again(relay: Relay) -> None:
    async with moqt_peer(relay) as publisher, moqt_peer(relay) as subscriber:
        await published(relay, publisher, b"stop")
        subscriber.control(subscribe(0, track(b"t", b"stop")))
        await accepted(publisher, 5)
        await subscriber.message(SUBSCRIBE_OK)
        stream = publisher.stream(subgroup(5, 0) + an_object(0, b"a"))
        await subscriber.until(lambda: len(subscriber.streams) == 1, "the subgroup")
        (stopped,) = subscriber.streams
        subscriber.stop(stopped)
        await subscriber.until(lambda: stopped in subscriber.resets, "RESET_STREAM in answer")
        for _ in range(5):
            publisher.more(stream, an_object(0, b"b"))
            await publisher.ping()
        publisher.stream(subgroup(5, 1) + an_object(0, b"next group"), fin=True)
        await subscriber.until(lambda: len(subscriber.finished) == 1, "the next group")
        assert len(subscriber.streams) == 2


# ---- extension headers, [d15 §10.2.1.2] ----


async def test_extension_headers_of_a_mebibyte_pass(relay: Relay) -> None:
    pair = fields(0x3F, 60_000, b"e" * 60_000)
    extensions = pair * 18
    one_object = fields(0, len(extensions), extensions, 5, b"after")
    async with moqt_peer(relay) as publisher, moqt_peer(relay) as subscriber:
        await published(relay, publisher, b"large")
        subscriber.control(subscribe(0, track(b"t", b"large")))
        await accepted(publisher, 5)
        await subscriber.message(SUBSCRIBE_OK)
        publisher.stream(fields(0x15, 5, 0, 0) + b"\x80" + one_object, fin=True)
        await subscriber.until(lambda: len(subscriber.finished) == 1, "the object")
        (received,) = subscriber.streams.values()
        assert bytes(received).endswith(one_object)
        assert not publisher.terminated.done()


async def test_extension_headers_beyond_the_relays_room_cost_their_stream(relay: Relay) -> None:
    async with moqt_peer(relay) as publisher, moqt_peer(relay) as subscriber:
        await published(relay, publisher, b"too-large")
        subscriber.control(subscribe(0, track(b"t", b"too-large")))
        await accepted(publisher, 5)
        await subscriber.message(SUBSCRIBE_OK)
        stream = publisher.stream(fields(0x15, 5, 0, 0) + b"\x80" + fields(0, 1 << 40) + b"x" * 100)
        await publisher.until(lambda: stream in publisher.stopped, "STOP_SENDING")
        assert publisher.stopped[stream] == INTERNAL_ERROR
        publisher.stream(subgroup(5, 1) + an_object(0, b"next"), fin=True)
        await subscriber.until(lambda: len(subscriber.finished) == 1, "the next group")


# ---- DELIVERY_TIMEOUT, [d15 §9.2.1.2] ----


async def relay_seconds(relay: Relay, timeouts: int) -> None:
    """Waits until the relay has given up on a silent publisher so many times, each 1.5 seconds by its own clock."""
    async with moqt_peer(relay) as silent, moqt_peer(relay) as asker:
        await published(relay, silent, b"clock")
        for number in range(timeouts):
            asker.control(subscribe(2 * number, track(b"t", b"clock")))
            await asker.message(REQUEST_ERROR, number + 1)


async def test_stale_objects_do_not_go_out(relay: Relay) -> None:
    async with moqt_peer(relay) as publisher, moqt_peer(relay, max_data=30_000) as subscriber:
        await published(relay, publisher, b"stale")
        subscriber.control(subscribe(0, track(b"t", b"stale"), {DELIVERY_TIMEOUT: 700}))
        await accepted(publisher, 5)
        await subscriber.message(SUBSCRIBE_OK)
        subscriber.withhold_flow_control()
        for group in range(8):
            publisher.stream(subgroup(5, group) + an_object(0, b"stale" * 4000))
        await publisher.ping()
        # 0.7 seconds for what waits, and one more for what QUIC has in hands.
        await relay_seconds(relay, 2)
        # Whatever had begun to go out is reset, except for what the credit sufficed for; the rest is never heard of.
        partial = {stream for stream, data in subscriber.streams.items() if len(data) < 20_000}
        await subscriber.until(lambda: partial <= set(subscriber.resets), "resets")
        assert set(subscriber.resets.values()) == {DELIVERY_TIMEOUT}
        assert len(subscriber.streams.keys() - subscriber.resets.keys()) <= 1
        begun = set(subscriber.streams)
        subscriber.grant_flow_control()
        publisher.stream(subgroup(5, 8) + an_object(0, b"young"), fin=True)
        await subscriber.until(lambda: bool(subscriber.finished), "the young group")
        (finished,) = subscriber.finished
        assert bytes(subscriber.streams[finished]).endswith(b"young")
        assert set(subscriber.streams) - begun == {finished}, "a stale group went out"
        assert not subscriber.terminated.done()
