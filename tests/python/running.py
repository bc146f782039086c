"""Programs that a test starts: every wait has a deadline and shows what was printed when it passes."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
from pathlib import Path


class Running:
    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name, self.process = name, process
        self.lines: list[str] = []
        self._changed = asyncio.Condition()
        self._over = False
        self._reader = asyncio.create_task(self._read())

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    async def line(self, pattern: str, seconds: float = 30.0) -> re.Match[str]:
        """The first line that matches, now or as soon as it is printed."""

        def found() -> re.Match[str] | None:
            return next((match for text in self.lines if (match := re.search(pattern, text))), None)

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: found() is not None or self._over)
        match = found()
        assert match is not None, f"{self.name} did not print {pattern!r}:\n{self.text}"
        return match

    async def exit_code(self, seconds: float = 60.0) -> int:
        try:
            async with asyncio.timeout(seconds):
                code = await self.process.wait()
                await self._reader
                return code
        except TimeoutError:
            await self.end()
            raise AssertionError(f"{self.name} did not end:\n{self.text}") from None

    async def interrupt(self) -> None:
        """What Ctrl-C does."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)

    async def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        await self._reader

    def _heard(self, line: str) -> None:
        self.lines.append(line)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            async with self._changed:
                self._heard(line.decode(errors="replace").rstrip())
                self._changed.notify_all()
        async with self._changed:
            self._over = True
            self._changed.notify_all()


async def start_program(*command: object, cwd: Path | None = None) -> Running:
    words = [str(word) for word in command]
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    return Running(Path(words[0]).name + " " + " ".join(words[1:3]), process)


async def output_of(*command: object, cwd: Path | None = None, seconds: float = 60.0) -> str:
    """What a program prints; it must succeed."""
    program = await start_program(*command, cwd=cwd)
    assert await program.exit_code(seconds) == 0, program.text
    return program.text


async def frames_in(video: Path) -> int:
    """Frames that ffprobe decodes of the video track."""
    show = ("-select_streams", "v", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0")
    text = await output_of("ffprobe", "-v", "error", "-count_frames", *show, video)
    return int(text.strip().rstrip(","))
