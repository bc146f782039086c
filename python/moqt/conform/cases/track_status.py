"""TRACK_STATUS."""

from __future__ import annotations

from moqt.conform.cases.case import SERVERS, case
from moqt.conform.cases.flows import TRACK, subscribed
from moqt.conform.outcomes import NotOk
from moqt.conform.wire import codes
from moqt.conform.wire.values import Location
from moqt.conform.world import World

STATUS = "15,16:9.19 18:10.14 22:9.13"
NOBODY = (b"moqt-conform", b"nobody")


@case("track-status/unknown-track", STATUS, "TRACK_STATUS of a track that nobody has is refused.", roles=SERVERS)
async def status_unknown(world: World) -> None:
    peer = await world.requesting()
    await (await peer.request("TRACK_STATUS", namespace=NOBODY, track=b"nothing")).refused()


@case("track-status/known-track", STATUS, "TRACK_STATUS of a track with objects tells the largest one.", roles="relay")
async def status_known(world: World) -> None:
    flow = await subscribed(world, largest=Location(3, 4))
    found = await (await flow.subscriber.request("TRACK_STATUS", namespace=world.namespace, track=TRACK)).expect(
        "REQUEST_OK", optional=True
    )
    if found.parameter(codes.LARGEST_OBJECT) != (3, 4):
        raise NotOk(f"LARGEST_OBJECT {found.parameter(codes.LARGEST_OBJECT)}")


@case(
    "track-status/of-the-publisher",
    STATUS,
    "A publisher answers TRACK_STATUS of its track with REQUEST_OK.",
    roles="publisher",
)
async def status_own(world: World) -> None:
    peer = await world.requesting()
    request = await peer.request("TRACK_STATUS", namespace=world.target.namespace, track=world.target.track)
    await request.expect("REQUEST_OK", optional=True)


@case("track-status/stream-ends", "18:10.14 22:9.13", "The stream of TRACK_STATUS ends with the answer.", roles=SERVERS)
async def status_ends(world: World) -> None:
    peer = await world.requesting()
    request = await peer.request("TRACK_STATUS", namespace=NOBODY, track=b"nothing")
    await request.next()
    await peer.until(lambda: request.over, "the end of the stream")
