"""What the native session tells, and what becomes of it."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from moqt.asyncio._hub import Hub, Notice
from moqt.asyncio._session_core import FLUSH_SECONDS
from moqt.asyncio._session_facts import SessionFacts
from moqt.asyncio.authorization import Authorizing
from moqt.asyncio.exceptions import RequestRefused, SessionClosed
from moqt.asyncio.offering import Announcement, Offer
from msquic._native.moqt import ClientSetup, RequestErrorCode, ServerSetup, TrackNamespace
from msquic.asyncio._trust import judge
from msquic.exceptions import PeerClosed

if TYPE_CHECKING:
    from msquic import PeerCertificate

OFFER_SECONDS = 5.0
"""How long an offer waits for somebody to ask for offers."""


class SessionNotices(SessionFacts):
    def __init__(self, hub: Hub, target: int = 0) -> None:
        super().__init__(hub, target)
        self._connected: asyncio.Future[None] = hub.loop.create_future()
        self._established: asyncio.Future[None] = hub.loop.create_future()
        self._verifier: Callable[[PeerCertificate], object] | None = None
        self._of_server = False
        self._accept_namespace: Callable[[Any, TrackNamespace], bool | Awaitable[bool]] | None = None
        self._authorizing: Authorizing | None = None
        """Of a client; a server's sessions ask on its behalf."""
        self._judging: set[asyncio.Task[None]] = set()
        self._goaway_uri: str | None = None
        self._going = asyncio.Event()
        self.peer_setup: ServerSetup | ClientSetup
        """The peer's SETUP message (section 9.3)."""

    def _for_the_application(self) -> SessionNotices:
        """The session that the application knows."""
        return self

    def _wake(self) -> None:
        for track in self._tracks.values():
            track._changed.set()
        for announcements in self._announcements:
            announcements._queue.changed.set()
        for offers in self._offer_queues:
            offers._queue.changed.set()
        self._going.set()
        self._ticket_came.set()
        self._hub.wake_waiting()

    def _on_loop_end(self) -> None:
        if self._closed is not None or self._closing:
            return
        text = f"unclosed {self!r}: it ends with its event loop"
        self._closing = True
        self._handle.close(0, "", FLUSH_SECONDS)
        if not self._of_server:
            warnings.warn(text, ResourceWarning, stacklevel=1, source=self)

    def _on_notice(self, kind: int, ticket: int, value: Any) -> None:
        if kind in (Notice.ANSWERED, Notice.REFUSED, Notice.FAILED, Notice.DRAINED, Notice.TOLD):
            self._tickets.settle(kind, ticket, value)
        elif kind == Notice.ESTABLISHED:
            self.peer_setup = ServerSetup(value)
            if not self._established.done():
                self._established.set_result(None)
        elif kind == Notice.CONNECTED:
            self._transport = value
            if not self._connected.done():
                self._connected.set_result(None)
        elif kind == Notice.CERTIFICATE:
            if self._verifier is not None:
                connection, certificate = value
                judge(self._verifier, certificate, connection._complete_certificate)
        elif kind == Notice.ASKED:
            task = self._hub.loop.create_task(self._judge_namespace(ticket, value))
            self._judging.add(task)
            task.add_done_callback(self._judging.discard)
        elif kind == Notice.AUTHORIZE:
            if self._authorizing is not None:
                self._authorizing.ask(self._handle.decide, ticket, value, lambda _: self._for_the_application())
        elif kind == Notice.AUTHORIZED:
            if self._authorizing is not None:
                self._authorizing.withdraw(ticket, *value)
        elif kind == Notice.TICKET:
            self._ticket = value
            self._ticket_came.set()
        elif kind == Notice.CLOSED:
            self._on_closed(*value)
        elif kind == Notice.NAMESPACE:
            self._on_namespace(*value)
        elif kind == Notice.OFFER:
            self._on_offer(Offer(self, ticket, *value))
        elif kind == Notice.SKIPPED:
            namespace, name = value
            self._announce(Announcement(namespace, True, name))
        elif kind == Notice.ENDED:
            offer = self._offers.pop(ticket, None)
            if offer is not None:
                offer._answered = True
                self._announce(Announcement(offer.namespace, False, offer.name))
        elif kind == Notice.CANCELLED:
            publication = self._publications.pop(ticket, None)
            if publication is not None:
                publication.cancelled = RequestRefused(*value)
        elif kind == Notice.GOING and ticket:
            self._on_request_going(ticket, value)
        elif kind == Notice.GOING:
            self._goaway_uri = value
            self._going.set()

    def _on_request_going(self, ticket: int, uri: str) -> None:
        publication = self._publications.get(ticket)
        for request in [publication] if publication is not None else self._announcements:
            if request._ticket == ticket:
                request._asked_to_move(uri)

    async def _judge_namespace(self, request: int, namespace: TrackNamespace) -> None:
        refusal: int | None = int(RequestErrorCode.INTERNAL_ERROR)
        reason = "the application failed"
        try:
            assert self._accept_namespace is not None
            answer = cast(object, self._accept_namespace(self, namespace))
            if inspect.isawaitable(answer):
                answer = await answer
            if not isinstance(answer, bool):
                raise TypeError(f"accept_namespace must return True or False, not {answer!r}")
            refusal, reason = (None, "") if answer else (int(RequestErrorCode.UNAUTHORIZED), "not this namespace")
        except SessionClosed:
            pass
        except Exception as error:
            self._hub.loop.call_exception_handler(
                {"message": "exception in accept_namespace; the namespace was refused", "exception": error}
            )
        finally:
            self._handle.answer_namespace(request, refusal, reason)

    def _on_closed(self, code: int, name: str, reason: str, remote: bool, error: BaseException | None) -> None:
        self._closed = code, name, reason, remote
        # With the application's code, as both sides of a session close it, all is said.
        self._error = None if isinstance(error, PeerClosed) else error
        for future in (self._connected, self._established):
            if not future.done():
                future.set_exception(self._error or self._closed_error())
                future.exception()
        self._tickets.fail_all(self._closed_error)
        for task in self._answering.values():
            task.cancel()
        if self._authorizing is not None:
            self._authorizing.end()
        self._over.set()
        self._wake()

    def _on_namespace(self, namespace: TrackNamespace, active: bool) -> None:
        if active:
            self._namespaces.append(namespace)
        elif namespace in self._namespaces:
            self._namespaces.remove(namespace)
        self._announce(Announcement(namespace, active))

    def _on_offer(self, offer: Offer) -> None:
        self._offers[offer._request] = offer
        for queue in self._offer_queues:
            queue._queue.put(offer)
        self._announce(Announcement(offer.namespace, True, offer.name))
        self._hub.loop.call_later(OFFER_SECONDS, self._refuse_unwanted, offer)

    def _refuse_unwanted(self, offer: Offer) -> None:
        if not self._offer_queues and self._closed is None:
            offer._refuse(int(RequestErrorCode.UNINTERESTED), "nobody takes offers here")

    def _announce(self, announcement: Announcement) -> None:
        for each in self._announcements:
            each._tell(announcement)
