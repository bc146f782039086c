"""More media than a link takes: what each subscription gets of it (draft-15 section 7.2)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

import moqt.asyncio as ma
from impaired_link import ImpairedLink, Impairment
from moqt_sessions import NS, to

LINK = Impairment(rate=250_000, queue=0.15, delay=0.01)  # 2 Mbit/s
VIDEO_FRAME = 13_333  # 30 a second: 3.2 Mbit/s
AUDIO_FRAME = 160  # 50 a second: 64 kbit/s
SECONDS = 6


@dataclass
class Received:
    objects: int = 0
    size: int = 0
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, subscription: ma.Subscription) -> None:
        async for each in subscription:
            self.objects += 1
            self.size += len(each.payload)
            self._more.set()

    async def wait_for(self, objects: int) -> None:
        while self.objects < objects:
            await self._more.wait()
            self._more.clear()


@contextlib.asynccontextmanager
async def through_the_link(hop: str) -> AsyncIterator[tuple[ma.Session, ma.Session]]:
    """Who publishes, and the subscriber behind the link."""
    ended = asyncio.Event()
    if hop == "server":
        sessions: asyncio.Queue[ma.Session] = asyncio.Queue()

        async def handler(session: ma.Session) -> None:
            sessions.put_nowait(session)
            await ended.wait()

        async with (
            await ma.serve(handler) as server,
            ImpairedLink(("127.0.0.1", server.port), LINK) as link,
            to(link.address[1]) as subscriber,
        ):
            yield await sessions.get(), subscriber
            ended.set()
    elif hop == "client":
        subscribers: asyncio.Queue[ma.Session] = asyncio.Queue()

        async def handler(session: ma.Session) -> None:
            subscribers.put_nowait(session)
            await ended.wait()

        async with (
            await ma.serve(handler) as server,
            ImpairedLink(("127.0.0.1", server.port), LINK) as link,
            to(link.address[1]) as publisher,
        ):
            yield publisher, await subscribers.get()
            ended.set()
    else:
        async with (
            await ma.relay(port=0) as relay,
            ImpairedLink(("127.0.0.1", relay.port), LINK) as link,
            to(relay.port) as publisher,
            to(link.address[1]) as subscriber,
        ):
            await publisher.publish_namespace(NS)
            yield publisher, subscriber


async def _publish(track: ma.TrackWriter, size: int, per_second: int, per_group: int) -> None:
    """At the pace of a live source."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    group = None
    for number in range(SECONDS * per_second):
        await asyncio.sleep(started + number / per_second - loop.time())
        if number % per_group == 0:
            if group is not None:
                group.end()
            group = track.begin_group(number // per_group)
        assert group is not None
        group.write(bytes(size))


async def play(
    hop: str, video: dict[str, Any], audio: dict[str, Any], least_audio: int = 0
) -> tuple[Received, Received]:
    """What has come of both when all of it was published, and of the audio at least so many objects came."""
    async with through_the_link(hop) as (publisher, subscriber):
        tracks = [publisher.create_track(NS, "video"), publisher.create_track(NS, "audio")]
        received = [Received(), Received()]
        reading = []
        for track, wish, to_note, name in zip(tracks, [video, audio], received, ["video", "audio"], strict=True):
            subscription = await subscriber.subscribe(NS, name, **wish)
            await track.wait_subscriber()
            reading.append(asyncio.create_task(to_note.read(subscription)))
        await asyncio.gather(
            _publish(tracks[0], VIDEO_FRAME, 30, SECONDS * 30),  # one long stream
            _publish(tracks[1], AUDIO_FRAME, 50, 50),
        )
        await received[1].wait_for(least_audio)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        return received[0], received[1]


@pytest.mark.parametrize("hop", ["server", "client", "relay"])
@pytest.mark.parametrize("priority", [{}, {"priority": 127}], ids=["equal", "preferred"])
def test_audio_arrives_beside_too_much_video(hop: str, priority: dict[str, Any]) -> None:
    """How long it takes is up to the machine; that there is still video to come when the audio is there is not."""
    video, audio = asyncio.run(asyncio.wait_for(play(hop, {}, priority, least_audio=265), 60))
    assert video.size > 600_000, "the link was not used"
    assert video.objects < SECONDS * 30 - 30, (video.objects, audio.objects)


def test_the_preferred_video_leaves_the_other_what_is_left() -> None:
    """The urgent subscription needs more than there is: nearly all of the link is its."""
    video, audio = asyncio.run(asyncio.wait_for(play("server", {"priority": 10}, {"priority": 200}), 60))
    assert video.size > 600_000
    assert audio.objects < 100
