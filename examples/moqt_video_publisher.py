"""Publish live video: a generated clock, a file or a camera, as LOC objects over MOQT.

    python examples/moqt_video_publisher.py --host 127.0.0.1 --port 4433 --duration 10

Every key frame begins a group, every frame is an object. Beside the video goes a catalog track,
from which a subscriber learns codec and size. The first picture is taken when somebody watches.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import endpoint
import moqt.asyncio as ma
from media import backends, loc
from media.catalog import TRACK_NAME, Catalog
from media.frame import EncodedFrame, MediaError, Picture, VideoFormat
from media.frame_log import FrameLog
from media.source import Source, open_source


class VideoTrack:
    """Writes frames into groups, and the catalog in front of each group."""

    def __init__(self, video: ma.TrackWriter, catalog: ma.TrackWriter, description: Catalog, log: FrameLog) -> None:
        self._video, self._catalog, self._description, self._log = video, catalog, description, log
        self._group: ma.GroupWriter | None = None
        # Group IDs of a track only grow, also when its publisher was started again: begin with the clock.
        self._group_id = time.time_ns() // 1_000_000
        self._object_id = 0
        self.frames = self.groups = self.bytes = 0

    def write(self, frame: EncodedFrame) -> None:
        if frame.is_key:
            self._begin_group()
        if self._group is None:
            raise MediaError("the encoder did not begin with a key frame")
        self._group.write(frame.payload, extensions=loc.extensions_of(frame))
        self._log.add(self._group_id, self._object_id, time.time_ns() // 1000, frame)
        self._object_id += 1
        self.frames += 1
        self.bytes += len(frame.payload)

    async def drain(self) -> None:
        """Wait while the network is slower than the encoder."""
        await self._video.drain()

    async def end(self) -> None:
        """FIN the last group and tell the subscribers that the tracks have ended."""
        if self._group is not None:
            self._group.end()
        await self._video.end()
        await self._catalog.end()

    def _begin_group(self) -> None:
        if self._group is not None:
            self._group.end()
            self._group_id += 1
        catalog = self._catalog.begin_group(self._group_id)
        catalog.write(self._description.encode())
        catalog.end()
        self._group = self._video.begin_group(self._group_id)
        self._object_id = 0
        self.groups += 1


async def publish(args: argparse.Namespace, stop: asyncio.Event) -> int:
    width, height = args.size
    video = VideoFormat(width, height, args.fps)
    source = open_source(args.source, video)
    encoder, codec, chosen = backends.open_encoder(
        video, codec=args.codec, backend=args.backend, bitrate=args.bitrate, keyframe_interval=args.keyframe_interval
    )
    log = FrameLog(args.frame_log)
    try:
        print(f"{args.source} {video.width}x{video.height} at {video.fps} fps, {chosen}")
        description = Catalog(codec, encoder.codec_string, video.width, video.height, video.fps, args.track)
        async with endpoint.connect(args) as session:
            writer = session.create_track(args.namespace, args.track)
            catalog = session.create_track(args.namespace, TRACK_NAME)
            await session.publish_namespace(args.namespace)
            print(f"publishing {args.namespace} {args.track}, waiting for a subscriber")
            watched = endpoint.within(args.wait, writer.wait_subscriber(), "nobody subscribed")
            await endpoint.until_stopped(stop, watched)
            track = VideoTrack(writer, catalog, description, log)
            await send_pictures(args, stop, source, encoder, track)
            await track.end()
        print(f"sent {track.frames} frames in {track.groups} groups, {track.bytes} bytes")
        return 0
    finally:
        encoder.close()
        source.close()
        log.close()


async def send_pictures(
    args: argparse.Namespace, stop: asyncio.Event, source: Source, encoder: backends.Encoder, track: VideoTrack
) -> None:
    """Take pictures at the wanted rate until the time is up, the source ends, or `stop`."""
    loop = asyncio.get_running_loop()
    pictures = source.pictures()
    wanted = round(args.duration * args.fps) if args.duration else None
    taken, start = 0, loop.time()
    with ThreadPoolExecutor(1, "encoder") as encoding:  # drawing and encoding must not hold up the session
        while not stop.is_set() and taken != wanted:
            await asyncio.sleep(max(0.0, start + taken / args.fps - loop.time()))
            frames = await loop.run_in_executor(encoding, encode_next, pictures, encoder)
            if frames is None:
                break
            taken += 1
            for frame in frames:
                track.write(frame)
            await track.drain()
            if taken % args.fps == 0:
                print(f"{taken / args.fps:5.0f} s  {track.frames} frames  {track.groups} groups  {track.bytes} bytes")
        if taken:
            for frame in await loop.run_in_executor(encoding, encoder.flush):
                track.write(frame)


def encode_next(pictures: Iterator[Picture], encoder: backends.Encoder) -> list[EncodedFrame] | None:
    """The frames that the next picture sets free; None at the end of the source."""
    picture = next(pictures, None)
    return None if picture is None else encoder.encode(picture)


def parse_size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


def main() -> int:
    parser = endpoint.client_parser(__doc__)
    parser.add_argument("--source", default="clock", help="'clock', a video file, or a camera such as /dev/video0")
    parser.add_argument("--size", type=parse_size, default=(640, 480), help="width and height, for example 640x480")
    parser.add_argument("--fps", type=int, default=30, help="pictures per second")
    parser.add_argument("--codec", choices=backends.CODECS, help="codec; without it, what the backend does best")
    parser.add_argument("--backend", choices=backends.BACKENDS, help="media library; without it, the best installed")
    parser.add_argument("--bitrate", type=int, default=1_500_000, help="bits per second")
    parser.add_argument("--keyframe-interval", type=int, default=30, help="pictures per group")
    parser.add_argument("--namespace", default="live/demo", help="track namespace, fields separated by '/'")
    parser.add_argument("--track", default="video", help="track name")
    parser.add_argument("--duration", type=float, default=0.0, help="seconds to publish; 0 goes on until Ctrl-C")
    parser.add_argument("--wait", type=float, help="give up when nobody subscribes within these seconds")
    parser.add_argument("--frame-log", help="write a line of JSON per frame to this file")
    return endpoint.run(publish, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
