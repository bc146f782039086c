"""What a subscription lets through: its filter and its Forward State."""

from __future__ import annotations

from moqt.conform.cases.case import case
from moqt.conform.cases.delivery import arrived
from moqt.conform.cases.flows import ALIAS, TRACK, announced, answered, group, subscribed
from moqt.conform.outcomes import NotOk
from moqt.conform.wire import codes
from moqt.conform.wire.objects import subgroup_header, subgroup_object
from moqt.conform.wire.values import Filter, Location, ParameterValue
from moqt.conform.world import World

FILTERS = "15,16:5.1.2 18:5.1.2"


async def _filtered(world: World, chosen: Filter, *, wanted: list[tuple[int, int]]) -> None:
    """A second subscriber with a filter, of a track whose largest object is {2, 1}; then come groups 2 to 5."""
    flow = await subscribed(world)
    await group(flow.publisher, 1, b"a", b"b")
    data = (
        subgroup_header(world.draft, ALIAS, 2)
        + subgroup_object(world.draft, 0, b"a")
        + subgroup_object(world.draft, 0, b"b")
    )
    opened = await flow.publisher.uni_stream(data)
    await arrived(flow, 4)
    late = await world.requesting()
    parameters: dict[int, ParameterValue] = {codes.FILTER: chosen}
    request = await late.request("SUBSCRIBE", namespace=world.namespace, track=TRACK, parameters=parameters)
    found = await request.expect("SUBSCRIBE_OK")
    await flow.publisher.alive()
    opened.write(subgroup_object(world.draft, 0, b"c"))
    opened.write_eof()
    for number in (3, 4, 5):
        await group(flow.publisher, number, b"a")
    await arrived(flow, 8)
    await late.until(lambda: len(late.objects_of(found.alias)) >= len(wanted), f"the objects {wanted}")
    await late.alive()
    places = sorted(each.place for each in late.objects_of(found.alias))
    if places != wanted:
        raise NotOk(f"objects {places} instead of {wanted}")


@case(
    "filter/largest-object",
    FILTERS + " 22:9.20.9",
    "Largest Object, Next Object: what comes from now on.",
    roles="relay",
)
async def filter_largest(world: World) -> None:
    kind = Filter(5) if world.draft.number >= 22 else Filter(2)
    await _filtered(world, kind, wanted=[(2, 2), (3, 0), (4, 0), (5, 0)])


@case(
    "filter/next-group", FILTERS + " 22:9.20.9", "Next Group Start: what comes from the next group on.", roles="relay"
)
async def filter_next(world: World) -> None:
    kind = Filter(1, (0,)) if world.draft.number >= 22 else Filter(1)
    await _filtered(world, kind, wanted=[(3, 0), (4, 0), (5, 0)])


@case("filter/absolute-start", FILTERS + " 22:9.20.9", "AbsoluteStart: what comes from there on.", roles="relay")
async def filter_start(world: World) -> None:
    kind = Filter(2, (4, 0)) if world.draft.number >= 22 else Filter(3, (4, 0))
    await _filtered(world, kind, wanted=[(4, 0), (5, 0)])


@case("filter/absolute-range", FILTERS + " 22:9.20.9", "AbsoluteRange: what comes within it.", roles="relay")
async def filter_range(world: World) -> None:
    fields = (3, 0, 1) if world.draft.request_streams else (3, 0, 4)
    kind = Filter(3 if world.draft.number >= 22 else 4, fields)
    await _filtered(world, kind, wanted=[(3, 0), (4, 0)])


@case(
    "forward/0-brings-nothing",
    "15:9.2.1.10 16:9.2.2.8 18:10.2.12 22:9.20.18",
    "With FORWARD 0 no object comes; an update starts them.",
    roles="relay",
)
async def forward_0(world: World) -> None:
    publisher, subscriber = await announced(world), await world.requesting()
    request = await subscriber.request(
        "SUBSCRIBE", namespace=world.namespace, track=TRACK, parameters={codes.FORWARD: 0}
    )
    await answered(publisher, largest=Location(0, 0))
    alias = (await request.expect("SUBSCRIBE_OK")).alias
    await group(publisher, 1, b"not this")
    await publisher.alive()
    await subscriber.alive()
    if subscriber.objects_of(alias):
        raise NotOk("an object in Forward State 0")
    await (await request.update(parameters={codes.FORWARD: 1})).expect("REQUEST_OK", optional=True)
    await publisher.alive()
    await group(publisher, 2, b"this")
    await subscriber.until(
        lambda: any(each.group == 2 for each in subscriber.objects_of(alias)), "an object in Forward State 1"
    )


@case(
    "forward/0-by-update",
    "15:9.2.1.10 16:9.2.2.8 18:10.2.12 22:9.20.18",
    "After an update to FORWARD 0 no object comes.",
    roles="relay",
)
async def forward_update(world: World) -> None:
    flow = await subscribed(world)
    await (await flow.subscription.update(parameters={codes.FORWARD: 0})).expect("REQUEST_OK", optional=True)
    await group(flow.publisher, 1, b"not this")
    await flow.publisher.alive()
    await flow.subscriber.alive()
    if flow.subscriber.objects_of(flow.alias):
        raise NotOk("an object in Forward State 0")
