"""moqt.asyncio: what a publisher does not keep any more is told, to late joins and to subscriptions that come back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import moqt
import moqt.asyncio as ma
from fetched_track import Publisher, deadline, expected, place  # noqa: F401
from moqt_sessions import NS, to
from resuming_sessions import back, broadcast_on, miss_many, relay_on, subscribed

pytestmark = pytest.mark.usefixtures("deadline")

DRAFTS = pytest.mark.parametrize("draft", [16, 18, 22])
ALL = 0
"""The Object ID of an end that takes all of the group in."""


@DRAFTS
async def test_a_late_join_is_told_what_is_gone(draft: int) -> None:
    publisher = Publisher(range(10), retention=ma.Retention(groups=3))
    async with await ma.serve(publisher) as server, to(server.port, drafts=(draft,)) as session:
        await publisher.ready.wait()
        subscription = await session.subscribe(NS, "video", join=5)
        first = await anext(subscription)
        (gap,) = subscription.gaps
        assert (gap.start, gap.end) == (moqt.Location(4, 0), moqt.Location(6, ALL)), "before what comes behind it"
        assert "not know" in gap.reason
        with publisher.track.begin_group(10) as group:
            group.write(b"live")
        await publisher.track.end()
        got = [place(first), *[place(o) async for o in subscription]]
        assert got == [*expected(range(7, 10), 3), (10, 0)]
        assert subscription.statistics().gaps == 1


@DRAFTS
async def test_a_late_join_of_a_resuming_session_is_told_once(draft: int) -> None:
    events: list[ma.ResumeEvent] = []
    publisher = Publisher(range(10), retention=ma.Retention(groups=3))
    options: dict[str, Any] = {"drafts": (draft,), "resume": ma.Resume(on_event=events.append)}
    async with await ma.serve(publisher) as server, to(server.port, **options) as session:
        await publisher.ready.wait()
        subscription = await session.subscribe(NS, "video", join=5)
        await publisher.track.end()
        assert [place(o) async for o in subscription] == expected(range(7, 10), 3)
        (gap,) = subscription.gaps
        assert (gap.start, gap.end) == (moqt.Location(4, 0), moqt.Location(6, ALL))
        assert [each.gap for each in events if isinstance(each, ma.GapFound)] == [gap]


@DRAFTS
async def test_a_fetch_ends_with_what_it_lacks(draft: int) -> None:
    publisher = Publisher(range(6), retention=ma.Retention(groups=2))
    async with await ma.serve(publisher) as server, to(server.port, drafts=(draft,)) as session:
        await publisher.ready.wait()
        got: list[tuple[int, int]] = []

        async def read() -> None:
            async for obj in session.fetch(NS, "video", (0, 0)):
                got.append(place(obj))

        with pytest.raises(ma.FetchInterrupted, match="UNKNOWN_OBJECT_STATUS"):
            await read()
        assert got == expected(range(4, 6), 3)
        with pytest.raises(ma.FetchRefused, match="INTERNAL_ERROR"):
            async with session.fetch(NS, "video", (0, 0), (3, 0)):
                pass


@DRAFTS
async def test_a_subscription_that_comes_back_is_told_what_is_gone(draft: int) -> None:
    """The publisher keeps two groups only, and many pass while the relay is away."""
    relay = await relay_on()
    async with back(relay.port, drafts=(draft,)) as source, back(relay.port, drafts=(draft,)) as session:
        broadcast = await broadcast_on(source, retention=ma.Retention(groups=2))
        viewer = await subscribed(session)
        relay, seen, _ = await miss_many(relay, broadcast, viewer)
        gaps = viewer.subscription.gaps
        missing = {each for each in broadcast.sent if each >= min(viewer.got)} - set(viewer.got)
        assert missing
        assert min(missing) > seen
        for each in missing:
            assert any((g.start.group, g.start.object) <= each < behind(g.end) for g in gaps), (each, gaps)
        assert len(set(viewer.got)) == len(viewer.got)
        assert viewer.got == sorted(viewer.got)
    await relay.close()


def behind(end: moqt.Location) -> tuple[int, int]:
    return (end.group, end.object) if end.object else (end.group + 1, 0)


@pytest.mark.parametrize("known_later", [1, 3])
async def test_what_was_left_out_is_asked_for_once_more(known_later: int) -> None:
    """The publisher comes back with group 5 in place of group 0, and knows of what was between them later."""
    asked: list[tuple[tuple[int, int], tuple[int, int]]] = []

    async def past(request: ma.FetchRequest) -> Any:
        start, end = request.start, request.end
        asked.append(((start.group, start.object), (end.group, end.object)))
        known = 4 if len(asked) == 1 else known_later
        if known > 1:
            yield ma.PastGap(known - 1)
        for group in range(known, 6):
            if request.covers(group, 0):
                yield ma.PastObject(group, 0, b"x")

    def publishing(number: int) -> Any:
        async def handler(session: ma.Session) -> None:
            track = session.create_track(NS, "video", on_fetch=past, retention=ma.Retention(groups=1))
            if number == 0:
                await track.wait_subscriber()
            with track.begin_group(number) as group:
                group.write(b"x")
            there.set()
            await session.wait_closed()

        return handler

    there = asyncio.Event()

    async def behind_group_5(request: ma.AuthorizationRequest) -> None:
        if request.operation == "SUBSCRIBE":
            await there.wait()

    async with await ma.serve(publishing(0)) as first, back(first.port, drafts=(22,)) as session:
        subscription = await session.subscribe(NS, "video", filter=moqt.FilterType.ABSOLUTE_START, start=(0, 0))
        got = [place(await anext(subscription))]
        await first.close()
        there.clear()
        async with await ma.serve(publishing(5), port=first.port, authorize=behind_group_5):
            while got[-1] < (5, 0):
                got.append(place(await anext(subscription)))
    assert got == [(0, 0), *[(group, 0) for group in range(known_later, 6)]]
    begin = asked[0][0]
    assert begin in ((0, 1), (1, 0)), "the end of group 0 may have been heard of"
    assert asked == [(begin, (5, 1)), (begin, (3, ALL))]
    told = [(gap.start, gap.end) for gap in subscription.gaps]
    assert told == ([] if known_later == 1 else [(moqt.Location(*begin), moqt.Location(2, ALL))])
