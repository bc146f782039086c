"""FETCH: of each kind, and what it is refused for."""

from __future__ import annotations

from moqt.conform.cases.case import SERVERS, Level, case
from moqt.conform.cases.flows import TRACK, Flow, announced, group, subscribed
from moqt.conform.outcomes import NotOk, Skip
from moqt.conform.peer.exchange import Exchange
from moqt.conform.peer.inflow import DataStream
from moqt.conform.peer.session import Peer
from moqt.conform.wire import codes
from moqt.conform.wire.messages import Joining, Standalone
from moqt.conform.wire.values import Filter, Location, Namespace, ParameterValue
from moqt.conform.world import World

FETCH = "15,16:9.16 18:10.12 22:9.11"
RANGES = "15,16:9.16.3 18:10.12.3 22:3.2"
JOINING = "15,16:9.16.2 18:10.12.2"
FETCH_OK = "15,16:9.17 18:10.13 22:9.12"
NOBODY = (b"moqt-conform", b"nobody")


async def fetch(
    peer: Peer, namespace: Namespace, name: bytes, start: tuple[int, int], last: tuple[int, int | None], *,
    descending: bool = False,
) -> Exchange:  # fmt: skip
    """A FETCH for what is from ``start`` to ``last``, both included; no object in ``last``: the whole group."""
    parameters: dict[int, ParameterValue] = {codes.GROUP_ORDER: 2} if descending else {}
    if peer.draft.number >= 22:
        delta = last[0] - start[0]
        found = (3, (*start, delta)) if last[1] is None else (4, (*start, delta, last[1]))
        parameters[codes.FILTER] = Filter(*found)
        fields: dict[str, object] = {"namespace": namespace, "track": name}
    else:
        end = Location(last[0], 0 if last[1] is None else last[1] + 1)
        fields = {"fetch": Standalone(namespace, name, Location(*start), end)}
    request = await peer.request("FETCH", parameters=parameters, **fields)
    if descending:
        peer.descending.add(request.request_id)
    return request


async def stored(world: World, first: int = 1) -> Flow:
    """A track of which the relay has three groups of three objects, and a subscriber that has seen them."""
    flow = await subscribed(world)
    for number in range(first, first + 3):
        await group(flow.publisher, number, *(b"%d.%d" % (number, each) for each in range(3)))
    await flow.subscriber.until(lambda: len(flow.subscriber.objects_of(flow.alias)) == 9, "nine objects")
    return flow


async def objects(request: Exchange) -> DataStream:
    """The whole data stream of a FETCH."""
    peer = request.peer
    stream = await peer.until(lambda: peer.fetched(request.request_id), "the data stream of FETCH")
    await peer.until(lambda: stream.inflow.over, "the end of the data stream")
    if stream.inflow.reset is not None:
        raise NotOk(f"the data stream of FETCH is reset with {stream.inflow.reset:#x}")
    if not stream.whole:
        raise NotOk("the data stream of FETCH ends inside of an object")
    return stream


async def brings(request: Exchange, *places: tuple[int, int]) -> None:
    """FETCH_OK and exactly these objects."""
    await request.expect("FETCH_OK", optional=True)
    stream = await objects(request)
    found = [each.place for each in stream.objects if each.marker is None and each.status == 0]
    if found != list(places):
        raise NotOk(f"objects {found} instead of {list(places)}")
    for each in stream.objects:
        if each.marker is None and each.status == 0 and each.payload != b"%d.%d" % each.place:
            raise NotOk(f"object {each.place} has the payload {each.payload!r}")


@case("fetch/unknown-track", FETCH, "FETCH for a track that nobody has is refused.", roles=SERVERS)
async def unknown_track(world: World) -> None:
    await (await fetch(await world.requesting(), NOBODY, b"nothing", (0, 0), (1, None))).refused()


@case("fetch/one-group", RANGES, "FETCH for a group brings its objects in order, and FIN.", roles="relay")
async def one_group(world: World) -> None:
    flow = await stored(world)
    await brings(await fetch(flow.subscriber, world.namespace, TRACK, (2, 0), (2, None)), (2, 0), (2, 1), (2, 2))


@case("fetch/one-object", RANGES, "FETCH for one object brings that.", roles="relay")
async def one_object(world: World) -> None:
    flow = await stored(world)
    await brings(await fetch(flow.subscriber, world.namespace, TRACK, (2, 1), (2, 1)), (2, 1))


