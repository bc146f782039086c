"""Sound begins in a recording where it begins in the input: what an encoder needs to get going is not heard."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from media_round_trip import decoded, ffmpeg
from relay_programs import Relay

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=128x96:rate=25:duration=2")
# A chirp: no two pieces of it are alike.
SOUND = ("-f", "lavfi", "-i", "aevalsrc=0.3*sin(2*PI*(300+400*t)*t):s=44100:d=2")
SOUND48 = ("-f", "lavfi", "-i", "aevalsrc=0.3*sin(2*PI*(300+400*t)*t):s=48000:d=2")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", 20, "-bf", 2, "-pix_fmt", "yuv420p")
INPUTS: dict[str, tuple[object, ...]] = {
    "av.mp4": (*PICTURE, *SOUND, *H264, "-c:a", "aac"),
    "av.mkv": (*PICTURE, *SOUND, *H264, "-c:a", "aac"),
    "av.ts": (*PICTURE, *SOUND, *H264, "-c:a", "aac"),
    "fragmented.mp4": (*PICTURE, *SOUND48, *H264, "-c:a", "aac", "-movflags", "+frag_keyframe+delay_moov"),
    "aac.m4a": (*SOUND, "-c:a", "aac"),
    "aac.mkv": (*SOUND, "-c:a", "aac"),
    "adts.aac": (*SOUND, "-c:a", "aac"),
    "sound.mp3": (*SOUND, "-c:a", "libmp3lame"),
    "opus.ogg": (*SOUND48, "-c:a", "libopus"),
    "opus.mp4": (*PICTURE, *SOUND48, *H264, "-c:a", "libopus"),
    "sound.flac": (*SOUND, "-c:a", "flac"),
}
LATENESS = {"av.mkv": 0.001, "aac.mkv": 0.001}
"""Seconds by which their containers, which count milliseconds, are wrong themselves."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inputs")


def source_of(name: str, folder: Path) -> Path:
    file = folder / name
    if not file.exists():
        ffmpeg(*INPUTS[name], file)
    return file


def samples(file: Path) -> bytes:
    """What is heard, as signed 16-bit samples of one channel. What an edit list of a fragmented MP4 leaves out, FFmpeg
    does not: its time is below 0."""
    return ffmpeg("-copyts", "-i", file, "-map", "0:a", "-af", "atrim=start=0", "-f", "s16le", "-")


def first_of(file: Path, stream: str) -> float | None:
    """When the first frame of a stream is shown or heard; None without one."""
    frames = decoded(file, stream)
    return frames[0].seconds if frames else None


def assert_heard_alike(source: Path, output: Path, rate: int) -> None:
    """The same samples at the same distance from the pictures. Where the sound of the input begins before them, by less
    than a tenth of a second, the recording begins with the first picture."""
    picture, sound = first_of(source, "v:0"), first_of(source, "a:0")
    assert sound is not None
    early = max(0, round((picture - sound) * rate)) if picture is not None else 0
    slack = round(LATENESS.get(source.name, 0) * rate) + (early > 0)
    expected, received = samples(source)[2 * early :], samples(output)
    at = received.find(expected[2 * slack : 2 * slack + 2 * rate])
    assert at >= 0, "the sound is not that of the input"
    assert at // 2 <= 2 * slack, f"the sound begins with {at // 2 - slack} samples that the input does not have"
    assert first_of(output, "v:0" if picture is not None else "a:0") == pytest.approx(0, abs=0.0011)
    begins, heard = first_of(output, "a:0"), max(0.0, sound - picture) if picture is not None else 0.0
    assert begins == pytest.approx(heard, abs=0.0011 + slack / rate)


def recorded(relay: Relay, source: Path, output: Path, *arguments: object) -> None:
    name_space = ("--namespace", output.stem)
    subscriber = relay.subscriber(*name_space, *(arguments if "--name" in arguments else ()), "--output", output)
    subscriber.line("waiting for")
    publisher = relay.publisher(*name_space, "--no-pace", *arguments, source)
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text


WAYS: dict[str, tuple[object, ...]] = {"cmaf": (), "loc": ("--packaging", "loc"), "single": ("--name", "all")}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", INPUTS)
def test_sound_begins_where_it_does_in_the_input(
    relay: Relay, inputs: Path, tmp_path: Path, name: str, way: str
) -> None:
    source, output = source_of(name, inputs), tmp_path / f"{name.replace('.', '-')}-{way}.mp4"
    recorded(relay, source, output, *WAYS[way])
    assert_heard_alike(source, output, 48000 if SOUND48[3] in INPUTS[name] else 44100)


@pytest.mark.parametrize("packaging", ["cmaf", "loc"])
@pytest.mark.parametrize("name", ["av.mp4", "aac.m4a"])
def test_the_python_subscriber_too(relay: Relay, inputs: Path, tmp_path: Path, name: str, packaging: str) -> None:
    source, output = source_of(name, inputs), tmp_path / "out.mp4"
    name_space = ("--namespace", f"python/{packaging}/{source.suffix[1:]}")
    publisher = relay.publisher(*name_space, "--packaging", packaging, source)
    publisher.line("publishing")
    script = [sys.executable, str(EXAMPLES / "moqt_video_subscriber.py"), "--port", str(relay.port), "--wait", "30"]
    done = subprocess.run([*script, *name_space, "--output", str(output)], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    assert publisher.exit_code() == 0, publisher.text
    assert_heard_alike(source, output, 44100)


def test_a_late_subscriber_hears_what_is_left(relay: Relay, inputs: Path, tmp_path: Path) -> None:
    """Without the beginning nothing says what is not heard, and everything that comes is."""
    source, output = source_of("av.mp4", inputs), tmp_path / "late.mp4"
    publisher = relay.publisher("--namespace", "late", "--no-wait", "--packaging", "loc", "--loop", source)
    publisher.line("publishing")
    subscriber = relay.subscriber("--namespace", "late", "--objects", 40, "--output", output)
    assert subscriber.exit_code() == 0, subscriber.text
    publisher.terminate()
    picture, sound = first_of(output, "v:0"), first_of(output, "a:0")
    assert picture is not None
    assert sound is not None
    assert min(picture, sound) == pytest.approx(0, abs=0.0011)
