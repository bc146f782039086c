"""Objects that are missing inside of a group: what builds on them is not written as if it could be decoded."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

pytest.importorskip("av", reason="the examples' packages are not installed (uv sync --group example)")

import moqt  # noqa: E402
from cmaf_publisher import CmafPublisher, Movie, make_video, raw_frames, video_track  # noqa: E402
from media import cmaf  # noqa: E402
from media.group_gaps import GroupGaps  # noqa: E402
from moqt import msf  # noqa: E402
from relay_programs import DEADLINE, Programs, Relay  # noqa: E402

pytestmark = [
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed"),
    pytest.mark.timeout(180),
]
GROUP = 15
INCOMPLETE = 4
FRAMES = 4 * GROUP
LOST = 20  # object 5 of the second group
LEFT_OUT = range(21, 30)
Track = tuple[msf.Track, Movie]


@pytest.fixture
def relay(programs: Programs) -> Relay:
    return programs.relay()


@pytest.fixture(scope="module")
def simple(tmp_path_factory: pytest.TempPathFactory) -> tuple[Movie, list[str]]:
    """Each frame builds on the one before."""
    file = tmp_path_factory.mktemp("simple") / "video.mp4"
    return make_video(file, gop=GROUP), raw_frames(file)


@pytest.fixture(scope="module")
def layered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Movie, list[str]]:
    """Every other frame is a B-frame on which nothing builds: object 2, 4, … of a group, shown before 1, 3, …"""
    file = tmp_path_factory.mktemp("layered") / "video.mp4"
    codec = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", 1, "-sc_threshold", 0, "-keyint_min", GROUP,
             "-x264-params", "b-adapt=0:b-pyramid=none:open-gop=0")  # fmt: skip
    movie = make_video(file, gop=GROUP, codec=codec)
    layers = dataclasses.replace(movie, disposable=lambda object_id: object_id > 0 and object_id % 2 == 0)
    return layers, raw_frames(file)


def as_cmaf(movie: Movie) -> Track:
    return video_track(), movie


def as_loc(movie: Movie) -> Track:
    """The same frames, with what LOC says of them."""
    track = cmaf.read_initialization(movie.initialization)
    at = movie.initialization.index(b"avcC")
    config = movie.initialization[at + 4 : at - 4 + int.from_bytes(movie.initialization[at - 4 : at], "big")]
    payloads: list[bytes] = []
    extensions: list[moqt.ObjectExtensions] = []
    for chunk in movie.chunks:
        (sample,) = cmaf.read_chunk(track, chunk)
        payloads.append(sample.data)
        extensions.append(
            moqt.create_loc_extensions(
                capture_timestamp=moqt.CaptureTimestamp(
                    microseconds=1_700_000_000_000_000 + sample.shown * 1_000_000 // track.format.timescale
                ),
                video_config=moqt.VideoConfig(config) if sample.is_key else None,
                video_frame_marking=moqt.VideoFrameMarking(is_keyframe=sample.is_key),
            )
        )
    description = msf.Track(
        "video", "loc", is_live=True, role="video", codec="avc1.42c01e", bitrate=1_000_000, width=320, height=240,
        framerate=30, init_ref="none",
    )  # fmt: skip
    return dataclasses.replace(description, init_ref=None), dataclasses.replace(
        movie, chunks=payloads, extensions=extensions
    )


def record(relay: Relay, track: Track, output: Path, recorder: str) -> str:
    """What the recorder told. It has to say that something is missing."""
    if recorder == "moqt-sub":
        subscriber = relay.subscriber("--output", output)
        subscriber.line("waiting for live/demo")
        publisher = CmafPublisher(relay.port, [track])
        assert publisher.sent.wait(DEADLINE)
        publisher.finish()
        assert subscriber.exit_code() == INCOMPLETE, subscriber.text
        return subscriber.text
    script = [sys.executable, str(EXAMPLES / "moqt_video_subscriber.py"), "--port", str(relay.port), "--wait", "30"]
    process = subprocess.Popen(
        [*script, "--output", str(output)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    publisher = CmafPublisher(relay.port, [track])
    try:
        assert publisher.sent.wait(DEADLINE)
        publisher.finish()
        text, _ = process.communicate(timeout=DEADLINE)
    finally:
        process.kill()
    assert process.returncode == INCOMPLETE, text
    return text


PACKAGINGS: dict[str, Callable[[Movie], Track]] = {"cmaf": as_cmaf, "loc": as_loc}


@pytest.mark.parametrize("packaging", PACKAGINGS)
@pytest.mark.parametrize("recorder", ["moqt-sub", "python"])
def test_what_builds_on_a_missing_object_is_left_out(
    relay: Relay, simple: tuple[Movie, list[str]], tmp_path: Path, packaging: str, recorder: str
) -> None:
    movie, frames = simple
    output = tmp_path / "out.mp4"
    broken = dataclasses.replace(PACKAGINGS[packaging](movie)[1], lost=frozenset({LOST}))
    told = record(relay, (PACKAGINGS[packaging](movie)[0], broken), output, recorder)
    assert raw_frames(output) == [frame for at, frame in enumerate(frames) if at != LOST and at not in LEFT_OUT]
    assert re.search(r"video: objects before object 6 of group \d+ are missing; what builds on them is left out", told)
    assert re.search(rf"{1 + len(LEFT_OUT)} (objects )?missing", told), told


@pytest.mark.parametrize("recorder", ["moqt-sub", "python"])
def test_a_layer_on_which_nothing_builds_takes_nothing_else_along(
    relay: Relay, layered: tuple[Movie, list[str]], tmp_path: Path, recorder: str
) -> None:
    """B-frames of the second group are missing."""
    movie, frames = layered
    output = tmp_path / "out.mp4"
    missing = {GROUP + object_id for object_id in range(6, GROUP - 1, 2)}
    told = record(relay, as_cmaf(dataclasses.replace(movie, lost=frozenset(missing))), output, recorder)
    # Decoded as I0 P2 B1 P4 B3 …: object 2n is shown at 2n - 1.
    unseen = {at - 1 for at in missing}
    assert raw_frames(output) == [frame for at, frame in enumerate(frames) if at not in unseen]
    assert re.search(rf"{len(missing)} (objects )?missing", told), told
    assert "what builds on them" not in told


def test_nothing_is_missing_where_two_layers_come_complete(
    relay: Relay, layered: tuple[Movie, list[str]], tmp_path: Path
) -> None:
    movie, frames = layered
    output = tmp_path / "out.mp4"
    subscriber = relay.subscriber("--output", output)
    subscriber.line("waiting for live/demo")
    publisher = CmafPublisher(relay.port, [as_cmaf(movie)])
    assert publisher.sent.wait(DEADLINE)
    publisher.finish()
    assert subscriber.exit_code() == 0, subscriber.text
    assert raw_frames(output) == frames


def test_which_objects_can_be_used() -> None:
    gaps = GroupGaps()
    usable = [gaps.usable(1, *place) for place in ((0, 0), (1, 0), (3, 0), (4, 0))]
    assert usable == [True, True, False, False]
    assert gaps.usable(2, 0, 0)
    assert [gaps.usable(2, *place) for place in ((1, 1), (2, 0), (4, 0), (6, 0), (7, 1))] == [True] * 5
    assert [gaps.usable(3, *place) for place in ((0, 0), (1, 1), (3, 1), (4, 0), (5, 1))] == [
        True, True, False, True, False,
    ]  # fmt: skip
    assert [gaps.usable(4, *place) for place in ((2, 0), (3, 0))] == [False, False]
    assert gaps.left_out == 6
