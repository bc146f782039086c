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

import endpoint
import moqt.asyncio as ma
import transfer_report
from following import Recording
from media import catalog as catalogs
from media.frame_log import FrameLog
from recording import check_output
from transfer_report import TransferReport


async def record(args: argparse.Namespace, stop: asyncio.Event) -> int:
    check_output(args.output)
    report = TransferReport(args)
    with contextlib.ExitStack() as opened:
        log = opened.enter_context(contextlib.closing(FrameLog(args.frame_log)))
        recording = opened.enter_context(contextlib.closing(Recording(args, report, log)))
        lost: str | None = None
        try:
            async with endpoint.connect(args) as session:
                report.event("connected", host=args.host, port=args.port)
                report.say(f"connected to {args.host}:{args.port}, looking for {args.namespace}")
                await endpoint.until_stopped(stop, recording.record(session))
        except ma.SessionClosed as closed:
            if not recording.recorders:
                raise
            lost = f"{args.host}:{args.port} is lost: {closed}; the recording ends in the middle of the track"
    began = bool(recording.recorders)
    code = conclude(args, report, recording, lost) if began or not stop.is_set() else 0
    report.finish(recording.status, code)
    return code


def conclude(args: argparse.Namespace, report: TransferReport, recording: Recording, lost: str | None) -> int:
    """Tell what came of it; the exit code."""
    missing = 0
    for recorder in recording.recorders:
        what = "frames" if not catalogs.is_sound(recorder.track) else "objects of sound"
        report.say(f"received {recorder.received} {what} in {recorder.groups} groups, {recorder.missing} missing")
        if recorder.skipped:
            report.say(f"{recorder.skipped} groups skipped")
        if recorder.cut:
            report.say(f"{recorder.cut} groups cut short")
        # A publisher that is followed may die in the middle of a group.
        missing += recorder.missing + recorder.skipped + (0 if args.follow else recorder.cut)
    if not any(recorder.written for recorder in recording.recorders):
        print("no frame was received, no file was written", file=sys.stderr)
        return 1
    written = ", ".join(f"{recorder.written} frames of {recorder.track.name}" for recorder in recording.recorders)
    report.say(f"wrote {written} to {args.output}")
    if lost is None and not args.follow:
        lost = recording.lost_publisher
    if lost is not None:
        print(f"error: {lost}", file=sys.stderr)
    return endpoint.INCOMPLETE if lost is not None or missing else 0


def main() -> int:
    parser = endpoint.client_parser(__doc__)
    parser.add_argument("--output", default="output.mp4", help="the MP4 file to write")
    parser.add_argument(
        "--namespace", type=endpoint.name_space, default="live/demo", help="track namespace, fields separated by '/'"
    )
    parser.add_argument("--track", help="name of the video track; without it, the catalog's first")
    parser.add_argument("--audio-track", help="name of the sound track; without it, the catalog's first")
    parser.add_argument("--no-audio", action="store_true", help="record no sound")
    seconds = endpoint.number("number of seconds", 0)
    parser.add_argument("--duration", type=seconds, default=0.0, help="seconds to record; 0 goes on to the track's end")
    parser.add_argument("--wait", type=seconds, help="give up when nothing is published within these seconds")
    parser.add_argument("--follow", action="store_true", help="subscribe again when the tracks have ended")
    parser.add_argument("--frame-log", help="write a line of JSON per frame of video to this file")
    transfer_report.add_options(parser)
    args = parser.parse_args()
    if args.no_audio and args.audio_track is not None:
        parser.error("--no-audio records no sound, --audio-track names one: give one of them")
    return endpoint.run(record, args)


if __name__ == "__main__":
    sys.exit(main())
