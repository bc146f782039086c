"""Subscriptions that go on where they were when their session comes back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from moqt.asyncio._catching_up import Asker, CatchingUp
from moqt.asyncio._refusals import may_pass, waits_for
from moqt.asyncio.authorization import tokens_of
from moqt.asyncio.exceptions import FetchInterrupted, RequestRefused, SessionClosed, SessionStateError
from moqt.asyncio.fetch_options import LAST_GROUP, options_of_past, place_behind
from moqt.asyncio.fetching import Fetch, LeftOut
from moqt.asyncio.resume import Gap, GapFound
from moqt.asyncio.statistics import SubscriptionStatistics
from moqt.asyncio.subscribing import _DONE, Done, Subscription
from moqt.asyncio.subscription_options import chosen_filter, filters_after
from moqt.asyncio.track_options import milliseconds
from msquic._native.moqt import (
    FetchHandle,
    FilterType,
    Location,
    Object,
    PublishDoneCode,
    ReaderHandle,
    RequestErrorCode,
    SubscriptionFilter,
    TrackNamespace,
    TrackProgress,
)

if TYPE_CHECKING:
    from moqt.asyncio._resuming_session import ResumingSession
    from moqt.asyncio.session import Session

_LOST = {int(PublishDoneCode.INTERNAL_ERROR), int(PublishDoneCode.GOING_AWAY)}
"""Ends of a subscription that say nothing of its track."""
OFFER_PATIENCE = 2.0
"""Seconds that a track which the peer had offered is waited for to be offered again, before it is subscribed to."""


class ResumingSubscription(Subscription):
    """What is read of it comes from one session after the other: past objects first, then live ones."""

    _session: ResumingSession

    def __init__(
        self, session: ResumingSession, namespace: TrackNamespace, name: bytes, native: dict[str, Any], offered: bool
    ) -> None:
        super().__init__(session, namespace, name)
        self._native = native
        self._offered = offered
        self._progress = native["progress"] = TrackProgress()
        self._catching_up: CatchingUp | None = None
        self._life: Session | None = None
        self._coming_back = False
        self._lost_at: float | None = None
        self._returning: asyncio.Task[None] | None = None
        self._refusal: RequestRefused | None = None
        self._rest: Done | None = None
        """How the track ended, when only the rest of it is still to be read."""
        self._resumptions = 0
        self._before: dict[str, int] = {}

    # ---- the first session ----

    def _began(self, life: Session, joined_from: Location | None) -> None:
        """It is answered. `joined_from`: where the past objects of its join begin."""
        self._life = life
        self._progress.passed(joined_from or self._first_wanted())

    def _first_wanted(self) -> Location:
        """The first place that a subscription with this answer brings (section 5.1.2)."""
        wanted: SubscriptionFilter = self._native["filter"] or SubscriptionFilter.largest_object()
        behind = SubscriptionFilter.largest_object().resolve_start(self.largest)
        return max(behind, wanted.resolve_start(self.largest))

    @property
    def _last_group(self) -> int | None:
        wanted: SubscriptionFilter | None = self._native["filter"]
        return None if wanted is None or wanted.type != FilterType.ABSOLUTE_RANGE else wanted.end_group

    # ---- reading ----

    async def _fill(self, limit: int) -> None:
        while not self._objects:
            if self._unsubscribed:
                raise StopAsyncIteration
            if self._refusal is not None:
                raise self._refusal
            if (past := self._catching_up or self._past) is not None:
                await self._fill_from(past, limit)
                continue
            if self._rest is not None:
                self.done = self._rest
                self._session._forget(self)
                raise StopAsyncIteration
            self._readable.clear()
            self._objects.extend(self._handle.take(limit))
            if self._objects:
                return
            if not self._coming_back and (end := self._handle.end()) is not None and not self._is_lost(*end):
                self._finish(*end)
            if self._session._closed is not None:
                raise self._session._closed_error()
            await self._readable.wait()

    async def _fill_from(self, past: Fetch | CatchingUp, limit: int) -> None:
        """Past objects; those of a session that has ended go on with the next one."""
        over = True
        try:
            await past._fill(limit)
        except StopAsyncIteration:
            pass
        except FetchInterrupted:
            if isinstance(past, CatchingUp) or not past._whole:
                raise
        except SessionClosed:
            over = False
            if past is (self._catching_up or self._past):
                self._readable.clear()
                if self._session._closed is not None:
                    raise
                await self._readable.wait()
        else:
            over = False
            self._objects.extend(past._objects)
            past._objects.clear()
        if over and past is self._catching_up:
            self._catching_up = None
        elif over and past is self._past:
            self._past = None

    def _is_lost(self, cause: int, code: int, *rest: object) -> bool:
        """Whether it ended although its track goes on; then it comes back, here or on the next session."""
        if self._session.is_closed or self._life is None:
            return False
        if self._life.is_closed:
            return True
        if cause != _DONE or code not in _LOST:
            return False
        self._come_back(self._life)
        return True

    # ---- the next session ----

    def _come_back(self, life: Session) -> None:
        """Subscribes again on `life`, and asks for what was missed."""
        if self._lost_at is None:
            self._lost_at = self._session._hub.loop.time()
        self._coming_back = True
        if self._returning is not None:
            self._returning.cancel()
        self._returning = self._session._start(self._return(life))

    async def _return(self, life: Session) -> None:
        """Ends when the session does; the next one goes on with it."""
        backoff = self._session._backoff()
        while not self._unsubscribed:
            try:
                handle = await self._subscribe_again(life)
            except (SessionClosed, SessionStateError):
                return
            except RequestRefused as refused:
                last = self._last_group
                if last is not None and refused.code == RequestErrorCode.INVALID_RANGE:  # all of it was published
                    ended = Done(PublishDoneCode.SUBSCRIPTION_ENDED, 0, "the range was over while the session was away")
                    return self._end_with(life, Location(last, 0), ended)
                if refused.code == RequestErrorCode.DOES_NOT_EXIST and await self._takes_the_rest(life):
                    return
                if not self._bears(refused):
                    self._refusal = refused
                    self._session._forget(self)
                    self._readable.set()
                    return
                await asyncio.sleep(waits_for(refused, backoff.next()))
            else:
                return self._go_on(life, handle)

    async def _takes_the_rest(self, life: Session) -> bool:
        """A track that has ended meanwhile is subscribed to no more, but its publisher may still have the rest of it.
        False: nobody says that it has ended."""
        largest = self._progress.largest
        if largest is None:
            return False
        fetch = self._asker(life, progress=False)(largest, Location(LAST_GROUP, 0))
        try:
            async with asyncio.timeout(OFFER_PATIENCE):
                await fetch._begin()
                await self._accepted(fetch)
        except (RequestRefused, SessionClosed, TimeoutError):
            return False
        finally:
            fetch._cancel()
        if not fetch.end_of_track or self._unsubscribed or life.is_closed:
            return False
        assert fetch.end is not None
        ended = Done(PublishDoneCode.TRACK_ENDED, 0, "the track ended while the session was away")
        self._end_with(life, fetch.end, ended)
        return True

    @staticmethod
    async def _accepted(fetch: Fetch) -> None:
        """Waits for FETCH_OK, before which objects may come."""
        while True:
            if fetch.end is not None:
                return
            await asyncio.sleep(0.01)

    def _end_with(self, life: Session, end: Location, done: Done) -> None:
        """What is missing up to `end` is all that comes."""
        held = self._take_rest()
        self._catching_up = CatchingUp(self._progress, self._asker(life), end, held, self._tell)
        self._rest = done
        self._coming_back, self._lost_at = False, None
        self._resumptions += 1
        self._readable.set()

    def _bears(self, refused: RequestRefused) -> bool:
        patience = self._session._resume.give_up_after
        assert self._lost_at is not None
        away = self._session._hub.loop.time() - self._lost_at
        if patience is not None and away + (refused.retry_after or 0.0) >= patience:
            return False
        return may_pass(refused)

    async def _subscribe_again(self, life: Session) -> ReaderHandle:
        native = self._native | {"filter": self._wanted_from(self._progress.floor(0.0)), "new_group": None}
        self._move_uri = None  # said of the request that was; the new one may be asked to move with its answer
        offer = None
        if self._offered:
            offer = await self._session._offered_again(life, self.namespace, self.name, OFFER_PATIENCE)
        ticket, answered = life._ask()
        if offer is not None and not offer._answered:
            offer._taken()
            handle = life._handle.accept_offer(offer._request, ticket, self._target, native)
            self._on_answer(await life._answer(ticket, answered))
            self.largest = offer.largest
        else:
            handle = life._handle.subscribe(ticket, self._target, self.namespace, self.name, native)
            self._on_answer(await life._answer(ticket, answered))
        return handle

    def _wanted_from(self, place: Location) -> SubscriptionFilter:
        last = self._last_group
        if last is None:
            # What comes twice is left out; a place would exclude what a name that was taken anew begins with.
            had_any = self._progress.largest is not None
            return SubscriptionFilter.largest_object() if had_any else SubscriptionFilter.absolute_start(place)
        return SubscriptionFilter.absolute_range(place, max(last, place.group))

    def _go_on(self, life: Session, handle: ReaderHandle) -> None:
        """The subscription stands again. What has come of the old one is read first, then what was missed."""
        held = self._take_rest()
        self._add_up(self._handle.statistics())
        self._handle, self._life = handle, life
        assert self._lost_at is not None
        floor = self._progress.floor(self._session._hub.loop.time() - self._lost_at)
        self._coming_back, self._lost_at = False, None
        self._resumptions += 1
        had, largest, last = self._progress.largest, self.largest, self._last_group
        if had is not None and (largest is None or largest.group + 1 < had.group):
            # Group IDs do not go back: the name has been taken for something new.
            self._progress.restart(self._first_wanted())
        elif not self._native["forward"]:
            self._progress.passed(self._first_wanted())
        elif largest is not None and floor <= largest:
            end = Location(largest.group, largest.object + 1)
            if last is not None and last < largest.group:
                end = Location(last, 0)
            self._catching_up = CatchingUp(self._progress, self._asker(life), end, held, self._tell)
            held = []
        self._objects.extend(held)
        self._readable.set()

    def _take_rest(self) -> list[Object]:
        """Everything that has come on the session that was. What lies behind past objects that have not all come is
        given back: it waits for them."""
        past = self._catching_up or self._past
        held: list[Object] = []
        unfinished = past is not None
        if isinstance(past, CatchingUp):
            held = past._rest()
        elif past is not None:
            if past._handle is not None:
                while taken := past._handle.take(1 << 16):
                    past._objects.extend(taken)
            self._objects.extend(past._objects)
            past._objects.clear()
            past._cancel()
        self._catching_up = self._past = None
        into: list[Object] = held if unfinished else []
        while taken := self._handle.take(1 << 16):
            into.extend(taken)
        if unfinished:
            return into
        self._objects.extend(into)
        return []

    def _asker(self, life: Session, *, progress: bool = True) -> Asker:
        taken = self._progress if progress else None
        options = options_of_past(self._native, taken)

        def ask(start: Location, end: Location) -> Fetch:
            def begin(ticket: int, target: int) -> FetchHandle:
                return life._handle.fetch(ticket, target, self.namespace, self.name, start, end, options)

            return Fetch(life, self.namespace, self.name, begin)

        return ask

    def _leave_out(self, part: LeftOut) -> None:
        told = self._gap_count
        super()._leave_out(part)
        if self._gap_count > told:
            self._progress.passed(place_behind(self._gaps[-1].end))

    def _tell(self, gap: Gap) -> None:
        super()._tell(gap)
        self._session._tell(GapFound(self, gap))

    def _life_ended(self) -> None:
        if self._lost_at is None:
            self._lost_at = self._session._hub.loop.time()
        self._readable.set()

    # ---- for the application ----

    def _add_up(self, statistics: dict[str, int]) -> None:
        for name, value in statistics.items():
            if not name.endswith("_waiting"):
                self._before[name] = self._before.get(name, 0) + value

    def statistics(self) -> SubscriptionStatistics:
        now = {name: value + self._before.get(name, 0) for name, value in self._handle.statistics().items()}
        now["objects_repeated"] += self._progress.repeated
        return SubscriptionStatistics(**now, resumptions=self._resumptions, gaps=self._gap_count)

    @property
    def objects_dropped(self) -> int:
        return self._handle.dropped + self._before.get("objects_dropped", 0)

    @property
    def objects_too_large(self) -> int:
        return self._handle.too_large + self._before.get("objects_too_large", 0)

    async def update(self, **changes: Any) -> Location | None:
        ask = super().update
        largest: Location | None = await self._session._through(lambda: ask(**changes))
        self._note(changes, largest)
        return largest

    def _note(self, changes: dict[str, Any], largest: Location | None) -> None:
        """The next session is asked for what the application wants now."""
        if changes.get("filter") is not None:
            wanted = chosen_filter(changes["filter"], changes.get("start"), changes.get("end_group"))
            assert wanted is not None
            self._native["filter"] = wanted
            self._progress.passed(wanted.resolve_start(None))
        if changes.get("priority") is not None:
            self._native["priority"] = changes["priority"]
        if changes.get("delivery_timeout") is not None:
            self._native["delivery_timeout_ms"] = milliseconds(changes["delivery_timeout"], "delivery_timeout", least=1)
        if (timeout := changes.get("subgroup_delivery_timeout")) is not None:
            self._native["subgroup_delivery_timeout_ms"] = milliseconds(timeout, "subgroup_delivery_timeout", least=1)
        if (filters := changes.get("range_filters")) is not None:
            self._native["range_filters"] = filters_after(self._native["range_filters"], filters)
        if changes.get("authorization_tokens"):
            self._native["tokens"] = tokens_of(changes["authorization_tokens"])
        if changes.get("forward") is not None and changes["forward"] != self._native["forward"]:
            self._native["forward"] = changes["forward"]
            if changes["forward"] and largest is not None:
                self._progress.passed(Location(largest.group, largest.object + 1))

    async def unsubscribe(self) -> None:
        if self._catching_up is not None:
            self._catching_up._cancel()
        if self._returning is not None:
            self._returning.cancel()
        self._session._forget(self)
        await super().unsubscribe()
