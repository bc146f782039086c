"""What a peer tells of requests that go on: that one is to be made elsewhere, that a subscription has changed; and
several subscriptions of a session to one track."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import moqt
import moqt.asyncio as ma
from answering_server import AnsweringServer
from moqt_sessions import NS, payloads, to
from resuming_sessions import back, eventually

ELSEWHERE = "moqt://other.example/live"

pytestmark = pytest.mark.timeout(60)


# ---- GOAWAY about a single request ----


@pytest.mark.parametrize("draft", [22, 18])
async def test_subscribers_are_asked_to_subscribe_elsewhere(draft: int) -> None:
    asked: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()

    async def handler(session: ma.Session) -> None:
        track = session.create_track(NS, "video")
        await track.wait_subscriber()
        asked.set_result((await track.move_subscribers(ELSEWHERE), await track.move_subscribers()))
        with track.begin_group() as group:
            group.write(b"as before")
        await session.wait_closed()

    async with await ma.serve(handler) as server, to(server.port, drafts=(draft,)) as session:
        subscription = await session.subscribe(NS, "video")
        assert await subscription.wait_move() == ELSEWHERE
        assert await asked == (1, 0), "nobody is asked twice"
        assert subscription.move_uri == ELSEWHERE
        assert session.goaway_uri is None
        assert (await anext(subscription)).payload == b"as before"


@pytest.mark.parametrize("draft", [16, 15])
async def test_earlier_drafts_have_no_words_for_it(draft: int) -> None:
    async def handler(session: ma.Session) -> None:
        track = session.create_track(NS, "video")
        await track.wait_subscriber()
        told.set_result((await track.move_subscribers(), await track.notify_state()))
        await session.wait_closed()

    told: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
    async with await ma.serve(handler) as server, to(server.port, drafts=(draft,)) as session:
        subscription = await session.subscribe(NS, "video")
        assert await told == (0, 0)
        assert subscription.move_uri is None


@pytest.mark.parametrize("draft", [22, 18])
async def test_publishers_are_asked_to_offer_and_announce_elsewhere(draft: int) -> None:
    async def handler(session: ma.Session) -> None:
        async for offer in session.offers():
            subscription = await offer.accept()
            await subscription.move(ELSEWHERE)
            with pytest.raises(ma.SessionStateError):
                await subscription.move(ELSEWHERE)
            await session.move_namespace(NS)
            with pytest.raises(ma.SessionStateError):
                await session.move_namespace("nobody/announced")
            await session.wait_closed()

    async with await ma.serve(handler) as server, to(server.port, drafts=(draft,)) as session:
        publication = await session.publish_namespace(NS)
        track = await session.publish(NS, "video")
        assert await track.wait_move() == ELSEWHERE
        assert await publication.wait_move() == ""
        assert (track.move_uri, publication.move_uri) == (ELSEWHERE, "")


async def test_requests_of_a_session_that_comes_back_are_asked_to_move() -> None:
    """Each of them says what its peer asks for now: what the last one has asked for is over with the request."""
    places = [ELSEWHERE, "moqt://third.example/live"]

    async def handler(session: ma.Session) -> None:
        track = session.create_track(NS, "video")
        await track.wait_subscriber()
        await track.move_subscribers(places[0])
        await eventually_moved(session)
        await session.wait_closed()

    async def eventually_moved(session: ma.Session) -> None:
        while True:
            try:
                return await session.move_namespace("mine", places[0])
            except ma.SessionStateError:  # it has not been announced yet
                await asyncio.sleep(0.01)

    async with await ma.serve(handler) as first, back(first.port, drafts=(22,)) as session:
        subscription = await session.subscribe(NS, "video")
        publication = await session.publish_namespace("mine")
        for each in (subscription, publication):
            assert await each.wait_move() == ELSEWHERE
        await first.close()
        places.pop(0)
        async with await ma.serve(handler, port=first.port):
            await eventually(lambda: {subscription.move_uri, publication.move_uri} == set(places))


async def test_a_fetch_of_a_session_that_comes_back_is_asked_to_move(certificate: Any) -> None:
    def answer(request: moqt.ControlMessage) -> moqt.ControlMessage:
        assert isinstance(request, moqt.Fetch)
        return moqt.FetchOk(end_of_track=False, end_location=moqt.Location(0, 1))

    async with (
        AnsweringServer(certificate, answer, 22) as server,
        back(server.port, drafts=(22,)) as session,
        session.fetch(NS, "video", (0, 0), (0, 1)) as fetch,
    ):
        assert fetch.move_uri is None
        server.streams[0].write(moqt.Goaway(ELSEWHERE).encode(draft=22))
        assert await fetch.wait_move() == ELSEWHERE


async def test_who_waits_hears_of_the_end() -> None:
    async def handler(session: ma.Session) -> None:
        session.create_track(NS, "video")
        await session.wait_closed()

    async with await ma.serve(handler) as server:
        session = await to(server.port)
        subscription = await session.subscribe(NS, "video")
        other = await session.subscribe(NS, "video")
        publication = await session.publish_namespace("mine")
        track = session.create_track("mine", "video")
        with pytest.raises(ma.SessionStateError):
            await subscription.move()  # this end has made the request itself
        waiting = [
            asyncio.create_task(each)
            for each in (
                subscription.wait_move(),
                publication.wait_move(),
                track.wait_move(),
                subscription.wait_change(),
                other.wait_change(),
            )
        ]
        await asyncio.sleep(0)  # they wait
        await other.unsubscribe()
        with pytest.raises(ma.SessionStateError):
            await waiting.pop()
        await track.end()
        with pytest.raises(ma.SessionStateError):
            await waiting.pop(2)
        await session.close()
        for task in waiting:
            with pytest.raises(ma.SessionClosed):
                await task


# ---- PUBLISH_STATE_NOTIFY ----


async def test_a_publisher_tells_of_changes() -> None:
    told: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()

    async def handler(session: ma.Session) -> None:
        track = session.create_track(NS, "video")
        await track.wait_subscriber()
        with track.begin_group(3) as group:
            group.write(b"a")
        counts = [await track.notify_state(forward=False)]
        later = moqt.SubscriptionFilter.absolute_start(moqt.Location(9, 1))
        counts.append(await track.notify_state(forward=True, filter=later))
        told.set_result(counts)
        await session.wait_closed()

    async with await ma.serve(handler) as server, to(server.port, drafts=(22,)) as session:
        subscription = await session.subscribe(NS, "video")
        assert await subscription.wait_change() == ma.Change(moqt.Location(3, 0), True, None)
        change = await subscription.wait_change()
        assert (change.largest, change.paused) == (moqt.Location(3, 0), False)
        assert change.filter == moqt.SubscriptionFilter.absolute_start(moqt.Location(9, 1))
        assert await told == [1, 1]


# ---- several subscriptions to one track ----


async def test_each_subscription_gets_what_its_filter_passes() -> None:
    async with (
        await ma.relay(port=0) as relay,
        to(relay.port, drafts=(22,)) as publisher,
        to(relay.port, drafts=(22,)) as viewer,
    ):
        track = publisher.create_track(NS, "video")
        await publisher.publish_namespace(NS)
        early = await viewer.subscribe(
            NS, "video", filter=moqt.FilterType.ABSOLUTE_RANGE, start=moqt.Location(0, 0), end_group=1
        )
        late = await viewer.subscribe(NS, "video", filter=moqt.FilterType.ABSOLUTE_START, start=moqt.Location(1, 1))
        await track.wait_subscriber()
        for number in range(4):
            with track.begin_group(number) as group:
                group.write(b"0")
                group.write(b"1")
        await track.end()
        assert sorted((g, o) for g, o, _ in await payloads(early)) == [(0, 0), (0, 1), (1, 0), (1, 1)]
        assert sorted((g, o) for g, o, _ in await payloads(late)) == [(1, 1), (2, 0), (2, 1), (3, 0), (3, 1)]


async def test_subscriptions_may_share_a_track_alias(certificate: Any) -> None:
    """The publisher sends each object once for each of the two (draft-22 section 3.1)."""

    def answer(request: moqt.ControlMessage) -> moqt.ControlMessage:
        assert isinstance(request, moqt.Subscribe)
        return moqt.SubscribeOk(track_alias=5)

    async with AnsweringServer(certificate, answer, 22) as server, to(server.port, drafts=(22,)) as session:
        start = moqt.FilterType.ABSOLUTE_START
        everything = await session.subscribe(NS, "video", filter=start, start=moqt.Location(0, 0))
        rest = await session.subscribe(NS, "video", filter=start, start=moqt.Location(0, 1))
        assert (everything.track_alias, rest.track_alias) == (5, 5)
        for objects in ("00 01 61 00 01 62", "01 01 62"):  # objects 0 and 1; object 1 alone
            stream = await server.connections[0].open_uni_stream()
            stream.write(bytes.fromhex("10 05 00 80" + objects))  # alias 5, group 0, priority 128
            stream.write_eof()

        found: dict[ma.Subscription, list[bytes]] = {everything: [], rest: []}

        async def read(subscription: ma.Subscription) -> None:
            async for obj in subscription:
                found[subscription].append(obj.payload)

        readers = [asyncio.create_task(read(each)) for each in found]
        await eventually(lambda: all(each.statistics().objects_repeated == 1 for each in found))
        await eventually(lambda: [len(each) for each in found.values()] == [2, 1])
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        assert sorted(found[everything]) == [b"a", b"b"]  # the streams may overtake each other
        assert found[rest] == [b"b"]


async def test_a_publisher_leaves_gaps_for_what_it_does_not_know() -> None:
    async def past(request: ma.FetchRequest) -> Any:
        yield ma.PastObject(0, 0, b"a")
        yield ma.PastGap(1, 4)
        yield ma.PastObject(1, 5, b"b")

    async def handler(session: ma.Session) -> None:
        track = session.create_track(NS, "video", on_fetch=past)
        with track.begin_group(2) as group:
            group.write(b"c")
        await session.wait_closed()

    for draft in (22, 18, 16, 15):
        async with await ma.serve(handler) as server, to(server.port, drafts=(draft,)) as session:
            fetch = session.fetch(NS, "video", (0, 0), (2, 0))
            found: list[bytes] = []

            async def take_all(fetch: ma.Fetch = fetch, found: list[bytes] = found) -> None:
                async for obj in fetch:
                    found.append(obj.payload)

            if draft == 15:
                with pytest.raises(ma.FetchRefused, match="UNKNOWN_STATUS_IN_RANGE"):
                    await take_all()
            else:
                with pytest.raises(ma.FetchInterrupted, match="UNKNOWN_OBJECT_STATUS"):
                    await take_all()
                assert found == [b"a", b"b"]
