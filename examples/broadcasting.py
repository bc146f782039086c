"""Sending video, sound and their catalog: what the video publisher does on its session."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import moqt
import moqt.asyncio as ma
from media import audio_encoder, backends, loc
from media.frame import EncodedAudio, EncodedFrame, MediaError
from media.frame_log import FrameLog
from media.sound import RATE, Sound
from transfer_report import TransferReport, TransferStatus

if TYPE_CHECKING:
    from media.source import Source

Input = TypeVar("Input")
Output = TypeVar("Output")

CATALOG_SECONDS = 0.5
"""How often the catalog is repeated."""
GATHERING_SECONDS = 0.5
"""How long the subscriptions to the other tracks may take after the first one."""


class Broadcast:
    """Writes frames into groups: a key frame begins one of video, and with it one of sound."""

    def __init__(
        self, video: ma.TrackWriter, sound: ma.TrackWriter | None, log: FrameLog, report: TransferReport,
        loc_version: moqt.LocVersion,
    ) -> None:  # fmt: skip
        self._video, self._sound, self._log, self.report = video, sound, log, report
        self._loc_version = loc_version
        self._group: ma.GroupWriter | None = None
        self._sound_group: ma.GroupWriter | None = None
        # Group IDs of a track only grow, also when its publisher was started again: begin with the clock.
        self._group_id = time.time_ns() // 1_000_000
        self._object_id = 0
        self.start_us = 0
        """When the first picture was taken; sound counts from there."""
        self.seconds = 0.0
        """Of pictures taken."""
        self.frames = self.groups = self.bytes = self.sound_frames = self.sound_groups = 0

    @property
    def status(self) -> TransferStatus:
        tracks = [track for track in (self._video, self._sound) if track is not None]
        return TransferStatus(
            objects=self.frames + self.sound_frames,
            bytes=self.bytes,
            groups=self.groups + self.sound_groups,
            groups_skipped=sum(track.groups_skipped for track in tracks),
            media_time=self.seconds,
            subscribers=max(track.subscriber_count for track in tracks),
        )

    def write(self, frame: EncodedFrame) -> None:
        if frame.is_key:
            self._begin_group()
        if self._group is None:
            raise MediaError("the encoder did not begin with a key frame")
        self._group.write(frame.payload, extensions=loc.extensions_of(frame, self._loc_version))
        now_us = time.time_ns() // 1000
        self._log.add(self._group_id, self._object_id, now_us, frame)
        self.report.add_delay(now_us - frame.capture_us)
        self._object_id += 1
        self.frames += 1
        self.bytes += len(frame.payload)

    def write_sound(self, frame: EncodedAudio, rate: int) -> None:
        if self._sound is None:
            return
        if self._sound_group is None:  # under the ID of the group of video
            self._sound_group = self._sound.begin_group(self._group_id)
            self.sound_groups += 1
        capture_us = self.start_us + frame.first_sample * 1_000_000 // rate
        extensions = loc.sound_extensions(capture_us, self.start_us, self._loc_version)
        self._sound_group.write(frame.payload, extensions=extensions)
        self.sound_frames += 1
        self.bytes += len(frame.payload)

    async def drain(self) -> None:
        """Wait while the network is slower than the encoder."""
        await self._video.drain()

    async def end(self) -> None:
        """FIN the last groups and tell the subscribers that the tracks have ended."""
        for group in (self._group, self._sound_group):
            if group is not None:
                group.end()
        for track in (self._video, self._sound):
            if track is not None:
                await track.end()

    def _begin_group(self) -> None:
        if self._group is not None:
            self._group.end()
            self._group_id += 1
            if self._sound_group is not None:
                self._sound_group.end()
                self._sound_group = None
        self._group = self._video.begin_group(self._group_id)
        self._object_id = 0
        self.groups += 1


async def repeat_catalog(track: ma.TrackWriter, description: bytes) -> None:
    """The catalog, once a second while anybody asks: the relay keeps none for those who come later."""
    group_id = time.time_ns() // 1_000_000
    while True:
        await track.wait_subscriber()
        group = track.begin_group(group_id)
        group.write(description)
        group.end()
        group_id += 1
        await asyncio.sleep(CATALOG_SECONDS)


async def wait_for_subscribers(video: ma.TrackWriter, sound: ma.TrackWriter | None) -> None:
    """Until the video is watched; those who want the sound as well ask for it at about the same time."""
    if sound is None:
        await video.wait_subscriber()
        return
    waiting = [asyncio.ensure_future(track.wait_subscriber()) for track in (video, sound)]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait(waiting, timeout=GATHERING_SECONDS)
        for task in waiting:
            if task.done():
                task.result()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


async def send_all(
    args: argparse.Namespace, stop: asyncio.Event, source: Source, encoder: backends.Encoder,
    sound: tuple[Sound, audio_encoder.AudioEncoder] | None, broadcast: Broadcast,
) -> None:  # fmt: skip
    """Pictures and sound side by side; the sound ends with the pictures."""
    loop = asyncio.get_running_loop()
    start, over = loop.time(), asyncio.Event()
    broadcast.start_us = time.time_ns() // 1000
    work = [asyncio.ensure_future(send_pictures(args, stop, source, encoder, broadcast, start))]
    if sound is not None:
        work.append(asyncio.ensure_future(send_sound(args, over, *sound, broadcast, start)))
    try:
        await work[0]
        over.set()
        await asyncio.gather(*work)
    finally:
        over.set()
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)


async def send_pictures(
    args: argparse.Namespace, stop: asyncio.Event, source: Source, encoder: backends.Encoder, broadcast: Broadcast,
    start: float,
) -> None:  # fmt: skip
    """Take pictures at the wanted rate until the time is up, the source ends, or `stop`."""
    loop = asyncio.get_running_loop()
    pictures = source.pictures(broadcast.start_us)
    wanted = round(args.duration * args.fps) if args.duration else None
    taken = 0
    with ThreadPoolExecutor(1, "encoder") as encoding:  # drawing and encoding must not hold up the session
        while not stop.is_set() and taken != wanted:
            await asyncio.sleep(max(0.0, start + taken / args.fps - loop.time()))
            frames = await loop.run_in_executor(encoding, encode_next, pictures, encoder.encode)
            if frames is None:
                break
            taken += 1
            for frame in frames:
                broadcast.write(frame)
            await broadcast.drain()
            broadcast.seconds = taken / args.fps
            broadcast.report.progress(broadcast.status)
            if taken % args.fps == 0:
                counts = f"{broadcast.frames} frames  {broadcast.groups} groups  {broadcast.bytes} bytes"
                broadcast.report.say(f"{taken / args.fps:5.0f} s  {counts}")
        if taken:
            for frame in await loop.run_in_executor(encoding, encoder.flush):
                broadcast.write(frame)


async def send_sound(
    args: argparse.Namespace,
    over: asyncio.Event,
    sound: Sound,
    encoder: audio_encoder.AudioEncoder,
    broadcast: Broadcast,
    start: float,
) -> None:
    """Sound at the speed at which it is heard, until the pictures are over."""
    loop = asyncio.get_running_loop()
    blocks = sound.blocks(encoder.block)
    wanted = round(args.duration * RATE) if args.duration else None
    taken = 0
    with ThreadPoolExecutor(1, "sound") as encoding:
        while not over.is_set() and (wanted is None or taken < wanted):
            taken += encoder.block
            await asyncio.sleep(max(0.0, start + taken / RATE - loop.time()))
            frames = await loop.run_in_executor(encoding, encode_next, blocks, encoder.encode)
            if frames is None:
                break
            for frame in frames:
                broadcast.write_sound(frame, RATE)
        for frame in await loop.run_in_executor(encoding, encoder.flush):
            broadcast.write_sound(frame, RATE)


def encode_next(inputs: Iterator[Input], encode: Callable[[Input], list[Output]]) -> list[Output] | None:
    """The frames that the next input sets free; None at the end of the source."""
    item = next(inputs, None)
    return None if item is None else encode(item)
