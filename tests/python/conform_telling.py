"""What a session of the scripted relay says, unless its fault says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conform_tracks import Subscription, Track
from moqt.conform.peer.exchange import Exchange
from moqt.conform.peer.session import Peer
from moqt.conform.wire import codes
from moqt.conform.wire.draft import Draft
from moqt.conform.wire.messages import Message
from moqt.conform.wire.values import Namespace
from msquic.asyncio import Connection

if TYPE_CHECKING:
    from conform_relay import ScriptedRelay


class Telling(Peer):
    """The sending half of a session."""

    def __init__(self, relay: ScriptedRelay, connection: Connection, draft: Draft, timeout: float) -> None:
        self.relay = relay
        self.published: list[Namespace] = []
        self.interests: list[tuple[Exchange, str, Namespace]] = []
        self.told: set[tuple[int, Namespace]] = set()
        self.subscriptions: dict[int, Subscription] = {}
        self.next_alias = 1000
        super().__init__(connection, draft, is_client=False, timeout=timeout)

    def outgoing(self, name: str, fields: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
        sends = self.relay.fault.sends
        return (name, fields) if sends is None else sends(name, fields)

    def say(self, exchange: Exchange, name: str, **fields: Any) -> None:
        """A message of a request, unless the fault says otherwise."""
        changed = self.outgoing(name, fields)
        if changed is not None:
            exchange.send(changed[0], **changed[1])

    def error(self, exchange: Exchange, code: int, *, fin: bool = True) -> None:
        self.say(exchange, "REQUEST_ERROR", code=code, reason=b"scripted")
        if fin:
            self.finish(exchange)

    def finish(self, exchange: Exchange) -> None:
        if exchange.stream is not None and not self.relay.has("leaves-streams-open"):
            exchange.stream.write_eof()

    def _interest(self, namespace: Namespace, *kinds: str) -> tuple[Exchange, Namespace] | None:
        for exchange, kind, prefix in self.interests:
            if kind in kinds and (namespace[: len(prefix)] == prefix or self.relay.has("tells-everything")):
                return exchange, prefix
        return None

    async def tell(self, namespace: Namespace, *, existing: bool = False) -> None:
        found = self._interest(namespace, "SUBSCRIBE_NAMESPACE")
        if (
            found is None
            or (existing and self.relay.has("only-later"))
            or (not existing and self.relay.has("only-existing"))
        ):
            return
        exchange, prefix = found
        if (exchange.request_id, namespace) in self.told:
            return
        self.told.add((exchange.request_id, namespace))
        if self.draft.number == 15:
            changed = self.outgoing("NAMESPACE", {"namespace": namespace})
            if changed is not None:
                await self.request("PUBLISH_NAMESPACE", **changed[1])
            return
        self.say(exchange, "NAMESPACE", namespace=namespace[len(prefix) :])

    async def tell_gone(self, namespace: Namespace) -> None:
        found = self._interest(namespace, "SUBSCRIBE_NAMESPACE")
        if found is None:
            return
        exchange, prefix = found
        self.told.discard((exchange.request_id, namespace))
        if self.draft.number == 15:
            changed = self.outgoing("NAMESPACE_DONE", {"namespace": namespace})
            if changed is not None:
                self.send("PUBLISH_NAMESPACE_DONE", **changed[1])
            return
        self.say(exchange, "NAMESPACE_DONE", namespace=namespace[len(prefix) :])

    async def offer(self, track: Track) -> None:
        kinds = ("SUBSCRIBE_TRACKS",) if self.draft.number >= 18 else ("SUBSCRIBE_NAMESPACE",)
        found = self._interest(track.namespace, *kinds)
        if self.relay.has("offers-to-everybody") and found is None and track.publisher is not self:
            found = (self.exchanges.get(0) or Exchange(self, 0, "", None)), ()
        if found is None:
            return
        forward = None if found[0].request is None else found[0].request.parameter(codes.FORWARD)
        self.next_alias += 1
        fields: dict[str, Any] = {"namespace": track.namespace, "track": track.name, "alias": self.next_alias}
        if forward is not None:
            fields["parameters"] = {codes.FORWARD: forward}
        changed = self.outgoing("PUBLISH", fields)
        if changed is None:
            return
        exchange = await self.request("PUBLISH", **changed[1])
        subscription = Subscription(self, exchange, self.next_alias, Message("PUBLISH", {"parameters": []}))
        subscription.accepted = True
        track.subscriptions.append(subscription)
        self.subscriptions[exchange.request_id] = subscription
