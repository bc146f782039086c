"""What Connection.serve_streams() does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from msquic.asyncio._interruptions import caused_by_peer, log
from msquic.exceptions import ConnectionFailed

if TYPE_CHECKING:
    from msquic.asyncio.connection import Connection
    from msquic.asyncio.stream import Stream

_PARKED = 64
"""Workers that wait for a connection to need them again; more end instead."""


class StreamService:
    """Runs a handler for each stream that the peer opens, in tasks that are used again.

    A worker takes a stream, runs the handler and takes the next. A task for each stream would cost more than all the
    rest of a small request, and most handlers end without having waited for anything. One worker that has no stream
    watches for new ones. When a handler does wait, nobody watches any more: the loop's next turn sees that, and starts
    another worker, and twice as many in each turn in which that was not enough.
    """

    def __init__(
        self, connection: Connection, handler: Callable[[Stream], Awaitable[object]], limit: int | None
    ) -> None:
        self._connection = connection
        self._handler = handler
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._workers: set[asyncio.Task[None]] = set()
        self._parked: list[asyncio.Future[None]] = []
        self._watched = False
        self._relief_is_due = False
        self._relief = 1
        self._ended: asyncio.Future[None] = self._loop.create_future()

    async def run(self) -> None:
        """Until the connection is over and the handlers have ended; cancelled, it cancels them and waits for them."""
        self._start_worker()
        try:
            await self._ended
            self._dismiss()
            while self._workers:
                await asyncio.wait(self._workers)
        finally:
            if self._ended.done() and not self._ended.cancelled():
                self._ended.exception()  # asyncio need not tell that nobody asked, when this was cancelled
            self._dismiss()
            for worker in self._workers:
                worker.cancel()
            while self._workers:
                await asyncio.wait(self._workers)

    def _start_worker(self) -> None:
        worker = self._loop.create_task(self._work())
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _work(self) -> None:
        take = self._connection._take_peer_stream
        handler = self._handler
        try:
            while True:
                if (stream := take()) is None:
                    if not self._watched:
                        stream = await self._watch()
                    elif self._ended.done() or len(self._parked) >= _PARKED:
                        return
                    else:
                        await self._park()
                        continue
                if stream._is_silent:
                    # MsQuic tells of the streams of a packet before their data. A turn of the loop later it is there,
                    # and the handler need not wait.
                    self._watched = True
                    try:
                        await asyncio.sleep(0)
                    finally:
                        self._watched = False
                if not self._relief_is_due:
                    self._relief_is_due = True
                    self._loop.call_soon(self._relieve)
                try:
                    await handler(stream)
                    stream._finish()
                except BaseException as error:
                    self._failed(stream, error)
                stream = None  # nothing else may hold it while this worker waits
        except ConnectionFailed as error:
            self._end(error)

    async def _watch(self) -> Stream:
        self._watched = True
        try:
            return await self._connection.accept_stream()
        finally:
            self._watched = False

    async def _park(self) -> None:
        called = self._loop.create_future()
        self._parked.append(called)
        try:
            await called
        finally:
            if called in self._parked:
                self._parked.remove(called)

    def _relieve(self) -> None:
        """Sees to it that somebody watches."""
        self._relief_is_due = False
        if self._watched or self._ended.done():
            self._relief = 1
            return
        for _ in range(self._relief):
            if self._parked:
                self._parked.pop().set_result(None)
            elif self._limit is None or len(self._workers) < self._limit:
                self._start_worker()
        self._relief = min(2 * self._relief, _PARKED)

    def _failed(self, stream: Stream, error: BaseException) -> None:
        """The handler did not end in order: the stream does not either, and the others go on."""
        interrupted = caused_by_peer(
            error, connection_over=self._connection.is_closed, stream_aborted=stream._is_aborted_by_peer
        )
        stream._abort(0 if interrupted or isinstance(error, asyncio.CancelledError) else 1)
        if interrupted:
            self._connection._count_interrupted()
            log.debug("the peer interrupted the handler of %r: %s", stream, error)
            return
        if isinstance(error, asyncio.CancelledError):
            worker = asyncio.current_task()
            if worker is not None and worker.cancelling() == 0:
                return  # only what the handler waited for was cancelled
        if not isinstance(error, Exception):
            raise error
        self._loop.call_exception_handler(
            {"message": "exception in the handler of a stream; the stream was reset", "exception": error}
        )

    def _end(self, error: ConnectionFailed) -> None:
        if self._ended.done():
            return
        if self._connection._ended_in_order:
            self._ended.set_result(None)
        else:
            self._ended.set_exception(error)

    def _dismiss(self) -> None:
        while self._parked:
            self._parked.pop().cancel()