@case("fetch/across-groups", RANGES, "FETCH from the middle of a group into the middle of another.", roles="relay")
async def across(world: World) -> None:
    flow = await stored(world)
    request = await fetch(flow.subscriber, world.namespace, TRACK, (1, 1), (3, 0))
    await brings(request, (1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (3, 0))


@case(
    "fetch/descending",
    "15:9.2.1.6 16:9.2.2.4 18:10.2.8 22:9.20.8",
    "FETCH in descending order: later groups first, objects ascending.",
    roles="relay",
)
async def descending(world: World) -> None:
    flow = await stored(world)
    request = await fetch(flow.subscriber, world.namespace, TRACK, (1, 0), (2, None), descending=True)
    await brings(request, (2, 0), (2, 1), (2, 2), (1, 0), (1, 1), (1, 2))


@case("fetch/end-of-one-group", FETCH_OK, "FETCH_OK names the end that was asked for.", roles="relay")
async def end_of_group(world: World) -> None:
    flow = await stored(world)
    request = await fetch(flow.subscriber, world.namespace, TRACK, (1, 0), (1, 1))
    found = await request.expect("FETCH_OK", optional=True)
    wanted = (1, 1) if world.draft.number >= 22 else (1, 2)
    if found.end != wanted:
        raise NotOk(f"End Location {tuple(found.end)} instead of {wanted}")


@case(
    "fetch/end-beyond-what-is-there",
    FETCH_OK,
    "FETCH_OK names the largest object where the range goes beyond it.",
    roles="relay",
)
async def end_beyond(world: World) -> None:
    flow = await stored(world)
    request = await fetch(flow.subscriber, world.namespace, TRACK, (3, 0), (9, None))
    found = await request.expect("FETCH_OK", optional=True)
    wanted = (3, 2) if world.draft.number >= 22 else (3, 3)
    if found.end != wanted:
        raise NotOk(f"End Location {tuple(found.end)} instead of {wanted}")
    await objects(request)


@case(
    "fetch/start-beyond-what-is-there",
    RANGES,
    "FETCH that starts behind the largest object: INVALID_RANGE.",
    roles="relay",
)
async def start_beyond(world: World) -> None:
    flow = await stored(world)
    request = await fetch(flow.subscriber, world.namespace, TRACK, (4, 0), (5, None))
    await request.refused(codes.INVALID_RANGE, optional=True)


@case("fetch/end-of-track-flag", FETCH_OK, "End Of Track is 0 or 1, and 0 while the track goes on.", roles="relay")
async def end_of_track(world: World) -> None:
    flow = await stored(world)
    request = await fetch(flow.subscriber, world.namespace, TRACK, (1, 0), (1, None))
    found = await request.expect("FETCH_OK", optional=True)
    if found.end_of_track != 0:
        raise NotOk(f"End Of Track {found.end_of_track}")


@case("fetch/by-another-session", RANGES, "FETCH needs no subscription.", roles="relay")
async def by_another(world: World) -> None:
    await stored(world)
    request = await fetch(await world.requesting(), world.namespace, TRACK, (2, 0), (2, None))
    await brings(request, (2, 0), (2, 1), (2, 2))


@case(
    "fetch/cancelled", "15,16:9.18 18:3.3.2 22:6.4.2.3", "A FETCH may be cancelled; the session goes on.", roles="relay"
)
async def cancelled(world: World) -> None:
    flow = await stored(world)
    request = await fetch(flow.subscriber, world.namespace, TRACK, (1, 0), (3, None))
    await request.expect("FETCH_OK", optional=True)
    request.cancel()
    await flow.subscriber.alive(2)


@case(
    "fetch/missing-part-comes-from-upstream",
    "15,16:9.16.3 18:10.12.3 22:3.2",
    "What a relay does not have it asks its publisher for.",
    roles="relay",
    level=Level.SHOULD,
)
async def upstream(world: World) -> None:
    publisher = await announced(world)
    publisher.refuses.clear()
    subscriber = await world.requesting()
    request = await fetch(subscriber, world.namespace, TRACK, (1, 0), (1, None))
    asked = await publisher.incoming_request("FETCH")
    asked.send("REQUEST_ERROR", code=codes.INVALID_RANGE, reason=b"")
    await request.refused()


def joining(kind: int, request: Exchange, start: int) -> dict[str, object]:
    return {"fetch": Joining(kind, request.request_id, start)}


async def joined(world: World) -> tuple[Peer, Exchange]:
    """A second subscriber, from Largest Object on, of a track with three groups."""
    await stored(world)
    subscriber = await world.requesting()
    request = await subscriber.request(
        "SUBSCRIBE", namespace=world.namespace, track=TRACK, parameters={codes.FILTER: Filter(2)}
    )
    await request.expect("SUBSCRIBE_OK")
    return subscriber, request


@case("fetch/joining-relative", JOINING, "A relative joining FETCH brings the groups before.", roles="relay")
async def relative(world: World) -> None:
    subscriber, request = await joined(world)
    found = await subscriber.request("FETCH", **joining(2, request, 1))
    await brings(found, (2, 0), (2, 1), (2, 2), (3, 0), (3, 1), (3, 2))


@case(
    "fetch/joining-current-group", JOINING, "A relative joining FETCH with 0 brings the current group.", roles="relay"
)
async def current(world: World) -> None:
    subscriber, request = await joined(world)
    await brings(await subscriber.request("FETCH", **joining(2, request, 0)), (3, 0), (3, 1), (3, 2))


@case("fetch/joining-absolute", JOINING, "An absolute joining FETCH brings what is from its group on.", roles="relay")
async def absolute(world: World) -> None:
    subscriber, request = await joined(world)
    found = await subscriber.request("FETCH", **joining(3, request, 2))
    await brings(found, (2, 0), (2, 1), (2, 2), (3, 0), (3, 1), (3, 2))


@case(
    "fetch/joining-nothing",
    JOINING,
    "A joining FETCH for a request that there is not: INVALID_JOINING_REQUEST_ID.",
    roles=SERVERS,
)
async def nothing(world: World) -> None:
    peer = await world.requesting()
    await (await peer.request("FETCH", fetch=Joining(2, 400, 0))).refused(codes.INVALID_JOINING_REQUEST_ID)


@case(
    "fetch/joining-empty-track", JOINING, "A joining FETCH for a track without objects: INVALID_RANGE.", roles="relay"
)
async def empty_track(world: World) -> None:
    flow = await subscribed(world, parameters={codes.FILTER: Filter(2)})
    found = await flow.subscriber.request("FETCH", **joining(2, flow.subscription, 0))
    await found.refused(codes.INVALID_RANGE)


@case(
    "fetch/joining-another-filter",
    "15,16:9.16.2",
    "A joining FETCH for a subscription with another filter closes the session.",
    roles="relay",
)
async def another_filter(world: World) -> None:
    flow = await subscribed(world, parameters={codes.FILTER: Filter(1)})
    await flow.subscriber.request("FETCH", **joining(2, flow.subscription, 0))
    await flow.subscriber.closed(codes.PROTOCOL_VIOLATION)


@case(
    "fetch/joining-a-paused-subscription",
    "18:10.12.2",
    "A joining FETCH for a subscription with Forward State 0: INVALID_RANGE.",
    roles="relay",
)
async def paused(world: World) -> None:
    flow = await stored(world)
    subscriber = await world.requesting()
    request = await subscriber.request(
        "SUBSCRIBE", namespace=world.namespace, track=flow.name, parameters={codes.FORWARD: 0, codes.FILTER: Filter(2)}
    )
    await request.expect("SUBSCRIBE_OK")
    await (await subscriber.request("FETCH", **joining(2, request, 0))).refused(codes.INVALID_RANGE)


@case(
    "fetch/range-filter-without-permission",
    "22:9.20.11",
    "A range filter beyond MAX_FILTER_RANGES: INVALID_FILTER.",
    roles=SERVERS,
)
async def range_filter(world: World) -> None:
    peer = await world.requesting()
    granted = peer.setup.parameter(0x06) if peer.setup is not None else None
    ranges = (granted or 0) + 1
    value = b"\0" + world.draft.integers(*([0] * 2 * ranges))
    request = await peer.request("FETCH", namespace=NOBODY, track=b"nothing", parameters={0x26: value})
    await request.refused(codes.INVALID_FILTER)


async def asked_upstream(world: World) -> tuple[Peer, Exchange]:
    """A publisher that the relay has asked with FETCH."""
    publisher = await announced(world)
    publisher.refuses.clear()
    await fetch(await world.requesting(), world.namespace, TRACK, (1, 0), (1, None))
    try:
        return publisher, await publisher.incoming_request("FETCH")
    except NotOk:
        raise Skip("the relay asks its publisher for nothing") from None


@case(
    "fetch/answer-ends-before-its-start",
    FETCH_OK,
    "FETCH_OK with an end before the start closes the session.",
    roles="relay",
)
async def ends_before(world: World) -> None:
    publisher, asked = await asked_upstream(world)
    asked.send("FETCH_OK", end=(0, 1))
    await publisher.closed(codes.PROTOCOL_VIOLATION)


@case(
    "fetch/first-object-refers-back",
    "15,16:10.4.4 18:11.4.4 22:11.4.1",
    "A first object that refers to one before it closes the session.",
    roles="relay",
)
async def refers_back(world: World) -> None:
    publisher, asked = await asked_upstream(world)
    asked.send("FETCH_OK", end=(1, 0))
    # Object ID and priority are there, the group is that of an object before.
    flags = bytes([0x14]) if world.draft.number == 15 else world.draft.integer(0x14)
    data = world.draft.integers(0x05, asked.request_id) + flags + world.draft.integer(0) + bytes([128])
    await publisher.uni_stream(data + world.draft.prefixed(b"x"), fin=True)
    await publisher.closed(codes.PROTOCOL_VIOLATION)


for _flags, _sections in (
    (0x40, "15:10.4.4"),
    (0x80, "15,16:10.4.4 18:11.4.4 22:11.4.1"),
    (0x3F8C, "16:10.4.4 18:11.4.4 22:11.4.1"),
):

    @case(
        f"fetch/serialization-flags-{_flags:#x}",
        _sections,
        f"Serialization Flags {_flags:#x} close the session.",
        roles="relay",
    )
    async def bad_flags(world: World, flags: int = _flags) -> None:
        publisher, asked = await asked_upstream(world)
        asked.send("FETCH_OK", end=(1, 0))
        encoded = bytes([flags]) if world.draft.number == 15 else world.draft.integer(flags)
        fields = world.draft.integers(1, 0) + bytes([128])
        await publisher.uni_stream(world.draft.integers(0x05, asked.request_id) + encoded + fields, fin=False)
        await publisher.closed(codes.PROTOCOL_VIOLATION)
