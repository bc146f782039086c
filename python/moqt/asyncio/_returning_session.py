"""A session that comes back: one connection after the other."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Protocol, TypeVar

import msquic
from moqt.asyncio._hub import Hub, Tickets
from moqt.asyncio.exceptions import SessionClosed, SessionStateError
from moqt.asyncio.offering import Announcement, Offer
from moqt.asyncio.resume import Resume, ResumeEvent, SessionLost, SessionResumed
from moqt.asyncio.session import Session
from msquic._native.moqt import Backoff, ErrorCode, SharedTracks, TrackNamespace

_log = logging.getLogger("moqt.asyncio")
T = TypeVar("T")

_RETURNING = {
    int(ErrorCode.NO_ERROR),
    int(ErrorCode.INTERNAL_ERROR),
    int(ErrorCode.GOAWAY_TIMEOUT),
    int(ErrorCode.CONTROL_MESSAGE_TIMEOUT),
    int(ErrorCode.DATA_STREAM_TIMEOUT),
}
"""Ends of a session after which another one may do better. The others are about what one of the endpoints did."""
LASTING = 10.0
"""Seconds after which a session counts as one that holds, and waits begin anew."""
Dial = Callable[[Callable[[], "Life"], "str | None", int], Awaitable["Life"]]
"""Makes a session, to the place of a GOAWAY's URI, or to the one of connect(). The last argument is the number of the
attempt to come back, from 1 on, which says how long it may last; 0 for the first session."""


class Fetching(Protocol):
    """A fetch that goes on with the next session."""

    @property
    def ended(self) -> bool: ...


class Life(Session):
    """One of the sessions, as the connection has it."""

    def __init__(self, hub: Hub, whole: ReturningSession) -> None:
        super().__init__(hub)
        self._whole = whole
        self._fetching: weakref.WeakSet[Fetching] = weakref.WeakSet()
        """The fetches that it answers."""

    def _for_the_application(self) -> ReturningSession:
        return self._whole

    def _on_offer(self, offer: Offer) -> None:
        self._offers[offer._request] = offer
        self._whole._offer_came(self, offer)
        self._announce(Announcement(offer.namespace, True, offer.name))

    def _announce(self, announcement: Announcement) -> None:
        self._whole._announcement_came(self, announcement)

    def _on_request_going(self, ticket: int, uri: str) -> None:
        super()._on_request_going(ticket, uri)
        for announcements in self._whole._announcements:
            if announcements._life is self and announcements._ticket == ticket:
                announcements._asked_to_move(uri)


class _Tracks:
    """Owns the tracks, which live on when a session does not."""

    def __init__(self, session: ReturningSession) -> None:
        self._session = session
        self._hub = session._hub
        self._tickets = Tickets(self._hub.loop)
        self._target = self._hub.add(self)
        self._handle = SharedTracks(self._hub.channel, self._target)
        self._tracks: dict[tuple[TrackNamespace, bytes], Any] = {}

    def _raise_if_closed(self) -> None:
        self._session._raise_if_closed()

    def _answering_sessions(self) -> Iterable[Session]:
        return self._session._lives

    def _on_notice(self, kind: int, ticket: int, value: Any) -> None:
        self._tickets.settle(kind, ticket, value)


class ReturningSession(Session):
    """One session after the other; what is not of its own is that of the present one. What was asked of the last one
    is asked of the next in :meth:`_resume_all`."""

    def __init__(self, hub: Hub, resume: Resume, dial: Dial) -> None:  # pylint: disable=super-init-not-called
        self._hub = hub
        self._resume, self._dial = resume, dial
        self._life: Life
        self._lives: list[Life] = []
        """The present one, and those that serve on beside it after a GOAWAY."""
        self._count = 0
        self._place: str | None = None
        self._closed: tuple[int, str, str, bool] | None = None
        self._error: BaseException | None = None
        self._closing = False
        self._over = asyncio.Event()
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._owner = _Tracks(self)
        self._tracks = self._owner._tracks
        self._server_tracks = {}

    def __getattr__(self, name: str) -> Any:
        if name == "_life":  # the first one is being made
            raise AttributeError(name)
        return getattr(self._life, name)

    # ---- one session after the other ----

    async def _begin(self) -> None:
        self._adopt(await self._dial(self._new_life, None, 0))
        self._start(self._keep())

    def _new_life(self) -> Life:
        return Life(self._hub, self)

    def _adopt(self, life: Life) -> None:
        self._life = life
        self._lives.append(life)
        self._count += 1
        self._owner._handle.join(life._handle)
        self._wake_up()

    def _wake_up(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _keep(self) -> None:
        """Makes a session whenever there is none any more, or none that may stay."""
        backoff = self._backoff()
        while not self._closing:
            life = self._life
            began = self._hub.loop.time()
            going = await _left_or_going(life)
            if self._closing:
                return
            if self._hub.loop.time() - began >= LASTING:
                backoff.reset()
            if not going:
                closed = life.closed_by
                assert closed is not None
                if closed.code not in _RETURNING:
                    return self._end(life._closed, life._error)
                self._on_life_ended(life)
            self._place = life.goaway_uri or self._place
            reason = "GOAWAY" if going else str(life.closed_by)
            _log.info("the session is left (%s): making another one", reason)
            self._tell(SessionLost(reason, life.goaway_uri))
            if not await self._make_another(life, backoff):
                return

    async def _make_another(self, old: Life, backoff: Backoff) -> bool:
        loop = self._hub.loop
        lost: float | None = None
        place, attempts = self._place, 0
        while True:
            if old.is_closed and lost is None:
                lost = loop.time()
                self._on_life_ended(old)
            patience = self._resume.give_up_after
            if lost is not None and patience is not None and loop.time() - lost >= patience:
                self._end(old._closed, old._error)
                return False
            if not await _lasts(old, backoff.next()):
                backoff.reset()  # it served on until now; others will come back now as well
                continue
            attempts += 1
            try:
                life = await self._dial(self._new_life, place, attempts)
            except msquic.CertificateError as error:
                self._end(old._closed or (0, "NO_ERROR", "", False), error)
                return False
            except SessionClosed as closed:
                if closed.code not in _RETURNING:
                    self._end((closed.code, closed.name, closed.reason, closed.remote), closed.__cause__)
                    return False
                _log.debug("attempt %d: %s", attempts, closed)
            except (msquic.QuicError, OSError) as error:
                _log.debug("attempt %d: %s", attempts, error)
            else:
                break
            # Where the GOAWAY sent this endpoint may be worse than where it was.
            if attempts % 3 == 0 and self._place is not None:
                place = None if place is not None else self._place
        if self._closing:
            life._begin_close()
            return False
        self._adopt(life)
        away = 0.0 if lost is None else loop.time() - lost
        _log.info("there is a session again, after %d attempts and %.1f s", attempts, away)
        self._tell(SessionResumed(self._count, attempts, away))
        self._resume_all(life)
        if not old.is_closed:
            self._start(self._let_go(old))
        return True

    def _resume_all(self, life: Life) -> None:
        raise NotImplementedError

    def _life_over(self, life: Life) -> None:
        """What was asked of it waits for the next one."""
        raise NotImplementedError

    def _is_moving(self) -> bool:
        """Whether something of the last session is still on its way to the present one."""
        raise NotImplementedError

    def _offer_came(self, life: Life, offer: Offer) -> None:
        raise NotImplementedError

    def _announcement_came(self, life: Life, announcement: Announcement) -> None:
        raise NotImplementedError

    async def _let_go(self, old: Life) -> None:
        """The old session serves on until nobody needs it: those who take this endpoint's tracks move in their own
        time, and what is being fetched comes."""
        loop = self._hub.loop
        until = loop.time() + self._resume.linger
        while loop.time() < until and not old.is_closed:
            fetching = any(not each.ended for each in list(old._fetching))
            if not self._is_moving() and not fetching and old._handle.publishing == 0:
                break
            await asyncio.sleep(0.05)
        old._begin_close()
        await old.wait_closed()
        self._drop(old)

    def _on_life_ended(self, life: Life) -> None:
        self._life_over(life)
        self._drop(life)

    def _drop(self, life: Life) -> None:
        if life in self._lives:
            self._lives.remove(life)

    def _end(self, closed: tuple[int, str, str, bool] | None, error: BaseException | None) -> None:
        """There will be no session any more."""
        self._closed = closed or (0, "NO_ERROR", "", False)
        self._error = error
        self._owner._tickets.fail_all(self._closed_error)
        self._hub.wake_waiting()
        self._over.set()
        self._wake()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()

    async def _usable(self) -> Life:
        """A session that takes requests."""
        self._hub.check()
        while True:
            self._raise_if_closed()
            if not self._life.is_closed and self._life.goaway_uri is None:
                return self._life
            await self._changed.wait()

    async def _through(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `ask` gives, of whichever session answers."""
        while True:
            life = await self._usable()
            try:
                return await ask()
            except SessionClosed:
                if not life.is_closed or self.is_closed:
                    raise
                await self._left(life)
            except SessionStateError:
                if life.goaway_uri is None or self._life is not life:
                    raise  # what the application did; GOAWAY has the same name

    async def _left(self, life: Life) -> None:
        while self._life is life and not self.is_closed:
            await self._changed.wait()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._hub.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._hub.loop.call_exception_handler(
                {"message": "exception while a session comes back", "exception": error, "task": task}
            )

    def _backoff(self) -> Backoff:
        return Backoff(self._resume.first_delay, self._resume.longest_delay)

    def _tell(self, event: ResumeEvent) -> None:
        if self._resume.on_event is None:
            return
        try:
            self._resume.on_event(event)
        except Exception as error:
            self._hub.loop.call_exception_handler({"message": "exception in on_event", "exception": error})

    # ---- the end ----

    @property
    def is_connected(self) -> bool:
        return not self.is_closed and not self._life.is_closed

    async def wait_connected(self) -> None:
        self._hub.check()
        while not self.is_connected:
            self._raise_if_closed()
            await self._changed.wait()

    @property
    def is_closed(self) -> bool:
        return self._closing or self._closed is not None

    def _begin_close(self, code: int = 0, reason: str = "") -> None:
        if self.is_closed:
            return
        self._closing = True
        for life in self._lives:
            life._begin_close(code, reason)
        for task in self._tasks:
            task.cancel()
        self._wake()
        ending = self._hub.loop.create_task(self._finish_close())
        self._tasks.add(ending)
        ending.add_done_callback(self._tasks.discard)

    async def _finish_close(self) -> None:
        for life in list(self._lives):
            await life.wait_closed()
        if self._closed is None:
            self._end(self._life._closed, self._life._error)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "closing" if self._closing else "open" if self.is_connected else "away"
        return f"<Session {state}>"


async def _lasts(old: Session, seconds: float) -> bool:
    """Waits so long; False when a session that was open ended meanwhile."""
    if old.is_closed:
        await asyncio.sleep(seconds)
        return True
    try:
        async with asyncio.timeout(seconds):
            await old.wait_closed()
    except TimeoutError:
        return True
    return False


async def _left_or_going(life: Session) -> bool:
    """Waits until the session is over, False, or the peer wants this endpoint to leave it, True."""
    going = asyncio.ensure_future(life.wait_goaway())
    try:
        await going
        return True
    except SessionClosed:
        await life.wait_closed()
        return False
    finally:
        going.cancel()
