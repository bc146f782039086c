"""One asyncio loop's end of the native sessions: notices come in, objects and futures are told."""

from __future__ import annotations

import asyncio
import threading
import weakref
from enum import IntEnum
from typing import Any, Protocol

from moqt.asyncio.exceptions import RequestRefused, SessionStateError
from msquic._native.moqt import SessionChannel


class Notice(IntEnum):
    """The kinds of ``Notice::Kind`` of the native module, in its order."""

    ESTABLISHED = 0
    ACCEPTED = 1
    CLOSED = 2
    GOING = 3
    ANSWERED = 4
    REFUSED = 5
    FAILED = 6
    DRAINED = 7
    SUBSCRIBERS = 8
    NAMESPACE = 9
    OFFER = 10
    READABLE = 11
    ENDED = 12
    CANCELLED = 13
    LISTENING = 14
    NOT_LISTENING = 15
    STOPPED = 16
    NEW_GROUP = 17


class Target(Protocol):
    """What notices can be for."""

    def _on_notice(self, kind: int, ticket: int, value: Any) -> None: ...


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()

_BATCH = 256
"""Notices per turn of the loop, so that its other work comes to its own."""


class Hub:
    """Made with the first object of a loop. The loop's selector keeps it, so it must not keep the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self.channel = SessionChannel()
        self._targets: weakref.WeakValueDictionary[int, Target] = weakref.WeakValueDictionary()
        try:
            if self.channel.file_descriptor < 0:
                raise NotImplementedError
            loop.add_reader(self.channel.file_descriptor, self._drain)
        except NotImplementedError:  # the Proactor loop of Windows
            waiter = threading.Thread(target=_wait_for_notices, args=(weakref.ref(self), self.channel), daemon=True)
            waiter.name = "moqt-asyncio-notices"
            waiter.start()

    @staticmethod
    def running() -> Hub:
        """The hub of the running loop."""
        loop = asyncio.get_running_loop()
        hub = _hubs.get(loop)
        if hub is None:
            hub = _hubs[loop] = Hub(loop)
        return hub

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        loop = self._loop()
        if loop is None:
            raise RuntimeError("the asyncio loop of this object is gone")
        return loop

    def check(self) -> None:
        """Raises when another loop runs than the one that this hub belongs to."""
        if asyncio.get_running_loop() is not self._loop():
            raise RuntimeError("this object belongs to another asyncio loop: use it where it was made")

    def add(self, target: Target, number: int = 0) -> int:
        number = number or self.channel.next_target()
        self._targets[number] = target
        return number

    def wake_later(self) -> bool:
        """For the thread that stands in for add_reader. False when the loop is over."""
        loop = self._loop()
        if loop is None or loop.is_closed():
            return False
        try:
            loop.call_soon_threadsafe(self._drain)
        except RuntimeError:  # closed meanwhile
            return False
        return True

    def _drain(self) -> None:
        for number, kind, ticket, value in self.channel.take(_BATCH):
            target = self._targets.get(number)
            if target is not None:
                target._on_notice(kind, ticket, value)


def _wait_for_notices(hub: weakref.ref[Hub], channel: SessionChannel) -> None:
    while True:
        signalled = channel.wait(1.0)
        alive = hub()
        if alive is None or (signalled and not alive.wake_later()):
            return
        del alive


class Tickets:
    """Futures for answers, by the number that a question went out with."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._next = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    def new(self) -> tuple[int, asyncio.Future[Any]]:
        self._next += 1
        future: asyncio.Future[Any] = self._loop.create_future()
        self._waiting[self._next] = future
        return self._next, future

    def forget(self, ticket: int) -> None:
        self._waiting.pop(ticket, None)

    def settle(self, kind: int, ticket: int, value: Any) -> bool:
        """Whether the notice answered somebody."""
        future = self._waiting.pop(ticket, None)
        if future is None or future.done():
            return False
        if kind == Notice.REFUSED:
            future.set_exception(RequestRefused(*value))
        elif kind == Notice.FAILED:
            future.set_exception(SessionStateError(value[1]))
        else:
            future.set_result(value)
        return True

    def fail_all(self, make_error: Any) -> None:
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(make_error())
                future.exception()  # whoever awaits it gets it; nobody else has to hear of it
