"""Subscriptions and publications as most cases need them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moqt.conform.cases.case import Role
from moqt.conform.outcomes import NotOk, Skip
from moqt.conform.peer.exchange import Exchange
from moqt.conform.peer.session import Peer
from moqt.conform.wire.codes import LARGEST_OBJECT
from moqt.conform.wire.objects import subgroup_header, subgroup_object
from moqt.conform.wire.values import Location, Namespace
from moqt.conform.world import World

ALIAS = 70
"""Of the tool's tracks; two bytes as a varint, one as a vi64."""
TRACK = b"track"


@dataclass
class Flow:
    """A subscription: of a relay's two ends, or of the one that there is."""

    namespace: Namespace
    name: bytes
    subscriber: Peer
    subscription: Exchange
    alias: int
    """In what the subscriber receives."""
    publisher: Peer
    publication: Exchange
    """The peer's SUBSCRIBE."""
    answer: Any


async def announced(world: World, namespace: Namespace | None = None) -> Peer:
    """A session whose PUBLISH_NAMESPACE the peer took."""
    publisher = await world.requesting()
    request = await publisher.request("PUBLISH_NAMESPACE", namespace=namespace or world.namespace)
    await request.expect("REQUEST_OK", optional=True)
    return publisher


async def answered(publisher: Peer, *, alias: int = ALIAS, largest: Location | None = None, **fields: Any) -> Exchange:
    """The relay's SUBSCRIBE for a track of this session, answered."""
    asked = await publisher.incoming_request("SUBSCRIBE")
    fields.setdefault("parameters", {} if largest is None else {LARGEST_OBJECT: largest})
    asked.send("SUBSCRIBE_OK", alias=alias, **fields)
    return asked


async def subscribed(world: World, *, parameters: Any = None, largest: Location | None = None, **fields: Any) -> Flow:
    """Through a relay: a publisher that announced its namespace, and a subscriber of its track."""
    publisher = await announced(world)
    subscriber = await world.requesting()
    return await joined(world, publisher, subscriber, parameters=parameters, largest=largest, **fields)


async def joined(
    world: World, publisher: Peer, subscriber: Peer, *, track: bytes = TRACK, alias: int = ALIAS,
    parameters: Any = None, largest: Location | None = None, **fields: Any,
) -> Flow:  # fmt: skip
    """Two sessions that are there already."""
    request = await subscriber.request("SUBSCRIBE", namespace=world.namespace, track=track, parameters=parameters or {})
    asked = await answered(publisher, alias=alias, largest=largest, **fields)
    if asked.request is not None and (asked.request.namespace, asked.request.track) != (world.namespace, track):
        raise NotOk("the relay asks for another track than its subscriber")
    answer = await request.expect("SUBSCRIBE_OK")
    return Flow(world.namespace, track, subscriber, request, answer.alias, publisher, asked, answer)


async def receiving(world: World) -> tuple[Peer, int]:
    """A session in which the peer waits for objects of this side, and their alias."""
    if world.target.role is Role.CLIENT:
        peer = await world.session()
        try:
            await answered(peer)
        except NotOk:
            raise Skip("the client subscribes to nothing") from None
        return peer, ALIAS
    if world.target.role is Role.PUBLISHER:
        raise Skip("a publisher receives no objects")
    flow = await subscribed(world)
    return flow.publisher, ALIAS


async def asked_track(world: World) -> tuple[Peer, Exchange, Any]:
    """A subscription to a track that the peer has: through a relay to one of this side, or the publisher's own."""
    if world.target.role is Role.PUBLISHER:
        subscriber = await world.requesting()
        request = await subscriber.request("SUBSCRIBE", namespace=world.target.namespace, track=world.target.track)
        return subscriber, request, await request.expect("SUBSCRIBE_OK")
    flow = await subscribed(world)
    return flow.subscriber, flow.subscription, flow.answer


async def group(
    peer: Peer, number: int, *payloads: bytes, alias: int = ALIAS, kind: int = 0x18, fin: bool = True
) -> None:
    """One subgroup of a group, with objects from 0 on; without properties."""
    data = subgroup_header(peer.draft, alias, number, kind=kind)
    data += b"".join(subgroup_object(peer.draft, 0, payload) for payload in payloads)
    await peer.uni_stream(data, fin=fin)


async def published(world: World, *, forward: int | None = None, **fields: Any) -> tuple[Peer, Exchange]:
    """A session whose PUBLISH the relay took."""
    publisher = await world.requesting()
    if forward is not None:
        fields["parameters"] = {0x10: forward}
    request = await publisher.request("PUBLISH", namespace=world.namespace, track=TRACK, alias=ALIAS, **fields)
    await publish_accepted(request)
    return publisher, request


async def offered(world: World) -> Peer:
    """A session that has sent PUBLISH. The relay may answer when it has heard of its subscribers."""
    publisher = await world.requesting()
    await publisher.request("PUBLISH", namespace=world.namespace, track=TRACK, alias=ALIAS)
    return publisher


async def publish_accepted(request: Exchange) -> Any:
    """PUBLISH_OK: REQUEST_OK from draft-17 on."""
    return await request.expect("REQUEST_OK" if request.peer.draft.request_streams else "PUBLISH_OK", optional=True)
