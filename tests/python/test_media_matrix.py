"""Inputs of every kind through moqt-pub: the frames that arrive are those that the input has, at the same times."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from media_inputs import (
    FASTSTART,
    FRAGMENTED,
    FRAGMENTS,
    GOOD,
    H264,
    SECONDS,
    SOUND,
    Input,
    boxes_called,
    check,
    frames_of,
)
from media_round_trip import Running, assert_same_video, decoded
from relay_programs import Programs, Relay, wait_until

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    programs = Programs()
    yield programs.relay()
    programs.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inputs")


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


def test_a_late_subscriber_begins_with_a_key_frame(relay: Relay, folder: Path, tmp_path: Path) -> None:
    long = Input("long.mp4", ("-f", "lavfi", "-i", "testsrc2=size=128x96:rate=25:duration=4", *H264,
                              "-movflags", "frag_keyframe+empty_moov")).file(folder)  # fmt: skip
    running = Running(relay, tmp_path, (long,))
    early = tmp_path / "video.raw"
    wait_until(lambda: early.exists() and early.stat().st_size > long.stat().st_size // 4, "a quarter of it")
    late = running.join("video", "late")
    trip = running.finish()
    assert late.exit_code() == 0, late.text
    whole = frames_of(long, "v:0")
    assert_same_video(whole, decoded(trip.track("video"), "v:0"))
    received = decoded(running.playable("video", "late"), "v:0")
    assert 0 < len(received) < len(whole)
    assert len(received) % 10 == 0
    assert_same_video(whole[-len(received) :], received)


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
        (["--format", "framed", "--encode"], "--encode"),
        (["--encode", "--encode-all"], "--encode"),
        (["--loop"], "standard input"),
        (["--follow-input", "-"], "pipe"),
        (["--loop", "--follow-input", "file"], "--loop"),
        (["--format", "cmaf", "--input-format", "mpegts"], "--input-format"),
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
