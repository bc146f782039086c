"""What the tests of several threads share.

In a free-threaded Python nothing but the library's own locks keeps the threads apart; with the GIL these are ordinary
tests of threads.
"""

from __future__ import annotations

import gc
import sysconfig
import threading
import time
from collections.abc import Callable

import msquic

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
DEADLINE = 40.0


def at_once(*works: Callable[[], object]) -> None:
    """Calls each on a thread of its own, all beginning together. Raises the first error of any."""
    start = threading.Barrier(len(works))
    errors: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            start.wait(DEADLINE)
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + DEADLINE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
        assert not thread.is_alive(), f"a thread did not end; errors so far: {errors}"
    if errors:
        raise errors[0]


def idle() -> bool:
    """Whether everything is gone from MsQuic in time. What a handler raised, or holds just now, is garbage later."""
    deadline = time.monotonic() + DEADLINE
    gc.collect()
    while not msquic.wait_until_idle(0.1):
        if time.monotonic() > deadline:
            return False
        gc.collect()
    return True
