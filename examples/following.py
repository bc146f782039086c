"""The tracks of a catalog on their way into one recording, and those of the publisher that comes back."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Awaitable

import endpoint
import moqt
import moqt.asyncio as ma
from media import catalog as catalogs
from media.fragmented_mp4 import FragmentedWriter
from media.frame import MediaError
from media.frame_log import FrameLog
from media.recorded_track import open_track
from moqt import msf
from recording import Recorder, status_of
from transfer_report import TransferReport, TransferStatus

_AGAIN_SECONDS = 0.2
_ANSWER_SECONDS = 10.0
"""How long a publisher may take to answer a FETCH."""
Found = tuple[msf.Catalog, ma.Subscription, list[tuple[msf.Track, ma.Subscription]]]


class Recording:
    """One MP4, and everybody who fills it: with `--follow` one publisher after the other."""

    def __init__(self, args: argparse.Namespace, report: TransferReport, log: FrameLog) -> None:
        self._args, self._report, self._log = args, report, log
        self._writer: FragmentedWriter | None = None
        self._session: ma.Session | None = None
        self.recorders: list[Recorder] = []
        self._present: list[Recorder] = []

    @property
    def status(self) -> TransferStatus:
        return status_of(self.recorders, self._writer.seconds if self._writer is not None else 0.0)

    @property
    def lost_publisher(self) -> str | None:
        return next((recorder.lost_publisher for recorder in self._present if recorder.lost_publisher), None)

    async def record(self, session: ma.Session) -> None:
        """Until the tracks have ended, or `--duration` is over; with `--follow` until it is cancelled."""
        args = self._args
        self._session = session
        found = await endpoint.within(args.wait, self._find(session), "no video was published")
        work = self._go_on(session, found)
        await (stop_after(work, args.duration) if args.duration else work)

    def close(self) -> None:
        """Write what is held, and close the file."""
        for recorder in self._present:
            recorder.finish()
        if self._writer is not None:
            self._writer.close()

    async def _go_on(self, session: ma.Session, found: Found) -> None:
        await self._receive(found)
        while self._args.follow:
            self._end_life()
            await self._receive(await self._find(session))

    def _end_life(self) -> None:
        if (lost := self.lost_publisher) is not None:
            self._report.warn(lost)
        for recorder in self._present:
            recorder.finish()
        self._present = []
        if self._writer is not None:
            self._writer.release_tracks()

    async def _find(self, session: ma.Session) -> Found:
        while True:
            try:
                return await self._subscribe(session)
            except (MediaError, ma.RequestRefused):
                if not self.recorders:
                    raise
            await asyncio.sleep(_AGAIN_SECONDS)  # the publisher that has just left is still announced

    async def _subscribe(self, session: ma.Session) -> Found:
        """Wait until the namespace is published, read its catalog, and subscribe from the next group on."""
        args = self._args
        self._report.event("waiting", namespace=args.namespace)
        async with session.subscribe_namespace(args.namespace) as announcements:
            async for announcement in announcements:
                if announcement.active:
                    break
        catalog, updates = await read_catalog(session, args.namespace)
        wanted = choose(catalog, args)
        # The next group begins with a key frame.
        start = moqt.FilterType.NEXT_GROUP_START
        names = [(track.namespace or args.namespace, track.name) for track in wanted]
        asked = [asyncio.ensure_future(session.subscribe(*name, filter=start, group_ends=True)) for name in names]
        subscriptions = await asyncio.gather(*asked)
        self._report.say("subscribed")
        return catalog, updates, list(zip(wanted, subscriptions, strict=True))

    async def _receive(self, found: Found) -> None:
        catalog, updates, subscriptions = found
        if self._writer is None:
            self._writer = FragmentedWriter(self._args.output)
        for track, _ in subscriptions:
            recorded = open_track(catalog, track, self._writer)
            log = self._log if self._args.frame_log and not catalogs.is_sound(track) else None
            self._present.append(Recorder(track, recorded, log, self._report))
            self.recorders.append(self._present[-1])
            size = f" {track.width}x{track.height}" if track.width else ""
            self._report.say(f"{track.name}: {track.codec}{size}, {track.packaging}")
            self._report.event("track", name=track.name, codec=track.codec or "", packaging=track.packaging)
        watching = asyncio.ensure_future(watch_catalog(updates, self._present))
        try:
            await self._receive_all([subscription for _, subscription in subscriptions])
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _receive_all(self, subscriptions: list[ma.Subscription]) -> None:
        tasks = [
            asyncio.ensure_future(self._receive_track(subscription, recorder, talkative=position == 0))
            for position, (subscription, recorder) in enumerate(zip(subscriptions, self._present, strict=True))
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive_track(self, subscription: ma.Subscription, recorder: Recorder, *, talkative: bool) -> None:
        every = round(recorder.track.framerate or 30)
        async for item in subscription:
            await self._fetch(subscription, recorder, recorder.missing_before(item))
            recorder.receive(item)
            self._report.progress(self.status)
            if talkative and recorder.received % every == 0:
                counts = f"{recorder.received} frames  {recorder.groups} groups  {recorder.bytes} bytes"
                last = recorder.last_delay_us
                self._report.say(counts + (f"  delay {last / 1000:.1f} ms" if last is not None else ""))
        done = subscription.done
        recorder.complete = done is not None and done.status_code == moqt.PublishDoneCode.TRACK_ENDED
        if recorder.complete:
            await self._fetch(subscription, recorder, recorder.missing_at_the_end(subscription.largest is None))
        if done is None:
            return
        name = getattr(done.status_code, "name", hex(done.status_code))
        self._report.event(
            "track_end", name=recorder.track.name, complete=recorder.complete, reason=f"{name} {done.reason}".strip()
        )
        if not recorder.complete:
            end = "" if self._args.follow else "; the recording ends in the middle of the track"
            recorder.lost_publisher = f"{recorder.track.name} was lost: {name} {done.reason}{end}"

    async def _fetch(
        self, subscription: ma.Subscription, recorder: Recorder, missing: tuple[moqt.Location, moqt.Location] | None
    ) -> None:
        """What the subscription has left out, from the relay's cache or the publisher. What is not to be had stays
        missing, and is counted."""
        if missing is None or self._session is None:
            return
        start, end = missing
        known = start.group <= recorder.latest_group
        recorder.fetch_begins(start)
        before = recorder.fetched
        try:
            fetch = self._session.fetch(subscription.namespace, subscription.name, start, end, priority=127)
            async with asyncio.timeout(_ANSWER_SECONDS):
                await fetch.__aenter__()
            async with fetch:
                async for item in fetch:
                    recorder.receive_fetched(item)
            recorder.fetch_ends(end.group)
        except (ma.FetchRefused, ma.FetchInterrupted, TimeoutError) as refusal:
            if known:  # otherwise the track has nothing behind its last object
                self._report.warn(f"{recorder.track.name}: objects are missing and not to be had: {refusal}")
        if recorder.fetched > before:
            self._report.say(f"{recorder.track.name}: fetched {recorder.fetched - before} objects that were left out")


async def stop_after(work: Awaitable[None], seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(work, seconds)


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
