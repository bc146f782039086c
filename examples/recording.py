"""Receiving the tracks of a catalog: what the video subscriber does on its session."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import time

import moqt
import moqt.asyncio as ma
from media import catalog as catalogs
from media import loc
from media.frame import EncodedFrame, MediaError
from media.frame_log import FrameLog
from media.group_sorter import GroupSorter
from media.recorded_track import RecordedTrack
from moqt import msf

NEW_LIFE = 100
"""Group IDs that are further apart belong to a publisher that was started again: they follow its clock."""
Received = tuple[bytes, moqt.ObjectExtensions | None, bool]


class Recorder:
    """Counts the objects of one track, measures their delay, and hands them to the recording in order."""

    def __init__(self, track: msf.Track, recorded: RecordedTrack, log: FrameLog | None) -> None:
        self.track, self._recorded, self._log = track, recorded, log
        self._sorter: GroupSorter[Received] = GroupSorter()
        self._objects_of: dict[int, int] = {}  # group -> highest object ID + 1
        self.delays_us: list[int] = []
        self.received = self.bytes = 0
        self.lost_publisher: str | None = None
        self.complete = False
        """The publisher said that the track is over."""
        self._ended: set[int] = set()  # groups whose end has come
        self.ends_are_told = False
        """This publisher marks the ends of its groups: a group without has lost its end."""

    @property
    def missing(self) -> int:
        """Objects skipped inside the groups that were received."""
        return sum(self._objects_of.values()) - self.received

    @property
    def skipped(self) -> int:
        """Groups of which nothing came, between others; a publisher that was started again leaves a wider gap."""
        gaps = (later - earlier - 1 for earlier, later in itertools.pairwise(sorted(self._objects_of)))
        return sum(gap for gap in gaps if gap < NEW_LIFE)

    @property
    def cut(self) -> int:
        """Groups whose end never came; those on their way when the recorder leaves are not counted."""
        if not (self.ends_are_told or self._ended) or not self._objects_of:
            return 0
        latest = max(self._objects_of)
        open_groups = self._objects_of.keys() - self._ended
        return sum(1 for group in open_groups if self.complete or group < latest - 1)

    @property
    def groups(self) -> int:
        return len(self._objects_of)

    @property
    def written(self) -> int:
        return self._recorded.written

    def receive(self, item: ma.Object) -> None:
        if item.status in (moqt.ObjectStatus.END_OF_GROUP, moqt.ObjectStatus.END_OF_TRACK):
            self._ended.add(item.group_id)
        if item.status != moqt.ObjectStatus.NORMAL:
            return
        now_us = time.time_ns() // 1000
        if self._log is not None:
            self._log.add(item.group_id, item.object_id, now_us, _as_frame(self.received, item))
        with contextlib.suppress(MediaError):  # a chunk does not tell when it was captured
            self.delays_us.append(now_us - loc.capture_us_of(item.extensions))
        self._objects_of[item.group_id] = max(self._objects_of.get(item.group_id, 0), item.object_id + 1)
        self.received += 1
        self.bytes += len(item.payload)
        taken: Received = bytes(item.payload), item.extensions, item.object_id == 0
        for ready in self._sorter.add(item.group_id, item.object_id, taken):
            self._recorded.add(*ready)

    def finish(self) -> None:
        """Write what is still being sorted."""
        for ready in self._sorter.drain():
            self._recorded.add(*ready)
        self._recorded.finish()


def choose(catalog: msf.Catalog, args: argparse.Namespace) -> list[msf.Track]:
    """The video track and the sound track that are recorded."""
    media = [track for track in catalog.tracks if track.packaging in ("loc", "cmaf")]
    videos = [track for track in media if not catalogs.is_sound(track)]
    sounds = [track for track in media if catalogs.is_sound(track)]
    chosen: list[msf.Track] = []
    for tracks, name in ((videos, args.track), (sounds, args.audio_track)):
        if name is not None and name not in [track.name for track in tracks]:
            there = ", ".join(repr(track.name) for track in tracks) or "none"
            raise MediaError(f"the catalog has no such track {name!r}; there is {there}")
        chosen += [track for track in tracks if name in (None, track.name)][:1]
    if args.no_audio:
        chosen = [track for track in chosen if not catalogs.is_sound(track)]
    if not chosen:
        raise MediaError("the catalog has no track that can be recorded")
    return chosen


async def read_catalog(session: ma.Session, namespace: str) -> tuple[msf.Catalog, ma.Subscription]:
    """The catalog, and its track, on which others may follow."""
    try:
        subscription = await session.subscribe(namespace, catalogs.TRACK_NAME, group_ends=True)
    except ma.RequestRefused as refusal:
        raise MediaError(
            f"the publisher of {namespace} has no catalog ({refusal.name}): it offers a single track, "
            "which `moqt-sub --name` records"
        ) from refusal
    async for item in subscription:
        if item.status != moqt.ObjectStatus.NORMAL:
            continue
        return catalogs.read_catalog(bytes(item.payload)), subscription
    raise MediaError(f"the publisher of {namespace} ended before it sent its catalog")


async def watch_catalog(updates: ma.Subscription, recorders: list[Recorder]) -> None:
    """Tell when the publisher goes on with tracks that are not recorded: its encoder was configured anew."""
    async for item in updates:
        if item.status != moqt.ObjectStatus.NORMAL:
            for recorder in recorders:
                recorder.ends_are_told = True
            continue
        try:
            names = {track.name for track in catalogs.read_catalog(bytes(item.payload)).tracks}
        except MediaError:  # an update, or the end
            continue
        mine = {recorder.track.name for recorder in recorders}
        if names and not names & mine:
            for recorder in recorders:
                recorder.lost_publisher = (
                    f"the publisher goes on with other tracks ({', '.join(sorted(names))}), "
                    "which this program does not record; moqt-sub does"
                )
            return


async def receive_all(subscriptions: list[ma.Subscription], recorders: list[Recorder]) -> None:
    tasks = [
        asyncio.ensure_future(receive(subscription, recorder, talkative=position == 0))
        for position, (subscription, recorder) in enumerate(zip(subscriptions, recorders, strict=True))
    ]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def receive(subscription: ma.Subscription, recorder: Recorder, *, talkative: bool) -> None:
    every = round(recorder.track.framerate or 30)
    async for item in subscription:
        recorder.receive(item)
        if talkative and recorder.received % every == 0:
            counts = f"{recorder.received} frames  {recorder.groups} groups  {recorder.bytes} bytes"
            delay = f"  delay {recorder.delays_us[-1] / 1000:.1f} ms" if recorder.delays_us else ""
            print(f"{counts}{delay}")
    done = subscription.done
    recorder.complete = done is not None and done.status_code == moqt.PublishDoneCode.TRACK_ENDED
    if done is not None and done.status_code != moqt.PublishDoneCode.TRACK_ENDED:
        name = getattr(done.status_code, "name", hex(done.status_code))
        recorder.lost_publisher = (
            f"{recorder.track.name} was lost: {name} {done.reason}; the recording ends in the middle of the track"
        )


def _as_frame(index: int, item: ma.Object) -> EncodedFrame:
    """An object as the log shows it."""
    try:
        return loc.frame_of(index, item.payload, item.extensions, item.object_id == 0)
    except MediaError:  # a CMAF chunk
        return EncodedFrame(index, 0, item.object_id == 0, item.payload)
