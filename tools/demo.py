"""The demo: live video and sound from a publisher through a relay to a subscriber, as three processes.

    python tools/demo.py [--duration 10] [--codec h264|av1|vp9]

Afterwards it compares what was sent with what arrived, decodes the written MP4 with a decoder
that had no part in it, measures how far the beeps are from the flashes, and prints the result.
Exit code 0 means that not a single frame is missing and that sound and picture are together; 1 that
something went wrong, with the reason; 130 that it was interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
sys.path.insert(0, str(EXAMPLES))

from media.backends import BACKENDS, CODECS  # noqa: E402
from media.frame import MediaError, VideoFormat  # noqa: E402
from media.frame_comparison import FrameComparison, compare_frames, percentile  # noqa: E402
from media.frame_log import read_log  # noqa: E402
from media.verify import Decoded, Sync, decode_file, measure_sync  # noqa: E402

START_SECONDS = 30.0  # for a process to become ready
END_SECONDS = 20.0  # for a process to end once its work is done
MOST_APART_MS = 40.0  # of sound and picture; more is noticed


class DemoFailure(Exception):
    """The demo did not do what it shows; the text says what is wrong."""


class Program:
    """One of the three processes; its lines are shown as they come."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name, self._process = name, process
        self._lines: list[str] = []
        self._said_everything = False
        self._changed = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, name: str, script: str, *arguments: str) -> Program:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(EXAMPLES / script), *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        return cls(name, process)

    async def line(self, pattern: str) -> re.Match[str]:
        """Wait for a line; `DemoFailure` when the process ends or the time is up without it."""

        def found() -> re.Match[str] | None:
            return next((match for text in self._lines if (match := re.search(pattern, text))), None)

        try:
            async with asyncio.timeout(START_SECONDS), self._changed:
                await self._changed.wait_for(lambda: found() is not None or self._said_everything)
        except TimeoutError:
            raise DemoFailure(f"the {self.name} was not ready within {START_SECONDS:.0f} s") from None
        if (match := found()) is None:
            raise DemoFailure(f"the {self.name} ended before it was ready, exit code {await self._process.wait()}")
        return match

    async def ended(self) -> int:
        """Wait until the process has ended and its last line is shown."""
        code = await self._process.wait()
        await asyncio.wait((self._reader,), timeout=END_SECONDS)
        return code

    async def succeeded(self, seconds: float) -> None:
        """Wait for a good end; `DemoFailure` for any other."""
        try:
            async with asyncio.timeout(seconds):
                code = await self.ended()
        except TimeoutError:
            raise DemoFailure(f"the {self.name} did not end within {seconds:.0f} s") from None
        if code != 0:
            raise DemoFailure(f"the {self.name} failed, exit code {code}")

    def terminate(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    async def clean_up(self) -> None:
        """Leave no process behind, whatever happened."""
        self.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), 5.0)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._reader.cancel()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            text = line.decode(errors="replace").rstrip()
            print(f"{self.name:<10} | {text}", flush=True)
            async with self._changed:
                self._lines.append(text)
                self._changed.notify_all()
        async with self._changed:
            self._said_everything = True
            self._changed.notify_all()


async def run_programs(args: argparse.Namespace, folder: Path) -> None:
    """Relay, publisher, subscriber; until the publisher has sent everything and all have ended well."""
    programs: list[Program] = []

    async def start(name: str, script: str, *arguments: str) -> Program:
        programs.append(await Program.start(name, script, *arguments))
        return programs[-1]

    try:
        relay = await start("relay", "moqt_video_relay.py", "--host", "127.0.0.1", "--port", "0")
        port = (await relay.line(r"listening on .*:(\d+)$"))[1]
        media = ["--backend", args.backend] if args.backend else []
        codec = ["--codec", args.codec] if args.codec else []
        codec += ["--no-audio"] if args.no_audio else []
        publisher = await start(
            "publisher", "moqt_video_publisher.py", "--port", port, "--duration", str(args.duration),
            "--size", args.size, "--fps", str(args.fps), "--frame-log", str(folder / "sent.jsonl"),
            "--wait", str(START_SECONDS), *codec, *media,
        )  # fmt: skip
        await publisher.line("waiting for a subscriber")
        subscriber = await start(
            "subscriber", "moqt_video_subscriber.py", "--port", port, "--output", str(folder / "demo.mp4"),
            "--frame-log", str(folder / "received.jsonl"), "--wait", str(START_SECONDS),
        )  # fmt: skip
        await subscriber.line("^subscribed")
        # A slow machine may take longer to encode than to play; nothing may take for ever.
        sending = asyncio.create_task(publisher.succeeded(args.duration * 3 + START_SECONDS))
        relaying = asyncio.create_task(relay.ended())
        watching = asyncio.create_task(subscriber.succeeded(args.duration * 3 + START_SECONDS + END_SECONDS))
        try:
            while not sending.done() or not watching.done():
                work = {task for task in (sending, watching) if not task.done()}
                await asyncio.wait({*work, relaying}, return_when=asyncio.FIRST_COMPLETED)
                if relaying.done():
                    raise DemoFailure(f"the relay ended in the middle, exit code {relaying.result()}")
                for task in (sending, watching):
                    if task.done():
                        task.result()
                if sending.done() and not watching.done():
                    await subscriber.succeeded(END_SECONDS)
        finally:
            for task in (sending, relaying, watching):
                task.cancel()
            await asyncio.gather(sending, relaying, watching, return_exceptions=True)
        relay.terminate()
        await relay.succeeded(END_SECONDS)
    finally:
        await asyncio.gather(*(program.clean_up() for program in programs))


