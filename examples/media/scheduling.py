"""Keeps an encoder from turning the process into a real-time one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator


@contextlib.contextmanager
def unchanged_scheduling() -> Generator[None]:
    """Gives every thread that becomes a real-time one meanwhile its usual scheduling back.

    Under root SVT-AV1 makes its threads, and the caller's, real-time ones. Programs that are started
    later inherit that, and a busy one then takes the whole machine.
    """
    if not hasattr(os, "sched_setscheduler"):
        yield
        return
    before = _real_time_threads()
    try:
        yield
    finally:
        for thread in _real_time_threads() - before:
            with contextlib.suppress(OSError):  # it may have ended
                os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))


def _real_time_threads() -> set[int]:
    threads: set[int] = set()
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir("/proc/self/task"):
            with contextlib.suppress(OSError):
                if os.sched_getscheduler(int(name)) in (os.SCHED_FIFO, os.SCHED_RR):
                    threads.add(int(name))
    return threads
