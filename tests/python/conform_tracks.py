"""Tracks of the scripted relay, and who receives them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from moqt.conform.peer.exchange import Exchange
from moqt.conform.peer.inflow import DataStream
from moqt.conform.wire import codes
from moqt.conform.wire.messages import Message
from moqt.conform.wire.objects import Object, datagram, subgroup_header, subgroup_object
from moqt.conform.wire.values import Location, Namespace, WireError
from msquic.exceptions import QuicError

if TYPE_CHECKING:
    from conform_relay import ScriptedRelay
    from conform_session import RelaySession


class Subscription:
    """One subscriber of a track."""

    def __init__(self, session: RelaySession, exchange: Exchange, alias: int, request: Message) -> None:
        self.session, self.exchange, self.alias, self.request = session, exchange, alias, request
        self.accepted = False
        self.over = False
        forward = request.parameter(codes.FORWARD)
        self.forward = forward is None or bool(forward)
        self.start = Location(0, 0)
        self.last_group: int | None = None
        self.streams: dict[int, Any] = {}
        self.last: dict[int, int] = {}
        self.opened = 0

    def set_filter(self, largest: Location | None) -> None:
        chosen = self.request.parameter(codes.FILTER)
        if chosen is None:
            return
        kind, fields, draft = chosen.type, chosen.fields, self.session.draft
        following = Location(0, 0) if largest is None else Location(largest.group, largest.object + 1)
        next_group = Location(0, 0) if largest is None else Location(largest.group + 1, 0)
        if draft.number >= 22:
            starts = {0: Location(0, 0), 1: next_group, 5: following}
            self.start = starts[kind] if kind in starts else Location(fields[0], fields[1])
            if kind >= 3 and kind != 5:
                self.last_group = fields[0] + fields[2]
            return
        self.start = following if kind == 2 else next_group if kind == 1 else Location(fields[0], fields[1])
        if kind == 4:
            self.last_group = fields[2] + (fields[0] if draft.request_streams else 0)

    def wants(self, found: Object) -> bool:
        if self.over or not self.accepted:
            return False
        ignores = self.session.relay.has
        if not self.forward and not ignores("ignores-forward"):
            return False
        if ignores("ignores-filters"):
            return True
        return found.place >= self.start and (self.last_group is None or found.group <= self.last_group)


class Track:
    """What one publisher sends to any number of subscribers."""

    def __init__(self, relay: ScriptedRelay, namespace: Namespace, name: bytes) -> None:
        self.relay, self.namespace, self.name = relay, namespace, name
        self.publisher: RelaySession | None = None
        self.upstream: Exchange | None = None
        self.established = False
        self.largest: Location | None = None
        self.properties: list[tuple[int, int | bytes]] = []
        self.subscriptions: list[Subscription] = []
        self.objects: dict[tuple[int, int], Object] = {}
        self.ended_groups: dict[int, int] = {}
        self.ended: tuple[int, int] | None = None
        self.ways: set[bool] = set()
        self.key = (namespace, name)

    @property
    def by_publish(self) -> bool:
        return self.upstream is not None and self.upstream.opening == "PUBLISH"

    async def ask(self, publisher: RelaySession) -> None:
        """SUBSCRIBE at the publisher."""
        self.publisher = publisher
        namespace = (b"wrong",) if self.relay.has("asks-for-another") else self.namespace
        self.upstream = await publisher.request("SUBSCRIBE", namespace=namespace, track=self.name)

    async def answered(self, session: RelaySession, exchange: Exchange, message: Message) -> None:
        if message.name == "SUBSCRIBE_OK":
            if self.established:
                raise WireError(codes.PROTOCOL_VIOLATION, "a second SUBSCRIBE_OK")
            known = session.aliases.get(message.alias)
            if known is not None and known is not self and known.established:
                raise WireError(codes.DUPLICATE_TRACK_ALIAS, "an alias of another track")
            self.properties = list(message.fields.get("properties", ()))
            if any(0x4000 <= key <= 0x7FFF for key, _ in self.properties) and session.draft.request_streams:
                self.refuse(codes.UNSUPPORTED_EXTENSION)
                return
            session.aliases[message.alias] = self
            self.established = True
            self.largest = message.parameter(codes.LARGEST_OBJECT)
            for each in self.subscriptions:
                if not each.over:
                    self.accept(each)
        elif message.name == "REQUEST_ERROR" and not self.established:
            if message.code == codes.REDIRECT and message.fields.get("redirect", (b"",))[0]:
                raise WireError(codes.PROTOCOL_VIOLATION, "a Redirect with a URI at a server")
            self.refuse(message.code)

    def refuse(self, code: int) -> None:
        for each in self.subscriptions:
            if not each.over:
                each.session.error(each.exchange, code)
        self.subscriptions.clear()
        self.publisher = self.upstream = None

    def accept(self, each: Subscription) -> None:
        each.set_filter(self.largest)
        each.accepted = True
        parameters = {} if self.largest is None else {codes.LARGEST_OBJECT: self.largest}
        for _ in range(2 if self.relay.has("answers-twice") else 1):
            each.session.say(
                each.exchange, "SUBSCRIBE_OK", alias=1 if self.relay.has("one-alias") else each.alias,
                parameters=parameters,
                properties=() if each.request.parameter(0x35) == 0 else self.properties,
            )  # fmt: skip

    def leave(self, session: RelaySession) -> None:
        self.subscriptions = [each for each in self.subscriptions if each.session is not session]

    async def end(self, code: int, streams: int = 0) -> None:
        """PUBLISH_DONE to everybody."""
        for each in self.subscriptions:
            if each.over or not each.accepted:
                continue
            each.over = True
            try:
                each.session.say(each.exchange, "PUBLISH_DONE", code=code, streams=each.opened, reason=b"")
                each.session.finish(each.exchange)
            except QuicError:
                continue
        if self.relay.tracks.get((self.namespace, self.name)) is self:
            del self.relay.tracks[self.namespace, self.name]

    def _malformed(self, found: Object, streamed: bool) -> bool:
        if self.relay.has("takes-malformed"):
            return False
        draft = self.publisher.draft.number if self.publisher is not None else 15
        self.ways.add(streamed)
        end = self.ended_groups.get(found.group)
        if end is not None and found.id >= end:
            return True
        if self.ended is not None and found.place >= self.ended:
            return True
        if draft == 15 and len(self.ways) > 1:
            return True
        if found.status == codes.END_OF_GROUP:
            self.ended_groups[found.group] = found.id
        if found.status == codes.END_OF_TRACK:
            self.ended = found.place
        return False

    async def arrived(self, session: RelaySession, found: Object, stream: DataStream | None) -> None:
        """An object of the publisher."""
        if self.publisher is not session:
            return
        if self._malformed(found, stream is not None):
            await self.end(0x7 if session.draft.number == 15 else 0x12)
            return
        if not found.status:
            self.objects[found.place] = found
            if not self.relay.has("largest-stays"):
                self.largest = max(self.largest or Location(0, 0), Location(*found.place))
        for each in self.subscriptions[: 1 if self.relay.has("one-subscriber") else None]:
            if each.wants(found):
                try:
                    await self._forward(each, copy.deepcopy(found), stream)
                except QuicError:
                    each.over = not each.session.connection.is_closed and each.over

    async def _forward(self, each: Subscription, found: Object, stream: DataStream | None) -> None:
        change = self.relay.fault.object
        if change is not None:
            changed = change(found)
            if changed is None:
                return
            found = changed
        draft = each.session.draft
        if stream is None:
            kind = (
                (0x01 if found.properties else 0)
                | (0x20 if found.status else 0)
                | (0x08 if found.priority is None else 0)
            )
            data = datagram(
                draft, each.alias, found.group, found.id, found.payload, kind=kind, status=found.status,
                priority=found.priority or 0, listed=found.properties,
            )  # fmt: skip
            each.session.connection.send_datagram(data)
            return
        key = 0 if self.relay.has("one-stream") else id(stream)
        header: Any = stream.header
        kind = 0x14 | (header.type & 0x09) | (0x20 if header.priority is None else 0)
        if self.relay.has("forgets-end-of-group"):
            kind &= ~0x08
        if key not in each.streams:
            each.opened += 1
            each.streams[key] = await each.session.connection.open_uni_stream()
            each.streams[key].write(
                subgroup_header(
                    draft, each.alias, found.group, found.subgroup or 0, kind=kind, priority=header.priority or 0
                )
            )
            each.last[key] = -1
        listed = found.properties if header.has_properties else None
        delta = found.id - each.last[key] - 1
        each.last[key] = found.id
        each.streams[key].write(
            subgroup_object(draft, max(delta, 0), found.payload, status=found.status, listed=listed)
        )

    def stream_over(self, stream: DataStream) -> None:
        """FIN or reset of the publisher's stream."""
        for each in self.subscriptions:
            opened = each.streams.get(id(stream))
            if opened is None:
                continue
            try:
                if stream.inflow.finished != self.relay.has("swaps-ends"):
                    opened.write_eof()
                else:
                    opened.reset(0)
            except QuicError:
                continue
