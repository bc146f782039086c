"""Each publisher with each subscriber: moqt-pub and the Python publisher, moqt-sub and the Python subscriber."""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import moqt.asyncio as ma

sys.path.insert(0, str(Path(__file__).parent))
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

pytest.importorskip("av", reason="the examples' packages are not installed (uv sync --group example)")

from cmaf_publisher import raw_frames  # noqa: E402
from media.frame import VideoFormat  # noqa: E402
from media.verify import decode_file, measure_sync  # noqa: E402
from media_round_trip import decoded, ffmpeg  # noqa: E402
from relay_programs import Programs, Relay  # noqa: E402

pytestmark = [
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed"),
    pytest.mark.timeout(180),
]
VIDEO = VideoFormat(320, 240, 30)
SECONDS = 3


@pytest.fixture
def relay(programs: Programs) -> Relay:
    return programs.relay()


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The picture of the clock and its beeps, as an ordinary MP4: reordered H.264 and AAC."""
    from itertools import islice

    from media.sound import CHANNELS, RATE, Beeps
    from media.test_card import TestCard

    folder = tmp_path_factory.mktemp("clock")
    file = folder / "clock.mp4"
    (folder / "video").write_bytes(b"".join(p.i420 for p in islice(TestCard(VIDEO).pictures(0), SECONDS * VIDEO.fps)))
    (folder / "audio").write_bytes(b"".join(islice(Beeps().blocks(1000), SECONDS * RATE // 1000)))
    ffmpeg(
        "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "320x240", "-r", VIDEO.fps, "-i", folder / "video",
        "-f", "s16le", "-ar", RATE, "-ac", CHANNELS, "-i", folder / "audio",
        "-c:v", "libx264", "-bf", 2, "-g", 15, "-c:a", "aac", file,
    )  # fmt: skip
    return file


@pytest.mark.parametrize("packaging", ["cmaf", "loc"])
@pytest.mark.parametrize("pace", ["paced", "unpaced"])
def test_moqt_pub_to_moqt_sub(relay: Relay, clock: Path, tmp_path: Path, packaging: str, pace: str) -> None:
    output = tmp_path / "out.mp4"
    subscriber = relay.subscriber("--output", output, "--stats")
    subscriber.line("waiting for")
    publisher = relay.publisher("--packaging", packaging, *(["--no-pace"] if pace == "unpaced" else []), clock)
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text
    check(clock, output)


@pytest.mark.parametrize("packaging", ["cmaf", "loc"])
def test_moqt_pub_to_the_python_subscriber(relay: Relay, clock: Path, tmp_path: Path, packaging: str) -> None:
    output = tmp_path / "out.mp4"
    publisher = relay.publisher("--packaging", packaging, clock)
    publisher.line("publishing")
    script = [sys.executable, str(EXAMPLES / "moqt_video_subscriber.py"), "--port", str(relay.port), "--wait", "30"]
    done = subprocess.run([*script, "--output", str(output)], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    assert publisher.exit_code() == 0, publisher.text
    check(clock, output)


VERSIONS = [  # the draft, what is asked for, and the number of the timestamp that comes of it
    (15, (), 0x02),
    (15, ("--loc-version", "04"), 0x10),
    (22, (), 0x10),
    (22, ("--loc-version", "01"), 0x02),
]


@pytest.mark.parametrize("packaging", ["cmaf", "loc"])
@pytest.mark.parametrize(("draft", "version", "timestamp"), VERSIONS)
def test_the_numbers_of_either_version_of_loc(
    relay: Relay, clock: Path, packaging: str, draft: int, version: tuple[str, ...], timestamp: int
) -> None:
    publisher = relay.publisher("--draft", draft, "--packaging", packaging, *version, "--no-pace", clock)
    publisher.line("publishing")
    numbers: set[int] = set()

    async def look() -> None:
        async with asyncio.timeout(60), ma.connect("127.0.0.1", relay.port, verify=False) as session:
            async for item in await session.subscribe("live/demo", "audio"):
                if item.extensions is not None:
                    numbers.update(item.extensions.headers)

    asyncio.run(look())
    assert publisher.exit_code() == 0, publisher.text
    config = {0x0F} if timestamp == 0x10 and packaging == "loc" else set()
    presentation_start = {0x4D535052} if packaging == "loc" else set()
    assert numbers == {timestamp} | config | presentation_start


@pytest.mark.parametrize("recorder", ["moqt-sub", "python"])
@pytest.mark.parametrize("version", ["01", "04"])
@pytest.mark.parametrize("draft", [15, 22])
def test_either_version_of_loc_is_recorded(
    relay: Relay, clock: Path, tmp_path: Path, draft: int, version: str, recorder: str
) -> None:
    output = tmp_path / "out.mp4"
    publisher = relay.publisher("--draft", draft, "--packaging", "loc", "--loc-version", version, clock)
    publisher.line("publishing")
    if recorder == "moqt-sub":
        subscriber = relay.subscriber("--output", output)
        assert subscriber.exit_code() == 0, subscriber.text
    else:
        script = [sys.executable, str(EXAMPLES / "moqt_video_subscriber.py"), "--port", str(relay.port)]
        done = subprocess.run([*script, "--output", str(output)], capture_output=True, text=True, timeout=90)
        assert done.returncode == 0, done.stdout + done.stderr
    assert publisher.exit_code() == 0, publisher.text
    check(clock, output)


def test_the_python_subscriber_tells_what_it_lacks(relay: Relay, clock: Path, tmp_path: Path) -> None:
    """Groups that the relay cuts for a slow recorder, and tracks that follow others."""
    script = [sys.executable, str(EXAMPLES / "moqt_video_subscriber.py"), "--port", str(relay.port), "--wait", "30"]
    large, joined = tmp_path / "large.mp4", tmp_path / "joined.mp4"
    picture = ("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=6", "-vf", "noise=alls=60:allf=t")
    ffmpeg(*picture, "-c:v", "libx264", "-preset", "ultrafast", "-qp", 4, "-g", 50, "-pix_fmt", "yuv420p", large)
    joined.write_bytes(clock.read_bytes() + large.read_bytes())
    for file, arguments, why in (
        (large, ("--no-pace",), r"[1-9]\d* groups (cut short|skipped)"),
        (joined, (), r"goes on with other tracks \(video2\).*moqt-sub does"),
    ):
        publisher = relay.publisher("--namespace", file.stem, *arguments, file)
        publisher.line("publishing")
        output = tmp_path / "out.mp4"
        done = subprocess.run(
            [*script, "--namespace", file.stem, "--output", str(output)], capture_output=True, text=True, timeout=90
        )
        told = done.stdout + done.stderr
        if file == large and done.returncode == 0:  # a recorder that was never slow, which the relay need not cut for
            assert "received 150 frames in 3 groups, 0 missing" in told
        else:
            assert done.returncode == 4, told
            assert re.search(why, told), told
        assert publisher.exit_code() == 0, publisher.text


def test_a_single_track_is_no_matter_for_the_python_subscriber(relay: Relay, clock: Path, tmp_path: Path) -> None:
    publisher = relay.publisher("--name", "movie", clock)
    publisher.line("publishing")
    script = [sys.executable, str(EXAMPLES / "moqt_video_subscriber.py"), "--port", str(relay.port), "--wait", "30"]
    done = subprocess.run([*script, "--output", str(tmp_path / "no.mp4")], capture_output=True, text=True, timeout=90)
    assert done.returncode == 1
    assert "the publisher of live/demo has no catalog" in done.stderr
    assert "`moqt-sub --name`" in done.stderr
    publisher.terminate()


@pytest.mark.parametrize("packaging", ["cmaf", "loc"])
@pytest.mark.parametrize("pace", ["paced", "unpaced"])
def test_joined_files_of_other_sizes(relay: Relay, tmp_path: Path, packaging: str, pace: str) -> None:
    """Tracks of new names follow in the catalog. The recording goes on with them when those before are through: without
    a pace the catalog and the new tracks overtake what is left of the old ones."""
    sizes = ["640x360", "320x240", "480x270", "640x360"]
    files = [tmp_path / f"{number}.mp4" for number in range(len(sizes))]
    for file, size in zip(files, sizes, strict=True):
        picture = ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=30:duration=1")
        sound = ("-f", "lavfi", "-i", "sine=sample_rate=48000:duration=1")
        ffmpeg(*picture, *sound, "-c:v", "libx264", "-preset", "ultrafast", "-g", 15, "-c:a", "aac", file)
    joined, output = tmp_path / "joined.mp4", tmp_path / "out.mp4"
    joined.write_bytes(b"".join(file.read_bytes() for file in files))
    subscriber = relay.subscriber("--output", output)
    subscriber.line("waiting for")
    publisher = relay.publisher("--packaging", packaging, *(["--no-pace"] if pace == "unpaced" else []), joined)
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text
    assert raw_frames(output) == [frame for file in files for frame in raw_frames(file)]
    times = [frame.seconds for frame in decoded(output, "v:0")]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 0.12  # sound lasts a frame longer


def check(source: Path, output: Path) -> None:
    """Every picture in its place, from 0 on, in sync, and the same sound."""
    pictures = decode_file(str(output), VIDEO)
    assert pictures.counters == list(range(SECONDS * VIDEO.fps))
    expected, received = decoded(source, "v:0"), decoded(output, "v:0")
    assert [frame.checksum for frame in received] == [frame.checksum for frame in expected]
    begin = received[0].seconds
    assert abs(begin) < 0.0011  # the sound encoder's delay before it is not heard
    for one, other in zip(expected, received, strict=True):
        assert abs(one.seconds - expected[0].seconds - other.seconds + begin) < 0.0011
    sync, source_sync = measure_sync(str(output), VIDEO), measure_sync(str(source), VIDEO)
    assert len(sync.offsets_ms) == len(source_sync.offsets_ms)
    for one, other in zip(source_sync.offsets_ms, sync.offsets_ms, strict=True):
        assert abs(one - other) < 3
