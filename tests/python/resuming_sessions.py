"""What the tests of sessions that come back share: a broadcast with numbered objects, and viewers who check it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import moqt
import moqt.asyncio as ma
from moqt_sessions import NS, to

SOON = ma.Resume(first_delay=0.02, longest_delay=0.2, give_up_after=30)
QUICK: dict[str, Any] = {"idle_timeout_ms": 2000, "keep_alive_interval_ms": 500}


def back(port: int, **options: Any) -> ma.Opening[ma.Session]:
    """A client whose session comes back."""
    return to(port, **{"resume": SOON, **QUICK, **options})


async def relay_on(port: int = 0, **options: Any) -> ma.Relay:
    """A relay; on a port that another one has just left, as soon as that is possible."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await ma.relay(port=port, **options)
            except OSError:
                await asyncio.sleep(0.02)


class Broadcast:
    """Writes objects all the time, `per_group` to a group."""

    def __init__(self, track: ma.TrackWriter, per_group: int = 5, interval: float = 0.004) -> None:
        self.track, self.per_group, self.interval = track, per_group, interval
        self.sent: list[tuple[int, int]] = []
        self._stop = asyncio.Event()
        self.task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while not self._stop.is_set():
            with self.track.begin_group() as group:
                for number in range(self.per_group):
                    group.write(f"{group.group_id}/{number}".encode() * 20)
                    self.sent.append((group.group_id, number))
                    await asyncio.sleep(self.interval)

    async def at_least(self, objects: int) -> None:
        """Waits until so many more have been written."""
        goal = len(self.sent) + objects
        while len(self.sent) < goal:
            assert not self.task.done(), self.task
            await asyncio.sleep(self.interval)

    async def end(self) -> None:
        self._stop.set()
        await self.task
        await self.track.end()


class Viewer:
    """Reads a subscription until it ends, and knows what came."""

    def __init__(self, subscription: ma.Subscription) -> None:
        self.subscription = subscription
        self.got: list[tuple[int, int]] = []
        self._furthest: tuple[int, int] | None = None
        self._came = asyncio.Event()
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for obj in self.subscription:
                assert obj.status == moqt.ObjectStatus.NORMAL
                assert obj.payload == f"{obj.group_id}/{obj.object_id}".encode() * 20
                place = (obj.group_id, obj.object_id)
                self.got.append(place)
                self._furthest = max(self._furthest or place, place)
                self._came.set()
        finally:
            self._came.set()

    async def at_least(self, objects: int) -> None:
        """Waits until so many have come altogether."""
        while len(self.got) < objects:
            assert not self.task.done(), self.task
            self._came.clear()
            await self._came.wait()

    async def beyond(self, place: tuple[int, int]) -> None:
        """Waits for an object behind `place`."""
        while self._furthest is None or self._furthest <= place:
            assert not self.task.done(), self.task
            self._came.clear()
            await self._came.wait()

    def check(self, sent: list[tuple[int, int]]) -> None:
        """Everything since its first object has come, once, and in order within each group."""
        assert self.got
        first, times = min(self.got), Counter(self.got)
        lost = [each for each in sent if each >= first and each not in times]
        doubled = [each for each, count in times.items() if count > 1]
        assert not lost, f"lost {lost[:20]} of {len(sent)}; gaps {self.subscription.gaps}"
        assert not doubled, f"doubled {sorted(doubled)[:20]}"
        latest: dict[int, int] = {}
        for group, number in self.got:
            assert number > latest.get(group, -1), f"object {number} of group {group} after {latest[group]}"
            latest[group] = number


async def miss_many(relay: ma.Relay, broadcast: Broadcast, viewer: Viewer) -> tuple[ma.Relay, tuple[int, int], int]:
    """60 objects pass while the relay is away; then all comes that is to be had, and the track ends. Gives the relay
    that came back, the furthest object before, and the group that was written when it came back."""
    await viewer.at_least(5)
    await relay.close()
    seen = max(viewer.got)
    await broadcast.at_least(60)
    written = broadcast.sent[-1][0]
    relay = await relay_on(relay.port)
    await viewer.beyond(broadcast.sent[-1])
    await broadcast.end()
    await viewer.task
    return relay, seen, written


async def eventually(condition: Callable[[], bool]) -> None:
    """Waits for what nothing tells."""
    while True:
        if condition():
            return
        await asyncio.sleep(0.02)


async def largest_of(session: ma.Session) -> moqt.Location:
    """TRACK_STATUS, as soon as there is a publisher."""
    while True:
        try:
            largest = await session.track_status(NS, "video")
        except ma.RequestRefused:
            largest = None
        if largest is not None:
            return largest
        await asyncio.sleep(0.02)


async def broadcast_on(session: ma.Session, name: str = "video", **options: Any) -> Broadcast:
    await session.publish_namespace(NS)
    return Broadcast(session.create_track(NS, name, **options))


async def subscribed(session: ma.Session, name: str = "video", **options: Any) -> Viewer:
    """A viewer, as soon as there is a publisher."""
    while True:
        try:
            return Viewer(await session.subscribe(NS, name, **options))
        except ma.RequestRefused as refused:
            if refused.code != moqt.RequestErrorCode.DOES_NOT_EXIST:
                raise
            await asyncio.sleep(0.02)
