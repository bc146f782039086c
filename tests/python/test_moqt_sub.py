"""moqt-sub: catalogs, and recordings that play."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cmaf_publisher import Movie, ffmpeg, make_sound, make_video, raw_frames, sound_track, video_track
from recorded_media import Publish, decodable, frames, media, packets, publish, relay, streams  # noqa: F401
from relay_programs import DEADLINE, Program, Programs, Relay, frame, wait_until

pytestmark = [
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed"),
    pytest.mark.timeout(180),
]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
INCOMPLETE = 4


def record_all(
    relay: Relay, publish: Publish, output: Path, *tracks: object, arguments: tuple[object, ...] = ()
) -> Program:
    subscriber = relay.subscriber("--output", output, *arguments)
    subscriber.line("waiting for live/demo")
    publisher = publish(*tracks)
    assert publisher.sent.wait(DEADLINE)
    publisher.finish()
    assert subscriber.exit_code() == 0, subscriber.text
    return subscriber


def test_video_and_sound_of_a_catalog_become_one_file(
    relay: Relay, publish: Publish, media: tuple[Movie, Movie, Path], tmp_path: Path
) -> None:
    video, sound, folder = media
    output = tmp_path / "out.mp4"
    subscriber = record_all(
        relay, publish, output, (video_track(), video), (sound_track(), sound), arguments=("--stats",)
    )
    subscriber.line(r"start-up +\d")
    assert frames(output) == frames(folder / "video.mp4")
    assert packets(output, "a") == packets(folder / "audio.mp4", "a")
    found = streams(output)
    # The source's own distance between the two is kept, and the earlier one begins at 0.
    source = {kind: float(streams(folder / f"{kind}.mp4")[kind]["start_time"]) for kind in ("video", "audio")}
    start = {kind: float(found[kind]["start_time"]) for kind in source}
    assert min(start.values()) == 0
    assert start["video"] - start["audio"] == pytest.approx(source["video"] - source["audio"], abs=0.002)


def test_reordered_frames_keep_their_times(relay: Relay, publish: Publish, tmp_path: Path) -> None:
    source, output = tmp_path / "source.mp4", tmp_path / "out.mp4"
    codec = ("-c:v", "libx264", "-bf", 3, "-sc_threshold", 0, "-keyint_min", 15)
    record_all(relay, publish, output, (video_track(), make_video(source, codec=codec)))

    def times(file: Path) -> str:
        return "\n".join(
            line for line in ffmpeg("-i", file, "-f", "framemd5", "-").decode().splitlines() if not line.startswith("#")
        )

    assert times(output) == times(source)


@pytest.mark.parametrize(
    ("codec", "sound_codec"),
    [
        (("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"), ("-c:a", "libopus")),
        (("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", 8), ("-c:a", "flac", "-strict", "-2")),
    ],
)
def test_other_codecs(
    relay: Relay, publish: Publish, tmp_path: Path, codec: tuple[object, ...], sound_codec: tuple[object, ...]
) -> None:
    video = make_video(tmp_path / "video.mp4", codec=codec, seconds=1)
    sound = make_sound(tmp_path / "audio.mp4", codec=sound_codec, seconds=1)
    output = tmp_path / "out.mp4"
    record_all(relay, publish, output, (video_track(), video), (sound_track(), sound))
    assert frames(output) == frames(tmp_path / "video.mp4")
    assert packets(output, "a") == packets(tmp_path / "audio.mp4", "a")


def test_tracks_are_listed_and_chosen(
    relay: Relay, publish: Publish, media: tuple[Movie, Movie, Path], tmp_path: Path
) -> None:
    video, sound, folder = media
    publisher = publish((video_track(width=320, height=240), video), (sound_track(), sound))
    listing = relay.subscriber("--list")
    assert listing.exit_code() == 0, listing.text
    listing.line("^video +cmaf +video +avc1.42c01e +320x240 +1000 kbit/s")
    listing.line("^audio +cmaf +audio +mp4a.40.2 +48000 Hz")
    wrong = relay.subscriber("--tracks", "video,subtitles", "--output", tmp_path / "none.mp4")
    assert wrong.exit_code() == 1, wrong.text
    wrong.line("the catalog has no track 'subtitles'; it has 'video', 'audio'")
    output = tmp_path / "out.mp4"
    subscriber = relay.subscriber("--tracks", "audio", "--output", output)
    wait_until(lambda: output.exists() and output.stat().st_size > 1000, "sound")
    publisher.finish()
    assert subscriber.exit_code() == 0, subscriber.text
    assert list(streams(output)) == ["audio"]
    assert packets(output, "a") == packets(folder / "audio.mp4", "a")


def test_a_publisher_without_a_catalog(relay: Relay, tmp_path: Path) -> None:
    output = tmp_path / "out"
    subscriber = relay.subscriber("--output", output, "--format", "raw")
    publisher = relay.publisher("--name", "video", "--format", "framed", "-", standard_input=subprocess.PIPE)
    publisher.line(r"1 subscriber")
    listing = relay.subscriber("--list")
    assert listing.exit_code() == 1, listing.text
    listing.line("live/demo has no catalog")
    absent = relay.subscriber("--name", "absent", "--output", tmp_path / "absent")
    assert absent.exit_code() == 1, absent.text
    absent.line("the publisher of live/demo has no track 'absent'.*--name")
    publisher.terminate()
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text


def framed(publisher: Program, groups: list[list[bytes]]) -> None:
    pipe = publisher.process.stdin
    assert pipe is not None
    for group in groups:
        pipe.write(frame(b"") + b"".join(map(frame, group)))
        pipe.flush()


def single(video: Movie) -> list[list[bytes]]:
    """Groups of a single track, which begin with the initialization segment."""
    return [[video.initialization + objects[0], *objects[1:]] for objects in video.groups]


def test_a_single_track_whose_encoder_changes(relay: Relay, tmp_path: Path) -> None:
    """Files joined, or an encoder that was restarted with another size: every frame decodes to what it was."""
    large = make_video(tmp_path / "large.mp4", size="640x360", seconds=1)
    small = make_video(tmp_path / "small.mp4", size="320x240", seconds=1)
    output = tmp_path / "out.mp4"
    subscriber = relay.subscriber("--name", "video", "--output", output)
    publisher = relay.publisher("--name", "video", "--format", "framed", "-", standard_input=subprocess.PIPE)
    publisher.line(r"1 subscriber")
    framed(publisher, single(large) + single(small) + single(large))
    assert publisher.process.stdin is not None
    publisher.process.stdin.close()
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text
    assert raw_frames(output) == [*raw_frames(tmp_path / "large.mp4"), *raw_frames(tmp_path / "small.mp4"),
                                  *raw_frames(tmp_path / "large.mp4")]  # fmt: skip
    assert float(streams(output)["video"]["start_time"]) == 0
    assert len(frames(output)) == 90


def test_following_a_publisher_that_comes_back_with_another_size(
    relay: Relay, publish: Publish, tmp_path: Path
) -> None:
    large = make_video(tmp_path / "large.mp4", size="640x360", seconds=1)
    small = make_video(tmp_path / "small.mp4", size="320x240", seconds=1)
    sound = make_sound(tmp_path / "audio.mp4", seconds=1)
    output = tmp_path / "out.mp4"
    subscriber = relay.subscriber("--output", output, "--follow")
    subscriber.line("waiting for live/demo")
    for count, video in enumerate((large, small), 1):
        publisher = publish((video_track(), video), (sound_track(), sound))
        assert publisher.sent.wait(DEADLINE)
        publisher.finish()
        wait_until(lambda wanted=2 * count: len(ended(subscriber)) == wanted, "both tracks to end")
    subscriber.terminate()
    assert subscriber.exit_code() == 0, subscriber.text
    assert raw_frames(output) == raw_frames(tmp_path / "large.mp4") + raw_frames(tmp_path / "small.mp4")
    assert packets(output, "a") == packets(tmp_path / "audio.mp4", "a") * 2


def ended(program: Program) -> list[str]:
    return [line for line in program.lines if "has ended: TRACK_ENDED" in line]


def test_the_python_publisher_is_recorded_in_sync(programs: Programs, relay: Relay, tmp_path: Path) -> None:
    pytest.importorskip("av")
    sys.path.insert(0, str(EXAMPLES))
    from media.frame import VideoFormat
    from media.verify import decode_file, measure_sync

    output = tmp_path / "out.mp4"
    subscriber = relay.subscriber("--output", output, "--stats", "--json")
    subscriber.line('"event":"waiting"')
    script = [sys.executable, str(EXAMPLES / "moqt_video_publisher.py"), "--port", str(relay.port), "--size", "320x240"]
    subprocess.run([*script, "--duration", "4"], check=True, timeout=60, capture_output=True)
    assert subscriber.exit_code() == 0, subscriber.text
    subscriber.line(r"latency +p50 \d+\.\d ms")
    end = json.loads(next(line for line in subscriber.lines if '"event":"end"' in line))
    assert end["exit_code"] == 0
    assert end["objects_missing"] == end["groups_skipped"] == 0
    assert 0 < end["delay_p50_ms"] < 10_000
    assert end["start_up"] > 0
    video = VideoFormat(320, 240, 30)
    assert decode_file(str(output), video).counters == list(range(120))
    sync = measure_sync(str(output), video)
    assert len(sync.offsets_ms) >= 3
    assert sync.worst_ms < 5


def test_largest_object_begins_where_a_decoder_can(relay: Relay, tmp_path: Path) -> None:
    video = make_video(tmp_path / "video.mp4", seconds=1)
    output = tmp_path / "out.mp4"
    early = relay.subscriber("--name", "video", "--output", tmp_path / "early.mp4")
    publisher = relay.publisher("--name", "video", "--format", "framed", "-", standard_input=subprocess.PIPE)
    publisher.line(r"1 subscriber")
    groups = single(video)
    framed(publisher, [groups[0][:5]])
    wait_until(lambda: (tmp_path / "early.mp4").exists(), "the early subscriber")
    early.line("subscribed to")
    late = relay.subscriber("--name", "video", "--filter", "largest-object", "--output", output)
    late.line("subscribed to")
    pipe = publisher.process.stdin
    assert pipe is not None

    def more() -> bool:
        pipe.write(frame(groups[0][7]))
        pipe.flush()
        return any("begins in the middle of group" in line for line in late.lines)

    wait_until(more, "the warning")
    framed(publisher, [groups[1]])
    pipe.close()
    assert publisher.exit_code() == 0, publisher.text
    assert late.exit_code() == 0, late.text
    assert frames(output) == frames(tmp_path / "video.mp4")[15:30]
    early.exit_code()


def test_who_comes_too_late_for_the_only_group_has_recorded_nothing(relay: Relay, tmp_path: Path) -> None:
    video = make_video(tmp_path / "video.mp4", seconds=1)
    early = relay.subscriber("--name", "video", "--output", tmp_path / "early.mp4")
    publisher = relay.publisher("--name", "video", "--format", "framed", "-", standard_input=subprocess.PIPE)
    publisher.line(r"1 subscriber")
    (group, _) = single(video)
    framed(publisher, [group[:5]])
    early.line("subscribed to")
    late = relay.subscriber("--name", "video", "--filter", "largest-object", "--output", tmp_path / "late.mp4")
    late.line("subscribed to")
    pipe = publisher.process.stdin
    assert pipe is not None

    def more() -> bool:
        pipe.write(frame(group[7]))
        pipe.flush()
        return any("begins in the middle of group" in line for line in late.lines)

    wait_until(more, "the warning")
    pipe.close()
    assert publisher.exit_code() == 0, publisher.text
    assert late.exit_code() == 1, late.text
    late.line("nothing was recorded: the tracks ended before a group began")
    early.exit_code()


def test_a_damaged_object_is_told_and_counted(
    relay: Relay, publish: Publish, media: tuple[Movie, Movie, Path], tmp_path: Path
) -> None:
    video = media[0]
    broken = Movie(video.initialization, [*video.chunks[:20], video.chunks[20][:-50], *video.chunks[21:]], video.starts)
    output = tmp_path / "out.mp4"
    subscriber = relay.subscriber("--output", output)
    subscriber.line("waiting for live/demo")
    publisher = publish((video_track(), broken))
    assert publisher.sent.wait(DEADLINE)
    publisher.finish()
    assert subscriber.exit_code() == INCOMPLETE, subscriber.text
    subscriber.line("object 5 of group .* is damaged: a chunk is cut short")
    subscriber.line("1 objects missing")
    assert len(decodable(output)) >= 59


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--name", "video", "--tracks", "audio"], "give one of them"),
        (["--name", "video", "--list"], "--list shows the catalog"),
        (["--tracks", "a", "--list"], "excludes"),
        (["--format", "raw", "--tracks", "a"], "take --name"),
        (["--format", "raw", "--list"], "--list shows the catalog"),
        (["--objects", "-1"], "--objects"),
        (["--join", "-1"], "--join"),
        (["--filter", "absolute", "--start-group", "-1"], "--start-group"),
        (["--start-group", "3"], "--filter"),
        (["--filter", "next-group", "--start-group", "3"], "belong to --filter absolute"),
        (["--no-wait", "--follow"], "excludes"),
        (["--json"], "name a file with --output"),
        (["--priority", "256"], "255"),
        (["--idle-timeout", "0"], "idle-timeout"),
        (["--connect-timeout", "0"], "connect-timeout"),
    ],
)
def test_options_that_contradict_each_other(programs: Programs, arguments: list[str], why: str) -> None:
    running = programs.start("moqt-sub", *arguments)
    assert running.exit_code() == 2, running.text
    running.line(why)


def test_messages_name_what_is_wrong(programs: Programs, relay: Relay, tmp_path: Path) -> None:
    for arguments, code, why in (
        (("--host", "127.0.0.1", "--port", 9), 1, r"127\.0\.0\.1:9.*(answer|running)"),
        (("--host", "no-such-host.invalid"), 1, "no-such-host.invalid.*--host"),
        (("--port", relay.port), 1, r"certificate of 127\.0\.0\.1:\d+ is not trusted.*--fingerprint"),
        ((*relay.client_arguments, "--output", tmp_path), 1, "it is a directory"),
        ((*relay.client_arguments, "--no-wait"), 1, "nobody publishes .*live/demo.*--namespace"),
    ):
        running = programs.start("moqt-sub", *arguments)
        assert running.exit_code() == code, running.text
        running.line(why)


def test_objects_that_are_no_mp4_are_not_recorded_as_one(relay: Relay, tmp_path: Path) -> None:
    subscriber = relay.subscriber("--name", "video", "--format", "mp4", "--output", tmp_path / "out.mp4")
    subscriber.line("waiting for live/demo")
    publisher = relay.publisher("--format", "framed", "--name", "video", "-", standard_input=subprocess.PIPE)
    pipe = publisher.process.stdin
    assert pipe is not None
    pipe.write(frame(b"") + frame(b"words"))
    pipe.flush()
    assert subscriber.exit_code() == 1, subscriber.text
    subscriber.line("do not begin with an MP4's initialization segment.*--format raw")
    pipe.close()
    publisher.kill()


def test_priority_is_shown_as_a_number(programs: Programs) -> None:
    running = programs.start("moqt-sub", "--help")
    assert running.exit_code() == 0
    running.line(r"--priority.*128")


LIVE_MINUTES = float(os.environ.get("MSQUIC_PY_LIVE_MINUTES", "0"))


@pytest.mark.timeout(LIVE_MINUTES * 150 + 180)
def test_live_for_long(programs: Programs, relay: Relay, tmp_path: Path) -> None:
    """A live encoder with sound for MSQUIC_PY_LIVE_MINUTES: nothing lost, sound and picture do not drift apart."""
    minutes = LIVE_MINUTES
    if not minutes:
        pytest.skip("MSQUIC_PY_LIVE_MINUTES says how long")
    sys.path.insert(0, str(EXAMPLES))
    from media.frame import VideoFormat
    from media.verify import decode_file, measure_sync

    output = tmp_path / "out.mp4"
    subscriber = relay.subscriber("--output", output, "--stats")
    script = [sys.executable, str(EXAMPLES / "moqt_video_publisher.py"), "--port", str(relay.port), "--size", "320x240"]
    begun = time.monotonic()
    subprocess.run(
        [*script, "--duration", str(minutes * 60)], check=True, timeout=minutes * 90 + 60, capture_output=True
    )
    assert subscriber.exit_code() == 0, f"{subscriber.text}\n{time.monotonic() - begun:.0f} s"
    video = VideoFormat(320, 240, 30)
    decoded = decode_file(str(output), video, timeout=minutes * 60 + 60)
    assert decoded.counters == [index % 65536 for index in range(round(minutes * 60 * 30))]
    offsets = measure_sync(str(output), video).offsets_ms
    assert max(offsets) - min(offsets) < 5
