"""What a subscriber may ask for in later drafts: some objects of each group, and to be waited with for a publisher."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import moqt
import moqt.asyncio as ma
from fetched_track import deadline  # noqa: F401
from moqt import MessageParameterType, RangeFilter
from moqt_sessions import NS, to
from resuming_sessions import back, relay_on

pytestmark = pytest.mark.usefixtures("deadline")

FIRST_TWO = (MessageParameterType.OBJECT_ID_FILTER, RangeFilter([(0, 1)]))
FROM_THE_FOURTH = (MessageParameterType.OBJECT_ID_FILTER, RangeFilter([(3, None)]))
UPPER = (MessageParameterType.SUBGROUP_FILTER, RangeFilter([(1, 1)]))


def place(item: moqt.Object) -> tuple[int, int, int]:
    return item.group_id, item.subgroup_id, item.object_id


async def write_groups(track: ma.TrackWriter, groups: range) -> None:
    """Five objects in subgroup 0, and two in subgroup 1."""
    for number in groups:
        with track.begin_group(number, end_of_group=False) as lower, track.begin_group(number, subgroup_id=1) as upper:
            for _ in range(5):
                lower.write(b"x" * 50)
            upper.write(b"y" * 50, object_id=5)
            upper.write(b"y" * 50)
        await track.drain()


@asynccontextmanager
async def a_track(*hops: int, **options: Any) -> AsyncIterator[tuple[ma.Session, ma.TrackWriter]]:
    """A viewer of the second draft behind a relay, and a track of a publisher of the first."""
    published, viewed = hops
    async with (
        await ma.relay(port=0) as relay,
        to(relay.port, drafts=(published,)) as publisher,
        to(relay.port, drafts=(viewed,)) as viewer,
    ):
        track = publisher.create_track(NS, "video", **options)
        await publisher.publish_namespace(NS)
        yield viewer, track


@pytest.mark.parametrize("published", [15, 22])
async def test_a_range_filter_lets_some_objects_pass(published: int) -> None:
    async with a_track(published, 22) as (viewer, track):
        subscription = await viewer.subscribe(NS, "video", range_filters=[FIRST_TWO])
        await write_groups(track, range(3))
        await track.end()
        got = [place(item) async for item in subscription]
        assert sorted(got) == [(group, 0, number) for group in range(3) for number in range(2)]


async def test_filters_of_one_set_are_all_to_be_passed_and_one_set_is_enough() -> None:
    async with a_track(22, 22) as (viewer, track):
        late = (MessageParameterType.OBJECT_ID_FILTER, RangeFilter([(6, 9)]))
        first = (MessageParameterType.OBJECT_ID_FILTER, RangeFilter([(0, 0)], set_id=1))
        subscription = await viewer.subscribe(NS, "video", range_filters=[UPPER, late, first])
        await write_groups(track, range(2))
        await track.end()
        got = [place(item) async for item in subscription]
        assert sorted(got) == [(0, 0, 0), (0, 1, 6), (1, 0, 0), (1, 1, 6)]


async def test_an_update_replaces_a_range_filter_and_takes_it_back() -> None:
    async with a_track(22, 22) as (viewer, track):
        subscription = await viewer.subscribe(NS, "video", range_filters=[FIRST_TWO])

        async def next_of(group: int, count: int) -> list[int]:
            await write_groups(track, range(group, group + 1))
            return sorted([place(await anext(subscription))[2] for _ in range(count)])

        assert await next_of(0, 2) == [0, 1]
        await subscription.update(range_filters=[FROM_THE_FOURTH])
        assert await next_of(1, 4) == [3, 4, 5, 6]
        await subscription.update(priority=3)
        assert await next_of(2, 4) == [3, 4, 5, 6]
        await subscription.update(range_filters=[(MessageParameterType.OBJECT_ID_FILTER, RangeFilter(removed=True))])
        assert await next_of(3, 7) == [0, 1, 2, 3, 4, 5, 6]


async def test_what_has_been_is_filtered_alike() -> None:
    async with a_track(22, 22, retention=ma.Retention(groups=10)) as (viewer, track):
        await write_groups(track, range(3))
        async with viewer.fetch(NS, "video", (0, 0), range_filters=[UPPER]) as fetch:
            got = [place(item) async for item in fetch]
        assert got == [(group, 1, number) for group in range(3) for number in (5, 6)]
        joined = await viewer.subscribe(NS, "video", join=1, range_filters=[FIRST_TWO])
        await write_groups(track, range(3, 4))
        await track.end()
        got = [place(item) async for item in joined]
        assert sorted(got) == [(group, 0, number) for group in range(1, 4) for number in range(2)]


async def test_a_session_that_comes_back_asks_for_the_same_objects() -> None:
    relay = await relay_on()
    async with back(relay.port, drafts=(22,)) as publisher, back(relay.port, drafts=(22,)) as viewer:
        track = publisher.create_track(NS, "video", retention=ma.Retention(groups=10))
        await publisher.publish_namespace(NS)
        subscription = await viewer.subscribe(NS, "video", range_filters=[FIRST_TWO])
        await write_groups(track, range(1))
        got = [place(await anext(subscription)) for _ in range(2)]
        await subscription.update(range_filters=[(MessageParameterType.OBJECT_ID_FILTER, RangeFilter([(0, 0)]))])
        await relay.close()
        relay = await relay_on(relay.port)
        for number in (1, 2):
            await write_groups(track, range(number, number + 1))
            got.append(place(await anext(subscription)))
        assert sorted(got) == [(0, 0, 0), (0, 0, 1), (1, 0, 0), (2, 0, 0)]
        assert subscription.gaps == ()
    await relay.close()


@pytest.mark.parametrize("draft", [15, 16, 18])
async def test_drafts_before_22_have_no_range_filters(draft: int) -> None:
    async with a_track(draft, draft) as (viewer, _):
        with pytest.raises(moqt.MoqtError, match="draft"):
            await viewer.subscribe(NS, "video", range_filters=[FIRST_TWO])
        with pytest.raises(moqt.MoqtError, match="draft"):
            async with viewer.fetch(NS, "video", (0, 0), range_filters=[FIRST_TWO]):
                pass
        subscription = await viewer.subscribe(NS, "video")
        with pytest.raises(moqt.MoqtError, match="draft"):
            await subscription.update(range_filters=[FIRST_TWO])
        await subscription.update(priority=7)


async def test_what_cannot_be_a_range_filter_is_named() -> None:
    async with a_track(22, 22) as (viewer, _):
        wrong: Any = [RangeFilter([(0, 1)])]
        with pytest.raises(TypeError, match="pairs of a MessageParameterType and a RangeFilter"):
            await viewer.subscribe(NS, "video", range_filters=wrong)
        with pytest.raises(ValueError, match="OBJECT_ID_FILTER"):
            await viewer.subscribe(NS, "video", range_filters=[(MessageParameterType.FORWARD, RangeFilter([(0, 1)]))])
        too_many = RangeFilter([(4 * number, 4 * number) for number in range(65)])
        with pytest.raises(ma.SessionStateError, match="more ranges than the peer takes"):
            await viewer.subscribe(NS, "video", range_filters=[(MessageParameterType.OBJECT_ID_FILTER, too_many)])


@pytest.mark.parametrize("draft", [18, 22])
async def test_a_subscriber_waits_for_a_publisher(draft: int) -> None:
    async with (
        await ma.relay(port=0) as relay,
        to(relay.port, drafts=(draft,)) as publisher,
        to(relay.port, drafts=(draft,)) as viewer,
    ):
        early = asyncio.create_task(viewer.subscribe(NS, "video", rendezvous_timeout=30))
        with pytest.raises(ma.RequestRefused):
            await viewer.subscribe(NS, "another", rendezvous_timeout=0.05)
        assert not early.done()
        track = await publisher.publish(NS, "video")
        subscription = await early
        with track.begin_group() as group:
            group.write(b"at last")
        await track.end()
        assert [item.payload async for item in subscription] == [b"at last"]


@pytest.mark.parametrize("draft", [15, 16])
async def test_drafts_before_18_have_no_rendezvous(draft: int) -> None:
    async with a_track(draft, draft) as (viewer, _):
        with pytest.raises(moqt.MoqtError, match="draft"):
            await viewer.subscribe(NS, "video", rendezvous_timeout=1)
