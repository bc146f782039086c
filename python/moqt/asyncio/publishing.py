"""Tracks and groups that this endpoint publishes."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from moqt.asyncio._arguments import checked_end
from moqt.asyncio._hub import Hub, Notice, Tickets
from moqt.asyncio._session_core import SessionCore
from moqt.asyncio.answering import FetchHandler, FetchRequest, answer_fetch
from moqt.asyncio.exceptions import ObjectRefused, SessionClosed, SessionStateError
from moqt.asyncio.moving import Movable
from moqt.asyncio.statistics import DeliveryStatistics
from moqt.asyncio.subscription_options import chosen_filter
from moqt.asyncio.track_options import TrackOptions, native_track_options
from msquic._native.moqt import (
    FilterType,
    GroupHandle,
    ObjectExtensions,
    ObjectStatus,
    StreamResetCode,
    SubscriptionFilter,
    TrackHandle,
    TrackNamespace,
)

Buffer: TypeAlias = bytes | bytearray | memoryview
ExtensionsLike: TypeAlias = ObjectExtensions | Mapping[int, int | bytes] | Iterable[tuple[int, int | bytes]] | None

HIGH_WATER = 256 * 1024
"""Bytes that may wait before drain() waits."""


class TrackOwner(Protocol):
    """Whose track it is: a session, or a server whose sessions share it."""

    _hub: Hub
    _handle: Any
    _tickets: Tickets
    _tracks: dict[tuple[TrackNamespace, bytes], Any]

    def _raise_if_closed(self) -> None: ...
    def _answering_sessions(self) -> Iterable[SessionCore]: ...


class TrackWriter(Movable):
    """Publishes one track to whoever subscribes. Made by :meth:`Session.create_track` for one session, and by
    :meth:`Server.create_track` for all sessions of a server.

    SUBSCRIBE, FETCH and TRACK_STATUS for it are answered by the library. Writing never waits. A subscriber that falls
    behind by more than `queue_limit` bytes skips to the next group; :attr:`groups_skipped` counts that.
    """

    def __init__(self, owner: TrackOwner, namespace: TrackNamespace, name: bytes) -> None:
        super().__init__(owner)
        self._owner = owner
        self._target = owner._hub.add(self)
        self._handle: TrackHandle
        self.namespace = namespace
        """The track's namespace."""
        self.name = name
        """The track's name."""
        self.ended = False
        """Whether :meth:`end` was called."""
        self._on_fetch: FetchHandler | None = None
        self._count, self._wanted = 0, False
        self._next_group = 0
        self._groups: weakref.WeakValueDictionary[int, _GroupNumbers] = weakref.WeakValueDictionary()
        self._streams: bool | None = None
        self._changed = asyncio.Event()
        self._new_group = -1
        self._new_group_waits = False

    @property
    def subscriber_count(self) -> int:
        """Subscriptions that are open now, an unanswered PUBLISH included."""
        return self._count

    @property
    def wanted(self) -> bool:
        """Whether any subscriber wants objects now (Forward State 1, section 5.1)."""
        return self._wanted

    @property
    def groups_skipped(self) -> int:
        """Groups that were given up for a subscriber that was too slow."""
        return self._handle.groups_skipped

    def statistics(self) -> DeliveryStatistics:
        """What became of its objects, over all subscriptions, those that are over included.

        Waits for the library's thread, a moment. The last that was known when the session is over.
        """
        return DeliveryStatistics(**self._handle.statistics())

    @property
    def group_requested(self) -> int | None:
        """The largest NEW_GROUP_REQUEST so far (section 9.2.1.11; needs ``dynamic_groups``); None before any."""
        return None if self._new_group < 0 else self._new_group

    async def wait_group_request(self) -> int:
        """Waits for a NEW_GROUP_REQUEST (section 9.2.1.12; needs ``dynamic_groups``) and gives its value: 0, or one
        more than the largest group that the subscriber knows. End the group and begin a new one as soon as you can,
        unless the last one begun is that new already. Requests that come while nobody waits are given together, by the
        largest. One task at a time may wait; cancelling it loses none. Raises as :meth:`wait_subscriber` does.
        """
        await self._until(lambda: self._new_group_waits)
        self._new_group_waits = False
        return self._new_group

    async def wait_subscriber(self) -> None:
        """Waits until somebody wants objects. Cancelling it has no effect on anything.

        Raises :class:`SessionClosed`, and :class:`SessionStateError` when the track has ended.
        """
        await self._until(lambda: self._wanted)

    async def _until(self, condition: Callable[[], bool]) -> None:
        self._owner._hub.check()
        while not condition():
            self._owner._raise_if_closed()
            if self.ended:
                raise SessionStateError("the track has ended: nobody will subscribe to it")
            self._changed.clear()
            await self._changed.wait()

    def begin_group(
        self,
        group_id: int | None = None,
        *,
        subgroup_id: int = 0,
        priority: int | None = None,
        end_of_group: bool = True,
    ) -> GroupWriter:
        """A new group, or a further subgroup of one, on a stream of its own per subscriber (section 10.4.2).

        Args:
            group_id: 0 to 2**62 - 1; the last one begun plus 1 when it is not given, 0 for the first.
            subgroup_id: which subgroup of the group.
            priority: 0 (most urgent) to 255 for its streams; the track's when not given.
            end_of_group: whether its end is also the end of the group.

        Raises :class:`SessionClosed`, :class:`SessionStateError` after :meth:`end` or on a track of datagrams, and
        :class:`ObjectRefused` for an earlier object.
        """
        self._use(streams=True)
        number = self._next_group if group_id is None else group_id
        if not 0 <= number < 1 << 62:
            raise ValueError("group_id must be from 0 to 2**62 - 1")
        if priority is not None and not 0 <= priority <= 255:
            raise ValueError("priority must be from 0 to 255")
        group = GroupWriter(self, number, self._handle.begin_group(number, subgroup_id, priority, end_of_group))
        self._next_group = max(self._next_group, number + 1)
        return group

    def write_datagram(
        self,
        group_id: int,
        object_id: int,
        payload: Buffer,
        extensions: ExtensionsLike = None,
        *,
        priority: int | None = None,
        end_of_group: bool = False,
    ) -> None:
        """Sends an object as a datagram (section 10.3): it may be lost, and is dropped when the path cannot take
        so much. A track has either datagrams or groups, never both. `priority`: the track's when not given.

        Raises :class:`SessionClosed`, :class:`SessionStateError`, ``BufferError`` when 64 MiB wait, and
        :class:`ObjectRefused` for an earlier object.
        """
        if priority is not None and not 0 <= priority <= 255:
            raise ValueError("priority must be from 0 to 255")
        self._use(streams=False)
        self._handle.write_datagram(group_id, object_id, payload, extensions, priority, end_of_group)

    async def drain(self) -> None:
        """Waits while more than 256 KiB wait for the slowest subscriber, until at most 64 KiB do.

        Cancelling it has no effect on what is sent. Any number may wait. Raises :class:`SessionClosed`, and
        :class:`ObjectRefused` for an object that was written before.
        """
        owner = self._owner
        owner._hub.check()
        owner._raise_if_closed()
        if self._handle.waiting > HIGH_WATER:
            ticket, drained = owner._tickets.new()
            self._handle.drain(ticket)
            await owner._tickets.answer(ticket, drained)
        self._raise_if_refused()

    async def notify_state(
        self, *, forward: bool | None = None, filter: FilterType | SubscriptionFilter | None = None
    ) -> int:
        """PUBLISH_STATE_NOTIFY (draft-22 section 9.10): tells every subscriber where the track stands
        (LARGEST_OBJECT), and that from now on its subscription is paused (`forward` False) or is not, or has this
        Location Filter. What is not given stays as it is. Both are the subscribers' to set, so that the draft allows
        them here only as subscribers have asked for by other ways than an update.

        Gives how many were told: none of those whose draft has no words for it, or who have not answered a PUBLISH.
        Cancelled, they may have been told. Raises :class:`SessionClosed`, :class:`SessionStateError` when the track
        has ended, and ``ValueError`` for a filter that ends before it starts.
        """
        wanted = None if filter is None else chosen_filter(filter, None, None)
        return await self._tell(lambda ticket: self._handle.notify_state(ticket, forward, wanted))

    async def move_subscribers(self, uri: str = "") -> int:
        """GOAWAY on the streams of those who subscribed (draft-18 section 10.4, draft-22 section 9.2): asks them to
        subscribe to this track again at `uri`, on their present sessions without one, and to end their present
        subscriptions; everything else on these sessions goes on. After 30 seconds, what is still there of them is
        reset. Only a server may name a URI.

        Gives how many were asked: none of drafts before 18, none who were offered the track with PUBLISH, and nobody
        twice. Cancelled, they may have been asked. Raises :class:`SessionClosed`, and :class:`SessionStateError` when
        the track has ended.
        """
        return await self._tell(lambda ticket: self._handle.move_subscribers(ticket, uri))

    async def _tell(self, tell: Callable[[int], None]) -> int:
        owner = self._owner
        owner._hub.check()
        self._raise_if_over()
        ticket, told = owner._tickets.new()
        tell(ticket)
        count: int = await owner._tickets.answer(ticket, told)
        return count

    def _raise_if_over(self) -> None:
        self._owner._raise_if_closed()
        if self.ended:
            raise SessionStateError("the track has ended")

    async def end(self) -> None:
        """Ends the track: groups that are open get FIN, then every subscriber PUBLISH_DONE with TRACK_ENDED
        (section 9.15), once its streams are closed. Closing the session waits until that has arrived.

        Returns when the library has looked at everything that was written, which takes a moment; cancelled meanwhile,
        the track ends all the same. A second call, or one on a closed session, does nothing. Raises
        :class:`ObjectRefused`, when the track has ended, for an object that was not taken.
        """
        owner = self._owner
        owner._hub.check()
        if self.ended:
            return
        self.ended = True
        key = self.namespace, self.name
        if owner._tracks.get(key) is self:
            del owner._tracks[key]
        self._handle.end()
        self._changed.set()
        self._news.set()
        with contextlib.suppress(SessionClosed, SessionStateError):  # with it, what was written went
            owner._raise_if_closed()
            ticket, looked_at = owner._tickets.new()
            self._handle.flush(ticket)
            await owner._tickets.answer(ticket, looked_at)
        self._raise_if_refused()

    def _raise_if_refused(self) -> None:
        if (refusal := self._handle.take_refusal()) is not None:
            raise ObjectRefused(*refusal)

    def _use(self, *, streams: bool) -> None:
        self._owner._raise_if_closed()
        if self.ended:
            raise SessionStateError("the track has ended: create a new one")
        if self._streams is not None and self._streams != streams:
            raise SessionStateError("a track has either groups or datagrams, never both (section 10.2.1)")
        self._raise_if_refused()
        self._streams = streams

    def _on_notice(self, kind: int, ticket: int, value: Any) -> None:
        if kind == Notice.SUBSCRIBERS:
            self._count, self._wanted = value
        elif kind == Notice.GOING:
            self._asked_to_move(value)
        elif kind == Notice.NEW_GROUP:
            self._new_group = max(self._new_group, value)
            self._new_group_waits = True
        elif kind == Notice.FETCH_ASKED:
            self._answer_fetch(ticket, *value)
        elif kind == Notice.FETCH_GONE:
            for session in self._owner._answering_sessions():
                session._stop_answering(self, ticket)
        self._changed.set()

    def _answer_fetch(self, number: int, handle: Any, start: Any, end: Any, order: Any, priority: int) -> None:
        session = next((each for each in self._owner._answering_sessions() if each._target == handle.session), None)
        if self._on_fetch is None or self.ended or session is None:
            return  # dropping the handle refuses it
        request = FetchRequest(self.namespace, self.name, start, end, order, priority)
        session._answer_in_task(self, number, answer_fetch(session, handle, self._on_fetch, request))

    def __repr__(self) -> str:
        return f"<TrackWriter {self.namespace}--{self.name!r} subscribers={self._count}>"


