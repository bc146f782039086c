"""Publish live video and sound: a generated clock, a file or a camera, as LOC objects over MOQT.

    python examples/moqt_video_publisher.py --host 127.0.0.1 --port 4433 --duration 10

Every key frame begins a group of video and one of sound; every frame is an object. Beside them goes
a catalog (draft-ietf-moq-msf-01), from which a subscriber learns the tracks, codecs and sizes. The
first picture is taken when somebody watches.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

import endpoint
import moqt
import moqt.asyncio as ma
import transfer_report
from broadcasting import Broadcast, repeat_catalog, send_all, wait_for_subscribers
from media import audio_encoder, backends
from media import catalog as catalogs
from media.frame import MediaError, VideoFormat
from media.frame_log import FrameLog
from media.sound import CHANNELS, RATE, Sound, open_sound
from moqt import msf
from transfer_report import TransferReport

if TYPE_CHECKING:
    from media.source import Source


LOC_VERSIONS = {"01": moqt.LocVersion.LOC_01, "04": moqt.LocVersion.LOC_04}


async def publish(args: argparse.Namespace, stop: asyncio.Event) -> int:
    report = TransferReport(args)
    width, height = args.size
    video = VideoFormat(width, height, args.fps)
    with contextlib.ExitStack() as opened:
        source = opened.enter_context(contextlib.closing(open_pictures(args.source, video)))
        encoder, codec, chosen = backends.open_encoder(
            video,
            codec=args.codec,
            backend=args.backend,
            bitrate=args.bitrate,
            keyframe_interval=args.keyframe_interval,
        )
        opened.callback(encoder.close)
        sound = open_encoded_sound(args, opened, report)
        log = opened.enter_context(contextlib.closing(FrameLog(args.frame_log)))
        heard = f", {sound[1].codec} sound" if sound else ", no sound"
        report.say(f"{args.source} {video.width}x{video.height} at {video.fps} fps, {chosen}{heard}")

        published = catalog_for(args, codec, encoder.codec_string, video, sound[1] if sound else None)
        async with endpoint.connect(args) as session:
            report.event("connected", host=args.host, port=args.port)
            writer = session.create_track(args.namespace, args.track)
            catalog = session.create_track(args.namespace, "catalog")
            sound_writer = session.create_track(args.namespace, args.audio_track) if sound else None
            await session.publish_namespace(args.namespace)
            for track in published.tracks:
                report.event("track", name=track.name, codec=track.codec or "")
            report.say(f"publishing {args.namespace} {args.track}, waiting for a subscriber")
            version = LOC_VERSIONS[args.loc_version] if args.loc_version else moqt.loc_version_for(session.draft)
            broadcast = Broadcast(writer, sound_writer, log, report, version)
            telling = asyncio.ensure_future(repeat_catalog(catalog, published.encode()))
            try:
                watched = endpoint.within(args.wait, wait_for_subscribers(writer, sound_writer), "nobody subscribed")
                await endpoint.until_stopped(stop, watched)
                report.event("subscribers", count=broadcast.status.subscribers)
                await send_all(args, stop, source, encoder, sound, broadcast)
                await broadcast.end()
                await catalog.end()
            except ma.SessionClosed as closed:
                print(f"error: {args.host}:{args.port} is lost: {closed}", file=sys.stderr)
                conclude(broadcast)
                report.finish(broadcast.status, endpoint.INCOMPLETE)
                return endpoint.INCOMPLETE
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)
        conclude(broadcast)
        report.finish(broadcast.status, 0)
        return 0


EncodedSound = tuple[Sound, audio_encoder.AudioEncoder]


def open_pictures(what: str, video: VideoFormat) -> Source:
    """The source of the pictures, whose library is loaded only now."""
    try:
        from media.source import open_source
    except ImportError as error:
        raise MediaError(f"pictures need {error.name}: `uv sync --group example` installs it") from error
    try:
        return open_source(what, video)
    except ValueError as error:
        raise MediaError(f"--size and --fps do not suit {what}: {error}") from error


def conclude(broadcast: Broadcast) -> None:
    heard = f", {broadcast.sound_frames} frames of sound" if broadcast.sound_frames else ""
    broadcast.report.say(f"sent {broadcast.frames} frames in {broadcast.groups} groups{heard}, {broadcast.bytes} bytes")


def open_encoded_sound(
    args: argparse.Namespace, opened: contextlib.ExitStack, report: TransferReport
) -> tuple[Sound, audio_encoder.AudioEncoder] | None:
    """The sound of the source and its encoder; None without."""
    if args.no_audio:
        return None
    source = open_sound(args.source)
    if source is None:
        return None
    opened.callback(source.close)
    try:
        encoder = audio_encoder.open_audio_encoder(args.audio_codec, bitrate=args.audio_bitrate)
    except MediaError as error:
        if args.audio_codec is not None:
            raise
        report.warn(f"no sound: {error}")
        return None
    opened.callback(encoder.close)
    return source, encoder


def catalog_for(
    args: argparse.Namespace, codec: str, name: str, video: VideoFormat, sound: audio_encoder.AudioEncoder | None
) -> msf.Catalog:
    """What is published; `name` is the video codec's as its encoder gives it."""
    track = catalogs.video_track(args.track, catalogs.codec_string(codec, name), video, args.bitrate)
    catalog = msf.Catalog([track])
    if sound is not None:
        format = catalogs.SoundFormat(sound.codec, RATE, CHANNELS, sound.config)
        catalog.tracks.append(catalogs.sound_track(catalog, args.audio_track, format, args.audio_bitrate))
    return catalog


