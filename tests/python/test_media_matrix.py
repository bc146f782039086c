"""Inputs of every kind through moqt-pub: the frames that arrive are those that the input has, at the same times."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import struct
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from media_inputs import (
    FASTSTART,
    FRAGMENTED,
    FRAGMENTS,
    GOOD,
    H264,
    H264_B,
    HEVC,
    PICTURE,
    SECONDS,
    SOUND,
    VP9,
    Input,
    boxes_called,
    check,
    frames_of,
)
from media_round_trip import Running, assert_same_audio, assert_same_video, decoded, packets
from relay_programs import Relay, wait_until

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@pytest.mark.parametrize("source", GOOD, ids=lambda source: source.name)
def test_unpaced(relay: Relay, folder: Path, tmp_path: Path, source: Input) -> None:
    check(source, folder, Running(relay, tmp_path, ("--no-pace", *source.options, source.file(folder))))


PIPED = [source for source in GOOD if source.name in {
    "every_frame.mp4", "absolute_av.mp4", "faststart.mp4", "h264_b_aac.ts", "h264_b_aac.mkv", "annexb.h264",
}]  # fmt: skip


@pytest.mark.parametrize("source", PIPED, ids=lambda source: source.name)
def test_paced_through_a_pipe(relay: Relay, folder: Path, tmp_path: Path, source: Input) -> None:
    with source.file(folder).open("rb") as pipe:
        check(source, folder, Running(relay, tmp_path, ("-",), pipe))


BATCHES = [GOOD[first : first + 6] for first in range(0, len(GOOD), 6)]


@pytest.mark.parametrize("sources", BATCHES, ids=lambda sources: sources[0].name)
def test_paced(relay: Relay, folder: Path, tmp_path: Path, sources: list[Input]) -> None:
    """Some at once, to be quick."""
    started = [Running(relay, tmp_path / str(i), (source.file(folder),)) for i, source in enumerate(sources)]
    for source, running in zip(sources, started, strict=True):
        check(source, folder, running)


LONG = ("-f", "lavfi", "-i", "testsrc2=size=128x96:rate=25:duration=10")
LATE = [
    Input("long.mp4", (*LONG, *H264, "-movflags", "frag_keyframe+empty_moov")),
    Input("long_b.ts", (*LONG, *H264_B)),
    Input("long_b.mkv", (*LONG, *H264_B)),
    Input("long_vp9.webm", (*LONG, *VP9)),
    Input("long_hevc.mp4", (*LONG, *HEVC)),
]


def test_late_subscribers_begin_with_a_key_frame(relay: Relay, folder: Path, tmp_path: Path) -> None:
    files = [source.file(folder) for source in LATE]
    started = [Running(relay, tmp_path / str(i), (file,)) for i, file in enumerate(files)]
    late = []
    for running, file in zip(started, files, strict=True):
        early = running.folder / "video.raw"
        tenth = file.stat().st_size // 10
        wait_until(lambda early=early, tenth=tenth: early.exists() and early.stat().st_size > tenth, "a tenth of it")
        late.append(running.join("video", "late"))
    for running, file, subscriber in zip(started, files, late, strict=True):
        whole = frames_of(file, "v:0")
        assert_same_video(whole, decoded(running.finish().track("video"), "v:0"))
        assert subscriber.exit_code() == 0, subscriber.text
        received = decoded(running.playable("video", "late"), "v:0")
        assert 0 < len(received) < len(whole)
        assert len(received) % 10 == 0
        assert_same_video(whole[-len(received) :], received)


def all_at_once(sources: list[Input], tmp_path: Path, scenario: Callable[[Input, Path], None]) -> None:
    """The scenario for each input, in a folder of its own; every one that fails is named."""
    with ThreadPoolExecutor(len(sources)) as threads:
        running = [threads.submit(scenario, source, tmp_path / str(i)) for i, source in enumerate(sources)]
    failed = {source.name: run.exception() for source, run in zip(sources, running, strict=True) if run.exception()}
    for name, error in failed.items():
        raise AssertionError(f"{name} (and of {list(failed)}): {error}") from error


@pytest.mark.parametrize("sources", BATCHES, ids=lambda sources: sources[0].name)
def test_whoever_comes_late(relay: Relay, folder: Path, tmp_path: Path, sources: list[Input]) -> None:
    """Has what the others have, from a group's beginning on, at the same times."""

    def scenario(source: Input, place: Path) -> None:
        running = Running(relay, place, ("--loop", source.file(folder)))
        role = "video" if running.has("video") else "audio"
        early, late = place / f"{role}.raw", place / f"{role}.late"
        wait_until(lambda: early.exists() and early.stat().st_size > 0, "the beginning")
        subscriber = running.join(role, "late")
        wait_until(lambda: late.exists() and late.stat().st_size > 0, "a group")
        enough = early.stat().st_size * 3 // 2
        wait_until(lambda: early.stat().st_size > enough, "more of it")
        running.publisher.terminate()
        whole = running.finish().track(role)
        assert subscriber.exit_code() == 0, subscriber.text
        part = running.playable(role, "late")
        if role == "audio":
            stored, came = packets(whole, "a:0"), packets(part, "a:0")
            assert 0 < len(came) < len(stored)
            assert came == stored[-len(came) :]
            return
        shown, received = decoded(whole, "v:0"), decoded(part, "v:0")
        assert 0 < len(received) < len(shown)
        # The first subscriber may be late itself, when that of the sound is much earlier; the end may come between a
        # frame and those that are shown before it.
        once = frames_of(source.file(folder), "v:0")
        begin = [frame.checksum for frame in once].index(shown[0].checksum)
        once = once[begin:][: len(shown) - 4]
        assert_same_video(once, shown[: len(once)])
        assert_same_video(shown[-len(received) :], received)

    all_at_once(sources, tmp_path, scenario)


