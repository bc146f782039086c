"""One asyncio loop's end of the native queue."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from contextvars import Context

from msquic._native.quic import AsyncChannel
from msquic.asyncio._loop_end import add_reader_until_end
from msquic.asyncio.connection import Connection
from msquic.asyncio.stream import Stream

_channels: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncChannel] = weakref.WeakKeyDictionary()


def running_channel() -> AsyncChannel:
    """The channel of the running loop, made with the first object that needs it.

    The loop's selector keeps the channel, and the table above its value, so the channel must not keep the loop. When
    the loop is closed, servers and connections that nobody closed end, with a ResourceWarning.
    """
    loop = asyncio.get_running_loop()
    channel = _channels.get(loop)
    if channel is None:
        channel = _channels[loop] = _new_channel(loop)
    return channel


def _new_channel(loop: asyncio.AbstractEventLoop) -> AsyncChannel:
    reference = weakref.ref(loop)

    channel = AsyncChannel(reference, Stream, Connection)
    # What comes when the loop is gone must not pile up.
    weakref.finalize(loop, channel.close).atexit = False
    try:
        if channel.file_descriptor < 0:
            raise NotImplementedError
        add_reader_until_end(loop, channel.file_descriptor, channel.end, _dispatch, channel)
    except NotImplementedError:  # the Proactor loop of Windows
        arguments = (reference, weakref.ref(channel))
        threading.Thread(target=_wait_for_events, args=arguments, name="msquic-asyncio-events", daemon=True).start()
    return channel


def _dispatch(channel: AsyncChannel) -> None:
    """Delivers events, and runs what waits for them here instead of in the loop's next turn, which costs half as much.

    In debug mode the loop does it, which measures each callback.
    """
    loop = asyncio.get_running_loop()
    if loop.get_debug():
        channel.dispatch(None)
        return
    ready: list[tuple[Context, Callable[[object], object], asyncio.Future[None]]] = []
    try:
        channel.dispatch(ready)
    finally:
        left = iter(ready)
        try:
            for context, callback, future in left:
                context.run(callback, future)
        finally:
            # Only after an exception, like the KeyboardInterrupt of a task, which asyncio lets through.
            for context, callback, future in left:
                loop.call_soon(callback, future, context=context)


def _wait_for_events(
    reference: weakref.ref[asyncio.AbstractEventLoop], channel_reference: weakref.ref[AsyncChannel]
) -> None:
    """Stands in for add_reader: wakes the loop once for each batch of events."""
    while True:
        channel = channel_reference()
        if channel is None:
            return
        signalled = channel.wait(1.0)
        loop = reference()
        if loop is None or loop.is_closed():
            channel.end()
            return
        if signalled:
            try:
                loop.call_soon_threadsafe(_dispatch, channel)
            except RuntimeError:  # closed meanwhile
                return
        del channel, loop