def judge(frames: FrameComparison, decoded: Decoded, sync: Sync | None, expected: int) -> list[str]:
    """Everything that is wrong with a run; empty when it was perfect."""
    faults = frames.faults
    if frames.sent != expected:
        faults.append(f"{frames.sent} frames were sent instead of {expected}")
    if decoded.frames != frames.received:
        faults.append(f"the file holds {decoded.frames} frames, {frames.received} were received")
    for position, counter in enumerate(decoded.counters):
        if counter != position % 65536:
            faults.append(f"picture {position} of the file shows frame number {counter}")
            break
    if sync is not None and sync.worst_ms > MOST_APART_MS:
        faults.append(f"sound and picture are up to {sync.worst_ms:.1f} ms apart; the most is {MOST_APART_MS:.0f} ms")
    return faults


def report(frames: FrameComparison, decoded: Decoded, sync: Sync | None, video: Path) -> None:
    print()
    print(f"frames sent      {frames.sent}")
    print(f"frames received  {frames.received}")
    print(f"frames lost      {len(frames.lost)}")
    if frames.delays_ms:
        p50, p95, most = (percentile(frames.delays_ms, percent) for percent in (50, 95, 100))
        print(f"latency          p50 {p50:.1f} ms, p95 {p95:.1f} ms, max {most:.1f} ms (capture to subscriber)")
    if sync is not None:
        beeps = len(sync.offsets_ms)
        print(f"sync             sound and picture at most {sync.worst_ms:.1f} ms apart, at {beeps} beeps and flashes")
    print(f"video            {video}")
    print(f"verified         {decoded.frames} {decoded.codec} frames decoded by {decoded.decoder}")


def check(args: argparse.Namespace, folder: Path) -> list[str]:
    """Print what came of the run, and give its faults."""
    video = folder / "demo.mp4"
    try:
        frames = compare_frames(read_log(folder / "sent.jsonl"), read_log(folder / "received.jsonl"))
        width, _, height = args.size.partition("x")
        format = VideoFormat(int(width), int(height), args.fps)
        decoded = decode_file(str(video), format)
        sync = None if args.no_audio else measure_sync(str(video), format)
    except (OSError, ValueError, TypeError, MediaError) as error:
        return [f"the run cannot be judged: {error}"]
    report(frames, decoded, sync, video)
    return judge(frames, decoded, sync, round(args.duration * args.fps))


async def demo(args: argparse.Namespace) -> int:
    folder = args.output_dir.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("sent.jsonl", "received.jsonl", "demo.mp4"):  # an earlier run proves nothing
        (folder / name).unlink(missing_ok=True)
    loop, running = asyncio.get_running_loop(), asyncio.create_task(run_programs(args, folder))
    with contextlib.suppress(NotImplementedError):  # Windows raises KeyboardInterrupt instead
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        print("demo interrupted", file=sys.stderr)
        return 130
    except DemoFailure as failure:
        faults = [str(failure)]
    else:
        faults = check(args, folder)
    for fault in faults:
        print(f"DEMO FAILED: {fault}", file=sys.stderr)
    if not faults:
        print("demo passed: every frame arrived, in order and unchanged")
        if not args.keep_logs:
            for name in ("sent.jsonl", "received.jsonl"):
                (folder / name).unlink()
    return 1 if faults else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--duration", type=float, default=10.0, help="seconds of video")
    parser.add_argument("--codec", choices=CODECS, help="codec; without it, what the installed media library does best")
    parser.add_argument("--backend", choices=BACKENDS, help="media library; without it, the best installed")
    parser.add_argument("--no-audio", action="store_true", help="video alone")
    parser.add_argument("--size", default="640x480", help="width and height")
    parser.add_argument("--fps", type=int, default=30, help="pictures per second")
    parser.add_argument("--output-dir", type=Path, default=ROOT / "demo-output", help="where the MP4 goes")
    parser.add_argument("--keep-logs", action="store_true", help="keep the frame logs; a failed run always keeps them")
    return asyncio.run(demo(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
