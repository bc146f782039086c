"""moqt.asyncio: FETCH, asked and answered, directly and through a relay."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator

import pytest

import moqt
import moqt.asyncio as ma
from fetched_track import KEEP, Publisher, deadline, expected, place, published  # noqa: F401
from moqt_sessions import NS, to

pytestmark = pytest.mark.usefixtures("each_draft")


async def test_a_range_is_fetched_in_order_with_everything_that_belongs_to_an_object() -> None:
    async with published(Publisher(range(10), retention=KEEP)) as session:
        async with session.fetch(NS, "video", (2, 1), (4, 2)) as fetch:
            assert fetch.end == moqt.Location(4, 2)
            assert not fetch.end_of_track
            got = [obj async for obj in fetch]
        assert [place(o) for o in got] == [(2, 1), (2, 2), *expected(range(3, 4), 3), (4, 0), (4, 1)]
        assert got[0].payload == b"\2" * 100
        assert got[0].extensions is not None
        assert got[0].extensions == moqt.ObjectExtensions({0x46: 2})
        assert not got[0].datagram


async def test_without_an_end_everything_comes_that_was_published() -> None:
    async with published(Publisher(range(5), retention=KEEP)) as session:
        fetch = session.fetch(NS, "video", (0, 0))
        assert fetch.end is None
        assert [place(o) async for o in fetch] == expected(range(5), 3)
        assert fetch.end == moqt.Location(4, 3) or fetch.end == moqt.Location(4, 0)
        backwards = session.fetch(NS, "video", (0, 0), group_order=moqt.GroupOrder.DESCENDING)
        assert [place(o) async for o in backwards] == [
            p for g in range(4, -1, -1) for p in expected(range(g, g + 1), 3)
        ]


async def test_batches_have_everything_once() -> None:
    publisher = Publisher(range(20), objects=20, retention=KEEP)
    async with published(publisher) as session:
        sizes, places = [], []
        async for batch in session.fetch(NS, "video", (0, 0)).batches(7):
            sizes.append(len(batch))
            places += [place(o) for o in batch]
        assert places == expected(range(20), 20)
        assert set(sizes) <= set(range(1, 8))
        assert max(sizes) > 1
        subscription = await session.subscribe(NS, "video")
        with publisher.track.begin_group() as group:
            for _ in range(100):
                group.write(b"x")
        await publisher.track.end()
        live = [place(o) async for batch in subscription.batches(max=1000) for o in batch]
        assert live == expected(range(20, 21), 100)
        with pytest.raises(ValueError, match="max"):
            subscription.batches(0)


async def test_what_cannot_be_had_is_refused_by_name(each_draft: int) -> None:
    publisher = Publisher(range(6), retention=ma.Retention(groups=2))
    async with published(publisher) as session:
        await session.track_status(NS, "video")
        for track, start, name in (
            # Later drafts leave it out, see test_moqt_asyncio_gaps.py.
            *([("video", (0, 0), "UNKNOWN_STATUS_IN_RANGE")] if each_draft == 15 else []),
            ("video", (6, 0), "INVALID_RANGE"),
            ("no such", (0, 0), "DOES_NOT_EXIST"),
        ):
            with pytest.raises(ma.FetchRefused) as refused:
                async with session.fetch(NS, track, start):
                    pass
            assert refused.value.name == name
            assert isinstance(refused.value, ma.RequestRefused)
        assert [place(o) async for o in session.fetch(NS, "video", (4, 0))] == expected(range(4, 6), 3)
        for start, end in (((3, 0), (2, 0)), ((3, 5), (3, 5)), ((3, 5), (3, 1))):
            with pytest.raises(ValueError, match="before it starts"):
                session.fetch(NS, "video", start, end)


async def test_leaving_a_fetch_cancels_it() -> None:
    publisher = Publisher(range(1), objects=2000, size=10_000, retention=ma.Retention(bytes=1 << 30))
    async with published(publisher) as session:
        async with session.fetch(NS, "video", (0, 0)) as fetch:
            async for obj in fetch:
                assert place(obj) == (0, 0)
                break
        assert [o async for o in fetch] == []
        with pytest.raises(moqt.SessionStateError):
            await fetch.__aenter__()
        # The session is none the worse.
        assert len([o async for o in session.fetch(NS, "video", (0, 1990))]) == 10


async def test_a_cancelled_read_loses_nothing() -> None:
    async with published(Publisher(range(30), retention=KEEP)) as session:
        got = []
        async with session.fetch(NS, "video", (0, 0)) as fetch:
            while True:
                read = asyncio.ensure_future(anext(fetch))
                await asyncio.sleep(0)
                if not read.done():
                    read.cancel()
                try:
                    got.append(place(await read))
                except asyncio.CancelledError:
                    await asyncio.sleep(0.001)
                except StopAsyncIteration:
                    break
        assert got == expected(range(30), 3)


async def test_a_slow_reader_of_64_mebibytes_holds_the_publisher_up() -> None:
    publisher = Publisher(range(1), objects=1024, size=65536, retention=ma.Retention(bytes=1 << 30))
    async with published(publisher) as session:
        await session.track_status(NS, "video")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with session.fetch(NS, "video", (0, 0)) as fetch:
            # As much as may wait is there when nothing more comes for a while.
            await asyncio.sleep(1.0)
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
            assert grown < 48 * 1024 * 1024, grown
            got = 0
            async for obj in fetch:
                assert obj.object_id == got
                got += 1
        assert got == 1024
        assert fetch.objects_too_large == 0


async def test_a_session_that_ends_ends_its_fetches() -> None:
    publisher = Publisher(range(1), objects=2000, size=10_000, retention=ma.Retention(bytes=1 << 30))
    async with (
        published(publisher) as session,
        session.fetch(NS, "video", (0, 0)) as fetch,
    ):
        await anext(fetch)
        await session.close()
        with pytest.raises(ma.SessionClosed):
            [o async for o in fetch]


# ---- answered by the application ----


async def test_the_application_answers_as_a_generator_with_back_pressure() -> None:
    asked: list[ma.FetchRequest] = []
    written = 0

    async def archive(request: ma.FetchRequest) -> AsyncIterator[ma.PastObject]:
        nonlocal written
        asked.append(request)
        for number in range(3000):
            yield ma.PastObject(request.start.group, number, bytes(10_000), extensions={2: number})
            written += 1

    publisher = Publisher(range(5, 6), on_fetch=archive)
    async with published(publisher) as session:
        async with session.fetch(NS, "video", (3, 0), (3, 0), priority=7) as fetch:
            await anext(fetch)
            assert written < 2000, "the subscriber has read one"
            got = [o async for o in fetch]
        assert len(got) == 2999
        assert got[-1].object_id == 2999
        assert got[-1].extensions is not None
        (request,) = asked
        assert (request.namespace, request.name) == (moqt.TrackNamespace(NS), b"video")
        assert (request.start, request.end, request.priority) == (moqt.Location(3, 0), moqt.Location(3, 0), 7)
        assert request.covers(3, 17)
        assert not request.covers(4, 0)
        # What is kept needs nobody.
        assert [place(o) async for o in session.fetch(NS, "video", (5, 0), (5, 3))] == expected(range(5, 6), 3)
        assert len(asked) == 1


async def test_the_application_answers_with_a_list_or_refuses_or_fails(caplog: pytest.LogCaptureFixture) -> None:
    async def archive(request: ma.FetchRequest) -> list[ma.PastObject] | None:
        if request.start.group == 1:
            raise ma.RequestRefused(moqt.RequestErrorCode.UNAUTHORIZED, "UNAUTHORIZED", "not for you")
        if request.start.group == 2:
            raise RuntimeError("the archive is on fire")
        if request.start.group == 3:
            return None
        return [ma.PastObject(0, 4, b"a"), ma.PastObject(0, 7, b"b", subgroup_id=2)]

    async with published(Publisher(range(9, 10), on_fetch=archive)) as session:
        got = [o async for o in session.fetch(NS, "video", (0, 0), (0, 0))]
        assert [(place(o), o.payload, o.subgroup_id) for o in got] == [((0, 4), b"a", 0), ((0, 7), b"b", 2)]
        for group, name in ((1, "UNAUTHORIZED"), (2, "INTERNAL_ERROR")):
            with pytest.raises(ma.FetchRefused) as refused:
                await anext(session.fetch(NS, "video", (group, 0), (group, 0)))
            assert refused.value.name == name
        assert [o async for o in session.fetch(NS, "video", (3, 0), (3, 0))] == []
    assert "the archive is on fire" in caplog.text


async def test_an_object_outside_of_the_range_breaks_the_answer_off() -> None:
    async def archive(request: ma.FetchRequest) -> AsyncIterator[ma.PastObject]:
        yield ma.PastObject(0, 0, b"a")
        yield ma.PastObject(8, 0, b"not asked for")

    async with published(Publisher(range(9, 10), on_fetch=archive)) as session:
        with pytest.raises((ma.FetchInterrupted, ma.FetchRefused)):
            [o async for o in session.fetch(NS, "video", (0, 0), (1, 0))]


async def test_an_answer_that_nobody_waits_for_is_cancelled() -> None:
    ended = asyncio.Event()

    async def archive(request: ma.FetchRequest) -> AsyncIterator[ma.PastObject]:
        try:
            yield ma.PastObject(0, 0, b"a")
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with published(Publisher(range(9, 10), on_fetch=archive)) as session:
        async with session.fetch(NS, "video", (0, 0), (1, 0)) as fetch:
            await anext(fetch)
        await ended.wait()
        ended.clear()
        async with session.fetch(NS, "video", (0, 0), (1, 0)) as fetch:
            await anext(fetch)
            await session.close()
        await ended.wait()


# ---- through a relay ----


async def test_a_relay_fetches_for_its_clients_and_then_answers_itself() -> None:
    publisher = Publisher(range(8), retention=KEEP)
    async with ma.relay(port=0) as relay, to(relay.port) as source, to(relay.port) as session:
        publisher.fill(source)
        await source.publish_namespace(NS)
        for _ in range(2):
            assert [place(o) async for o in session.fetch(NS, "video", (2, 0), (6, 0))] == expected(range(2, 7), 3)
        statistics = relay.stats()
        assert (statistics.fetches, statistics.fetch_hits, statistics.fetch_misses) == (2, 1, 1)
        assert statistics.upstream_fetches == 1
        assert statistics.objects_fetched == statistics["objects_fetched"] == 15
        while relay.stats().cached_bytes <= 1500:  # noqa: ASYNC110 - looked at once a second
            await asyncio.sleep(0.02)
        assert len(statistics) == len(dict(statistics)) == len(set(statistics))
        with pytest.raises(KeyError):
            statistics["stats"]


async def test_a_relay_answers_again_what_it_was_asked_without_an_end() -> None:
    """Nobody is subscribed: where the track ends, the publisher has to say each time."""
    publisher = Publisher(range(3), retention=KEEP)
    async with ma.relay(port=0) as relay, to(relay.port) as source, to(relay.port) as session:
        publisher.fill(source)
        await source.publish_namespace(NS)
        for start, end in (((0, 0), None), ((0, 0), None), ((1, 0), (2, 0)), ((2, 1), (9, 0)), ((1, 0), (2, 0))):
            fetch = session.fetch(NS, "video", start, end)
            assert [place(o) async for o in fetch] == [p for p in expected(range(3), 3) if p >= start]
            assert fetch.end in (moqt.Location(2, 3), moqt.Location(2, 0))
        with pytest.raises(ma.FetchRefused, match="INVALID_RANGE"):
            [o async for o in session.fetch(NS, "video", (2, 3))]


async def test_a_relay_without_a_cache_asks_every_time() -> None:
    publisher = Publisher(range(3), retention=KEEP)
    options = {"cache_duration": 0.0, "cache_bytes": 1 << 20, "cache_bytes_per_track": 1 << 20}
    async with ma.relay(port=0, **options) as relay, to(relay.port) as source, to(relay.port) as session:  # type: ignore[arg-type]
        publisher.fill(source)
        await source.publish_namespace(NS)
        for _ in range(2):
            assert [place(o) async for o in session.fetch(NS, "video", (0, 0), (2, 0))] == expected(range(3), 3)
        assert relay.stats().upstream_fetches == 2
    with pytest.raises(ValueError, match="cache_duration"):
        ma.relay(port=0, cache_duration=-1)
