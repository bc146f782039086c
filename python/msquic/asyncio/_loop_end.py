"""What an asyncio loop wakes, and what ends when the loop is closed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any


class LoopEnd:
    """Calls ``on_end()``, once that is set, when the last reference to this goes."""

    __slots__ = ("on_end",)

    def __init__(self) -> None:
        self.on_end: Callable[[], object] | None = None

    def __del__(self) -> None:
        if self.on_end is not None and not sys.is_finalizing():
            self.on_end()


def add_reader_until_end(
    loop: asyncio.AbstractEventLoop,
    file_descriptor: int,
    on_end: Callable[[], object],
    callback: Callable[..., object],
    *arguments: Any,
) -> None:
    """``loop.add_reader()``, and ``on_end()`` as soon as the loop is closed, or gone.

    A loop tells nobody that it was closed, but it lets go of what it was to call. Neither ``callback`` and its
    arguments nor ``on_end`` may keep the loop. Raises NotImplementedError where the loop knows no readers.
    """
    end = LoopEnd()

    def call(_: LoopEnd) -> None:
        callback(*arguments)

    loop.add_reader(file_descriptor, call, end)
    end.on_end = on_end  # only now: one that no loop has taken tells of no end
