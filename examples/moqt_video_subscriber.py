"""Subscribe to live video and sound over MOQT and write them to an MP4 file.

    python examples/moqt_video_subscriber.py --host 127.0.0.1 --port 4433 --output output.mp4

It takes the tracks that the publisher's catalog (draft-ietf-moq-msf-01) names. The recording begins
at a key frame and ends with the tracks, after `--duration`, or at Ctrl-C; what is in the file plays
even when this program is killed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Awaitable

import endpoint
import moqt
import moqt.asyncio as ma
from media import catalog as catalogs
from media.fragmented_mp4 import FragmentedWriter
from media.frame_comparison import percentile
from media.frame_log import FrameLog
from media.recorded_track import open_track
from moqt import msf
from recording import Recorder, choose, read_catalog, receive_all, watch_catalog


async def record(args: argparse.Namespace, stop: asyncio.Event) -> int:
    log = FrameLog(args.frame_log)
    recorders: list[Recorder] = []
    watching: asyncio.Future[None] | None = None
    writer: FragmentedWriter | None = None
    lost: str | None = None
    try:
        async with endpoint.connect(args) as session:
            print(f"connected to {args.host}:{args.port}, looking for {args.namespace}")
            found = endpoint.within(args.wait, subscribe(session, args), "no video was published")
            setup = await endpoint.until_stopped(stop, found)
            if setup is None:
                return 0
            catalog, updates, subscriptions = setup
            writer = FragmentedWriter(args.output)
            for track, _ in subscriptions:
                recorders.append(Recorder(track, open_track(catalog, track, writer), frame_log_of(track, args, log)))
                size = f" {track.width}x{track.height}" if track.width else ""
                print(f"{track.name}: {track.codec}{size}, {track.packaging}")
            watching = asyncio.ensure_future(watch_catalog(updates, recorders))
            receiving = receive_all([subscription for _, subscription in subscriptions], recorders)
            if args.duration:
                receiving = stop_after(receiving, args.duration)
            await endpoint.until_stopped(stop, receiving)
    except ma.SessionClosed as closed:
        if not recorders:
            raise
        lost = f"{args.host}:{args.port} is lost: {closed}; the recording ends in the middle of the track"
    finally:
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        log.close()
        for recorder in recorders:
            recorder.finish()
        if writer is not None:
            writer.close()
    lost = lost or next((recorder.lost_publisher for recorder in recorders if recorder.lost_publisher), None)
    return report(recorders, args.output, lost)


async def subscribe(
    session: ma.Session, args: argparse.Namespace
) -> tuple[msf.Catalog, ma.Subscription, list[tuple[msf.Track, ma.Subscription]]]:
    """Wait until the namespace is published, read its catalog, and subscribe from the next group on."""
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
    print("subscribed")
    return catalog, updates, list(zip(wanted, subscriptions, strict=True))


async def stop_after(work: Awaitable[None], seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(work, seconds)


def frame_log_of(track: msf.Track, args: argparse.Namespace, log: FrameLog) -> FrameLog | None:
    return log if args.frame_log and not catalogs.is_sound(track) else None


def report(recorders: list[Recorder], output: str, lost: str | None) -> int:
    """Tell what came of it; the exit code."""
    missing = 0
    for recorder in recorders:
        what = "frames" if not catalogs.is_sound(recorder.track) else "objects of sound"
        print(f"received {recorder.received} {what} in {recorder.groups} groups, {recorder.missing} missing")
        if recorder.skipped:
            print(f"{recorder.skipped} groups skipped")
        if recorder.cut:
            print(f"{recorder.cut} groups cut short")
        missing += recorder.missing + recorder.skipped + recorder.cut
        if delays := sorted(recorder.delays_us):
            p50, p95, most = (percentile(delays, percent) / 1000 for percent in (50, 95, 100))
            print(f"delay from capture: p50 {p50:.1f} ms, p95 {p95:.1f} ms, max {most:.1f} ms")
    if not any(recorder.written for recorder in recorders):
        print("no frame was received, no file was written", file=sys.stderr)
        return 1
    written = ", ".join(f"{recorder.written} frames of {recorder.track.name}" for recorder in recorders)
    print(f"wrote {written} to {output}")
    if lost is not None:
        print(f"error: {lost}", file=sys.stderr)
    return endpoint.INCOMPLETE if lost is not None or missing else 0


def main() -> int:
    parser = endpoint.client_parser(__doc__)
    parser.add_argument("--output", default="output.mp4", help="the MP4 file to write")
    parser.add_argument("--namespace", default="live/demo", help="track namespace, fields separated by '/'")
    parser.add_argument("--track", help="name of the video track; without it, the catalog's first")
    parser.add_argument("--audio-track", help="name of the sound track; without it, the catalog's first")
    parser.add_argument("--no-audio", action="store_true", help="record no sound")
    seconds = endpoint.number("number of seconds", 0)
    parser.add_argument("--duration", type=seconds, default=0.0, help="seconds to record; 0 goes on to the track's end")
    parser.add_argument("--wait", type=seconds, help="give up when nothing is published within these seconds")
    parser.add_argument("--frame-log", help="write a line of JSON per frame of video to this file")
    return endpoint.run(record, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
