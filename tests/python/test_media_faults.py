"""Inputs with faults through moqt-pub: what was readable arrives, then a message and an exit code say what is wrong."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from media_inputs import (
    FASTSTART,
    FRAGMENTED,
    MATROSKA,
    PICTURE,
    SECONDS,
    SOUND,
    SOUND48,
    Input,
    boxes_called,
    frames_of,
)
from media_round_trip import Running, decoded, ffmpeg
from relay_programs import Relay

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def cut(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def damaged_box(content: bytes) -> bytes:
    at = boxes_called(content, b"moof")[20]
    return content[:at] + struct.pack(">I", 3) + content[at + 4 :]


def media_data_cut_short(content: bytes) -> bytes:
    """Bytes are gone from the middle of the file."""
    at = boxes_called(content, b"mdat")[20]
    return content[: at + 10] + content[at + 60 :]


def media_data_too_small(content: bytes) -> bytes:
    """A box is well-formed, but smaller than its samples."""
    at = boxes_called(content, b"mdat")[20]
    (size,) = struct.unpack_from(">I", content, at)
    return content[:at] + struct.pack(">I", size - 50) + content[at + 4 : at + size - 50] + content[at + size :]


FAULTS: dict[str, tuple[Input, Callable[[bytes], bytes], str]] = {
    "cut fragments": (FRAGMENTED, cut, "it is cut"),
    "cut progressive": (FASTSTART, cut, "it is cut"),
    "cut Matroska": (MATROSKA, cut, "ends before"),
    "damaged box": (FRAGMENTED, damaged_box, "damaged"),
    "mdat cut short": (FRAGMENTED, media_data_cut_short, "damaged|cut"),
    "mdat too small": (FRAGMENTED, media_data_too_small, "cut or lies outside"),
}


@pytest.mark.parametrize(
    ("fault", "piped"),
    # What FFmpeg reads of a sample that is too long for its box can't be told from a shorter one in a pipe.
    [(fault, piped) for fault in FAULTS for piped in (False, True) if not (piped and fault == "mdat too small")],
)
def test_a_fault_is_told_after_what_was_readable(
    relay: Relay, folder: Path, tmp_path: Path, fault: str, piped: bool
) -> None:
    source, break_it, message = FAULTS[fault]
    broken = tmp_path / source.name
    broken.write_bytes(break_it(source.file(folder).read_bytes()))
    with broken.open("rb") as pipe:
        arguments = ("--no-pace", "-" if piped else broken)
        running = Running(relay, tmp_path / "out", arguments, pipe if piped else subprocess.DEVNULL)
    trip = running.finish(publisher_code=1)
    running.publisher.line(message)
    whole = [frame.checksum for frame in frames_of(source.file(folder), "v:0")]
    received = [frame.checksum for frame in decoded(trip.track("video"), "v:0")]
    assert len(received) >= 5
    if fault != "mdat too small":  # there the frames go on after the one that is missing
        # A decoder may hold what it has of the last group differently.
        assert received[:-3] == whole[: len(received) - 3]


SOUND_WITH_ITS_LENGTH = {
    "flac": Input("whole.flac", (*SOUND48, "-c:a", "flac")),
    "aiff": Input("whole.aiff", (*SOUND48, "-c:a", "pcm_s16be")),
    "mp3": Input("whole.mp3", (*SOUND48, "-c:a", "libmp3lame")),
}


@pytest.mark.parametrize(
    ("container", "piped"),
    # FFmpeg does not look for an MP3's length in a pipe.
    [
        (container, piped)
        for container in SOUND_WITH_ITS_LENGTH
        for piped in (False, True)
        if container != "mp3" or not piped
    ],
)
def test_cut_sound_is_told_by_its_length(
    relay: Relay, folder: Path, tmp_path: Path, container: str, piped: bool
) -> None:
    source = SOUND_WITH_ITS_LENGTH[container]
    broken = tmp_path / source.name
    whole = source.file(folder)
    broken.write_bytes(cut(whole.read_bytes()))
    with broken.open("rb") as pipe:
        encode = ("--encode-all",) if container == "aiff" else ()
        running = Running(relay, tmp_path / "out", ("--no-pace", *encode, "-" if piped else broken), pipe)
    trip = running.finish(publisher_code=1)
    running.publisher.line("it ends before its container says so")
    assert len(decoded(trip.track("audio"), "a:0")) >= 5


REFUSED: dict[str, tuple[bytes | None, tuple[object, ...], str]] = {
    "nothing there": (None, (), "cannot read .*nothing"),
    "an empty file": (b"", (), "is empty"),
    "text": (b"this is no media at all\n" * 200, (), "can't be opened as media"),
    "framed text": (b"this is not framed at all\n" * 200, ("--format", "framed"), "announces.*without --format framed"),
    "an MP4 as framed": (b"\0\0\0\x18ftypiso6" + bytes(2000), ("--format", "framed"), "is an MP4.*--format framed"),
    "text as MP4": (b"this is no MP4 at all\n" * 200, ("--format", "cmaf"), "can't be opened as mp4, which --format"),
    "text as MPEG-TS": (
        b"none\n" * 200,
        ("--input-format", "mpegts"),
        "as mpegts, which .*--input-format",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_media_is_refused_with_a_sentence(relay: Relay, tmp_path: Path, case: str) -> None:
    content, options, message = REFUSED[case]
    file = tmp_path / case.replace(" ", "_")
    if content is not None:
        file.write_bytes(content)
    publisher = relay.publisher(*options, file)  # although nobody has subscribed
    assert publisher.exit_code() == 1, publisher.text
    publisher.line(message)


def test_a_fault_is_told_while_nobody_has_subscribed(relay: Relay, folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "cut.mp4"
    broken.write_bytes(cut(FRAGMENTED.file(folder).read_bytes()))
    publisher = relay.publisher("--namespace", "unwatched", broken)
    publisher.line("it is cut.*; what came before that is published first")
    assert publisher.process.poll() is None
    publisher.kill()


@pytest.mark.parametrize("name", ["fifo", "srt://127.0.0.1:9", "/dev/zero"])
def test_what_does_not_grow_is_not_followed(relay: Relay, tmp_path: Path, name: str) -> None:
    if name == "fifo":
        os.mkfifo(tmp_path / name)
        name = str(tmp_path / name)
    publisher = relay.publisher("--follow-input", name)
    assert publisher.exit_code() == 1, publisher.text
    publisher.line("--follow-input needs a file that grows: .*" + re.escape(name))


def test_a_directory_is_refused(relay: Relay, tmp_path: Path) -> None:
    publisher = relay.publisher("--no-wait", tmp_path)
    assert publisher.exit_code() == 1
    publisher.line(f"'{re.escape(str(tmp_path))}'.*directory")


def test_a_segment_without_its_initialization_is_refused(relay: Relay, folder: Path, tmp_path: Path) -> None:
    content = FRAGMENTED.file(folder).read_bytes()
    segment = tmp_path / "segment.m4s"
    segment.write_bytes(
        struct.pack(">I4s8s", 16, b"styp", b"msdh\0\0\0\0") + content[boxes_called(content, b"moof")[0] :]
    )
    publisher = relay.publisher("--no-wait", segment)
    assert publisher.exit_code() == 1
    publisher.line("initialization segment")


def test_encrypted_media_are_refused(relay: Relay, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "encrypted.mp4"
    key = ("-encryption_key", "0123456789abcdef" * 2, "-encryption_kid", "fedcba9876543210" * 2)
    ffmpeg("-i", FRAGMENTED.file(folder), "-c", "copy", "-encryption_scheme", "cenc-aes-ctr", *key, file)
    publisher = relay.publisher("--no-wait", file)
    assert publisher.exit_code() == 1
    publisher.line("encrypted")


def test_a_codec_that_cmaf_does_not_hold_is_encoded_where_asked(relay: Relay, folder: Path, tmp_path: Path) -> None:
    file = Input("vp8_vorbis.webm", (*PICTURE, *SOUND48, "-c:v", "libvpx", "-g", 10, "-c:a", "libvorbis")).file(folder)
    refused = relay.publisher("--no-wait", file)
    assert refused.exit_code() == 1
    refused.line("--encode")
    trip = Running(relay, tmp_path, ("--no-pace", "--encode", file)).finish()
    expected, received = frames_of(file, "v:0"), decoded(trip.track("video"), "v:0")
    assert len(received) == len(expected)
    for one, other in zip(expected, received, strict=True):
        assert abs(one.seconds - other.seconds) < 0.0011
    heard = decoded(trip.track("audio"), "a:0")
    assert abs(heard[-1].seconds - frames_of(file, "a:0")[-1].seconds) < 0.06


def test_sound_without_a_container_is_encoded_where_asked(relay: Relay, folder: Path, tmp_path: Path) -> None:
    file = Input("sound.wav", SOUND).file(folder)
    refused = relay.publisher("--no-wait", file)
    assert refused.exit_code() == 1
    refused.line("--encode")
    trip = Running(relay, tmp_path, ("--no-pace", "--encode", file)).finish()
    assert abs(decoded(trip.track("audio"), "a:0")[-1].seconds - SECONDS) < 0.06
