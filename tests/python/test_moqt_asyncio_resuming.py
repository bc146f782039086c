"""moqt.asyncio: sessions that come back when a connection is lost, a relay restarts or asks them to leave."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

import moqt
import moqt.asyncio as ma
from dying_server import DyingServer
from impaired_link import ImpairedLink, Impairment
from moqt_sessions import NS, to
from resuming_sessions import (
    SOON,
    Broadcast,
    Viewer,
    back,
    broadcast_on,
    eventually,
    largest_of,
    miss_many,
    relay_on,
    subscribed,
)


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(60):
        yield


async def test_a_restarted_relay_costs_nobody_anything() -> None:
    """Publisher and subscribers come back, each in its own time; what was written meanwhile is fetched."""
    relay = await relay_on()
    async with back(relay.port) as source, back(relay.port) as first, back(relay.port) as second:
        broadcast = await broadcast_on(source)
        viewers = [await subscribed(first), await subscribed(second, join=0)]
        for _ in range(3):
            for viewer in viewers:
                await viewer.beyond(broadcast.sent[-1])
            await relay.close()
            await broadcast.at_least(12)
            relay = await relay_on(relay.port)
        for viewer in viewers:
            await viewer.beyond(broadcast.sent[-1])
        await broadcast.end()
        for viewer in viewers:
            await viewer.task
            assert viewer.subscription.done is not None
            assert viewer.subscription.done.status_code == moqt.PublishDoneCode.TRACK_ENDED
            viewer.check(broadcast.sent)
            assert viewer.subscription.gaps == ()
            assert viewer.subscription.statistics().resumptions >= 3
    await relay.close()


async def test_a_dead_network_is_noticed_and_what_was_missed_is_fetched() -> None:
    """Nothing passes for longer than the idle timeout: the subscriber alone loses its session."""
    events: list[ma.ResumeEvent] = []
    resume = ma.Resume(first_delay=0.02, longest_delay=0.1, on_event=events.append)
    async with (
        await relay_on() as relay,
        ImpairedLink(("127.0.0.1", relay.port), Impairment()) as link,
        back(relay.port) as source,
        back(link.address[1], resume=resume) as session,
    ):
        broadcast = await broadcast_on(source)
        viewer = await subscribed(session)
        await viewer.at_least(5)
        link.impairment.blackout = True
        await eventually(lambda: not session.is_connected)
        seen = len(viewer.got)
        await broadcast.at_least(10)
        link.impairment.blackout = False
        await session.wait_connected()
        await viewer.beyond(broadcast.sent[-1])
        assert len(viewer.got) > seen
        await broadcast.end()
        await viewer.task
        viewer.check(broadcast.sent)
    assert [type(event) for event in events] == [ma.SessionLost, ma.SessionResumed]
    lost, resumed = events
    assert isinstance(lost, ma.SessionLost)
    assert lost.goaway_uri is None
    assert isinstance(resumed, ma.SessionResumed)
    assert resumed.sessions == 2
    assert resumed.seconds > 0


async def test_a_relay_that_drains_sends_everybody_to_its_successor() -> None:
    """Nobody is cut off: the old relay serves until the last one has moved, and nothing is fetched that came."""
    old, new = await relay_on(), await relay_on()
    async with back(old.port) as source, back(old.port) as first, back(old.port) as second:
        broadcast = await broadcast_on(source)
        viewers = [await subscribed(first), await subscribed(second, join=1)]
        await viewers[0].at_least(5)
        await old.drain(grace=20, successor=f"moqt://127.0.0.1:{new.port}/moqt")
        for viewer in viewers:
            await viewer.beyond(broadcast.sent[-1])
        assert new.stats()["sessions"] == 3
        assert {each.remote_address for each in (source, first, second)} == {("127.0.0.1", new.port)}
        await broadcast.end()
        for viewer in viewers:
            await viewer.task
            viewer.check(broadcast.sent)
    await new.close()


async def test_a_relay_that_drains_without_a_successor_is_come_back_to() -> None:
    relay = await relay_on()
    async with back(relay.port) as source, back(relay.port) as session:
        broadcast = await broadcast_on(source)
        viewer = await subscribed(session)
        await viewer.at_least(5)
        await relay.drain(grace=0.5)
        relay = await relay_on(relay.port)
        await viewer.beyond(broadcast.sent[-1])
        await broadcast.end()
        await viewer.task
        viewer.check(broadcast.sent)
    await relay.close()


async def test_what_is_not_to_be_had_any_more_is_told() -> None:
    """The publisher keeps two groups only, and many pass while the relay is away."""
    events: list[ma.ResumeEvent] = []
    relay = await relay_on()
    async with (
        back(relay.port) as source,
        back(relay.port, resume=ma.Resume(first_delay=0.02, longest_delay=0.1, on_event=events.append)) as session,
    ):
        broadcast = await broadcast_on(source, retention=ma.Retention(groups=2))
        viewer = await subscribed(session)
        relay, seen, kept = await miss_many(relay, broadcast, viewer)
        (gap,) = viewer.subscription.gaps
        assert (gap.start.group, gap.start.object) <= (seen[0] + 1, 0)
        assert kept - 2 <= gap.end.group
        assert "not know" in gap.reason or "not kept" in gap.reason, "in the first answer, or when asked once more"
        missing = {each for each in broadcast.sent if each >= min(viewer.got)} - set(viewer.got)
        assert missing
        assert all(gap.start.group <= group <= gap.end.group for group, _ in missing)
        assert max(missing)[0] < min(group for group, _ in viewer.got if group > seen[0] + 1)
        assert viewer.subscription.statistics().gaps == 1
        assert [event.gap for event in events if isinstance(event, ma.GapFound)] == [gap]
    await relay.close()


async def test_a_fetch_goes_on_behind_its_latest_object() -> None:
    """In either order of the groups: the relay is killed while a slow reader is in the middle of a long fetch."""
    keep = ma.Retention(groups=1000)
    for order in (moqt.GroupOrder.ASCENDING, moqt.GroupOrder.DESCENDING):
        relay = await relay_on()
        async with back(relay.port) as source, back(relay.port, fetch_queue_limit=20_000) as session:
            track = source.create_track(NS, "video", retention=keep)
            await source.publish_namespace(NS)
            sent = []
            for _ in range(30):
                with track.begin_group() as group:
                    for number in range(10):
                        group.write(bytes(1000))
                        sent.append((group.group_id, number))
            got: list[tuple[int, int]] = []
            async with session.fetch(NS, "video", (0, 0), group_order=order) as fetch:
                async for obj in fetch:
                    got.append((obj.group_id, obj.object_id))
                    if len(got) in (20, 140):
                        await relay.close()
                        relay = await relay_on(relay.port)
                        await largest_of(session)
            if order == moqt.GroupOrder.DESCENDING:
                sent.sort(key=lambda place: (-place[0], place[1]))
            assert got == sent
            assert fetch.end == moqt.Location(29, 10)
        await relay.close()


async def test_a_join_that_is_interrupted_is_completed() -> None:
    relay = await relay_on()
    async with back(relay.port) as source, back(relay.port, fetch_queue_limit=2000) as session:
        broadcast = await broadcast_on(source, retention=ma.Retention(groups=1000))
        await broadcast.at_least(200)
        await largest_of(session)
        subscription = await session.subscribe(NS, "video", join=30)
        first = [await anext(subscription) for _ in range(3)]
        await relay.close()
        relay = await relay_on(relay.port)
        viewer = Viewer(subscription)
        viewer.got += [(each.group_id, each.object_id) for each in first]
        await viewer.beyond(broadcast.sent[-1])
        await broadcast.end()
        await viewer.task
        assert first[0].group_id <= broadcast.sent[-1][0] - 30
        viewer.check(broadcast.sent)
        assert viewer.got[: len(set(viewer.got))] == sorted(viewer.got)
    await relay.close()


async def test_announcements_are_told_once() -> None:
    """A namespace that comes back with its publisher was never gone; one that does not is told as gone."""
    relay = await relay_on()
    async with back(relay.port) as stays, to(relay.port) as goes, back(relay.port) as session:
        await stays.publish_namespace(("live", "stays"))
        await goes.publish_namespace(("live", "goes"))
        async with session.subscribe_namespace("live") as announcements:
            first = [await anext(announcements) for _ in range(2)]
            assert sorted(str(each.namespace) for each in first) == ["live/goes", "live/stays"]
            await relay.close()
            relay = await relay_on(relay.port)
            gone = await anext(announcements)
            assert (str(gone.namespace), gone.active) == ("live/goes", False)
            await stays.publish_namespace(("live", "new"))
            new = await anext(announcements)
            assert (str(new.namespace), new.active) == ("live/new", True)
    await relay.close()


async def test_tracks_are_offered_again_and_accepted_again() -> None:
    """PUBLISH on each session, through a relay whose subscribers have asked for the namespace."""
    relay = await relay_on()
    async with back(relay.port) as source, back(relay.port) as session, session.subscribe_namespace(NS):
        publishing = asyncio.create_task(source.publish(NS, "video"))
        offer = await anext(session.offers())
        viewer = Viewer(await offer.accept())
        broadcast = Broadcast(await publishing)
        await viewer.at_least(5)
        for _ in range(2):
            await relay.close()
            await broadcast.at_least(10)
            relay = await relay_on(relay.port)
            await viewer.beyond(broadcast.sent[-1])
        await broadcast.end()
        await viewer.task
        viewer.check(broadcast.sent)
    await relay.close()


async def test_tokens_are_shown_again() -> None:
    shown: list[tuple[str, bytes]] = []

    def authorize(request: ma.AuthorizationRequest) -> None:
        shown.extend((request.operation, token.value) for token in request.tokens)

    relay = await relay_on(authorize=authorize)
    async with (
        back(relay.port, authorization_tokens=[b"p-setup"]) as source,
        back(relay.port, authorization_tokens=[b"s-setup"]) as session,
    ):
        await source.publish_namespace(NS, authorization_tokens=[b"announce"])
        broadcast = Broadcast(source.create_track(NS, "video"))
        viewer = Viewer(await session.subscribe(NS, "video", authorization_tokens=[b"subscribe"]))
        await viewer.at_least(5)
        await relay.close()
        shown.clear()
        await broadcast.at_least(10)
        relay = await relay_on(relay.port, authorize=authorize)
        await viewer.beyond(broadcast.sent[-1])
        values = {value for _, value in shown}
        assert values == {b"p-setup", b"s-setup", b"announce", b"subscribe"}
        assert ("FETCH", b"subscribe") in shown
        await broadcast.end()
        await viewer.task
        viewer.check(broadcast.sent)
    await relay.close()


async def test_requests_wait_for_the_next_session() -> None:
    relay = await relay_on()
    async with back(relay.port) as source, back(relay.port) as session:
        track = source.create_track(NS, "video")
        await source.publish_namespace(NS)
        with track.begin_group() as group:
            group.write(b"one")
        await relay.close()
        await eventually(lambda: not source.is_connected and not session.is_connected)
        publishing = asyncio.create_task(source.publish_namespace("other"))
        asking = asyncio.create_task(session.track_status(NS, "video"))
        await asyncio.sleep(0.05)
        assert not publishing.done()
        assert not asking.done()
        relay = await relay_on(relay.port)
        await publishing
        with contextlib.suppress(ma.RequestRefused):  # it was quicker than the publisher
            assert await asking == moqt.Location(0, 0)
    await relay.close()


async def test_a_session_that_is_closed_for_what_it_did_does_not_come_back() -> None:
    accepted: list[ma.Session] = []

    async def handler(session: ma.Session) -> None:
        accepted.append(session)
        await session.close(int(moqt.ErrorCode.UNAUTHORIZED), "not you")

    async with ma.serve(handler) as server:
        session = await back(server.port)
        await session.wait_closed()
        assert session.closed_by is not None
        assert session.closed_by.code == moqt.ErrorCode.UNAUTHORIZED
        assert len(accepted) == 1
        with pytest.raises(ma.SessionClosed):
            await session.subscribe(NS, "video")


async def test_it_gives_up_after_its_time() -> None:
    relay = await relay_on()
    resume = ma.Resume(first_delay=0.02, longest_delay=0.05, give_up_after=0.5)
    session = await back(relay.port, resume=resume, timeout=0.3)
    track = session.create_track(NS, "video")
    waiting = asyncio.create_task(track.wait_subscriber())
    await relay.close()
    began = asyncio.get_running_loop().time()
    await session.wait_closed()
    assert 0.4 < asyncio.get_running_loop().time() - began < 10
    with pytest.raises(ma.SessionClosed):
        await waiting
    with pytest.raises(ma.SessionClosed):
        await session.track_status(NS, "video")
    await session.close()


async def test_an_attempt_with_a_server_that_dies_meanwhile_makes_room_for_the_next() -> None:
    """Its handshake has begun, so no other server can complete it; `timeout` is not what the client waits for."""
    events: list[ma.ResumeEvent] = []
    resume = ma.Resume(first_delay=0.02, longest_delay=0.1, on_event=events.append)
    relay = await relay_on(idle_timeout_ms=40_000)
    async with (
        DyingServer(("127.0.0.1", relay.port)) as link,
        back(relay.port) as source,
        back(link.address[1], resume=resume, timeout=50.0, idle_timeout_ms=40_000) as session,
    ):
        broadcast = await broadcast_on(source)
        viewer = await subscribed(session)
        await viewer.at_least(5)
        link.doomed = 1
        await relay.close()
        relay = await relay_on(relay.port, idle_timeout_ms=40_000)
        await viewer.beyond(broadcast.sent[-1])
        await broadcast.end()
        await viewer.task
        viewer.check(broadcast.sent)
    assert link.lost == 1
    resumed = [event for event in events if isinstance(event, ma.SessionResumed)]
    assert len(resumed) == 1
    assert resumed[0].attempts >= 2
    assert resumed[0].seconds < 10
    await relay.close()


async def test_what_was_written_reaches_the_peer_before_the_session_closes() -> None:
    """A track of a session that comes back outlives sessions; closing waits for it all the same."""
    got: list[int] = []

    async def handler(session: ma.Session) -> None:
        subscription = await session.subscribe(NS, "video", filter=moqt.FilterType.LARGEST_OBJECT)
        async for obj in subscription:
            got.append(len(obj.payload))

    async with ma.serve(handler) as server:
        async with back(server.port) as session:
            track = session.create_track(NS, "video")
            await track.wait_subscriber()
            for _ in range(20):
                with track.begin_group() as group:
                    group.write(bytes(100_000))
            await track.end()
        async with asyncio.timeout(10):
            await eventually(lambda: len(got) == 20)
    assert got == [100_000] * 20


async def test_the_options_are_checked() -> None:
    for wrong in ({"first_delay": 0}, {"longest_delay": 0.01}, {"give_up_after": 0}, {"linger": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ma.Resume(**wrong)
    async with await relay_on() as relay:
        with pytest.raises(ValueError, match="moqt URI"):
            await relay.drain(successor="https://example.org/")
    assert SOON.give_up_after == 30