@pytest.mark.parametrize("sources", BATCHES, ids=lambda sources: sources[0].name)
def test_a_publisher_that_is_restarted(relay: Relay, folder: Path, tmp_path: Path, sources: list[Input]) -> None:
    """What comes after the restart is whole, whatever came before."""

    def scenario(source: Input, place: Path) -> None:
        running = Running(relay, place, ("--loop", source.file(folder)))
        role = "video" if running.has("video") else "audio"
        received = place / f"{role}.follower"
        follower = running.subscriber(role, received, "--follow")
        wait_until(lambda: received.exists() and received.stat().st_size > 0, "the first life")
        running.publisher.terminate()
        assert running.publisher.exit_code() == 0, running.publisher.text
        for subscriber in running.subscribers.values():
            subscriber.kill()  # it may have come too late for the first life
        follower.line("ended")
        before = received.stat().st_size
        second = relay.publisher("--namespace", running.name_space, "--no-pace", source.file(folder))
        assert second.exit_code() == 0, second.text
        second.line(r"published [1-9]\d* objects")
        wait_until(lambda: received.stat().st_size > before, "the second life")
        wait_until(lambda: sum("ended" in line for line in follower.lines) >= 2, "the end of the second life")
        follower.terminate()
        follower.exit_code()
        (place / f"{role}.second").write_bytes(received.read_bytes()[before:])
        frames = decoded(running.playable(role, "second"), f"{role[0]}:0")
        if role == "video":
            assert_same_video(frames_of(source.file(folder), "v:0"), frames)
        else:
            assert_same_audio(frames_of(source.file(folder), "a:0"), frames, alone=True)

    all_at_once(sources, tmp_path, scenario)


# ---- what a file alone does not show ----


def test_a_film_with_a_long_media_data_box(relay: Relay, folder: Path, tmp_path: Path) -> None:
    """A 64-bit size and 300 MiB of padding, which cost nothing on the disk."""
    content = FASTSTART.file(folder).read_bytes()
    at = boxes_called(content, b"mdat")[0]
    payload = content[at + 8 :]
    file = tmp_path / "long.mp4"
    # The box keeps its place: eight bytes more of header would move the samples, so they come out of a "free" box.
    free = content.rindex(b"free", 0, at) - 4
    assert struct.unpack_from(">I", content, free)[0] == at - free == 8
    padding = 300 * 1024 * 1024
    with file.open("wb") as output:
        output.write(content[:free] + struct.pack(">I4sQ", 1, b"mdat", 16 + len(payload) + padding) + payload)
        output.truncate(output.tell() + padding)
    check(FASTSTART, folder, Running(relay, tmp_path / "out", ("--no-pace", file)))


def test_media_data_to_the_end_of_the_file(relay: Relay, folder: Path, tmp_path: Path) -> None:
    content = FASTSTART.file(folder).read_bytes()
    at = boxes_called(content, b"mdat")[0]
    file = tmp_path / "to_the_end.mp4"
    file.write_bytes(content[:at] + struct.pack(">I", 0) + content[at + 4 :])
    check(FASTSTART, folder, Running(relay, tmp_path / "out", ("--no-pace", file)))
    with file.open("rb") as pipe:
        check(FASTSTART, folder, Running(relay, tmp_path / "piped", ("--no-pace", "-"), pipe))


def test_joined_files_go_on(relay: Relay, folder: Path, tmp_path: Path) -> None:
    content = FRAGMENTED.file(folder).read_bytes()
    file = tmp_path / "joined.mp4"
    file.write_bytes(content + content)
    trip = Running(relay, tmp_path / "out", ("--no-pace", file)).finish()
    once = frames_of(FRAGMENTED.file(folder), "v:0")
    twice = decoded(trip.track("video"), "v:0")
    assert [frame.checksum for frame in twice] == 2 * [frame.checksum for frame in once]
    assert all(one.seconds < other.seconds for one, other in itertools.pairwise(twice))


