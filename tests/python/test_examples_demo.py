"""`make demo`: a short run of the real thing, and every way in which it must fail."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "tools")]

pytest.importorskip("numpy", reason="the examples' packages are not installed (uv sync --group example)")

import demo as demo_program  # noqa: E402
from media.frame_comparison import compare_frames, percentile  # noqa: E402
from media.frame_log import FrameRecord, read_log  # noqa: E402
from media.verify import Decoded, Sync  # noqa: E402


def records(groups: int = 2, per_group: int = 3) -> list[FrameRecord]:
    return [
        FrameRecord(group, item, 10**6 * group + item, 10**6 * group + item + 5000, item == 0, 100, f"{group}{item}")
        for group in range(groups)
        for item in range(per_group)
    ]


def test_a_perfect_run_has_no_fault() -> None:
    sent = records()
    frames = compare_frames(sent, reversed(sent))
    assert (frames.sent, frames.received, frames.lost) == (6, 6, ())
    assert frames.delays_ms == (5.0,) * 6
    assert demo_program.judge(frames, Decoded("test", "av1", 6, list(range(6))), None, 6) == []


def test_a_lost_frame_fails_the_demo() -> None:
    sent = records()
    frames = compare_frames(sent, sent[:4] + sent[5:])
    assert frames.lost == ((1, 1),)
    faults = demo_program.judge(frames, Decoded("test", "av1", 5, [0, 1, 2, 3, 5]), None, 6)
    assert faults[0] == "1 frames lost (group/object 1/1)"
    assert "picture 4 of the file shows frame number 5" in faults


@pytest.mark.parametrize("change", [{"sha256": "x"}, {"size": 1}, {"capture_us": 7}, {"is_key": True}])
def test_a_changed_frame_fails_the_demo(change: dict[str, object]) -> None:
    sent = records()
    received = [*sent[:-1], dataclasses.replace(sent[-1], **change)]
    assert compare_frames(sent, received).damaged == ((1, 2),)
    assert compare_frames(sent, received).faults


def test_frames_too_many_fail_the_demo() -> None:
    sent = records()
    frames = compare_frames(sent, [*sent, sent[0], dataclasses.replace(sent[0], group=9)])
    assert (frames.duplicated, frames.unknown) == (((0, 0),), ((9, 0),))
    assert len(frames.faults) == 2
    assert compare_frames([], []).faults == ["no frame was sent"]


def test_a_file_that_disagrees_fails_the_demo() -> None:
    sent = records()
    frames = compare_frames(sent, sent)
    assert demo_program.judge(frames, Decoded("test", "av1", 5, list(range(5))), None, 6)
    assert demo_program.judge(frames, Decoded("test", "av1", 6, [0, 1, 2, 3, None, 5]), None, 6)
    assert demo_program.judge(frames, Decoded("test", "av1", 6, list(range(6))), None, 7) == [
        "6 frames were sent instead of 7"
    ]


def test_sound_and_picture_apart_fail_the_demo() -> None:
    sent = records()
    frames, decoded = compare_frames(sent, sent), Decoded("test", "av1", 6, list(range(6)))
    assert demo_program.judge(frames, decoded, Sync((5.0, -39.0)), 6) == []
    assert demo_program.judge(frames, decoded, Sync((5.0, -41.0)), 6) == [
        "sound and picture are up to 41.0 ms apart; the most is 40 ms"
    ]
    assert demo_program.judge(frames, decoded, Sync(()), 6)


def test_percentiles_are_nearest_rank() -> None:
    values = tuple(float(value) for value in range(1, 21))
    assert [percentile(values, percent) for percent in (0, 50, 95, 100)] == [1.0, 10.0, 19.0, 20.0]
    assert percentile((3.0,), 95) == 3.0


READY = {
    "moqt_video_relay.py": "print('relay listening on 127.0.0.1:1', flush=True)",
    "moqt_video_publisher.py": "print('waiting for a subscriber', flush=True)",
    "moqt_video_subscriber.py": "print('subscribed', flush=True)",
}
HANG = "\nimport time; time.sleep(600)"


def fake_programs(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> ModuleType:
    """The demo with three small scripts in place of the programs, and little patience."""
    for name, ready in READY.items():
        role = name.removeprefix("moqt_video_").removesuffix(".py")
        (folder / name).write_text(scripts.get(role, ready + HANG))
    monkeypatch.setattr(demo_program, "EXAMPLES", folder)
    monkeypatch.setattr(demo_program, "START_SECONDS", 3.0)
    monkeypatch.setattr(demo_program, "END_SECONDS", 1.0)
    return demo_program


def run_demo(folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["demo.py", "--duration", "0.5", "--output-dir", str(folder / "out")])
    code = demo_program.main()
    return code, capfd.readouterr().err


@pytest.mark.parametrize(
    ("role", "script", "reason"),
    [
        ("relay", "raise SystemExit(3)", "the relay ended before it was ready, exit code 3"),
        ("relay", "import time; time.sleep(600)", "the relay was not ready within 3 s"),
        ("relay", READY["moqt_video_relay.py"] + "\nimport time; time.sleep(1)", "the relay ended in the middle"),
        ("publisher", "raise SystemExit(1)", "the publisher ended before it was ready, exit code 1"),
        ("publisher", READY["moqt_video_publisher.py"] + "\nraise SystemExit(4)", "the publisher failed, exit code 4"),
        ("publisher", READY["moqt_video_publisher.py"] + HANG, "the publisher did not end within"),
        ("publisher", READY["moqt_video_publisher.py"], "the subscriber did not end within 1 s"),
        ("subscriber", "print('nothing')", "the subscriber ended before it was ready, exit code 0"),
        (
            "subscriber",
            READY["moqt_video_subscriber.py"] + "\nraise SystemExit(5)",
            "the subscriber failed, exit code 5",
        ),
    ],
)
def test_a_program_that_dies_or_hangs_fails_the_demo(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    role: str,
    script: str,
    reason: str,
) -> None:
    fake_programs(tmp_path, monkeypatch, **{role: script})
    code, errors = run_demo(tmp_path, monkeypatch, capfd)
    assert code == 1
    assert f"DEMO FAILED: {reason}" in errors


def test_a_run_that_wrote_nothing_fails_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "demo.mp4").write_bytes(b"from an earlier run")
    relay = READY["moqt_video_relay.py"] + (
        "\nimport signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\ntime.sleep(600)"
    )
    publisher = READY["moqt_video_publisher.py"]
    fake_programs(tmp_path, monkeypatch, relay=relay, publisher=publisher, subscriber=READY["moqt_video_subscriber.py"])
    code, errors = run_demo(tmp_path, monkeypatch, capfd)
    assert code == 1
    assert "DEMO FAILED: the run cannot be judged" in errors
    assert not (tmp_path / "out" / "demo.mp4").exists()


async def test_an_interrupted_demo_leaves_no_process(tmp_path: Path) -> None:
    for name, ready in READY.items():
        (tmp_path / name).write_text(f"import os\nprint('pid', os.getpid(), flush=True)\n{ready}{HANG}")
    starter = f"import sys; sys.path.insert(0, {str(ROOT / 'tools')!r}); import demo, pathlib; " \
        f"demo.EXAMPLES = pathlib.Path({str(tmp_path)!r}); " \
        f"sys.argv = ['demo.py', '--output-dir', {str(tmp_path / 'out')!r}]; sys.exit(demo.main())"  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", starter, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    pids = []
    async with asyncio.timeout(30):
        while line := (await process.stdout.readline()).decode():
            if " | pid " in line:
                pids.append(int(line.split()[-1]))
            if line.startswith("subscriber") and "subscribed" in line:
                process.send_signal(signal.SIGINT)
        _, errors = await process.communicate()
    assert process.returncode == 130, errors
    assert b"interrupted" in errors
    assert len(pids) == 3
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_demo(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tools" / "demo.py"), "--duration", "4", "--keep-logs"]
    done = subprocess.run([*command, "--output-dir", str(tmp_path)], capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
    for start in (
        "frames sent      120",
        "frames received  120",
        "frames lost      0",
        "latency   ",
        "sync   ",
        "verified         120",
    ):
        assert f"\n{start}" in done.stdout
    sent, received = list(read_log(tmp_path / "sent.jsonl")), list(read_log(tmp_path / "received.jsonl"))
    assert [record.sha256 for record in sent] == [record.sha256 for record in received]
    assert [record.object for record in sent] == list(range(30)) * 4  # one group per key frame
    assert [record.is_key for record in sent] == ([True] + [False] * 29) * 4
    if ffprobe := shutil.which("ffprobe"):
        command = [ffprobe, "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames,codec_type"]
        command += ["-of", "json", str(tmp_path / "demo.mp4")]
        probe = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        picture, sound = json.loads(probe.stdout)["streams"]
        assert (picture["codec_type"], picture["nb_read_frames"]) == ("video", "120")
        assert sound["codec_type"] == "audio"
