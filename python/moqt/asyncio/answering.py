"""Past objects: FETCH, answered."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from moqt.asyncio._arguments import LARGEST_CODE
from moqt.asyncio._session_core import SessionCore
from moqt.asyncio.exceptions import (
    ObjectRefused,
    RequestRefused,
)
from moqt.asyncio.fetch_options import LAST_GROUP
from msquic._native.moqt import (
    GroupOrder,
    Location,
    Object,
    ObjectExtensions,
    ObjectStatus,
    RequestErrorCode,
    ResponseHandle,
    TrackNamespace,
)

if TYPE_CHECKING:
    from moqt.asyncio.publishing import ExtensionsLike


@dataclass(frozen=True)
class PastObject:
    """An object that answers a FETCH: what an `on_fetch` callback yields. A received :class:`Object` serves as well."""

    group_id: int
    """Group ID."""
    object_id: int
    """Object ID within the group."""
    payload: bytes | bytearray | memoryview = b""
    """The payload; empty for a status other than NORMAL."""
    subgroup_id: int = 0
    """Subgroup ID."""
    publisher_priority: int = 128
    """0 (most urgent) to 255."""
    extensions: ExtensionsLike = None
    """Extension headers; see :class:`moqt.ObjectExtensions`."""
    status: ObjectStatus = ObjectStatus.NORMAL
    """In place of a payload."""


@dataclass(frozen=True)
class PastGap:
    """A part of the range of a FETCH of which nobody knows what is there: what an `on_fetch` callback yields between
    objects (draft-22 section 3.2.2). It begins behind the object or gap before; what is not in a gap and does not come
    does not exist. The fetch of a subscriber ends with UNKNOWN_OBJECT_STATUS then, after all that comes.

    In draft 15, which has no words for it, a FETCH with a gap is refused with UNKNOWN_STATUS_IN_RANGE.
    """

    group_id: int
    """The group that the part ends in."""
    object_id: int | None = None
    """The last place of it there; None for all of the group."""
    timed_out: bool = False
    """Whether it was not to be had in time (FILL_TIMEOUT); drafts before 22 say that it is unknown."""


Past: TypeAlias = "PastObject | Object | PastGap"
"""What answers a FETCH."""


class FetchRequest:
    """A FETCH of a subscriber that the application answers; an `on_fetch` callback gets it."""

    def __init__(
        self,
        namespace: TrackNamespace,
        name: bytes,
        start: Location,
        end: Location,
        group_order: GroupOrder,
        priority: int,
    ) -> None:
        self.namespace = namespace
        """The track's namespace."""
        self.name = name
        """The track's name."""
        self.start = start
        """The first place that is wanted."""
        self.end = end
        """One past the last one; with Object ID 0 all of the group."""
        self.group_order = group_order
        """Which groups are to come first."""
        self.priority = priority
        """0 (most urgent) to 255, as the subscriber says."""

    def covers(self, group_id: int, object_id: int) -> bool:
        """Whether the object at this place is wanted."""
        last = (self.end.group, self.end.object - 1 if self.end.object else LAST_GROUP)
        return (self.start.group, self.start.object) <= (group_id, object_id) <= last

    def __repr__(self) -> str:
        return f"<FetchRequest {self.namespace}--{self.name!r} {self.start} to {self.end}>"


FetchAnswer: TypeAlias = "AsyncIterator[Past] | Awaitable[Iterable[Past] | None]"
FetchHandler: TypeAlias = Callable[[FetchRequest], FetchAnswer]
"""Answers a FETCH: an async generator function that yields the objects, or a coroutine function that returns them."""

_UNSENT = 64 * 1024


async def answer_fetch(
    session: SessionCore, handle: ResponseHandle, handler: FetchHandler, request: FetchRequest
) -> None:
    """Runs the application's callback and sends what it gives, as fast as the subscriber takes it."""
    try:
        answer = handler(request)
        sending = _Sending(session, handle)
        if inspect.isawaitable(answer):
            for past in await answer or ():
                await sending.send(past)
        else:
            try:
                async for past in answer:
                    await sending.send(past)
            finally:
                if isinstance(answer, AsyncGenerator):
                    await answer.aclose()
        await sending.finish()
    except RequestRefused as refused:
        # One that came from a peer may have what cannot be said here.
        code = refused.code if 0 <= refused.code <= LARGEST_CODE else int(RequestErrorCode.INTERNAL_ERROR)
        handle.refuse(code, refused.reason.encode(errors="replace").decode())
    except Exception as error:
        if session._closed is not None:
            return
        handle.refuse(int(RequestErrorCode.INTERNAL_ERROR), "the application failed")
        session._hub.loop.call_exception_handler(
            {"message": "exception in on_fetch; the fetch was refused or broken off", "exception": error}
        )


class _Sending:
    def __init__(self, session: SessionCore, handle: ResponseHandle) -> None:
        self._session, self._handle = session, handle
        self._unsent = 0

    async def finish(self) -> None:
        """Ends the answer. Raises :class:`ObjectRefused` for an object of it that was not taken."""
        await self._drain()
        self._raise_if_refused()
        self._handle.finish()

    async def send(self, past: Past) -> None:
        self._raise_if_refused()
        if isinstance(past, PastGap):
            self._handle.write_gap(past.group_id, 0 if past.object_id is None else past.object_id + 1, past.timed_out)
            return
        extensions: ExtensionsLike | ObjectExtensions = past.extensions
        self._handle.write(
            past.group_id,
            past.object_id,
            past.subgroup_id,
            past.publisher_priority,
            past.payload,
            extensions,
            past.status,
        )
        self._unsent += len(past.payload) + 64
        if self._unsent >= _UNSENT:
            self._unsent = 0
            await self._drain()

    async def _drain(self) -> None:
        ticket, drained = self._session._tickets.new()
        self._handle.drain(ticket)
        await self._session._answer(ticket, drained)

    def _raise_if_refused(self) -> None:
        if (refusal := self._handle.take_refusal()) is not None:
            raise ObjectRefused(*refusal)
