"""Tracks that contradict themselves: a relay ends them for its subscribers."""

from __future__ import annotations

from moqt.conform.cases.case import case
from moqt.conform.cases.flows import ALIAS, Flow, subscribed
from moqt.conform.outcomes import NotOk
from moqt.conform.wire import codes
from moqt.conform.wire.objects import datagram, subgroup_header, subgroup_object
from moqt.conform.world import World

SECTION = "15,16:2.4.2 18:2.4.2 22:12.1"


async def ended(flow: Flow) -> None:
    """PUBLISH_DONE with MALFORMED_TRACK, and a session that goes on."""
    found = await flow.subscription.next("PUBLISH_DONE with MALFORMED_TRACK")
    wanted = 0x7 if flow.subscriber.draft.number == 15 else 0x12
    if found.name != "PUBLISH_DONE" or found.code != wanted:
        raise NotOk(f"{found} instead of PUBLISH_DONE with {wanted:#x} MALFORMED_TRACK")
    await flow.subscriber.alive()


async def first(flow: Flow, *, count: int = 1) -> None:
    """What came before is there."""
    await flow.subscriber.until(lambda: len(flow.subscriber.objects_of(flow.alias)) >= count, "the objects before")


@case(
    "malformed-track/object-behind-the-end-of-group",
    SECTION,
    "An object behind End of Group ends the track.",
    roles="relay",
)
async def behind_group(world: World) -> None:
    flow = await subscribed(world)
    data = subgroup_header(world.draft, ALIAS, 1) + subgroup_object(world.draft, 0, b"x")
    await flow.publisher.uni_stream(data + subgroup_object(world.draft, 0, status=codes.END_OF_GROUP), fin=True)
    await first(flow, count=2)
    late = subgroup_header(world.draft, ALIAS, 1, 5) + subgroup_object(world.draft, 9, b"late")
    await flow.publisher.uni_stream(late, fin=True)
    await ended(flow)


@case(
    "malformed-track/object-behind-the-end-of-track",
    SECTION,
    "An object behind End of Track ends the track.",
    roles="relay",
)
async def behind_track(world: World) -> None:
    flow = await subscribed(world)
    data = subgroup_header(world.draft, ALIAS, 1) + subgroup_object(world.draft, 0, b"x")
    await flow.publisher.uni_stream(data + subgroup_object(world.draft, 0, status=codes.END_OF_TRACK), fin=True)
    await first(flow, count=2)
    late = subgroup_header(world.draft, ALIAS, 7) + subgroup_object(world.draft, 0, b"late")
    await flow.publisher.uni_stream(late, fin=True)
    await ended(flow)


@case(
    "malformed-track/both-ways-of-delivery",
    "15:2.4.2",
    "An object in a datagram after one on a stream ends the track.",
    roles="relay",
)
async def both_ways(world: World) -> None:
    flow = await subscribed(world)
    await flow.publisher.uni_stream(
        subgroup_header(world.draft, ALIAS, 1) + subgroup_object(world.draft, 0, b"x"), fin=True
    )
    await first(flow)
    flow.publisher.connection.send_datagram(datagram(world.draft, ALIAS, 2, 0, b"y"))
    await ended(flow)
