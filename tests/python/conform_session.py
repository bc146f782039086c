"""One session of the scripted relay."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from conform_fetching import fetch, fill
from conform_telling import Telling
from conform_tracks import Subscription, Track
from moqt.conform.outcomes import NotOk
from moqt.conform.peer.exchange import Exchange
from moqt.conform.peer.inflow import DataStream
from moqt.conform.wire import codes
from moqt.conform.wire.draft import Draft
from moqt.conform.wire.messages import Message
from moqt.conform.wire.objects import Subgroup
from moqt.conform.wire.reader import Reader
from moqt.conform.wire.values import WireError
from msquic.asyncio import Connection
from msquic.exceptions import QuicError

if TYPE_CHECKING:
    from conform_relay import ScriptedRelay

PV = codes.PROTOCOL_VIOLATION
# What may be said on a request after its first message, by the other side of it.
_ANSWERS = {
    "SUBSCRIBE": ("SUBSCRIBE_OK", "REQUEST_ERROR", "PUBLISH_DONE", "REQUEST_OK", "GOAWAY", "PUBLISH_STATE_NOTIFY"),
    "FETCH": ("FETCH_OK", "REQUEST_ERROR", "GOAWAY"),
    "PUBLISH": ("PUBLISH_OK", "REQUEST_OK", "REQUEST_ERROR", "REQUEST_UPDATE", "UNSUBSCRIBE", "GOAWAY"),
    "PUBLISH_NAMESPACE": ("REQUEST_OK", "REQUEST_ERROR", "GOAWAY", "PUBLISH_NAMESPACE_CANCEL"),
}


class RelaySession(Telling):
    """Reads as every session of the tool does, and answers."""

    def __init__(self, relay: ScriptedRelay, connection: Connection, draft: Draft, timeout: float) -> None:
        self.aliases: dict[int, Track] = {}
        self.taken_messages: dict[int, int] = {}
        self.forwarded: dict[int, int] = {}
        self.closing = False
        super().__init__(relay, connection, draft, timeout)

    async def serve(self) -> None:
        with contextlib.suppress(QuicError, NotOk):  # the client may be gone already
            await self.open_control()
        while not self.connection.is_closed and not self.closing:
            self._change.clear()
            try:
                await self.step()
            except WireError as error:
                self.violation = error
            except (QuicError, NotOk):
                continue
            if self.violation is not None:
                self.violated(self.violation)
            if not self._change.is_set():
                await self._change.wait()
        await self.connection.wait_closed()

    async def open_control(self) -> None:
        parameters: Any = {codes.IMPLEMENTATION: b"scripted"}
        if not self.draft.request_streams:
            parameters[codes.MAX_REQUEST_ID] = 1000
        while not self.connection.is_closed:
            if self.draft.request_streams or self.setup is not None or self.violation is not None:
                break
            await self.wait()
        if self.violation is not None:
            self.violated(self.violation)
            if self.closing:
                return
        changed = self.outgoing("SETUP", {"parameters": parameters})
        if changed is not None:
            await self.open(changed[1]["parameters"])

    async def wait(self) -> None:
        self._change.clear()
        await self._change.wait()

    def violated(self, error: WireError) -> None:
        fault = self.relay.fault
        self.violation = None
        if fault.tolerates:
            return
        self.end(error.code if fault.code is None else fault.code, error.text)

    def end(self, code: int, reason: str = "") -> None:
        self.closing = True
        self.connection.abort(code, reason)

    def observe(self, event: str, value: Any) -> None:
        refuses = self.relay.fault.refuses
        if refuses is not None and refuses(event, value):
            self.end(PV, f"refused {event}")
            raise NotOk("refused")

    # ---- what came since ----

    async def step(self) -> None:
        if self.setup is not None and not getattr(self, "observed", False):
            self.observed = True
            self.observe("setup", self.setup)
            self.check_setup(self.setup)
        if self.setup is None and self.draft.request_streams:
            return
        for message in self.messages[self.taken_messages.get(-1, 0) :]:
            self.taken_messages[-1] = self.taken_messages.get(-1, 0) + 1
            self.observe("message", message)
            await self.control_message(message)
        # A request may depend on the end of one before it, and what follows on a request on its beginning.
        await self.follow()
        while self.incoming:
            exchange = self.incoming.pop(0)
            assert exchange.request is not None
            self.observe("message", exchange.request)
            await self.requested(exchange, exchange.request)
        await self.follow()
        for index, stream in enumerate(self.data):
            await self.streamed(index, stream)
        while self.datagrams:
            alias, found = self.datagrams.pop(0)
            track = self.aliases.get(alias)
            self.observe("datagram", (track, found))
            if track is not None:
                await track.arrived(self, found, None)

    async def follow(self) -> None:
        for number, exchange in list(self.exchanges.items()):
            if exchange in self.incoming:
                continue
            first = self.taken_messages.get(number, 0)
            for message in exchange.messages[first:]:
                self.taken_messages[number] = self.taken_messages.get(number, 0) + 1
                self.observe("message", message)
                await self.followed(exchange, message)
            if exchange.over and not getattr(exchange, "ended", False):
                exchange.ended = True  # type: ignore[attr-defined]
                await self.cancelled(exchange)

    def check_setup(self, setup: Message) -> None:
        path, authority = setup.parameter(codes.PATH), setup.parameter(codes.AUTHORITY)
        if path and (not path.startswith((b"/", b"?")) or b" " in path or b"%zz" in path):
            raise WireError(codes.MALFORMED_PATH, "a malformed PATH")
        if authority and (b" " in authority or not authority.rpartition(b":")[2].isdigit()):
            raise WireError(codes.MALFORMED_AUTHORITY, "a malformed AUTHORITY")
        for key, value in setup.parameters:
            if key == codes.SETUP_TOKEN:
                from moqt.conform.wire.parameters import read_token

                kind, _, _ = read_token(Reader(self.draft, value))
                if kind in (0, 2):
                    raise WireError(PV, "a token of SETUP that deletes or uses an alias")

    async def control_message(self, message: Message) -> None:
        if message.name == "PUBLISH_NAMESPACE_DONE" and self.relay.has("dies-of-cancel"):
            self.end(PV, "cancelled")
        if message.name == "PUBLISH_NAMESPACE_DONE" and not self.relay.has("keeps-namespaces"):
            await self.relay.withdraw(self, message.namespace)

    # ---- requests of the peer ----

    async def requested(self, exchange: Exchange, request: Message) -> None:
        handler = getattr(self, "on_" + exchange.opening.lower())
        if self.reserved(exchange, request):
            return
        await handler(exchange, request)

    def reserved(self, exchange: Exchange, request: Message) -> bool:
        namespace = request.fields.get("namespace", ())
        reserved = self.draft.request_streams and namespace[:1] in ((b".",), (b".session",))
        if reserved:
            self.error(exchange, codes.DOES_NOT_EXIST)
        return reserved

    async def on_subscribe(self, exchange: Exchange, request: Message) -> None:
        track = self.relay.track(request.namespace, request.track)
        if any(each.session is self and not each.over for each in track.subscriptions):
            if self.draft.number == 15 and not self.relay.has("allows-second"):
                raise WireError(PV, "a second subscription")
            if self.draft.number in (16, 18) and not self.relay.has("allows-second"):
                self.error(exchange, codes.DUPLICATE_SUBSCRIPTION)
                return
            if self.relay.has("refuses-second"):
                self.error(exchange, codes.DUPLICATE_SUBSCRIPTION)
                return
        self.next_alias += 1
        subscription = Subscription(self, exchange, self.next_alias, request)
        self.subscriptions[exchange.request_id] = subscription
        track.subscriptions.append(subscription)
        if request.parameter(0x26) is not None:
            track.subscriptions.remove(subscription)
            self.error(exchange, codes.INVALID_FILTER)
            return
        if track.established or self.relay.has("answers-at-once"):
            track.accept(subscription)
            await fill(self, exchange.request_id, request, subscription, track)
            return
        publishers = self.relay.publishers(request.namespace)
        if publishers:
            if track.publisher is None:
                await track.ask(publishers[0])
        elif not (request.parameter(codes.RENDEZVOUS_TIMEOUT) and self.draft.request_streams):
            track.subscriptions.remove(subscription)
            if not self.relay.has("silent"):
                self.error(exchange, codes.DOES_NOT_EXIST)
        elif self.relay.has("no-rendezvous"):
            track.subscriptions.remove(subscription)
            self.error(exchange, codes.DOES_NOT_EXIST)

    async def on_track_status(self, exchange: Exchange, request: Message) -> None:
        track = self.relay.tracks.get((request.namespace, request.track))
        if track is None or not track.established:
            if not self.relay.has("silent"):
                self.error(exchange, codes.DOES_NOT_EXIST)
            return
        parameters = {} if track.largest is None else {codes.LARGEST_OBJECT: track.largest}
        self.say(exchange, "REQUEST_OK", parameters=parameters)
        self.finish(exchange)

    async def on_publish(self, exchange: Exchange, request: Message) -> None:
        known = self.aliases.get(request.alias)
        track = self.relay.track(request.namespace, request.track)
        if known is not None and known is not track and known.established:
            raise WireError(codes.DUPLICATE_TRACK_ALIAS, "an alias of another track")
        properties = request.fields.get("properties", ())
        for key, value in properties:
            if (key == 0x30 and value > 1) or (key == 0x22 and value not in (1, 2)):
                raise WireError(PV, "a property out of range")
        if any(0x4000 <= key <= 0x7FFF for key, _ in properties) and self.draft.request_streams:
            self.error(exchange, codes.UNSUPPORTED_EXTENSION)
            return
        if track.publisher is self and track.established and self.draft.request_streams:
            self.error(exchange, codes.DUPLICATE_SUBSCRIPTION)
            return
        if self.relay.has("publishes-once") and track.key in self.relay.ever:
            self.error(exchange, 0x20)
            return
        self.relay.ever.add(track.key)
        wanted = [each for each in track.subscriptions if not each.over]
        name = "REQUEST_OK" if self.draft.request_streams else "PUBLISH_OK"
        forward = {codes.FORWARD: 0 if self.relay.has("never-wants") else 1}
        self.say(exchange, name, parameters={} if self.draft.number >= 22 else forward)
        track.established = True
        track.publisher, track.upstream, track.properties = self, exchange, list(properties)
        self.aliases[request.alias] = track
        for each in wanted:
            if not each.accepted:
                track.accept(each)
        await self.relay.offer(track)

    def _padding(self) -> None:
        if self.relay.has("knows-no-padding"):
            raise WireError(PV, "padding")

    async def on_publish_namespace(self, exchange: Exchange, request: Message) -> None:
        if self.relay.has("one-publisher") and self.relay.publishers(request.namespace):
            self.error(exchange, 0x20)
            return
        self.say(exchange, "REQUEST_OK")
        await self.relay.publish(self, request.namespace)

    async def on_subscribe_namespace(self, exchange: Exchange, request: Message) -> None:
        await self.interested(exchange, request, "SUBSCRIBE_NAMESPACE")

    async def on_subscribe_tracks(self, exchange: Exchange, request: Message) -> None:
        await self.interested(exchange, request, "SUBSCRIBE_TRACKS")

    async def interested(self, exchange: Exchange, request: Message, kind: str) -> None:
        prefix = request.namespace
        for other, what, have in self.interests:
            if what != kind and not self.relay.has("overlaps-kinds"):
                continue
            length = min(len(prefix), len(have))
            if prefix[:length] == have[:length] and other is not exchange and not self.relay.has("overlaps"):
                self.error(exchange, codes.PREFIX_OVERLAP)
                return
        self.interests.append((exchange, kind, prefix))
        self.say(exchange, "REQUEST_OK")
        for session in list(self.relay.sessions):
            for namespace in session.published:
                if session is not self or not self.relay.has("no-echo"):
                    await self.tell(namespace, existing=True)
        for track in list(self.relay.tracks.values()):
            others = track.publisher is not self or self.relay.has("offers-own")
            if track.established and track.by_publish and others and not self.relay.has("only-later"):
                await self.offer(track)

    # ---- what follows on requests ----

    async def followed(self, exchange: Exchange, message: Message) -> None:
        ours = exchange.request_id % 2 == 1
        if message.name == "REQUEST_UPDATE":
            await self.updated(exchange, message)
        elif message.name in ("UNSUBSCRIBE", "FETCH_CANCEL", "UNSUBSCRIBE_NAMESPACE", "PUBLISH_NAMESPACE_DONE"):
            await self.cancelled(exchange)
        elif message.name == "PUBLISH_DONE":
            track = next((each for each in self.relay.tracks.values() if each.upstream is exchange), None)
            if track is not None:
                await track.end(message.code, message.streams)
        elif not ours:
            if message.name != "GOAWAY":
                raise WireError(PV, f"{message.name} on a request of its sender")
        elif message.name not in _ANSWERS.get(exchange.opening, (message.name,)):
            raise WireError(PV, f"{message.name} for {exchange.opening}")
        elif exchange.opening == "SUBSCRIBE":
            track = next(each for each in self.relay.tracks.values() if each.upstream is exchange)
            await track.answered(self, exchange, message)
        elif exchange.opening == "FETCH":
            await self.fetch_answered(exchange, message)
        elif exchange.opening == "PUBLISH" and message.name == "REQUEST_OK" and message.fields.get("properties"):
            raise WireError(PV, "properties in PUBLISH_OK")

    async def updated(self, exchange: Exchange, message: Message) -> None:
        subscription = self.subscriptions.get(exchange.request_id)
        answer = exchange
        if not self.draft.request_streams:
            answer = Exchange(self, message.request_id, "REQUEST_UPDATE", None)
        if subscription is None:
            raise WireError(PV, "an update of no subscription")
        chosen = message.parameter(codes.FILTER)
        if chosen is not None and self.draft.number == 15 and chosen.fields[:2] < tuple(subscription.start):
            raise WireError(PV, "a start that decreases")
        forward = message.parameter(codes.FORWARD)
        if forward is not None and not self.relay.has("ignores-updates"):
            subscription.forward = bool(forward)
        self.say(answer, "REQUEST_OK")
        track = next((each for each in self.relay.tracks.values() if subscription in each.subscriptions), None)
        if track is not None:
            await fill(self, message.request_id, message, subscription, track)

    async def cancelled(self, exchange: Exchange) -> None:
        self.interests = [
            each for each in self.interests if each[0] is not exchange or self.relay.has("keeps-interests")
        ]
        subscription = self.subscriptions.get(exchange.request_id)
        if subscription is not None:
            subscription.over = True
            for track in self.relay.tracks.values() if self.relay.has("ends-for-all") else ():
                if subscription in track.subscriptions:
                    track.subscriptions.clear()
        published = exchange.opening == "PUBLISH_NAMESPACE" and exchange.request_id % 2 == 0
        if published and exchange.request is not None and not self.relay.has("keeps-namespaces"):
            await self.relay.withdraw(self, exchange.request.namespace)
        if self.relay.has("dies-of-cancel"):
            self.end(PV, "cancelled")

    # ---- objects ----

    async def streamed(self, index: int, stream: DataStream) -> None:
        if not isinstance(stream.header, Subgroup):
            await self.fetch_streamed(index, stream)
            return
        track = self.aliases.get(stream.header.alias)
        if not getattr(stream, "observed", False):
            stream.observed = True  # type: ignore[attr-defined]
            self.observe("stream", (track, stream))
        if stream.inflow.over and not getattr(stream, "over_observed", False):
            stream.over_observed = True  # type: ignore[attr-defined]
            self.observe("stream-over", (track, stream))
        if track is None:
            return
        for found in stream.objects[self.forwarded.get(index, 0) :]:
            self.forwarded[index] = self.forwarded.get(index, 0) + 1
            self.observe("object", found)
            await track.arrived(self, found, stream)
        if stream.inflow.over and not getattr(stream, "passed", False):
            stream.passed = True  # type: ignore[attr-defined]
            track.stream_over(stream)

    async def fetch_streamed(self, index: int, stream: DataStream) -> None:
        return

    async def fetch_answered(self, exchange: Exchange, message: Message) -> None:
        waiting: Exchange | None = getattr(exchange, "waiting", None)
        if message.name == "FETCH_OK" and tuple(message.end) < getattr(exchange, "start", (0, 0)):
            raise WireError(PV, "FETCH_OK that ends before its start")
        if waiting is not None and message.name == "REQUEST_ERROR":
            waiting.peer.error(waiting, message.code)  # type: ignore[attr-defined]

    async def on_fetch(self, exchange: Exchange, request: Message) -> None:
        await fetch(self, exchange, request)
