"""The handlers of a server, and how they end: by themselves, or cancelled after a grace period."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class HandlerTasks:
    """The tasks of one server's handlers."""

    def __init__(self, loop: asyncio.AbstractEventLoop, grace: float | None) -> None:
        self._loop = loop
        self._grace = grace
        self._tasks: set[asyncio.Task[Any]] = set()
        self._deadline: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Runs it in a task of its own."""
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        self._idle.clear()
        task.add_done_callback(self._ended)
        return task

    def end(self) -> None:
        """They have the grace period to end by themselves, and are cancelled then. Does not wait."""
        if self._tasks and self._deadline is None and self._grace is not None:
            self._deadline = self._loop.call_later(self._grace, self._cancel)

    async def wait(self) -> None:
        """Until all have ended."""
        await self._idle.wait()

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if self._tasks:
            return
        self._idle.set()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
