"""Objects through a relay: they arrive as they were sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from moqt.conform.cases.case import Level, case
from moqt.conform.cases.flows import ALIAS, TRACK, Flow, group, subscribed
from moqt.conform.outcomes import NotOk
from moqt.conform.peer.inflow import DataStream
from moqt.conform.wire import codes
from moqt.conform.wire.objects import (
    Object,
    Property,
    datagram,
    datagram_types,
    subgroup_header,
    subgroup_object,
    subgroup_types,
)
from moqt.conform.world import World

SUBGROUP = "15,16:10.4.2 18:11.4.2 22:11.3.1"
DATAGRAM = "15,16:10.3.1 18:11.3.1 22:11.2.1"
STATUS = "15,16:10.2.1.1 18:11.2.1.1 22:11.1.1"
CLOSING = "15,16:10.4.3 18:11.4.3 22:11.3.2"
PROPERTIES = "15,16:10.2.1.2 18:2.5 22:8.4"


async def arrived(flow: Flow, count: int) -> list[Object]:
    """So many objects at the subscriber, by their places."""
    subscriber = flow.subscriber
    await subscriber.until(lambda: len(subscriber.objects_of(flow.alias)) >= count, f"{count} objects")
    return sorted(subscriber.objects_of(flow.alias), key=lambda each: each.place)


async def one_stream(flow: Flow) -> DataStream:
    """The first subgroup stream of the subscription."""
    await flow.subscriber.until(lambda: flow.subscriber.streams_of(flow.alias), "a subgroup stream")
    return flow.subscriber.streams_of(flow.alias)[0]


def compare(found: Sequence[Object], wanted: Sequence[Object], *attributes: str) -> None:
    """Those attributes of the objects are equal."""
    for got, sent in zip(found, wanted, strict=False):
        for each in ("group", "id", *attributes):
            if getattr(got, each) != getattr(sent, each):
                raise NotOk(f"object {sent.place}: {each} {getattr(got, each)!r} instead of {getattr(sent, each)!r}")
    if len(found) != len(wanted):
        raise NotOk(f"{len(found)} objects instead of {len(wanted)}")


async def _subgroups(world: World, chosen: Callable[[int], bool]) -> None:
    """A group of two objects for each of these types of SUBGROUP_HEADER."""
    flow = await subscribed(world)
    draft, wanted = world.draft, list[Object]()
    for number, kind in enumerate(filter(chosen, subgroup_types(draft))):
        mode, explicit = kind & 0x06, 9
        listed: list[Property] | None = [(0x3C5A, number)] if kind & 1 else None
        priority = 128 if kind & 0x20 else 33
        subgroup = {0: 0, 2: 4, 4: explicit}[mode]
        data = subgroup_header(draft, ALIAS, number, explicit, kind=kind, priority=33)
        for delta, place in ((4, 4), (1, 6)):
            payload = b"%d of type %x" % (place, kind)
            data += subgroup_object(draft, delta, payload, listed=listed)
            wanted.append(Object(number, place, payload, subgroup=subgroup, priority=priority, properties=listed or []))
        await flow.publisher.uni_stream(data, fin=True)
    found = await arrived(flow, len(wanted))
    for each in found:
        if each.priority is None:
            each.priority = 128
    compare(found, wanted, "payload", "subgroup", "priority", "properties")


_KINDS: tuple[tuple[str, str, Callable[[int], bool]], ...] = (
    ("subgroup-0", "the subgroup 0", lambda kind: kind & 0x47 == 0),
    ("first-object", "the first object's ID as subgroup", lambda kind: kind & 0x47 == 2),
    ("explicit", "a subgroup in the header", lambda kind: kind & 0x47 == 4),
    ("properties", "properties", lambda kind: kind & 0x41 == 1),
)
for _name, _text, _chosen in _KINDS:

    @case(
        f"delivery/subgroups-{_name}",
        SUBGROUP,
        f"Subgroups of the types with {_text} arrive as they were sent.",
        roles="relay",
    )
    async def subgroups(world: World, chosen: Callable[[int], bool] = _chosen) -> None:
        await _subgroups(world, chosen)


@case(
    "delivery/subgroups-first-object-bit",
    "18:11.4.2 22:11.3.1",
    "Subgroups with the bit FIRST_OBJECT arrive as they were sent.",
    roles="relay",
)
async def first_bit(world: World) -> None:
    await _subgroups(world, lambda kind: bool(kind & 0x40))


@case("delivery/datagrams", DATAGRAM, "Datagrams of every type with a payload arrive as they were sent.", roles="relay")
async def datagrams(world: World) -> None:
    flow = await subscribed(world)
    wanted = list[Object]()
    for number, kind in enumerate(each for each in datagram_types(world.draft) if each < 0x10):
        listed: list[Property] = [(0x3C5A, 1), (0x3C5B, b"bytes")] if kind & 1 else []
        place, payload = (0 if kind & 4 else 3), b"of type %x" % kind
        data = datagram(world.draft, ALIAS, number, 3, payload, kind=kind, priority=33, listed=listed)
        flow.publisher.connection.send_datagram(data)
        wanted.append(Object(number, place, payload, priority=128 if kind & 8 else 33, properties=listed))
    found = await arrived(flow, len(wanted))
    for each in found:
        if each.priority is None:
            each.priority = 128
    compare(found, wanted, "payload", "priority", "properties", "subgroup")


@case("delivery/datagram-status", DATAGRAM, "A datagram with the status End of Group arrives.", roles="relay")
async def datagram_status(world: World) -> None:
    flow = await subscribed(world)
    data = datagram(world.draft, ALIAS, 5, 1, kind=0x20, status=codes.END_OF_GROUP)
    flow.publisher.connection.send_datagram(data)
    compare(await arrived(flow, 1), [Object(5, 1, status=codes.END_OF_GROUP)], "status", "payload")


@case("delivery/end-of-group", STATUS, "An object with the status End of Group arrives.", roles="relay")
async def end_of_group(world: World) -> None:
    flow = await subscribed(world)
    data = subgroup_header(world.draft, ALIAS, 5) + subgroup_object(world.draft, 0, b"x")
    data += subgroup_object(world.draft, 0, status=codes.END_OF_GROUP)
    await flow.publisher.uni_stream(data, fin=True)
    compare(await arrived(flow, 2), [Object(5, 0), Object(5, 1, status=codes.END_OF_GROUP)], "status")


@case("delivery/end-of-track", STATUS, "An object with the status End of Track arrives.", roles="relay")
async def end_of_track(world: World) -> None:
    flow = await subscribed(world)
    data = subgroup_header(world.draft, ALIAS, 5) + subgroup_object(world.draft, 0, b"x")
    data += subgroup_object(world.draft, 0, status=codes.END_OF_TRACK)
    await flow.publisher.uni_stream(data, fin=True)
    compare(await arrived(flow, 2), [Object(5, 0), Object(5, 1, status=codes.END_OF_TRACK)], "status")


@case(
    "delivery/does-not-exist", "15:10.2.1.1", "An object with the status Does Not Exist is no violation.", roles="relay"
)
async def does_not_exist(world: World) -> None:
    flow = await subscribed(world)
    data = subgroup_header(world.draft, ALIAS, 5) + subgroup_object(world.draft, 0, status=1)
    data += subgroup_object(world.draft, 0, b"there")
    await flow.publisher.uni_stream(data, fin=True)
    await flow.subscriber.until(
        lambda: any(each.payload == b"there" for each in flow.subscriber.objects_of(flow.alias)), "the object behind it"
    )


@case(
    "delivery/contains-end-of-group", SUBGROUP, "That a subgroup contains the end of its group is told.", roles="relay"
)
async def contains_end(world: World) -> None:
    flow = await subscribed(world)
    await group(flow.publisher, 1, b"x", kind=0x18)
    stream = await one_stream(flow)
    told = stream.header is not None and bool(getattr(stream.header, "ends_group", False))
    if not told and not any(each.status == codes.END_OF_GROUP for each in stream.objects):
        raise NotOk("neither the type of the stream nor an object tells of the end of the group")


@case("delivery/empty-payload", SUBGROUP, "A normal object of no bytes arrives.", roles="relay")
async def empty_payload(world: World) -> None:
    flow = await subscribed(world)
    data = subgroup_header(world.draft, ALIAS, 5) + subgroup_object(world.draft, 0)
    await flow.publisher.uni_stream(data + subgroup_object(world.draft, 0, b"x"), fin=True)
    compare(await arrived(flow, 2), [Object(5, 0), Object(5, 1, b"x")], "payload", "status")


@case("delivery/large-object", SUBGROUP, "An object of 200000 bytes arrives whole.", roles="relay")
async def large(world: World) -> None:
    flow = await subscribed(world)
    payload = bytes(range(250)) * 800
    await group(flow.publisher, 0, payload)
    compare(await arrived(flow, 1), [Object(0, 0, payload)], "payload")


@case("delivery/large-numbers", SUBGROUP, "Groups, subgroups and objects of large numbers arrive.", roles="relay")
async def large_numbers(world: World) -> None:
    flow = await subscribed(world)
    top = world.draft.max_integer - 1
    data = subgroup_header(world.draft, ALIAS, top, top) + subgroup_object(world.draft, top, b"far")
    await flow.publisher.uni_stream(data, fin=True)
    compare(await arrived(flow, 1), [Object(top, top, b"far", subgroup=top)], "payload", "subgroup")


@case("delivery/gaps", SUBGROUP, "Gaps in Object IDs stay.", roles="relay")
async def gaps(world: World) -> None:
    flow = await subscribed(world)
    data = subgroup_header(world.draft, ALIAS, 0)
    for delta in (3, 0, 700, 70000):
        data += subgroup_object(world.draft, delta, b"x")
    await flow.publisher.uni_stream(data, fin=True)
    compare(await arrived(flow, 4), [Object(0, 3), Object(0, 4), Object(0, 705), Object(0, 70706)])


@case(
    "delivery/order-in-a-stream",
    "15,16:8.4 18:9.4 22:7.4",
    "Objects of a stream arrive in its order, each once.",
    roles="relay",
)
async def order(world: World) -> None:
    flow = await subscribed(world)
    await group(flow.publisher, 0, *(b"%d" % number for number in range(200)))
    await arrived(flow, 200)
    found = (await one_stream(flow)).places
    if found != [(0, number) for number in range(200)]:
        raise NotOk(f"places {found}")


@case(
    "delivery/subgroups-apart",
    "15,16:2.2 18:2.2 22:2",
    "Two subgroups of a group do not share a stream.",
    roles="relay",
)
async def apart(world: World) -> None:
    flow = await subscribed(world)
    for number in (0, 1):
        data = subgroup_header(world.draft, ALIAS, 4, number) + subgroup_object(world.draft, number, b"x")
        await flow.publisher.uni_stream(data, fin=True)
    await arrived(flow, 2)
    if len(flow.subscriber.streams_of(flow.alias)) != 2:
        raise NotOk("not two streams for two subgroups")


@case(
    "delivery/before-it-is-whole",
    "15,16:5.1 18:5.1 22:3.1",
    "The beginning of an object is handed on before its end is there.",
    roles="relay",
    level=Level.SHOULD,
)
async def before_whole(world: World) -> None:
    flow = await subscribed(world)
    data = subgroup_header(world.draft, ALIAS, 0) + world.draft.integers(0, 20000) + bytes(8000)
    await flow.publisher.uni_stream(data)
    stream = await one_stream(flow)
    await flow.subscriber.until(lambda: len(stream.inflow.data) > 4000, "the first bytes of an object")


@case("delivery/fin", CLOSING, "FIN of a subgroup is handed on.", roles="relay")
async def fin(world: World) -> None:
    flow = await subscribed(world)
    await group(flow.publisher, 0, b"x")
    stream = await one_stream(flow)
    await flow.subscriber.until(lambda: stream.inflow.over, "the end of the stream")
    if not stream.inflow.finished:
        raise NotOk("the stream is reset")


@case("delivery/reset", CLOSING, "A subgroup that was reset is not finished.", roles="relay")
async def reset(world: World) -> None:
    flow = await subscribed(world)
    data = subgroup_header(world.draft, ALIAS, 0) + subgroup_object(world.draft, 0, b"whole")
    opened = await flow.publisher.uni_stream(data + world.draft.integers(0, 1000) + b"half")
    stream = await one_stream(flow)
    await flow.subscriber.until(lambda: stream.places == [(0, 0)], "the object")
    opened.reset(0)
    await flow.subscriber.until(lambda: stream.inflow.over, "the end of the stream")
    if stream.inflow.finished:
        raise NotOk("the stream is finished as if it were complete")


@case("delivery/two-subscribers", "15,16:8.4 18:9.4 22:7.4", "Two subscribers of a track get the same.", roles="relay")
async def two(world: World) -> None:
    flow = await subscribed(world)
    other = await world.requesting()
    request = await other.request("SUBSCRIBE", namespace=world.namespace, track=TRACK)
    alias = (await request.expect("SUBSCRIBE_OK")).alias
    await group(flow.publisher, 0, b"a", b"b")
    first = await arrived(flow, 2)
    await other.until(lambda: len(other.objects_of(alias)) == 2, "two objects")
    compare(other.objects_of(alias), first, "payload")


@case(
    "delivery/stopped-stream",
    "15,16:10.4.3 18:11.4.3 22:11.3.2",
    "STOP_SENDING for a subgroup does not end the subscription.",
    roles="relay",
)
async def stopped(world: World) -> None:
    flow = await subscribed(world)
    await group(flow.publisher, 0, b"x", fin=False)
    (await one_stream(flow)).inflow.stream.stop(1)
    await group(flow.publisher, 1, b"y")
    await flow.subscriber.until(
        lambda: any(each.group == 1 for each in flow.subscriber.objects_of(flow.alias)), "the next group"
    )


@case("delivery/properties", PROPERTIES, "Unknown properties of an object arrive as they were.", roles="relay")
async def properties(world: World) -> None:
    flow = await subscribed(world)
    listed: list[Property] = [(0x3C5A, 7), (0x3C5B, b"one"), (0x3C5B, b"two"), (0x3C5C, world.draft.max_integer)]
    data = subgroup_header(world.draft, ALIAS, 0, kind=0x15) + subgroup_object(world.draft, 0, b"x", listed=listed)
    await flow.publisher.uni_stream(data, fin=True)
    compare(await arrived(flow, 1), [Object(0, 0, b"x", properties=listed)], "payload", "properties")


@case(
    "delivery/immutable-properties",
    "15:11 16:11.1 18:12.7 22:10.7",
    "Immutable properties arrive as they were.",
    roles="relay",
)
async def immutable(world: World) -> None:
    flow = await subscribed(world)
    listed: list[Property] = [(0x0B, world.draft.key_values([(0x3C5A, 7), (0x3C5B, b"inner")]))]
    data = subgroup_header(world.draft, ALIAS, 0, kind=0x15) + subgroup_object(world.draft, 0, b"x", listed=listed)
    await flow.publisher.uni_stream(data, fin=True)
    compare(await arrived(flow, 1), [Object(0, 0, b"x", properties=listed)], "properties")
