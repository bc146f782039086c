"""moqt.asyncio: what may happen to a track while a session is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

import moqt
import moqt.asyncio as ma
from impaired_link import ImpairedLink, Impairment
from moqt_sessions import NS, to
from resuming_sessions import Broadcast, back, broadcast_on, eventually, relay_on, subscribed


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(60):
        yield


async def test_a_lost_publisher_is_waited_for() -> None:
    """The subscriber keeps its session; the relay ends its subscription, and serves it again later."""
    async with (
        await relay_on() as relay,
        ImpairedLink(("127.0.0.1", relay.port), Impairment()) as link,
        back(link.address[1]) as source,
        back(relay.port) as session,
    ):
        broadcast = await broadcast_on(source)
        viewer = await subscribed(session)
        await viewer.at_least(5)
        link.impairment.blackout = True
        await eventually(lambda: not source.is_connected)
        await broadcast.at_least(10)
        link.impairment.blackout = False
        await source.wait_connected()
        await viewer.beyond(broadcast.sent[-1])
        await broadcast.end()
        await viewer.task
        viewer.check(broadcast.sent)
        assert viewer.subscription.statistics().resumptions == 1


async def test_the_rest_of_a_track_that_ends_meanwhile_is_fetched() -> None:
    relay = await relay_on()
    async with back(relay.port) as source, back(relay.port) as session:
        broadcast = await broadcast_on(source)
        viewer = await subscribed(session)
        await viewer.at_least(5)
        await relay.close()
        await broadcast.at_least(20)
        await broadcast.end()
        relay = await relay_on(relay.port)
        await viewer.task
        assert viewer.subscription.done is not None
        assert viewer.subscription.done.status_code == moqt.PublishDoneCode.TRACK_ENDED
        viewer.check(broadcast.sent)
    await relay.close()


async def test_datagrams_that_were_missed_are_fetched() -> None:
    relay = await relay_on()
    async with back(relay.port) as source, back(relay.port) as session:
        track = source.create_track(NS, "video")
        await source.publish_namespace(NS)
        viewer = await subscribed(session)
        sent: list[tuple[int, int]] = []

        async def write(count: int) -> None:
            for _ in range(count):
                place = len(sent), 0
                track.write_datagram(*place, f"{place[0]}/0".encode() * 20, end_of_group=True)
                sent.append(place)
                await asyncio.sleep(0.002)

        await write(10)
        await viewer.beyond((8, 0))
        await relay.close()
        await write(10)
        relay = await relay_on(relay.port)
        await eventually(lambda: viewer.subscription.statistics().resumptions == 1)
        await write(10)
        await viewer.beyond(sent[-2])
        await track.end()
        await viewer.task
        viewer.check(sent)
    await relay.close()


async def test_ends_of_groups_are_told_once() -> None:
    """group_ends=True across a restart: no END_OF_GROUP twice, none of a fetched group."""
    relay = await relay_on()
    async with back(relay.port) as source, back(relay.port) as session:
        broadcast = await broadcast_on(source)
        while True:
            try:
                subscription = await session.subscribe(NS, "video", group_ends=True)
                break
            except ma.RequestRefused:
                await asyncio.sleep(0.02)
        ends: list[int] = []
        got: list[tuple[int, int]] = []

        async def read() -> None:
            async for obj in subscription:
                if obj.status == moqt.ObjectStatus.END_OF_GROUP:
                    ends.append(obj.group_id)
                else:
                    got.append((obj.group_id, obj.object_id))

        reading = asyncio.create_task(read())
        await eventually(lambda: len(ends) > 2)
        await relay.close()
        await broadcast.at_least(10)
        relay = await relay_on(relay.port)
        await eventually(lambda: bool(got) and got[-1] >= broadcast.sent[-1])
        await broadcast.end()
        await reading
        assert len(set(ends)) == len(ends)
        assert sorted(got) == [each for each in broadcast.sent if each >= min(got)]
    await relay.close()


async def test_a_name_that_is_taken_anew_is_a_new_track() -> None:
    """A publisher that does not come back, and another one with lower Group IDs."""
    relay = await relay_on()
    async with back(relay.port) as session:
        async with to(relay.port) as first:
            await first.publish_namespace(NS)
            old = first.create_track(NS, "video")
            viewer = await subscribed(session)
            with old.begin_group(500) as group:
                group.write(b"500/0" * 20)
            await viewer.beyond((499, 0))
            await first.close(int(moqt.ErrorCode.INTERNAL_ERROR))
        async with to(relay.port) as second:
            new = second.create_track(NS, "video")
            with new.begin_group(3) as group:
                group.write(b"3/0" * 20)
            await second.publish_namespace(NS)
            await new.wait_subscriber()
            await eventually(lambda: viewer.subscription.statistics().resumptions == 1)
            with new.begin_group() as group:
                group.write(b"4/0" * 20)
            await eventually(lambda: viewer.got[-1:] == [(4, 0)])
            await new.end()
            await viewer.task
        assert viewer.got == [(500, 0), (4, 0)]
    await relay.close()


async def test_a_range_ends_where_it_was_to_end() -> None:
    relay = await relay_on()
    async with back(relay.port) as source, back(relay.port) as session:
        track = source.create_track(NS, "video")
        await source.publish_namespace(NS)
        viewer = await subscribed(session, filter=moqt.FilterType.ABSOLUTE_RANGE, start=(1, 1), end_group=3)
        sent = []
        for number in range(6):
            if number == 2:
                await viewer.beyond((1, 0))
                await relay.close()
            with track.begin_group() as group:
                for each in range(3):
                    group.write(f"{number}/{each}".encode() * 20)
                    sent.append((number, each))
        relay = await relay_on(relay.port)
        await viewer.beyond((3, 1))
        await viewer.subscription.unsubscribe()
        await viewer.task
        assert viewer.got == [each for each in sent if each >= (1, 1) and each[0] <= 3]
    await relay.close()


async def test_what_is_withdrawn_while_away_does_not_come_back() -> None:
    relay = await relay_on()
    async with back(relay.port) as source, back(relay.port) as session:
        broadcast = await broadcast_on(source)
        viewer = await subscribed(session)
        publication = await source.publish_namespace("other")
        await viewer.at_least(5)
        await relay.close()
        await eventually(lambda: not session.is_connected and not source.is_connected)
        await viewer.subscription.unsubscribe()
        await publication.done()
        await viewer.task
        relay = await relay_on(relay.port)
        await session.wait_connected()
        await source.wait_connected()
        await broadcast.at_least(20)
        assert relay.stats()["downstream_subscriptions"] == 0
        assert relay.stats()["published_namespaces"] == 1
        await broadcast.end()
    await relay.close()


async def test_a_subscription_that_is_refused_for_good_says_so() -> None:
    """The next relay does not let this client subscribe."""

    def nobody(request: ma.AuthorizationRequest) -> None:
        if request.operation == "SUBSCRIBE":
            raise ma.Refused("not you")

    relay = await relay_on()
    async with back(relay.port) as source, back(relay.port) as session:
        broadcast: Broadcast = await broadcast_on(source)
        viewer = await subscribed(session)
        await viewer.at_least(5)
        await relay.close()
        relay = await relay_on(relay.port, authorize=nobody)
        with pytest.raises(ma.RequestRefused) as refused:
            await viewer.task
        assert refused.value.code == moqt.RequestErrorCode.UNAUTHORIZED
        await broadcast.end()
    await relay.close()
