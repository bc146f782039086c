"""Objects that the library does not take: the program hears of each with what it does next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import moqt
from moqt.asyncio import FetchInterrupted, FetchRequest, ObjectRefused, PastObject, Session, connect, serve
from moqt_sessions import idle

TRACK = ("live/demo", "video")


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(40):
        yield


def client_of(server: Any) -> Any:
    return connect("127.0.0.1", server.port, pinned_sha256=[server.certificate_sha256])


async def test_the_end_of_the_track_tells() -> None:
    async with serve(idle) as server, client_of(server) as session:
        track = session.create_track(*TRACK)
        one, two = track.begin_group(0, subgroup_id=0), track.begin_group(0, subgroup_id=1)
        one.write(b"here", object_id=5)
        one.write(b"behind it", object_id=6)
        two.write(b"and there", object_id=5)  # an Object ID is there once in its group (section 2.1)
        with pytest.raises(ObjectRefused) as refused:
            await track.end()
        assert (refused.value.group_id, refused.value.object_id) == (0, 5)
        assert "object 5 of group 0 was not taken" in str(refused.value)
        assert track.ended
        assert track.statistics().refused == 1
        await track.end()  # told once


async def test_a_group_that_could_not_begin_refuses_each_of_its_objects() -> None:
    async with serve(idle) as server, client_of(server) as session:
        track = session.create_track(*TRACK)
        first = track.begin_group(3)
        first.write(b"first")
        again = track.begin_group(3)  # the subgroup is open
        for number in (1, 2):
            again.write(b"nowhere", object_id=number)
            assert track.statistics().refused == number
            with pytest.raises(ObjectRefused) as refused:
                first.write(b"next")
            assert (refused.value.group_id, refused.value.object_id) == (3, number)
        first.write(b"next")
        await track.end()


async def until_refused(track: Any, act: Any) -> ObjectRefused:
    assert track.statistics().refused == 1  # which asks the library's thread, and waits for everything before

    async def acting() -> None:
        result = act()
        if asyncio.iscoroutine(result):
            await result

    with pytest.raises(ObjectRefused) as refused:
        await acting()
    return refused.value


@pytest.mark.parametrize("by", ["write", "begin_group", "end", "drain"])
async def test_the_next_call_tells(by: str) -> None:
    async with serve(idle) as server, client_of(server) as session:
        track = session.create_track(*TRACK)
        one, two = track.begin_group(0, subgroup_id=0), track.begin_group(0, subgroup_id=1)
        one.write(b"x", object_id=0)
        two.write(b"x", object_id=0)
        calls = {
            "write": lambda: one.write(b"y"),
            "begin_group": track.begin_group,
            "end": two.end,
            "drain": track.drain,
        }
        assert (await until_refused(track, calls[by])).object_id == 0
        track.begin_group(7).write(b"z")  # told once; and what told it was not done
        await track.end()
        assert track.statistics().refused == 1


async def test_datagrams_too() -> None:
    async with serve(idle) as server, client_of(server) as session:
        track = session.create_track(*TRACK)
        track.write_datagram(1, 0, b"last", end_of_group=True)
        track.write_datagram(1, 7, b"behind the end of the group")
        refused = await until_refused(track, lambda: track.write_datagram(2, 0, b"next"))
        assert (refused.group_id, refused.object_id) == (1, 7)


async def test_a_track_of_a_server_tells_as_well() -> None:
    async with serve(idle) as server, client_of(server):
        track = server.create_track(*TRACK)
        one, two = track.begin_group(0, subgroup_id=0), track.begin_group(0, subgroup_id=1)
        one.write(b"x", object_id=0)
        two.write(b"x", object_id=0)
        with pytest.raises(ObjectRefused):
            await track.end()


async def test_what_was_written_well_raises_nothing() -> None:
    async with serve(idle) as server, client_of(server) as session:
        track = session.create_track(*TRACK)
        with track.begin_group() as group:
            for _ in range(100):
                group.write(b"x")
        await track.end()
        assert track.statistics().refused == 0
        other = session.create_track("live/demo", "other")
        other.begin_group().write(b"x")
        await session.close()
        await other.end()  # on a closed session nothing


async def test_an_answer_to_a_fetch_tells_its_callback() -> None:
    loop = asyncio.get_running_loop()
    reported: asyncio.Future[dict[str, Any]] = loop.create_future()
    loop.set_exception_handler(lambda _, context: reported.set_result(context))

    async def past(request: FetchRequest) -> AsyncIterator[PastObject]:
        yield PastObject(0, 1, b"good")
        yield PastObject(0, 0, b"goes back")

    async def handler(session: Session) -> None:
        session.create_track(*TRACK, on_fetch=past)
        await session.wait_closed()

    async with serve(handler) as server, client_of(server) as session:
        with pytest.raises((FetchInterrupted, moqt.MoqtError)):
            async with session.fetch(*TRACK, (0, 0), (0, 0)) as fetch:
                assert [obj.payload async for obj in fetch] == [b"good"]
        assert isinstance((await reported)["exception"], ObjectRefused)
