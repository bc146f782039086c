"""Subscribe to live video over MOQT and write it to an MP4 file.

    python examples/moqt_video_subscriber.py --host 127.0.0.1 --port 4433 --output output.mp4

The recording begins at a key frame and ends with the track, after `--duration`, or at Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import Awaitable

import endpoint
import moqt
import moqt.asyncio as ma
from media import backends, loc
from media.catalog import TRACK_NAME, Catalog
from media.frame import EncodedFrame, MediaError
from media.frame_comparison import percentile
from media.frame_log import FrameLog
from media.group_sorter import GroupSorter


class Recorder:
    """Counts the objects of a video track, measures their delay, and writes them in order."""

    def __init__(self, muxer: backends.Muxer, log: FrameLog) -> None:
        self._muxer, self._log = muxer, log
        self._sorter: GroupSorter[EncodedFrame] = GroupSorter()
        self._objects_of: dict[int, int] = {}  # group -> highest object ID + 1
        self.delays_us: list[int] = []
        self.received = self.written = self.bytes = 0

    @property
    def missing(self) -> int:
        """Objects skipped inside the groups that were received."""
        return sum(self._objects_of.values()) - self.received

    @property
    def groups(self) -> int:
        return len(self._objects_of)

    def receive(self, item: ma.Object) -> None:
        if item.status != moqt.ObjectStatus.NORMAL:
            return
        now_us = time.time_ns() // 1000
        frame = loc.frame_of(self.received, item.payload, item.extensions)
        self._log.add(item.group_id, item.object_id, now_us, frame)
        self._objects_of[item.group_id] = max(self._objects_of.get(item.group_id, 0), item.object_id + 1)
        self.delays_us.append(now_us - frame.capture_us)
        self.received += 1
        self.bytes += len(frame.payload)
        for ready in self._sorter.add(item.group_id, item.object_id, frame):
            self._write(ready)

    def finish(self) -> None:
        """Write what is still being sorted and complete the file."""
        for frame in self._sorter.drain():
            self._write(frame)
        if self.written:
            self._muxer.close()

    def _write(self, frame: EncodedFrame) -> None:
        if self.written or frame.is_key:  # no decoder can begin with anything else
            self._muxer.add(frame)
            self.written += 1


async def record(args: argparse.Namespace, stop: asyncio.Event) -> int:
    log = FrameLog(args.frame_log)
    recorder: Recorder | None = None
    try:
        print(f"media libraries: {', '.join(backends.available())}")  # loaded now, not when the first frame waits
        async with endpoint.connect(args) as session:
            print(f"connected to {args.host}:{args.port}, looking for {args.namespace}")
            found = endpoint.within(args.wait, subscribe(session, args), "no video was published")
            setup = await endpoint.until_stopped(stop, found)
            if setup is None:
                return 0
            catalog, subscription = setup
            muxer, chosen = backends.open_muxer(args.output, catalog.codec, catalog.video, backend=args.backend)
            print(f"{args.track}: {catalog.codec_string} {catalog.width}x{catalog.height}, {chosen}")
            recorder = Recorder(muxer, log)
            receiving = receive(subscription, recorder, catalog.framerate)
            if args.duration:
                receiving = stop_after(receiving, args.duration)
            await endpoint.until_stopped(stop, receiving)
    finally:
        log.close()
        if recorder is not None:
            recorder.finish()
            report(recorder, args.output)
    return 0 if recorder is not None and recorder.written else 1


async def subscribe(session: ma.Session, args: argparse.Namespace) -> tuple[Catalog, ma.Subscription]:
    """Wait until the namespace is published, then subscribe to its video from the next group on."""
    async with session.subscribe_namespace(args.namespace) as announcements:
        async for announcement in announcements:
            if announcement.active:
                break
    catalogs = await session.subscribe(args.namespace, TRACK_NAME)
    # The next group begins with a key frame; the catalog is repeated in front of it.
    video = await session.subscribe(args.namespace, args.track, filter=moqt.FilterType.NEXT_GROUP_START)
    print("subscribed")
    async for item in catalogs:
        await catalogs.unsubscribe()
        return Catalog.decode(item.payload), video
    raise MediaError("the publisher ended before it sent its catalog")


async def receive(subscription: ma.Subscription, recorder: Recorder, fps: int) -> None:
    async for item in subscription:
        recorder.receive(item)
        if recorder.received % fps == 0:
            counts = f"{recorder.received} frames  {recorder.groups} groups  {recorder.bytes} bytes"
            print(f"{counts}  delay {recorder.delays_us[-1] / 1000:.1f} ms")


async def stop_after(work: Awaitable[None], seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(work, seconds)


def report(recorder: Recorder, output: str) -> None:
    print(f"received {recorder.received} frames in {recorder.groups} groups, {recorder.missing} missing")
    if delays := sorted(recorder.delays_us):
        p50, p95, most = (percentile(delays, percent) / 1000 for percent in (50, 95, 100))
        print(f"delay from capture: p50 {p50:.1f} ms, p95 {p95:.1f} ms, max {most:.1f} ms")
    if recorder.written:
        print(f"wrote {recorder.written} frames to {output}")
    else:
        print("no frame was received, no file was written", file=sys.stderr)


def main() -> int:
    parser = endpoint.client_parser(__doc__)
    parser.add_argument("--output", default="output.mp4", help="the MP4 file to write")
    parser.add_argument("--backend", choices=backends.BACKENDS, help="media library; without it, the best installed")
    parser.add_argument("--namespace", default="live/demo", help="track namespace, fields separated by '/'")
    parser.add_argument("--track", default="video", help="track name")
    parser.add_argument("--duration", type=float, default=0.0, help="seconds to record; 0 goes on to the track's end")
    parser.add_argument("--wait", type=float, help="give up when nothing is published within these seconds")
    parser.add_argument("--frame-log", help="write a line of JSON per frame to this file")
    return endpoint.run(record, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
