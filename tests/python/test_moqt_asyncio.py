"""moqt.asyncio over real QUIC on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

import moqt
import moqt.asyncio as ma
import msquic
from moqt_sessions import NS, idle, payloads, publish_and_subscribe, publish_through_a_relay, to, write

pytestmark = pytest.mark.usefixtures("each_draft")


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(40):
        yield


async def test_server_publishes_and_client_subscribes_at_once() -> None:
    await publish_and_subscribe()


async def test_client_publishes_and_server_subscribes() -> None:
    got: asyncio.Future[list[tuple[int, int, bytes]]] = asyncio.get_running_loop().create_future()

    async def handler(session: ma.Session) -> None:
        assert isinstance(session.peer_setup, moqt.ClientSetup)
        assert session.peer_setup.path == "/moqt?x=1"
        async with session.subscribe_namespace(("live",)) as announcements:
            async for announcement in announcements:
                assert (str(announcement.namespace), announcement.active) == ("live/demo", True)
                break
        got.set_result(await payloads(await session.subscribe(NS, "video")))

    async with await ma.serve(handler) as server, to(server.port, path="/moqt?x=1") as session:
        track = session.create_track(NS, "video")
        await session.publish_namespace(NS)
        sent = await write(track, 3, 5)
        assert await got == sent


async def test_publish_is_offered_accepted_and_delivered_before_close() -> None:
    got: asyncio.Future[list[tuple[int, int, bytes]]] = asyncio.get_running_loop().create_future()

    async def handler(session: ma.Session) -> None:
        async for offer in session.offers():
            if offer.name == b"no":
                await offer.refuse(moqt.RequestErrorCode.UNINTERESTED, "not this one")
                continue
            got.set_result(await payloads(await offer.accept()))
            break

    async with await ma.serve(handler) as server:
        async with to(server.port) as session:
            with pytest.raises(ma.RequestRefused, match=r"UNINTERESTED.*not this one"):
                await session.publish(NS, "no")
            track = await session.publish(NS, "video")
            sent = await write(track, 4, 50, 300)
        assert await got == sent


async def test_a_thousand_objects_through_the_relay_to_two_subscribers() -> None:
    await publish_through_a_relay()


async def test_extensions_status_and_ids_arrive() -> None:
    async def handler(session: ma.Session) -> None:
        track = session.create_track(NS, "video")
        await track.wait_subscriber()
        group = track.begin_group(7)
        group.write(b"a", extensions={2: 60_000, 3: b"xyz"}, object_id=4)
        with pytest.raises(ValueError, match="object_id must be at least 5"):
            group.write(b"b", object_id=4)
        group.write(memoryview(bytearray(b"b")))
        group.write(status=moqt.ObjectStatus.END_OF_GROUP)
        group.end()
        with pytest.raises(ma.SessionStateError, match="group has ended"):
            group.write(b"c")
        with pytest.raises(ma.SessionStateError, match="never both"):
            track.write_datagram(8, 0, b"d")
        await track.end()
        await session.wait_closed()

    async with await ma.serve(handler) as server, to(server.port) as session:
        first, second, third = [o async for o in await session.subscribe(NS, "video")]
        assert (first.group_id, first.object_id, first.payload) == (7, 4, b"a")
        assert first.extensions is not None
        assert first.extensions.items() == [(2, 60_000), (3, b"xyz")]
        assert (second.object_id, second.payload, second.extensions) == (5, b"b", None)
        assert (third.object_id, third.status, third.end_of_group) == (6, moqt.ObjectStatus.END_OF_GROUP, True)


async def test_the_end_of_a_group_is_told_once() -> None:
    """Whether the publisher writes it, or says it of the stream alone."""

    async def handler(session: ma.Session) -> None:
        track = session.create_track(NS, "video")
        await track.wait_subscriber()
        for said in (True, False):
            with track.begin_group() as group:
                group.write(b"a")
                if said:
                    group.write(status=moqt.ObjectStatus.END_OF_GROUP)
            await track.drain()
        await track.end()
        await session.wait_closed()

    async with await ma.serve(handler) as server, to(server.port) as session:
        subscription = await session.subscribe(NS, "video", group_ends=True)
        ends = [(o.group_id, o.object_id) async for o in subscription if o.status == moqt.ObjectStatus.END_OF_GROUP]
        assert sorted(ends) == [(0, 1), (1, 1)]


async def test_datagrams() -> None:
    async def handler(session: ma.Session) -> None:
        track = session.create_track(NS, "audio")
        await track.wait_subscriber()
        for number in range(20):
            track.write_datagram(1, number, b"%d" % number, {2: number}, end_of_group=number == 19)
            await asyncio.sleep(0.001)
        await session.wait_closed()

    async with await ma.serve(handler) as server, to(server.port) as session:
        subscription = await session.subscribe(NS, "audio")
        async for item in subscription:
            assert item.datagram
            assert item.payload == b"%d" % item.object_id
            assert item.end_of_group == (item.object_id == 19)
            if item.object_id == 19:
                break


async def test_filters_forward_and_status() -> None:
    async def handler(session: ma.Session) -> None:
        track = session.create_track(NS, "video")
        await track.wait_subscriber()
        for _ in range(10):
            with track.begin_group() as group:
                group.write(b"x")
        await track.end()
        await session.wait_closed()

    async with await ma.serve(handler) as server, to(server.port) as session:
        subscription = await session.subscribe(
            NS, "video", filter=moqt.FilterType.ABSOLUTE_RANGE, start=(3, 0), end_group=5, forward=False
        )
        assert subscription.largest is None
        assert await session.track_status(NS, "video") is None
        await subscription.update(forward=True)
        assert sorted([o.group_id async for o in subscription]) == [3, 4, 5]
        with pytest.raises(ValueError, match="needs start"):
            await session.subscribe(NS, "video", filter=moqt.FilterType.ABSOLUTE_START)


async def test_what_a_slow_reader_leaves_is_bounded() -> None:
    ended = asyncio.Event()

    async def handler(session: ma.Session) -> None:
        track = session.create_track(NS, "video")
        await track.wait_subscriber()
        for _ in range(400):
            with track.begin_group() as group:
                group.write(bytes(50_000))
            await track.drain()
        await track.end()
        ended.set()  # and closing waits until all of it has arrived

    async with await ma.serve(handler) as server, to(server.port, reader_queue_limit=1_000_000) as session:
        subscription = await session.subscribe(NS, "video")
        await ended.wait()
        await session.wait_closed()
        got = [o.group_id async for o in subscription]
        assert 399 in got
        assert subscription.objects_dropped > 300  # 20 MB were sent, 1 MB waits here and 1 MB more at the ready
        assert len(got) + subscription.objects_dropped == 400


async def test_errors_have_names() -> None:
    async def handler(session: ma.Session) -> None:
        await session.close(moqt.ErrorCode.UNAUTHORIZED, "who are you?")

    with pytest.raises(msquic.ConnectionFailed):
        await to(9)
    async with await ma.serve(idle) as server:
        with pytest.raises(msquic.CertificateError, match="certificate"):
            await ma.connect("127.0.0.1", server.port)
        with pytest.raises(msquic.CertificateError, match="certificate"):
            await ma.connect("127.0.0.1", server.port, pinned_sha256=["00" * 32])
        async with ma.connect("127.0.0.1", server.port, pinned_sha256=[server.certificate_sha256]) as session:
            for call in (session.subscribe(NS, "absent"), session.track_status(NS, "absent")):
                with pytest.raises(ma.RequestRefused, match="DOES_NOT_EXIST") as refused:
                    await call
                assert refused.value.name == "DOES_NOT_EXIST"
            session.create_track(NS, "twice")
            with pytest.raises(ma.SessionStateError, match="already"):
                session.create_track(NS, "twice")
            with pytest.raises(moqt.EncodeError, match="4096"):
                session.create_track(NS, b"x" * 5000)
        with pytest.raises(ma.SessionClosed, match="NO_ERROR"):
            session.create_track(NS, "late")
        with pytest.raises(msquic.AddressError):
            await ma.serve(idle, port=server.port)
    async with await ma.serve(handler) as server:
        session = await to(server.port)
        await session.wait_closed()
        with pytest.raises(ma.SessionClosed) as closed:
            await session.subscribe(NS, "video")
        assert (closed.value.code, closed.value.name) == (2, "UNAUTHORIZED")  # QUIC may lose the reason
        assert closed.value.remote
    with pytest.raises(ValueError, match="no tolerance"):
        await ma.serve(idle, tolerances={"everything"})


async def test_a_closing_server_ends_readers_with_session_closed() -> None:
    async def handler(session: ma.Session) -> None:
        track = session.create_track(NS, "video")
        while True:
            with track.begin_group() as group:
                group.write(b"tick")
            await asyncio.sleep(0.01)

    server = await ma.serve(handler)
    session = await to(server.port)
    subscription = await session.subscribe(NS, "video")
    await anext(subscription)
    server.close()
    with pytest.raises(ma.SessionClosed, match="NO_ERROR"):
        async for _ in subscription:
            pass
    await server.wait_closed()
    assert server.sessions == []


async def test_a_failing_handler_closes_its_session_only(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(session: ma.Session) -> None:
        if session.peer_setup.path == "/bad":  # type: ignore[union-attr]
            raise LookupError("oops")
        await session.wait_closed()

    async with await ma.serve(handler) as server, to(server.port) as good:
        bad = await to(server.port, path="/bad")
        await bad.wait_closed()
        assert bad.closed_by is not None
        assert bad.closed_by.name == "INTERNAL_ERROR"
        assert not good.is_closed
        assert "oops" in caplog.text


async def test_goaway() -> None:
    async def handler(session: ma.Session) -> None:
        await session.goaway("moqt://elsewhere.example/")
        await session.wait_closed()

    async with await ma.serve(handler) as server, to(server.port) as session:
        assert await session.wait_goaway() == "moqt://elsewhere.example/"
        with pytest.raises(ma.SessionStateError):
            await session.subscribe(NS, "video")


async def test_relay_drains_with_goaway() -> None:
    relay = await ma.relay(port=0)
    session = await to(relay.port)
    closing = asyncio.create_task(relay.drain(grace=30))
    assert await session.wait_goaway() == ""
    await session.close()
    await closing
    assert relay.stats()["sessions"] == 0


async def test_a_program_decides_which_namespaces_the_peer_may_announce() -> None:
    asked: list[str] = []
    failures: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context["exception"]))

    async def decide(session: ma.Session, namespace: moqt.TrackNamespace) -> bool:
        asked.append(str(namespace))
        await asyncio.sleep(0)
        if namespace == moqt.TrackNamespace(["broken"]):
            raise LookupError("oops")
        return namespace != moqt.TrackNamespace(["secret"])

    def refuse_all(session: ma.Session, namespace: moqt.TrackNamespace) -> bool:
        return False

    seen: list[str] = []

    async def handler(session: ma.Session) -> None:
        with pytest.raises(ma.RequestRefused, match="UNAUTHORIZED"):
            await session.publish_namespace("mine")
        async with session.subscribe_namespace("live") as announcements:
            async for announcement in announcements:
                seen.append(f"{announcement.namespace} {announcement.active}")
                if not announcement.active:
                    break
        assert session.published_namespaces == []

    async with (
        ma.serve(handler, accept_namespace=decide) as server,
        to(server.port, accept_namespace=refuse_all) as session,
    ):
        with pytest.raises(ma.RequestRefused, match="UNAUTHORIZED"):
            await session.publish_namespace("secret")
        with pytest.raises(ma.RequestRefused, match="INTERNAL_ERROR"):
            await session.publish_namespace("broken")
        publication = await session.publish_namespace("live/demo")
        await publication.done()
        await session.wait_closed()
    assert asked == ["secret", "broken", "live/demo"]
    assert seen == ["live/demo True", "live/demo False"]
    assert [type(each) for each in failures] == [LookupError]