def add_track(owner: TrackOwner, key: tuple[TrackNamespace, bytes], options: TrackOptions) -> TrackWriter:
    """A track of that name for `owner`, which has none yet."""
    native = native_track_options(options)
    track = TrackWriter(owner, *key)
    track._on_fetch = options.get("on_fetch")
    track._handle = owner._handle.create_track(track._target, *key, native)
    owner._tracks[key] = track
    return track


class _GroupNumbers:
    """What the writers of one group share: an Object ID is there once, whatever the subgroup."""

    __slots__ = ("__weakref__", "next")

    def __init__(self) -> None:
        self.next = 0


class GroupWriter:
    """Writes one group, as one subgroup. Leaving ``with`` ends it, with an exception resets it.

    A group that is dropped without :meth:`end` is reset: its receivers know that it is not whole.
    """

    def __init__(self, track: TrackWriter, group_id: int, handle: GroupHandle) -> None:
        self._track, self._handle = track, handle
        self.group_id = group_id
        """Group ID."""
        self._next = 0
        self._numbers = track._groups.setdefault(group_id, _GroupNumbers())
        self.ended = False
        """Whether :meth:`end` or :meth:`reset` was called."""

    @property
    def next_object_id(self) -> int:
        """The Object ID that :meth:`write` takes when none is given: behind all that the group has, of any subgroup."""
        return max(self._next, self._numbers.next)

    def write(
        self,
        payload: Buffer = b"",
        *,
        extensions: ExtensionsLike = None,
        object_id: int | None = None,
        status: ObjectStatus | None = None,
    ) -> None:
        """Writes an object (section 10.4.2). Copies `payload` and returns at once; see :meth:`TrackWriter.drain`.

        Args:
            payload: any contiguous buffer; empty for a status other than NORMAL.
            extensions: extension headers; see :class:`moqt.ObjectExtensions`.
            object_id: above the previous one, and of no other subgroup; :attr:`next_object_id` when it is not given.
            status: in place of a payload, for example ``ObjectStatus.END_OF_GROUP``.

        Raises :class:`SessionClosed`, :class:`SessionStateError` after the end, ``ValueError`` for an Object ID that
        does not rise, ``BufferError`` when 64 MiB wait, and :class:`ObjectRefused` for an earlier object of the track.
        """
        self._track._owner._raise_if_closed()
        if self.ended or self._track.ended:
            raise SessionStateError("the group has ended: begin a new one")
        number = self.next_object_id if object_id is None else object_id
        if number < self._next or number >= 1 << 62:
            raise ValueError(f"object_id must be at least {self._next} here (they rise within a subgroup)")
        if status not in (None, ObjectStatus.NORMAL) and (len(payload) or extensions):
            raise ValueError("an object with a status has neither payload nor extensions (section 10.2.1.1)")
        self._track._raise_if_refused()
        self._handle.write(payload, extensions, number, status)
        self._next = number + 1
        self._numbers.next = max(self._numbers.next, self._next)

    def end(self) -> None:
        """No more objects: FIN. A second call does nothing. Raises :class:`ObjectRefused`, when the group has ended,
        for an object of the track that is known not to have been taken; what is found out later, later calls raise."""
        if not self.ended:
            self.ended = True
            self._handle.end()
            self._track._raise_if_refused()

    def reset(self, code: StreamResetCode | int = StreamResetCode.CANCELLED) -> None:
        """Gives the group up with RESET_STREAM (section 10.4.3); what has not been sent is dropped."""
        if not self.ended:
            number, _ = checked_end(int(code), "")
            self.ended = True
            self._handle.reset(number)

    def __enter__(self) -> GroupWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self.end()
        else:
            self.reset()

    def __repr__(self) -> str:
        return f"<GroupWriter group_id={self.group_id} next_object_id={self.next_object_id}>"