def parse_size(text: str) -> tuple[int, int]:
    width, cross, height = text.partition("x")
    if not cross or not width.isdecimal() or not height.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no size: give width and height, such as 640x480")
    try:
        VideoFormat(int(width), int(height), 30)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return int(width), int(height)


def main() -> int:
    parser = endpoint.client_parser(__doc__)
    parser.add_argument("--source", default="clock", help="'clock', a video file, or a camera such as /dev/video0")
    parser.add_argument("--size", type=parse_size, default=(640, 480), help="width and height, for example 640x480")
    parser.add_argument("--fps", type=endpoint.integer("picture rate", 1, 240), default=30, help="pictures per second")
    parser.add_argument("--codec", choices=backends.CODECS, help="codec; without it, what the backend does best")
    parser.add_argument("--backend", choices=backends.BACKENDS, help="media library; without it, the best installed")
    bitrate = endpoint.integer("bitrate", 10_000, 1_000_000_000)
    parser.add_argument("--bitrate", type=bitrate, default=1_500_000, help="of the video, bits per second")
    interval = endpoint.integer("key frame interval", 1, 100_000)
    parser.add_argument("--keyframe-interval", type=interval, default=30, help="pictures per group")
    parser.add_argument("--no-audio", action="store_true", help="publish no sound")
    parser.add_argument(
        "--audio-codec", choices=audio_encoder.CODECS, help="codec of the sound; without it, what is installed"
    )
    sound_rate = endpoint.integer("bitrate", 6_000, 512_000)
    parser.add_argument("--audio-bitrate", type=sound_rate, default=96_000, help="of the sound, bits per second")
    parser.add_argument(
        "--namespace", type=endpoint.name_space, default="live/demo", help="track namespace, fields separated by '/'"
    )
    parser.add_argument("--track", default="video", help="name of the video track")
    parser.add_argument("--audio-track", default="audio", help="name of the sound track")
    seconds = endpoint.number("number of seconds", 0)
    parser.add_argument(
        "--loc-version", choices=LOC_VERSIONS, help="version of LOC; without it, what suits the draft that is spoken"
    )
    parser.add_argument("--duration", type=seconds, default=0.0, help="seconds to publish; 0 goes on until Ctrl-C")
    parser.add_argument("--wait", type=seconds, help="give up when nobody subscribes within these seconds")
    parser.add_argument("--frame-log", help="write a line of JSON per frame of video to this file")
    transfer_report.add_options(parser)
    args = parser.parse_args()
    if args.no_audio and args.audio_codec is not None:
        parser.error("--no-audio publishes no sound, --audio-codec says how: give one of them")
    names = [args.track, catalogs.TRACK_NAME, *([] if args.no_audio else [args.audio_track])]
    if len(set(names)) < len(names):
        parser.error(
            f"--track and --audio-track name two tracks beside {catalogs.TRACK_NAME!r}: give each its own name"
        )
    return endpoint.run(publish, args)


if __name__ == "__main__":
    sys.exit(main())