def test_another_size_is_another_track(relay: Relay, folder: Path, tmp_path: Path) -> None:
    other = Input("other.mp4", ("-f", "lavfi", "-i", "testsrc2=size=160x128:rate=25:duration=1", *H264,
                                "-movflags", FRAGMENTS)).file(folder)  # fmt: skip
    file = tmp_path / "changed.mp4"
    file.write_bytes(FRAGMENTED.file(folder).read_bytes() + other.read_bytes())
    running = Running(relay, tmp_path / "out", ("--no-pace", file))
    running.publisher.line("video2")
    second = running.join("video2")
    trip = running.finish()
    assert second.exit_code() == 0, second.text
    assert_same_video(frames_of(FRAGMENTED.file(folder), "v:0"), decoded(trip.track("video"), "v:0"))
    assert "160" not in {str(track.get("width")) for track in trip.catalog["tracks"]}
    assert b"moof" in (tmp_path / "out" / "video2.raw").read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="no FIFOs")
@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM"])
def test_a_fifo_without_a_writer_can_be_interrupted(relay: Relay, tmp_path: Path, signal_name: str) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    publisher = relay.publisher("--namespace", "fifo", fifo)
    publisher.line("reading the input")
    publisher.process.send_signal(getattr(signal, signal_name))
    assert publisher.exit_code() == 0, publisher.text


def test_sound_alone_has_its_own_pace_and_several_frames_to_an_object(
    relay: Relay, folder: Path, tmp_path: Path
) -> None:
    file = Input("sound.flac", (*SOUND, "-c:a", "flac")).file(folder)
    begin = time.monotonic()
    running = Running(relay, tmp_path, (file,))
    running.finish()
    assert time.monotonic() - begin > SECONDS * 0.7
    running.publisher.line(r"published \d+ objects in 2 groups")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--name", "x", "--packaging", "loc"], "--packaging"),
        (["--format", "framed", "--packaging", "loc"], "--packaging"),
        (["--name", "x", "--loc-version", "04"], "--loc-version"),
        (["--format", "framed", "--loc-version", "04"], "--loc-version"),
        (["--loc-version", "02"], "--loc-version"),
        (["--format", "framed", "--encode"], "--encode"),
        (["--encode", "--encode-all"], "--encode"),
        (["--loop"], "standard input"),
        (["--follow-input", "-"], "pipe"),
        (["--loop", "--follow-input", "file"], "--loop"),
        (["--format", "cmaf", "--input-format", "mpegts"], "--input-format"),
        (["--format", "framed", "--input-option", "a=b"], "--input-option"),
        (["--input-option", "a"], "KEY=VALUE"),
        (["--connect-timeout", "0"], "connect-timeout"),
        (["--priority", "256"], "255"),
    ],
)
def test_options_that_contradict_are_refused(relay: Relay, arguments: list[str], why: str) -> None:
    publisher = relay.publisher(*arguments)
    assert publisher.exit_code() == 2, publisher.text
    publisher.line(why)


def test_the_default_priority_is_a_number(relay: Relay) -> None:
    program = relay.programs.start("moqt-pub", "--help")
    assert program.exit_code() == 0
    program.line(r"--priority .*128")


def test_a_file_that_grows_is_followed(relay: Relay, folder: Path, tmp_path: Path) -> None:
    content = FRAGMENTED.file(folder).read_bytes()
    growing = tmp_path / "growing.mp4"
    third = len(content) // 3
    with growing.open("wb") as file:
        file.write(content[:third])
        file.flush()
        running = Running(relay, tmp_path / "out", ("--no-pace", "--follow-input", growing))
        received = tmp_path / "out" / "video.raw"
        wait_until(lambda: received.exists() and received.stat().st_size > third // 2, "the first third")
        file.write(content[third:])
    frames = packets(FRAGMENTED.file(folder), "v:0")

    def everything() -> bool:
        return len(packets(running.playable("video"), "v:0")) == len(frames)

    wait_until(everything, "the rest")
    running.publisher.terminate()
    trip = running.finish()
    assert_same_video(frames_of(FRAGMENTED.file(folder), "v:0"), decoded(trip.track("video"), "v:0"))


def test_a_file_is_played_again_and_again(relay: Relay, folder: Path, tmp_path: Path) -> None:
    once = frames_of(FRAGMENTED.file(folder), "v:0")
    running = Running(relay, tmp_path, ("--no-pace", "--loop", FRAGMENTED.file(folder)))
    received = tmp_path / "video.raw"
    size = FRAGMENTED.file(folder).stat().st_size
    wait_until(lambda: received.exists() and received.stat().st_size > 2 * size, "two rounds")
    running.publisher.terminate()
    frames = decoded(running.finish().track("video"), "v:0")
    assert all(one.seconds < other.seconds for one, other in itertools.pairwise(frames))
    assert [frame.checksum for frame in frames[: 2 * len(once)]] == 2 * [frame.checksum for frame in once]


def test_a_jump_in_the_times_is_not_waited_for(relay: Relay, folder: Path, tmp_path: Path) -> None:
    jump = ("-vf", "setpts=PTS+gte(N\\,15)*3600/TB", "-vsync", "passthrough")
    source = Input("jump.ts", (*PICTURE, *jump, *H264))
    check(source, folder, Running(relay, tmp_path, (source.file(folder),)))
