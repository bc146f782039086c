"""What the tests of moqt.asyncio share."""

from __future__ import annotations

import asyncio
from typing import Any

import moqt
import moqt.asyncio as ma

NS = ("live", "demo")


def to(port: int, **options: Any) -> ma.Opening[ma.Session]:
    return ma.connect("127.0.0.1", port, verify=False, **options)


async def idle(session: ma.Session) -> None:
    await session.wait_closed()


async def payloads(subscription: ma.Subscription) -> list[tuple[int, int, bytes]]:
    return [(o.group_id, o.object_id, o.payload) async for o in subscription]


async def write(track: ma.TrackWriter, groups: int, objects: int, size: int = 100) -> list[tuple[int, int, bytes]]:
    await track.wait_subscriber()
    sent = []
    for _ in range(groups):
        with track.begin_group() as group:
            for number in range(objects):
                payload = f"{group.group_id}/{number}".encode() * size
                group.write(payload)
                sent.append((group.group_id, number, payload))
        await track.drain()
    await track.end()
    return sent


async def publish_and_subscribe() -> None:
    """A server publishes to a client that subscribes at once: every object arrives, in order."""
    sent: asyncio.Future[list[tuple[int, int, bytes]]] = asyncio.get_running_loop().create_future()

    async def handler(session: ma.Session) -> None:
        sent.set_result(await write(session.create_track(NS, "video", priority=3), 10, 10))
        await session.wait_closed()

    async with await ma.serve(handler) as server, to(server.port) as session:
        assert isinstance(session.peer_setup, moqt.ServerSetup)
        subscription = await session.subscribe("live/demo", b"video")
        got = [o async for o in subscription]
        assert [(o.group_id, o.object_id, o.payload) for o in got] == await sent
        assert {o.publisher_priority for o in got} == {3}
        assert subscription.done == (moqt.PublishDoneCode.TRACK_ENDED, 10, "")


async def publish_through_a_relay() -> None:
    """A thousand objects through a relay to two subscribers, byte for byte."""
    async with (
        await ma.relay(port=0) as relay,
        to(relay.port) as publisher,
        to(relay.port) as first,
        to(relay.port) as second,
    ):
        track = publisher.create_track(NS, "video")
        await publisher.publish_namespace(NS)
        async with first.subscribe_namespace("live") as announcements:
            async for announcement in announcements:
                assert announcement.active
                break
        subscriptions = [await each.subscribe(NS, "video") for each in (first, second)]
        reading = [asyncio.create_task(payloads(each)) for each in subscriptions]
        sent = await write(track, 50, 20, 200)
        for task in reading:
            assert sorted(await task) == sent
        stats = relay.stats()
        assert (stats["objects_received"], stats["objects_delivered"]) == (1000, 2000)
