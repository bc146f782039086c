"""Namespaces and offers over the sessions that come one after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Unpack

from moqt.asyncio._refusals import may_pass, waits_for
from moqt.asyncio._resuming_subscription import ResumingSubscription
from moqt.asyncio._session_core import SessionCore
from moqt.asyncio.announcing import NamespacePublication
from moqt.asyncio.exceptions import RequestRefused, SessionClosed
from moqt.asyncio.offering import Announcement, Announcements, Offer
from moqt.asyncio.subscribing import Subscription
from moqt.asyncio.subscription_options import (
    Filter,
    SubscriptionOptions,
    check_new_group,
    native_subscription_options,
)
from msquic._native.moqt import AuthorizationToken, TrackNamespace

if TYPE_CHECKING:
    from moqt.asyncio._resuming_session import ResumingSession
    from moqt.asyncio._returning_session import Life

SETTLING = 5.0
"""Seconds that a namespace may take to be announced on the next session before it counts as gone: its publisher is on
its way back as well."""


class ResumingPublication(NamespacePublication):
    """It is announced on each session anew."""

    def __init__(self, session: ResumingSession, namespace: TrackNamespace, tokens: list[AuthorizationToken]) -> None:
        super().__init__(session, namespace, 0)
        self._whole, self._tokens = session, tokens
        self._taken_back = False

    async def _ask(self) -> None:
        await self._ask_on(self._whole._life)

    async def _ask_on(self, life: Life) -> None:
        ticket, answered = life._ask()
        life._handle.publish_namespace(ticket, self.namespace, self._tokens)
        life._publications[ticket] = self
        self._session, self._ticket = life, ticket
        self._move_uri = None  # said of the request that was
        try:
            await life._answer(ticket, answered)
        except BaseException:
            self._take_back(life)
            raise
        self.cancelled = None

    async def _resume(self, life: Life) -> None:
        backoff = self._whole._backoff()
        while not self._taken_back:
            try:
                return await self._ask_on(life)
            except SessionClosed:
                return  # the next session goes on
            except RequestRefused as refused:
                if not may_pass(refused):
                    self.cancelled = refused
                    return
                wait = waits_for(refused, backoff.next())
            await asyncio.sleep(wait)

    async def done(self) -> None:
        self._whole._hub.check()
        self._taken_back = True
        self._whole._announced.discard(self)
        self._take_back(self._session)

    def _take_back(self, life: SessionCore) -> None:
        if life._publications.pop(self._ticket, None) is not None:
            life._handle.cancel(self._ticket)


class ResumingAnnouncements(Announcements):
    """What it has told of is told once, whichever session it is heard on."""

    _session: ResumingSession

    def __init__(self, session: ResumingSession, prefix: TrackNamespace, tokens: list[AuthorizationToken]) -> None:
        super().__init__(session, prefix, tokens)
        self._life: Life | None = None
        self._told: dict[tuple[TrackNamespace, bytes | None], Life] = {}
        """What is there, and on which session it was heard of last."""

    async def __aenter__(self) -> Announcements:
        self._queue.ended = False
        self._session._announcements.append(self)
        try:
            await self._session._through(self._ask)
        except BaseException:
            await self.__aexit__()
            raise
        if self._life is not self._session._life:  # there is another one already
            self._session._start(self._resume(self._session._life))
        return self

    async def _ask(self) -> None:
        await self._ask_on(self._session._life)

    async def _ask_on(self, life: Life) -> None:
        ticket, answered = life._ask()
        life._handle.subscribe_namespace(ticket, self.prefix, self._tokens)
        self._life, self._ticket = life, ticket
        self._move_uri = None  # said of the request that was
        for namespace in life._namespaces:
            self._heard(life, Announcement(namespace, True))
        for offer in life._offers.values():
            self._heard(life, Announcement(offer.namespace, True, offer.name))
        await life._answer(ticket, answered)

    async def _resume(self, life: Life) -> None:
        backoff = self._session._backoff()
        while self in self._session._announcements:
            try:
                await self._ask_on(life)
                break
            except SessionClosed:
                return
            except RequestRefused as refused:
                if not may_pass(refused):
                    break
                wait = waits_for(refused, backoff.next())
            await asyncio.sleep(wait)
        await asyncio.sleep(SETTLING)
        if self._life is not life or life.is_closed:
            return
        for (namespace, name), heard_on in list(self._told.items()):
            if heard_on is not life:
                del self._told[namespace, name]
                self._queue.put(Announcement(namespace, False, name))

    async def __aexit__(self, *exc: object) -> None:
        if self in self._session._announcements:
            self._session._announcements.remove(self)
            if self._life is not None:
                self._life._handle.cancel(self._ticket)
            self._queue.ended = True
            self._queue.changed.set()

    def _heard(self, life: Life, announcement: Announcement) -> None:
        if not self.prefix.is_prefix_of(announcement.namespace):
            return
        key = announcement.namespace, announcement.track_name
        if announcement.active:
            known = key in self._told
            self._told[key] = life
            if not known:
                self._queue.put(announcement)
        elif self._told.get(key) is life:
            del self._told[key]
            self._queue.put(announcement)


class ResumingOffer(Offer):
    """An offer on one of the sessions. What it is accepted for goes on with the next ones."""

    def __init__(self, whole: ResumingSession, life: Life, offer: Offer) -> None:
        super().__init__(life, offer._request, offer.namespace, offer.name, offer.largest, ())
        self.properties = offer.properties
        self._whole, self._life = whole, life

    async def accept(self, *, filter: Filter | None = None, **options: Unpack[SubscriptionOptions]) -> Subscription:
        native = native_subscription_options(filter, options)
        check_new_group(options.get("new_group", False), self.properties)
        life = self._life
        life._raise_if_closed()
        self._raise_if_answered()
        subscription = ResumingSubscription(self._whole, self.namespace, self.name, native, offered=True)
        ticket, answered = life._tickets.new()
        subscription._handle = life._handle.accept_offer(self._request, ticket, subscription._target, native)
        self._taken()
        subscription._on_answer(await life._answer(ticket, answered))
        subscription.largest = self.largest
        subscription._began(life, None)
        self._whole._keep_alive(subscription, life)
        return subscription
