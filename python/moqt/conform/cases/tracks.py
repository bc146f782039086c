"""SUBSCRIBE_TRACKS."""

from __future__ import annotations

from moqt.conform.cases.case import case
from moqt.conform.cases.flows import group, offered, published
from moqt.conform.cases.namespaces import check_track, interested, overlaps, silent_after_its_end
from moqt.conform.outcomes import NotOk
from moqt.conform.peer.exchange import Exchange
from moqt.conform.peer.session import Peer
from moqt.conform.wire import codes
from moqt.conform.wire.values import Parameters
from moqt.conform.world import World

TRACKS = "18:10.19 22:9.18"


async def tracks(world: World, peer: Peer | None = None, parameters: Parameters | None = None) -> Exchange:
    """An accepted SUBSCRIBE_TRACKS."""
    peer = peer or await world.requesting()
    request = await peer.request("SUBSCRIBE_TRACKS", namespace=world.namespace, parameters=parameters or {})
    await request.expect("REQUEST_OK", optional=True)
    return request


@case("subscribe-tracks/accepted", TRACKS, "SUBSCRIBE_TRACKS is answered REQUEST_OK.", roles="relay publisher")
async def tracks_accepted(world: World) -> None:
    await tracks(world)


@case(
    "subscribe-tracks/tells-what-comes", TRACKS, "It brings PUBLISH for a track that is published later.", roles="relay"
)
async def tracks_later(world: World) -> None:
    interest = await tracks(world)
    await offered(world)
    check_track(await interest.peer.incoming_request("PUBLISH"), world)


@case("subscribe-tracks/tells-what-is-there", TRACKS, "It brings PUBLISH for a track that is there.", roles="relay")
async def tracks_there(world: World) -> None:
    await published(world)
    interest = await tracks(world)
    check_track(await interest.peer.incoming_request("PUBLISH"), world)


@case(
    "subscribe-tracks/not-its-own",
    "18:6.1 22:3.6",
    "It brings no track that the session publishes itself.",
    roles="relay",
)
async def not_own(world: World) -> None:
    publisher, _ = await published(world)
    await tracks(world, publisher)
    await publisher.alive()
    if any(each.opening == "PUBLISH" for each in publisher.incoming):
        raise NotOk("PUBLISH for a track of this session")


@case("subscribe-tracks/forward-0", "18:10.19 22:3.6", "With FORWARD 0 the PUBLISHes have FORWARD 0.", roles="relay")
async def tracks_paused(world: World) -> None:
    interest = await tracks(world, parameters={codes.FORWARD: 0})
    await offered(world)
    found = await interest.peer.incoming_request("PUBLISH")
    assert found.request is not None
    if found.request.parameter(codes.FORWARD) != 0:
        raise NotOk(f"FORWARD {found.request.parameter(codes.FORWARD)} in PUBLISH")


@case(
    "subscribe-tracks/same-prefix-twice",
    TRACKS,
    "A second one with the prefix is refused: PREFIX_OVERLAP.",
    roles="relay publisher",
)
async def tracks_twice(world: World) -> None:
    interest = await tracks(world)
    await overlaps(interest, world.namespace)


@case(
    "subscribe-tracks/longer-prefix",
    TRACKS,
    "A second one below the prefix is refused: PREFIX_OVERLAP.",
    roles="relay publisher",
)
async def tracks_longer(world: World) -> None:
    interest = await tracks(world)
    await overlaps(interest, (*world.namespace, b"below"))


@case(
    "subscribe-tracks/beside-namespaces",
    TRACKS,
    "SUBSCRIBE_NAMESPACE with the same prefix does not overlap.",
    roles="relay publisher",
)
async def beside(world: World) -> None:
    interest = await tracks(world)
    await interested(world, interest.peer)


@case("subscribe-tracks/silent-after-its-end", TRACKS, "After its end no PUBLISH comes.", roles="relay")
async def tracks_silent(world: World) -> None:
    interest = await tracks(world)
    await silent_after_its_end(world, interest)


@case(
    "subscribe-tracks/brings-objects",
    "18:10.19 22:9.18",
    "What it brings can be accepted, and objects follow.",
    roles="relay",
)
async def brings_objects(world: World) -> None:
    interest = await tracks(world)
    publisher = await offered(world)
    found = await interest.peer.incoming_request("PUBLISH")
    assert found.request is not None
    alias = found.request.alias
    found.send("REQUEST_OK")
    await interest.peer.alive()
    await group(publisher, 0, b"published")
    await interest.peer.until(lambda: interest.peer.objects_of(alias), "an object")
