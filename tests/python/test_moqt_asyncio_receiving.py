"""moqt.asyncio: what a subscription keeps, what it drops, and what it says of that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

import moqt.asyncio as ma
from moqt_sessions import NS, payloads, to

pytestmark = pytest.mark.usefixtures("each_draft")


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(40):
        yield


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.005)


def publishing(sizes: list[int], name: str = "video") -> Callable[[ma.Session], object]:
    """A handler that writes one object of each size, in a group of its own."""

    async def handler(session: ma.Session) -> None:
        track = session.create_track(NS, name)
        await track.wait_subscriber()
        with track.begin_group() as group:  # one, because groups may overtake each other
            for size in sizes:
                group.write(bytes(size))
                await track.drain()
        await track.end()
        await session.wait_closed()

    return handler


async def test_what_nobody_reads_is_dropped_and_counted_meanwhile() -> None:
    async with (
        ma.serve(publishing([1000] * 500)) as server,
        to(server.port, reader_queue_limit=100_000) as session,
    ):
        subscription = await session.subscribe(NS, "video")
        # Nobody has read anything when this becomes true.
        await until(lambda: subscription.objects_dropped >= 401)
        await until(lambda: subscription._handle.end() is None)
        got = [o.object_id async for o in subscription]
        assert len(got) + subscription.objects_dropped == 500
        assert got == list(range(subscription.objects_dropped, 500)), "the oldest are the ones that went"
        assert 60 <= len(got) <= 100


async def test_the_newest_object_stays_however_large() -> None:
    async with (
        ma.serve(publishing([10, 1000, 50_000])) as server,
        to(server.port, reader_queue_limit=100) as session,
    ):
        subscription = await session.subscribe(NS, "video")
        await until(lambda: subscription.objects_dropped == 2)
        assert [len(p) for _, _, p in await payloads(subscription)] == [50_000]


async def test_an_object_beyond_the_limit_is_skipped_and_nothing_else() -> None:
    sizes = [100_000, 100_001, 5, 3_000_000, 100_000, 0]
    async with (
        ma.serve(publishing(sizes)) as server,
        to(server.port, max_object_size=100_000) as session,
    ):
        subscription = await session.subscribe(NS, "video")
        assert [(number, len(p)) for _, number, p in await payloads(subscription)] == [
            (0, 100_000),
            (2, 5),
            (4, 100_000),
            (5, 0),
        ]
        assert subscription.objects_too_large == 2
        assert subscription.objects_dropped == 0
        assert not session.is_closed


async def test_a_server_bounds_what_its_clients_send() -> None:
    got: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()

    async def handler(session: ma.Session) -> None:
        subscription = await session.subscribe(NS, "video")
        sizes = [len(p) for _, _, p in await payloads(subscription)]
        got.set_result((sum(sizes), subscription.objects_too_large))

    async with ma.serve(handler, max_object_size=1000) as server, to(server.port) as session:
        await publishing([1000, 2000, 500])(session)  # type: ignore[misc]
    assert await got == (1500, 1)


async def test_one_track_that_nobody_reads_does_not_starve_another() -> None:
    async def handler(session: ma.Session) -> None:
        unread, read = session.create_track(NS, "unread"), session.create_track(NS, "read")
        await unread.wait_subscriber()
        await read.wait_subscriber()
        # In one group each: groups may overtake each other, and which came last could not be told.
        with unread.begin_group() as not_read, read.begin_group() as is_read:
            for _ in range(200):
                for track, group in ((unread, not_read), (read, is_read)):
                    group.write(bytes(10_000))
                    await track.drain()
        await read.end()
        await unread.end()
        await session.wait_closed()

    async with ma.serve(handler) as server, to(server.port, receive_limit=400_000) as session:
        unread = await session.subscribe(NS, "unread")
        read = await session.subscribe(NS, "read")
        got = [o.object_id async for o in read]
        assert len(got) + read.objects_dropped == 200
        await until(lambda: unread.objects_dropped >= 160)  # its last objects may come after the other track's end
        assert read.objects_dropped < unread.objects_dropped
        left = [o.object_id async for o in unread]
        assert len(left) + unread.objects_dropped == 200
        assert left == list(range(unread.objects_dropped, 200))


async def test_unsubscribing_gives_up_what_waits() -> None:
    async with ma.serve(publishing([1000] * 50)) as server, to(server.port) as session:
        subscription = await session.subscribe(NS, "video")
        assert (await anext(subscription)).group_id == 0
        await subscription.unsubscribe()
        with pytest.raises(StopAsyncIteration):
            await anext(subscription)


async def test_a_reader_hears_of_the_end_that_its_session_hears_of_later(monkeypatch: pytest.MonkeyPatch) -> None:
    # A turn of the loop for each notice: that of the subscription and that of its session come apart.
    monkeypatch.setattr("moqt.asyncio._hub._BATCH", 1)

    async def handler(session: ma.Session) -> None:
        track = session.create_track("live", "clock")
        await track.wait_subscriber()
        with track.begin_group() as group:
            group.write(b"tick")
        await session.wait_closed()

    for _ in range(20):
        async with ma.serve(handler) as server, to(server.port) as session:
            clock = await session.subscribe("live", "clock")
            assert (await anext(clock)).payload == b"tick"
            waiting = asyncio.create_task(anext(clock))
            server.close()
            async with asyncio.timeout(20):
                with pytest.raises(ma.SessionClosed, match="the server is closing"):
                    await waiting


async def test_what_nothing_more_can_come_for_is_not_waited_for() -> None:
    async with ma.serve(publishing([])) as server, to(server.port) as session:
        track = session.create_track("live", "mine")
        waiting = asyncio.create_task(track.wait_subscriber())
        async with session.subscribe_namespace("nothing") as announcements:
            listening = asyncio.create_task(anext(announcements, None))
            await asyncio.sleep(0)  # both wait now
        await track.end()
        async with asyncio.timeout(20):
            assert await listening is None
            with pytest.raises(ma.SessionStateError, match="has ended"):
                await waiting
        with pytest.raises(ma.SessionStateError, match="has ended"):
            await track.wait_subscriber()


async def test_subgroups_of_a_group_share_its_object_ids() -> None:
    async def handler(session: ma.Session) -> None:
        track = session.create_track(NS, "layers")
        await track.wait_subscriber()
        base, above = track.begin_group(), track.begin_group(0, subgroup_id=1, end_of_group=False)
        for writer, payload in [(base, b"a"), (above, b"b"), (above, b"c"), (base, b"d")]:
            writer.write(payload)
        assert base.next_object_id == above.next_object_id == 4
        base.end()
        above.end()
        await track.end()
        await session.wait_closed()

    async with ma.serve(handler) as server, to(server.port) as session:
        subscription = await session.subscribe(NS, "layers")
        got = sorted([(o.object_id, o.subgroup_id, o.payload) async for o in subscription if o.payload])
        assert got == [(0, 0, b"a"), (1, 1, b"b"), (2, 1, b"c"), (3, 0, b"d")]
