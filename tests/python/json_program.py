"""Programs that a test drives by lines and that answer with JSON events, one per line; every wait has a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Self

DEADLINE = 20.0
"""Seconds that any wait may take, on a busy machine too."""


class JsonProgram:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._seen: list[str] = []
        self._events: list[dict[str, Any]] = []
        self._changed = asyncio.Condition()
        self._over = False
        self._reader = asyncio.create_task(self._read())

    @classmethod
    @contextlib.asynccontextmanager
    async def start(cls, *command: object) -> AsyncIterator[Self]:
        """Ends it at the end, by closing its standard input."""
        process = await asyncio.create_subprocess_exec(
            *[str(word) for word in command], stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        program = cls(process)
        try:
            yield program
        finally:
            await program.end()

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")

    async def event(self, name: str, *, within: float = DEADLINE, **wanted: Any) -> dict[str, Any]:
        """The next event of that name whose fields are the wanted ones; each is given once."""

        def found() -> dict[str, Any] | None:
            for event in self._events:
                if event["event"] == name and all(event.get(key) == value for key, value in wanted.items()):
                    return event
            return None

        async with self._changed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._changed.wait_for(lambda: found() is not None or self._over)
            event = found()
            assert event is not None, f"no {name} {wanted or ''} among\n" + "\n".join(self._seen[-20:])
            self._events.remove(event)
            return event

    async def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            async with asyncio.timeout(DEADLINE):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        await self._reader

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            async with self._changed:
                self._seen.append(line.decode(errors="replace").rstrip())
                if line.startswith(b"{"):
                    self._events.append(json.loads(line))
                self._changed.notify_all()
        async with self._changed:
            self._over = True
            self._changed.notify_all()
