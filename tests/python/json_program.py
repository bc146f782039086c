"""Programs that a test drives by lines and that answer with JSON events, one per line; every wait has a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Self

from running import Running

DEADLINE = 20.0
"""Seconds that any wait may take, on a busy machine too."""


class JsonProgram(Running):
    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        super().__init__(name, process)
        self._events: list[dict[str, Any]] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def start(cls, *command: object) -> AsyncIterator[Self]:
        """Ends it at the end, by closing its standard input."""
        process = await asyncio.create_subprocess_exec(
            *[str(word) for word in command], stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        program = cls(str(command[0]), process)
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
            assert event is not None, f"no {name} {wanted or ''} among\n" + "\n".join(self.lines[-20:])
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

    def _heard(self, line: str) -> None:
        super()._heard(line)
        if line.startswith("{"):
            self._events.append(json.loads(line))
