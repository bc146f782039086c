"""moqt.asyncio: what a publisher says of a track, and what a subscriber asks for, as it stands on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

import moqt
import moqt.asyncio as ma
from moqt_sessions import to
from raw_moqt_peer import RawPeer, client_setup, fields, message, raw_peer

SUBSCRIBE, SUBSCRIBE_OK, SUBSCRIBE_UPDATE, REQUEST_OK, PUBLISH, PUBLISH_OK = 0x3, 0x4, 0x2, 0x7, 0x1D, 0x1E
TRACK = fields(2, 4, b"live", 4, b"demo", 5, b"video")


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(60):
        yield


@asynccontextmanager
async def raw_at(server: ma.Server, **options: Any) -> AsyncIterator[RawPeer]:
    """A client of bytes at a server of this process, past SETUP."""
    async with raw_peer(SimpleNamespace(port=server.port), **options) as peer:  # type: ignore[arg-type]
        peer.stream(client_setup(100), bidirectional=True)
        await peer.message(0x21)
        yield peer


class Once:
    """A handler that gives its session away and waits."""

    def __init__(self) -> None:
        self.session: asyncio.Future[ma.Session] = asyncio.get_running_loop().create_future()

    async def __call__(self, session: ma.Session) -> None:
        self.session.set_result(session)
        await session.wait_closed()


def publisher(**options: Any) -> Any:
    async def handler(session: ma.Session) -> None:
        session.create_track("live/demo", "video", **options)
        await session.wait_closed()

    return handler


async def test_subscribe_ok_says_what_the_track_is() -> None:
    track = publisher(delivery_timeout=1.5, max_cache_duration=60, priority=7, dynamic_groups=True)
    async with ma.serve(track) as server, raw_at(server) as peer:
        peer.control(message(SUBSCRIBE, fields(0, TRACK, 0)))
        payload = await peer.message(SUBSCRIBE_OK)
    said = moqt.SubscribeOk.decode_payload(payload)
    assert (said.delivery_timeout, said.max_cache_duration) == (1500, 60_000)
    assert (said.publisher_priority, said.dynamic_groups) == (7, True)


async def test_a_subscriber_sees_what_the_track_is() -> None:
    track = publisher(delivery_timeout=1.5, max_cache_duration=0, priority=7, dynamic_groups=True,
                      group_order=moqt.GroupOrder.DESCENDING)  # fmt: skip
    async with ma.serve(track) as server, to(server.port) as session:
        subscription = await session.subscribe("live/demo", "video")
        assert subscription.properties == ma.TrackProperties(1.5, 0.0, 7, moqt.GroupOrder.DESCENDING, True)


async def test_a_relay_passes_on_what_the_track_is() -> None:
    async with ma.relay() as relay, to(relay.port) as source, to(relay.port) as sink:
        await source.publish_namespace("live/demo")
        source.create_track("live/demo", "video", delivery_timeout=2, max_cache_duration=30, dynamic_groups=True)
        subscription = await sink.subscribe("live/demo", "video")
        assert subscription.properties[:2] == (2.0, 30.0)
        assert subscription.properties.dynamic_groups


async def test_a_track_says_nothing_unless_told() -> None:
    async with ma.serve(publisher()) as server, to(server.port) as session:
        subscription = await session.subscribe("live/demo", "video")
        assert subscription.properties == ma.TrackProperties()


async def test_subscribe_carries_what_is_asked_for() -> None:
    once = Once()
    async with ma.serve(once) as server, raw_at(server) as peer:
        session = await once.session
        asking = asyncio.create_task(
            session.subscribe("live/demo", "video", delivery_timeout=0.25, new_group=True, priority=3)
        )
        said = moqt.Subscribe.decode_payload(await peer.message(SUBSCRIBE))
        assert (said.delivery_timeout, said.new_group_request, said.subscriber_priority) == (250, 0, 3)
        peer.control(message(SUBSCRIBE_OK, fields(said.request_id, 0, 0)))
        await asking


async def test_update_carries_what_changes_and_tells_the_largest_object() -> None:
    once = Once()
    async with ma.serve(once) as server, raw_at(server) as peer:
        session = await once.session
        asking = asyncio.create_task(session.subscribe("live/demo", "video"))
        first = moqt.Subscribe.decode_payload(await peer.message(SUBSCRIBE))
        # LARGEST_OBJECT (9) is group 4, object 1; then DYNAMIC_GROUPS (0x30) is 1.
        peer.control(message(SUBSCRIBE_OK, fields(first.request_id, 0, 2, 9, 2, 4, 1, 0x30, 1)))
        subscription = await asking
        assert subscription.largest == moqt.Location(4, 1)
        updating = asyncio.create_task(
            subscription.update(
                filter=moqt.FilterType.ABSOLUTE_RANGE, start=(5, 2), end_group=9, delivery_timeout=1, new_group=True
            )
        )
        said = moqt.SubscribeUpdate.decode_payload(await peer.message(SUBSCRIBE_UPDATE))
        assert said.filter == moqt.SubscriptionFilter.absolute_range(moqt.Location(5, 2), 9)
        assert said.delivery_timeout == 1000
        assert said.new_group_request == 5, "the largest group known, plus 1"
        assert (said.forward, said.subscriber_priority) == (None, None)
        peer.control(message(REQUEST_OK, fields(said.request_id, 1, 9, 2, 6, 0)))
        assert await updating == moqt.Location(6, 0)


async def test_no_group_is_asked_for_where_none_would_be_begun() -> None:
    async with ma.serve(publisher()) as server, to(server.port) as session:
        subscription = await session.subscribe("live/demo", "video", new_group=True)  # may be said without knowing
        with pytest.raises(ma.SessionStateError, match="DYNAMIC_GROUPS"):
            await subscription.request_group()
        assert await subscription.update(priority=1) is None


async def test_a_group_that_is_asked_for_reaches_the_publisher() -> None:
    async with ma.relay() as relay, to(relay.port) as source, to(relay.port) as sink:
        await source.publish_namespace("live/demo")
        track = source.create_track("live/demo", "video", dynamic_groups=True)
        subscription = await sink.subscribe("live/demo", "video")
        await track.wait_subscriber()
        with track.begin_group(3) as group:
            group.write(b"x")
        assert (await anext(subscription)).group_id == 3
        await subscription.request_group()
        assert await track.wait_group_request() == 4
        assert track.group_requested == 4


async def test_an_offer_says_what_the_track_is() -> None:
    async with ma.serve(once := Once()) as server, to(server.port) as session:
        offers = (await once.session).offers()
        offering = asyncio.create_task(session.publish("live/demo", "video", delivery_timeout=3, dynamic_groups=True))
        offer = await anext(offers)
        assert offer.properties.delivery_timeout == 3.0
        subscription = await offer.accept(delivery_timeout=1, new_group=True)
        track = await offering
        assert subscription.properties.dynamic_groups
        assert await track.wait_group_request() == 0


async def test_an_offer_without_dynamic_groups_gets_no_request_for_one() -> None:
    async with ma.serve(once := Once()) as server, to(server.port) as session:
        offers = (await once.session).offers()
        offering = asyncio.create_task(session.publish("live/demo", "video"))
        offer = await anext(offers)
        with pytest.raises(ma.SessionStateError, match="DYNAMIC_GROUPS"):
            await offer.accept(new_group=True)
        subscription = await offer.accept()  # it has not been answered by that
        await offering
        assert subscription.name == b"video"


@pytest.mark.parametrize("who", ["publisher", "subscriber"])
async def test_what_is_too_late_resets_its_stream(who: str) -> None:
    asked = fields(1, 2, 200) if who == "subscriber" else fields(0)
    written = asyncio.Event()

    async def handler(session: ma.Session) -> None:
        track = session.create_track("live/demo", "video", delivery_timeout=0.2 if who == "publisher" else None)
        await track.wait_subscriber()
        group = track.begin_group()
        group.write(bytes(400_000))
        written.set()
        await session.wait_closed()

    async with ma.serve(handler) as server, raw_at(server, max_data=60_000) as peer:
        peer.withhold_flow_control()
        peer.control(message(SUBSCRIBE, fields(0, TRACK, asked)))
        await written.wait()
        await peer.until(lambda: bool(peer.resets), "a reset")
        assert set(peer.resets.values()) == {moqt.StreamResetCode.DELIVERY_TIMEOUT}


async def until_refused(session: ma.Session) -> None:
    """Fetches the one object until it is too old to be had."""
    while True:
        assert [o.payload async for o in session.fetch("live/demo", "video", (0, 0))] == [b"x"]


async def test_what_may_not_be_cached_any_more_is_not_fetched() -> None:
    async with ma.serve(once := Once()) as server, to(server.port) as session:
        track = (await once.session).create_track("live/demo", "video", max_cache_duration=0.01)
        with track.begin_group() as group:
            group.write(b"x")
        with pytest.raises(ma.FetchRefused):
            await until_refused(session)


@pytest.mark.parametrize("kept", [0.0, 0.01])
async def test_a_relay_forwards_what_it_may_not_cache(kept: float) -> None:
    async with ma.relay() as relay, to(relay.port) as source, to(relay.port) as sink:
        await source.publish_namespace("live/demo")
        track = source.create_track("live/demo", "video", max_cache_duration=kept)
        subscription = await sink.subscribe("live/demo", "video")
        await track.wait_subscriber()
        with track.begin_group() as group:
            group.write(b"x")
        if kept == 0:
            assert (await anext(subscription)).payload == b"x"
        with pytest.raises((ma.FetchRefused, ma.FetchInterrupted)):
            await until_refused(sink)


async def test_a_datagram_has_a_priority_of_its_own() -> None:
    async with ma.serve(once := Once()) as server, to(server.port) as session:
        track = (await once.session).create_track("live/demo", "video", priority=9)
        subscription = await session.subscribe("live/demo", "video")
        await track.wait_subscriber()
        track.write_datagram(0, 0, b"x", priority=200)
        assert (await anext(subscription)).publisher_priority == 200


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"delivery_timeout": 0}, ValueError, "above 0"),
        ({"delivery_timeout": -1.0}, ValueError, "above 0"),
        ({"max_cache_duration": -1.0}, ValueError, "at least 0"),
        ({"delivery_timeout": float("nan")}, ValueError, "above 0"),
        ({"prioriti": 1}, TypeError, "prioriti"),
        ({"priority": 256}, moqt.EncodeError, "priority"),
    ],
)
async def test_a_wrong_option_of_a_track_is_named(wrong: dict[str, Any], error: type[Exception], text: str) -> None:
    async with ma.serve(once := Once()) as server, to(server.port):
        session = await once.session
        with pytest.raises(error, match=text):
            session.create_track("live/demo", "video", **wrong)
        session.create_track("live/demo", "video")  # the name is free


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"delivery_timeout": 0}, ValueError, "above 0"),
        ({"filtre": 1}, TypeError, "filtre"),
        ({"start": (1, 0)}, ValueError, "absolute"),
        ({"filter": moqt.SubscriptionFilter.largest_object(), "start": (1, 0)}, ValueError, "ABSOLUTE"),
        ({"filter": moqt.FilterType.ABSOLUTE_START, "start": (1, 0), "end_group": 3}, ValueError, "ABSOLUTE_RANGE"),
    ],
)
async def test_a_wrong_option_of_a_subscription_is_named(
    wrong: dict[str, Any], error: type[Exception], text: str
) -> None:
    async with ma.serve(publisher()) as server, to(server.port) as session:
        with pytest.raises(error, match=text):
            await session.subscribe("live/demo", "video", **wrong)
        await session.subscribe("live/demo", "video")
