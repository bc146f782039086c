"""The runner's eight cases, as its documents describe them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from moqt.conform.outcomes import NotOk
from moqt.conform.peer.exchange import Exchange
from moqt.conform.peer.session import Peer
from moqt.conform.wire import codes
from moqt.conform.wire.objects import subgroup_header, subgroup_object
from moqt.conform.world import World

NAMESPACE = (b"moq-test", b"interop")
TRACK = b"test-track"
PUBLISH_NAMESPACE = (b"moq-test", b"publish")
PUBLISH_TRACK = b"published-track"
_ALIAS = 1


@dataclass(frozen=True)
class Scenario:
    """One case of the runner."""

    name: str
    other_name: str
    """What moq-test-client calls it."""
    roles: tuple[str, ...]
    """Of its connections, in their order."""
    seconds: float
    run: Callable[[World], Awaitable[None]]


async def setup_only(world: World) -> None:
    await world.session()


async def _announce(peer: Peer) -> Exchange:
    request = await peer.request("PUBLISH_NAMESPACE", namespace=NAMESPACE)
    await request.expect("REQUEST_OK")
    return request


async def announce_only(world: World) -> None:
    await _announce(await world.session())


async def publish_namespace_done(world: World) -> None:
    peer = await world.session()
    request = await _announce(peer)
    request.cancel()
    # What was sent has to be taken before the session is closed.
    await peer.alive()


async def subscribe_error(world: World) -> None:
    peer = await world.session()
    request = await peer.request("SUBSCRIBE", namespace=(b"nonexistent", b"namespace"), track=TRACK)
    await request.refused()


async def announce_subscribe(world: World) -> None:
    publisher = await world.session()
    await _announce(publisher)
    subscriber = await world.session()
    request = await subscriber.request("SUBSCRIBE", namespace=NAMESPACE, track=TRACK)
    asked = await publisher.incoming_request("SUBSCRIBE")
    asked.send("SUBSCRIBE_OK", alias=_ALIAS)
    await request.expect("SUBSCRIBE_OK")


async def subscribe_before_announce(world: World) -> None:
    subscriber = await world.session()
    request = await subscriber.request("SUBSCRIBE", namespace=NAMESPACE, track=TRACK)
    await asyncio.sleep(0.5)  # the case demands it
    publisher = await world.session()
    await _announce(publisher)
    if not request.messages:
        # A relay that held the request asks the publisher now.
        asked = await publisher.incoming_request("SUBSCRIBE")
        asked.send("SUBSCRIBE_OK", alias=_ALIAS)
    found = await request.next()
    if found.name not in ("SUBSCRIBE_OK", "REQUEST_ERROR"):
        raise NotOk(f"{found.name} for SUBSCRIBE")


async def _publish(publisher: Peer) -> tuple[Exchange, int]:
    """PUBLISH, and the Forward State of its answer."""
    request = await publisher.request("PUBLISH", namespace=PUBLISH_NAMESPACE, track=PUBLISH_TRACK, alias=_ALIAS)
    found = await request.expect("PUBLISH_OK", "REQUEST_OK")
    forward = found.parameter(codes.FORWARD)
    return request, 1 if forward is None else forward


async def _one_object(publisher: Peer, payload: bytes) -> None:
    draft = publisher.draft
    data = subgroup_header(draft, _ALIAS, 0, 0) + subgroup_object(draft, 0, payload)
    await publisher.uni_stream(data, fin=True)


async def publish_track_only(world: World) -> None:
    publisher = await world.session()
    request, forward = await _publish(publisher)
    if forward:
        await _one_object(publisher, b"moqt18-publish-track-only")
    request.publish_done(forward, codes.TRACK_ENDED)
    await publisher.alive()


async def publish_track_subscribe(world: World) -> None:
    subscriber = await world.session()
    parameters = {codes.RENDEZVOUS_TIMEOUT: 5000} if world.draft.request_streams else {}
    request = await subscriber.request(
        "SUBSCRIBE", namespace=PUBLISH_NAMESPACE, track=PUBLISH_TRACK, parameters=parameters
    )
    publisher = await world.session()
    publication, forward = await _publish(publisher)
    if forward != 1:
        raise NotOk("Forward State 0 in the answer to PUBLISH, while a subscriber waits")
    alias = (await request.expect("SUBSCRIBE_OK")).alias
    payload = b"moqt18-publish-track-subscribe"
    await _one_object(publisher, payload)
    publication.publish_done(1, codes.TRACK_ENDED)
    await subscriber.until(lambda: subscriber.objects_of(alias), "the object")
    found = [(each.place, each.payload) for each in subscriber.objects_of(alias)]
    if found != [((0, 0), payload)]:
        raise NotOk(f"objects {found}")
    done = await request.next("PUBLISH_DONE")
    if (done.name, done.fields.get("code"), done.fields.get("streams")) != ("PUBLISH_DONE", codes.TRACK_ENDED, 1):
        raise NotOk(f"{done} instead of PUBLISH_DONE with TRACK_ENDED and 1 stream")


_ONE, _TWO, _REVERSED = ("",), ("publisher", "subscriber"), ("subscriber", "publisher")
SCENARIOS = (
    Scenario("setup-only", "setup-only", _ONE, 2, setup_only),
    Scenario("announce-only", "publish-namespace-only", _ONE, 4, announce_only),
    Scenario("publish-namespace-done", "publish-namespace-done", _ONE, 4, publish_namespace_done),
    Scenario("subscribe-error", "subscribe-error", _ONE, 4, subscribe_error),
    Scenario("announce-subscribe", "publish-namespace-subscribe", _TWO, 5, announce_subscribe),
    Scenario(
        "subscribe-before-announce", "subscribe-before-publish-namespace", _REVERSED, 5, subscribe_before_announce
    ),
    Scenario("publish-track-only", "publish-track-only", _ONE, 10, publish_track_only),
    Scenario("publish-track-subscribe", "publish-track-subscribe", _REVERSED, 10, publish_track_subscribe),
)
BY_NAME = {name: each for each in SCENARIOS for name in (each.other_name, each.name)}
