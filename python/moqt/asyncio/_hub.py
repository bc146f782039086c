"""One asyncio loop's end of the native sessions: notices come in, objects and futures are told."""

from __future__ import annotations

import asyncio
import threading
import weakref
from enum import IntEnum
from typing import Any, Protocol, runtime_checkable

from moqt.asyncio.exceptions import RequestRefused, SessionStateError
from moqt.exceptions import EncodeError
from msquic._native.moqt import SessionChannel
from msquic.asyncio._loop_end import add_reader_until_end


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
    CONNECTED = 18
    TICKET = 19
    CERTIFICATE = 20
    ASKED = 21
    FETCH_ASKED = 22
    FETCH_GONE = 23
    AUTHORIZE = 24
    AUTHORIZED = 25
    SKIPPED = 26
    TOLD = 27
    CHANGED = 28


class Target(Protocol):
    """What notices can be for."""

    def _on_notice(self, kind: int, ticket: int, value: Any) -> None: ...


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[Hub]] = weakref.WeakKeyDictionary()
"""Weak on both sides: what a hub keeps refers to its loop, so the hub must be kept by the loop alone."""


@runtime_checkable
class EndsWithLoop(Protocol):
    """What has to be closed when the loop is over, without any help of the loop."""

    def _on_loop_end(self) -> None: ...


_BATCH = 256
"""Notices per turn of the loop, so that its other work comes to its own."""


class Hub:
    """Made with the first object of a loop, whose selector keeps it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self.channel = SessionChannel()
        self._targets: weakref.WeakValueDictionary[int, Target] = weakref.WeakValueDictionary()
        self.waiting: weakref.WeakSet[Any] = weakref.WeakSet()
        """Requests of which something may be told that somebody waits for."""
        self.running_here: set[object] = set()
        """Servers and relays, which run on when nobody refers to them."""
        self.ended = False
        """Whether the loop is over."""
        try:
            if self.channel.file_descriptor < 0:
                raise NotImplementedError
            add_reader_until_end(loop, self.channel.file_descriptor, self.end, self.drain)
        except NotImplementedError:  # the Proactor loop of Windows
            waiter = threading.Thread(target=_wait_for_notices, args=(weakref.ref(self), self.channel), daemon=True)
            waiter.name = "moqt-asyncio-notices"
            waiter.start()

    @staticmethod
    def running() -> Hub:
        """The hub of the running loop."""
        loop = asyncio.get_running_loop()
        known = _hubs.get(loop)
        hub = None if known is None else known()
        if hub is None:
            hub = Hub(loop)
            _hubs[loop] = weakref.ref(hub)
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

    def wake_waiting(self) -> None:
        """A session, a server or a track has ended: there may be nothing to wait for any more."""
        for request in list(self.waiting):
            request._news.set()

    def is_over(self) -> bool:
        loop = self._loop()
        return loop is None or loop.is_closed()

    def wake_later(self) -> bool:
        """For the thread that stands in for add_reader. False when the loop is over."""
        loop = self._loop()
        if loop is None or loop.is_closed():
            return False
        try:
            loop.call_soon_threadsafe(self.drain)
        except RuntimeError:  # closed meanwhile
            return False
        return True

    def end(self) -> None:
        """The loop is over, and with it everything that belongs to it. May be called twice, on any thread."""
        if not self.ended:
            self.ended = True
            errors: list[Warning] = []
            for target in list(self._targets.values()):
                if isinstance(target, EndsWithLoop):
                    try:
                        target._on_loop_end()
                    except Warning as error:  # where warnings are errors; the others have to end all the same
                        errors.append(error)
            self.running_here.clear()
            self.channel.close()
            if errors:
                raise errors[0]

    def drain(self) -> None:
        for number, kind, ticket, value in self.channel.take(_BATCH):
            target = self._targets.get(number)
            if target is not None:
                target._on_notice(kind, ticket, value)


def _wait_for_notices(hub: weakref.ref[Hub], channel: SessionChannel) -> None:
    while True:
        signalled = channel.wait(1.0)
        alive = hub()
        if alive is None:
            return
        if alive.is_over() or (signalled and not alive.wake_later()):
            alive.end()
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

    async def answer(self, ticket: int, answered: asyncio.Future[Any]) -> Any:
        """Waits for what new() gave. Cancelled, nobody hears the answer."""
        try:
            return await answered
        finally:
            self.forget(ticket)

    def settle(self, kind: int, ticket: int, value: Any) -> bool:
        """Whether the notice answered somebody."""
        future = self._waiting.pop(ticket, None)
        if future is None or future.done():
            return False
        if kind == Notice.REFUSED:
            future.set_exception(RequestRefused(*value))
        elif kind == Notice.FAILED:
            unsayable, text = value
            future.set_exception(EncodeError("message", text) if unsayable else SessionStateError(text))
        else:
            future.set_result(value)
        return True

    def fail_all(self, make_error: Any) -> None:
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(make_error())
                future.exception()  # whoever awaits it gets it; nobody else has to hear of it
