"""moqt.asyncio: late joins, without a gap and with nothing twice."""

from __future__ import annotations

import asyncio

import pytest

import moqt
import moqt.asyncio as ma
from fetched_track import KEEP, Publisher, deadline, expected, place, published  # noqa: F401
from moqt_sessions import NS, idle, to

pytestmark = pytest.mark.usefixtures("each_draft")


class LateJoins:
    """Clients of a port that join a track at any moment: one of its own every few objects."""

    def __init__(self, port: int) -> None:
        self.port, self.begun = port, 0
        self.joined: list[asyncio.Task[list[tuple[int, int]]]] = []

    async def _late(self) -> list[tuple[int, int]]:
        async with to(self.port) as session:
            subscription = await session.subscribe(NS, "video", join=1)
            self.begun += 1
            return [place(o) async for o in subscription]

    async def during(self, track: ma.TrackWriter, groups: int, per_group: int) -> None:
        """Writes the groups, and waits until everybody who came has joined."""
        count = 0
        for _ in range(groups):
            with track.begin_group() as group:
                for _ in range(per_group):
                    group.write(b"x" * 50)
                    count += 1
                    if count % 5 == 3:
                        self.joined.append(asyncio.ensure_future(self._late()))
                    await asyncio.sleep(0.0005)
        while self.begun < len(self.joined):
            assert not any(each.done() and each.exception() for each in self.joined)
            await asyncio.sleep(0.01)

    async def check(self, groups: int, per_group: int) -> None:
        """The track has ended."""
        results = await asyncio.gather(*self.joined)
        assert len(results) == 40
        for got in results:
            assert sorted(got) == expected(range(got[0][0], groups), per_group), got


async def test_joins_at_any_moment_have_no_gap_and_nothing_twice() -> None:
    """Through a relay: a client of its own every few objects, until the track ends."""
    async with ma.relay(port=0) as relay, to(relay.port) as source:
        track = source.create_track(NS, "video", retention=KEEP)
        await source.publish_namespace(NS)
        joins = LateJoins(relay.port)
        await joins.during(track, 20, 10)
        await track.end()
        await joins.check(20, 10)


async def test_joins_of_a_shared_track_have_no_gap_and_nothing_twice() -> None:
    """All sessions of a server have one track: whenever they join, they get the same objects."""
    async with ma.serve(idle) as server:
        track = server.create_track(NS, "video", retention=KEEP)
        joins = LateJoins(server.port)
        await joins.during(track, 20, 10)
        assert track.subscriber_count == 40
        await track.end()
        await joins.check(20, 10)


async def test_a_shared_track_outlives_its_sessions() -> None:
    asked: list[ma.FetchRequest] = []

    async def archive(request: ma.FetchRequest) -> list[ma.PastObject]:
        asked.append(request)
        return [ma.PastObject(request.start.group, 0, b"archived")]

    async def own(session: ma.Session) -> None:
        with pytest.raises(moqt.SessionStateError, match="that name"):
            session.create_track(NS, "video")
        await session.wait_closed()

    async with ma.serve(own) as server:
        track = server.create_track(NS, "video", retention=KEEP, on_fetch=archive)
        with pytest.raises(moqt.SessionStateError, match="that name"):
            server.create_track(NS, "video")
        for number in range(10, 13):
            with track.begin_group(number) as group:
                group.write(b"x" * 10)
            await track.drain()
        for _ in range(2):
            async with to(server.port) as session:
                assert [place(o) async for o in session.fetch(NS, "video", (11, 0), (12, 0))] == [(11, 0), (12, 0)]
                got = [o async for o in session.fetch(NS, "video", (3, 0), (3, 0))]
                assert [(place(o), o.payload) for o in got] == [((3, 0), b"archived")]
                subscription = await session.subscribe(NS, "video")
                await track.wait_subscriber()
                with track.begin_group() as group:
                    group.write(b"live")
                assert (await anext(subscription)).payload == b"live"
        assert len(asked) == 2
        await track.end()
        again = server.create_track(NS, "video")
        async with to(server.port) as session:
            subscription = await session.subscribe(NS, "video")
            with again.begin_group() as group:
                group.write(b"again")
            assert (await anext(subscription)).payload == b"again"
            server.close()
            with pytest.raises(moqt.SessionStateError, match="closed"):
                again.begin_group()


async def test_a_join_of_a_track_without_objects_is_live() -> None:
    publisher = Publisher(range(0))
    async with published(publisher) as session:
        subscription = await session.subscribe(NS, "video", join=5)
        assert subscription.largest is None
        with publisher.track.begin_group() as group:
            group.write(b"live")
        await publisher.track.end()
        assert [place(o) async for o in subscription] == [(0, 0)]


async def test_a_join_begins_at_a_group() -> None:
    publisher = Publisher(range(10), retention=KEEP)
    async with published(publisher) as session:
        subscription = await session.subscribe(NS, "video", join_absolute=7)
        await publisher.track.end()
        assert [place(o) async for o in subscription] == expected(range(7, 10), 3)
        for options in (
            {"join": 1, "join_absolute": 1},
            {"join": -1},
            {"join": 1, "filter": moqt.FilterType.NEXT_GROUP_START},
        ):
            with pytest.raises(ValueError, match="join"):
                await session.subscribe(NS, "video", **options)  # type: ignore[arg-type]


async def test_a_join_whose_past_is_not_kept_is_refused_in_draft_15(each_draft: int) -> None:
    publisher = Publisher(range(10), retention=ma.Retention(groups=1))
    async with published(publisher) as session:
        if each_draft == 15:  # later ones leave it out, see test_moqt_asyncio_gaps.py
            with pytest.raises(ma.FetchRefused, match="UNKNOWN_STATUS_IN_RANGE"):
                await session.subscribe(NS, "video", join=3)
        subscription = await session.subscribe(NS, "video", join=0)
        await publisher.track.end()
        assert [place(o) async for o in subscription] == expected(range(9, 10), 3)


async def test_unsubscribing_a_join_ends_its_past_as_well() -> None:
    publisher = Publisher(range(1), objects=2000, size=10_000, retention=ma.Retention(bytes=1 << 30))
    async with published(publisher) as session:
        subscription = await session.subscribe(NS, "video", join=0)
        await anext(subscription)
        await subscription.unsubscribe()
        assert [o async for o in subscription] == []
    async with ma.serve(idle) as server, to(server.port) as session:
        with pytest.raises(ma.RequestRefused):
            await session.subscribe(NS, "nothing", join=1)
