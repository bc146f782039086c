"""Drafts of MOQT: what two endpoints agree on, and the relay between those who speak different ones."""

from __future__ import annotations

import asyncio

import pytest

import moqt
import moqt.asyncio as ma
import msquic
from moqt_sessions import NS, idle, payloads, to, write

DRAFTS = (22, 18, 16, 15)
EACH_WITH_EACH = [(one, other) for one in DRAFTS for other in DRAFTS]


@pytest.mark.parametrize(
    ("served", "offered", "agreed"),
    [
        (None, None, 22),
        ((18, 15), (15, 18), 18),
        ((15, 18), (18, 15), 15),
        ((16, 22), (22, 18, 16), 16),
        ((22,), (15, 16, 18, 22), 22),
        ((15,), None, 15),
        (None, (15,), 15),
        (None, (16,), 16),
        (None, (16, 18, 22), 22),
    ],
)
async def test_the_server_chooses(served: tuple[int, ...] | None, offered: tuple[int, ...] | None, agreed: int) -> None:
    met: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def handler(session: ma.Session) -> None:
        met.set_result(session.draft)
        await session.wait_closed()

    async with await ma.serve(handler, drafts=served) as server, to(server.port, drafts=offered) as session:
        assert (session.draft, session.alpn) == (agreed, f"moqt-{agreed}")
        assert await met == agreed


async def test_without_a_common_draft_there_is_no_session() -> None:
    async with await ma.serve(idle, drafts=(15,)) as server:
        with pytest.raises(msquic.AlpnError):
            await to(server.port, drafts=(18,))


async def test_drafts_that_are_not_spoken() -> None:
    with pytest.raises(msquic.InvalidArgument, match="14 is not spoken here, 22, 18, 16, 15 are"):
        ma.connect("127.0.0.1", 4433, drafts=(14,))
    with pytest.raises(msquic.InvalidArgument, match="at least one"):
        ma.connect("127.0.0.1", 4433, drafts=())
    with pytest.raises(msquic.InvalidArgument, match="each once"):
        await ma.relay(port=0, drafts=(18, 18))


@pytest.mark.parametrize(("published", "received"), EACH_WITH_EACH)
async def test_a_relay_passes_everything_on(published: int, received: int) -> None:
    async with (
        await ma.relay(port=0) as relay,
        to(relay.port, drafts=(published,)) as publisher,
        to(relay.port, drafts=(received,)) as first,
        to(relay.port, drafts=(received,)) as second,
    ):
        track = publisher.create_track(NS, "video")
        async with first.subscribe_namespace("live") as announcements:
            await publisher.publish_namespace(NS)
            async for announcement in announcements:
                assert (announcement.namespace, announcement.active) == (moqt.TrackNamespace(NS), True)
                break
        subscriptions = [await each.subscribe(NS, "video") for each in (first, second)]
        reading = [asyncio.create_task(payloads(each)) for each in subscriptions]
        sent = await write(track, 20, 20, 200)
        for task in reading:
            assert sorted(await task) == sent
        assert subscriptions[0].done.status_code == moqt.PublishDoneCode.TRACK_ENDED
        assert relay.stats()["objects_delivered"] == 800


@pytest.mark.parametrize(("published", "received"), EACH_WITH_EACH)
async def test_extensions_datagrams_and_fetches_are_translated(published: int, received: int) -> None:
    # 2 is a delivery timeout from draft 18 on: a minute, not to be over before the object has come.
    extensions = {2: 60_000, 3: b"xyz", 0x40: 1 << 40}
    async with (
        await ma.relay(port=0) as relay,
        to(relay.port, drafts=(published,)) as publisher,
        to(relay.port, drafts=(received,)) as viewer,
    ):
        track = publisher.create_track(NS, "video", dynamic_groups=True, delivery_timeout=5.0)
        telemetry = publisher.create_track(NS, "telemetry")
        await publisher.publish_namespace(NS)
        subscription = await viewer.subscribe(NS, "video")
        assert subscription.properties.delivery_timeout == 5.0
        assert subscription.properties.dynamic_groups
        datagrams = await viewer.subscribe(NS, "telemetry")
        await track.wait_subscriber()
        with track.begin_group() as group:
            group.write(b"a", extensions=extensions, object_id=4)
            group.write(b"b" * 100_000)
        first, second = await anext(subscription), await anext(subscription)
        assert first.extensions is not None
        assert first.extensions == moqt.ObjectExtensions(extensions)
        assert (second.object_id, len(second.payload)) == (5, 100_000)
        await telemetry.wait_subscriber()
        telemetry.write_datagram(0, 7, b"sample", extensions=extensions)
        sample = await anext(datagrams)
        assert (sample.datagram, sample.payload, sample.object_id) == (True, b"sample", 7)
        assert sample.extensions == moqt.ObjectExtensions(extensions)
        past = [obj async for obj in viewer.fetch(NS, "video", (0, 0), (0, 0))]
        assert [(o.object_id, len(o.payload)) for o in past] == [(4, 1), (5, 100_000)]
        assert past[0].extensions == moqt.ObjectExtensions(extensions)


