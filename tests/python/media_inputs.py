"""Inputs for moqt-pub, made by ffmpeg when the tests run, and whether they arrive as they are."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from media_round_trip import (
    DecodedFrame,
    Running,
    assert_same_audio,
    assert_same_video,
    decoded,
    ffmpeg,
    packets,
)

SECONDS = 1.2
PICTURE = ("-f", "lavfi", "-i", f"testsrc2=size=128x96:rate=25:duration={SECONDS}")
SOUND = ("-f", "lavfi", "-i", f"sine=sample_rate=44100:duration={SECONDS}")
SOUND48 = ("-f", "lavfi", "-i", f"sine=frequency=700:sample_rate=48000:duration={SECONDS}")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", 10, "-sc_threshold", 0, "-pix_fmt", "yuv420p", "-bf", 0)
H264_B = (*H264[:-2], "-bf", 2)
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=10:min-keyint=10")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", 8, "-g", 10)
AV1 = ("-c:v", "libsvtav1", "-preset", 12, "-g", 10)
FRAGMENTS = "+cmaf+frag_every_frame+empty_moov+default_base_moof"


@dataclass(frozen=True)
class Input:
    name: str  # of the file
    make: tuple[object, ...]  # what ffmpeg is told, in front of the file
    options: tuple[object, ...] = ()  # of moqt-pub
    sound_as_stored: bool = False  # FFmpeg drops frames when it reads this itself: its times overlap
    of: Input | None = None  # made of that one

    def file(self, folder: Path) -> Path:
        file = folder / self.name
        if not file.exists():
            # Others that run beside this one look for the file, too.
            made = folder / f"{os.getpid()}-{threading.get_ident()}-{self.name}"
            source = ("-i", self.of.file(folder)) if self.of is not None else ()
            before = self.make[:2] if self.of is not None else ()
            ffmpeg(*before, *source, *self.make[len(before) :], f"file:{made}")
            made.replace(file)
        return file


LONG_GOP = Input("long_gop.mp4", (*PICTURE, *SOUND, *H264_B, "-g", 20, "-c:a", "aac"))
GOOD = [
    Input("h264_aac.mp4", (*PICTURE, *SOUND, *H264, "-c:a", "aac")),
    Input("h264_b_aac.mp4", (*PICTURE, *SOUND, *H264_B, "-c:a", "aac")),
    Input("faststart.mp4", (*PICTURE, *SOUND, *H264_B, "-c:a", "aac", "-movflags", "+faststart")),
    Input("every_frame.mp4", (*PICTURE, *SOUND48, *H264, "-c:a", "aac", "-movflags", FRAGMENTS), sound_as_stored=True),
    Input("absolute_offsets.mp4", (*PICTURE, *H264, "-movflags", "frag_keyframe+empty_moov")),
    Input("absolute_av.mp4", (*PICTURE, *SOUND48, *H264, "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov")),
    Input("delay_moov.mp4", (*PICTURE, *SOUND, *H264_B, "-c:a", "aac", "-movflags", "+frag_keyframe+delay_moov")),
    Input("by_time.mp4", (*PICTURE, *H264_B, "-movflags", "+empty_moov+default_base_moof", "-frag_duration", 130000)),
    Input("old.mov", (*PICTURE, *SOUND, *H264_B, "-c:a", "aac")),
    Input("odd_timescale.mp4", (*PICTURE, *SOUND, *H264_B, "-c:a", "aac", "-video_track_timescale", 24001)),
    Input("hevc.mp4", (*PICTURE, *HEVC, "-tag:v", "hvc1")),
    Input("hevc.ts", (*PICTURE, *HEVC)),
    Input("av1.mp4", (*PICTURE, *AV1)),
    Input("av1_opus.webm", (*PICTURE, *SOUND48, *AV1, "-c:a", "libopus")),
    Input("vp9_opus.webm", (*PICTURE, *SOUND48, *VP9, "-c:a", "libopus")),
    Input("vp9_opus.mp4", (*PICTURE, *SOUND48, *VP9, "-c:a", "libopus")),
    Input("h264_b_aac.ts", (*PICTURE, *SOUND, *H264_B, "-c:a", "aac")),
    Input("h264_ac3.ts", (*PICTURE, *SOUND48, *H264, "-c:a", "ac3")),
    Input("h264_ac3.mp4", (*PICTURE, *SOUND48, *H264, "-c:a", "ac3")),
    Input("h264_b_aac.mkv", (*PICTURE, *SOUND, *H264_B, "-c:a", "aac")),
    Input("h264_flac.mkv", (*PICTURE, *SOUND, *H264, "-c:a", "flac")),
    Input("h264_aac.flv", (*PICTURE, *SOUND, *H264, "-c:a", "aac")),
    Input("ntsc.avi", ("-f", "lavfi", "-i", f"testsrc2=size=128x96:rate=30000/1001:duration={SECONDS}", *H264)),
    Input("annexb.h264", (*PICTURE, *H264)),
    Input("annexb_b.h264", (*PICTURE, *H264_B)),
    Input("annexb.hevc", (*PICTURE, *HEVC)),
    Input("mpeg4.avi", (*PICTURE, "-c:v", "mpeg4", "-g", 10)),
    Input("mpeg2.mpg", (*PICTURE, "-c:v", "mpeg2video", "-g", 10, "-bf", 2)),
    Input("adts.aac", (*SOUND, "-c:a", "aac")),
    Input("aac.m4a", (*SOUND, "-c:a", "aac")),
    Input("sound.flac", (*SOUND, "-c:a", "flac")),
    Input("sound.mp3", (*SOUND, "-c:a", "libmp3lame")),
    Input("opus.ogg", (*SOUND48, "-c:a", "libopus")),
    Input("late.ts", (*PICTURE, *SOUND, *H264_B, "-c:a", "aac", "-output_ts_offset", 5000)),
    Input("a:colon.mp4", (*PICTURE, *H264)),
    Input("dash.mp4", (*PICTURE, *H264_B, "-movflags", "+dash+global_sidx+frag_keyframe")),
    Input("vp9.ivf", (*PICTURE, *VP9)),
    Input("hevc_opus.mkv", (*PICTURE, *SOUND48, *HEVC, "-c:a", "libopus")),
    Input("two_sounds.mp4", (*PICTURE, *SOUND, *SOUND48, *H264, "-c:a", "aac", "-map", 0, "-map", 1, "-map", 2)),
    Input("eac3.ts", (*SOUND48, "-c:a", "eac3")),
    Input("trimmed.mp4", ("-ss", 0.6, "-c", "copy"), of=LONG_GOP),
]  # fmt: skip


FRAGMENTED, FASTSTART, MATROSKA = (
    next(source for source in GOOD if source.name == name)
    for name in ("every_frame.mp4", "faststart.mp4", "h264_b_aac.mkv")
)


def streams_of(file: Path) -> list[str]:
    show = ("-show_entries", "stream=codec_type", "-of", "csv=p=0")
    text = subprocess.run(["ffprobe", "-v", "error", *show, str(file)], capture_output=True, text=True, timeout=60)
    return [line.strip().strip(",") for line in text.stdout.splitlines() if line.strip()]


def check(source: Input, folder: Path, running: Running) -> None:
    trip, file = running.finish(), source.file(folder)
    streams = streams_of(file)
    assert streams
    if "video" in streams:
        assert_same_video(frames_of(file, "v:0"), decoded(trip.track("video"), "v:0"))
    if "audio" in streams and source.sound_as_stored:
        assert packets(trip.track("audio"), "a:0") == packets(file, "a:0")
    elif "audio" in streams:
        assert_same_audio(frames_of(file, "a:0"), decoded(trip.track("audio"), "a:0"), alone="video" not in streams)


def frames_of(file: Path, stream: str) -> list[DecodedFrame]:
    return decoded(Path(f"file:{file}"), stream)


def boxes_called(content: bytes, kind: bytes) -> list[int]:
    return [match.start() - 4 for match in re.finditer(re.escape(kind), content)]