@pytest.mark.parametrize(("published", "received"), EACH_WITH_EACH)
async def test_tracks_are_offered_across_drafts(published: int, received: int) -> None:
    async with (
        await ma.relay(port=0) as relay,
        to(relay.port, drafts=(published,)) as publisher,
        to(relay.port, drafts=(received,)) as viewer,
        viewer.subscribe_namespace("live"),
    ):
        track = await publisher.publish(NS, "video")
        async for offer in viewer.offers():
            subscription = await offer.accept()
            break
        reading = asyncio.create_task(payloads(subscription))
        assert sorted(await reading if (sent := await write(track, 3, 3)) else []) == sent


@pytest.mark.parametrize("draft", [18, 22])
async def test_both_timeouts_of_a_track_are_told_through_a_relay(draft: int) -> None:
    async with (
        await ma.relay(port=0) as relay,
        to(relay.port, drafts=(draft,)) as publisher,
        to(relay.port, drafts=(draft,)) as viewer,
    ):
        publisher.create_track(NS, "video", delivery_timeout=3, subgroup_delivery_timeout=5)
        await publisher.publish_namespace(NS)
        subscription = await viewer.subscribe(NS, "video", delivery_timeout=1, subgroup_delivery_timeout=2)
        properties = subscription.properties
        assert (properties.delivery_timeout, properties.subgroup_delivery_timeout) == (3.0, 5.0)
        await subscription.update(subgroup_delivery_timeout=4)


@pytest.mark.parametrize("draft", [18, 22])
async def test_tracks_that_no_stream_is_left_for_are_told(draft: int) -> None:
    async with (
        await ma.relay(port=0) as relay,
        to(relay.port, drafts=(draft,)) as publisher,
        to(relay.port, drafts=(draft,), max_request_id=20) as viewer,
        viewer.subscribe_namespace("live") as announcements,
    ):
        offers = viewer.offers()
        tracks = {name: await publisher.publish(NS, name) for name in (f"{number}".encode() for number in range(30))}
        names: set[bytes] = set()
        async for announcement in announcements:
            if announcement.track_name is not None:
                names.add(announcement.track_name)
            if len(names) == len(tracks):
                break
        offered = {(await anext(offers)).name for _ in range(10)}
        skipped = sorted(names - offered)
        assert relay.stats()["publishes_skipped"] == len(skipped) == 20
        subscription = await viewer.subscribe(NS, skipped[0])
        reading = asyncio.create_task(payloads(subscription))
        sent = await write(tracks[skipped[0]], 3, 3)
        assert sorted(await reading) == sent


@pytest.mark.parametrize("draft", DRAFTS)
async def test_more_requests_than_may_be_open_wait(draft: int) -> None:
    async with await ma.serve(idle, max_request_id=20) as server, to(server.port, drafts=(draft,)) as session:
        answers = await asyncio.gather(
            *(session.track_status(NS, f"{number}") for number in range(100)), return_exceptions=True
        )
        assert all(isinstance(answer, ma.RequestRefused) for answer in answers)
        assert {answer.code for answer in answers if isinstance(answer, ma.RequestRefused)} == {0x10}


@pytest.mark.parametrize("draft", DRAFTS)
async def test_relays_speak_every_draft_with_their_upstreams(draft: int) -> None:
    async with await ma.relay(port=0, drafts=(draft, 15) if draft != 15 else (15,)) as root:
        upstream = ma.Upstream(url=f"moqt://127.0.0.1:{root.port}/", pinned_sha256=[root.certificate_sha256])
        async with (
            await ma.relay(port=0, upstream=[upstream], rendezvous_timeout=5.0) as edge,
            to(root.port, drafts=(15,)) as publisher,
            to(edge.port, drafts=(15,)) as viewer,
            viewer.subscribe_namespace("live") as announcements,
        ):
            track = publisher.create_track(NS, "video")
            await publisher.publish_namespace(NS)
            async for announcement in announcements:
                assert (announcement.namespace, announcement.active) == (moqt.TrackNamespace(NS), True)
                break
            subscription = await viewer.subscribe(NS, "video")
            reading = asyncio.create_task(payloads(subscription))
            sent = await write(track, 5, 5)
            assert sorted(await reading) == sent
            assert edge.stats().upstreams == 1
