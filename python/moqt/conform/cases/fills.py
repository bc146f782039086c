"""What draft-22 brings: fills in place of joining FETCHes, filters in FETCH, notices of state."""

from __future__ import annotations

from moqt.conform.cases.case import SERVERS, Level, case
from moqt.conform.cases.fetches import brings, objects, stored
from moqt.conform.cases.flows import TRACK, Flow, asked_track, group, subscribed
from moqt.conform.cases.malformed import body
from moqt.conform.cases.violations import Act, send_payload, violation
from moqt.conform.outcomes import NotOk
from moqt.conform.peer.exchange import Exchange
from moqt.conform.peer.session import Peer
from moqt.conform.wire import codes
from moqt.conform.wire.values import Filter, Location, ParameterValue
from moqt.conform.world import World

FILL = "22:3.4"
PARAMETER = "22:9.20.15"
NEXT_OBJECT = Filter(5)
INCLUDE_PROPERTIES = 0x35


async def filled(world: World, fill: Filter, *, first: int = 1, **change: ParameterValue) -> tuple[Flow, Exchange]:
    """A second subscriber of a track with three groups, from Next Object on, that has the past filled in."""
    flow = await stored(world, first)
    parameters: dict[int, ParameterValue] = {
        codes.FILTER: NEXT_OBJECT,
        codes.FILL_PARAMETERS: world.draft.parameters({codes.FILTER: fill}),
    }
    parameters |= {getattr(codes, name): value for name, value in change.items()}
    subscriber = await world.requesting()
    request = await subscriber.request("SUBSCRIBE", namespace=world.namespace, track=TRACK, parameters=parameters)
    flow.answer = await request.expect("SUBSCRIBE_OK")
    return flow, request


async def came(request: Exchange, *places: tuple[int, int], request_id: int | None = None) -> None:
    """Exactly these objects on the stream of the fill."""
    number = request.request_id if request_id is None else request_id
    filling = Exchange(request.peer, number, "FILL_PARAMETERS", None)
    found = (await objects(filling)).places
    if found != list(places):
        raise NotOk(f"objects {found} instead of {list(places)}")


async def nothing(request: Exchange) -> None:
    """No stream is opened for the fill."""
    await request.peer.alive(2)
    if request.peer.fetched(request.request_id) is not None:
        raise NotOk("a stream for a fill that has nothing to bring")


@case(
    "fill/from-a-group-before",
    FILL,
    "A fill from a group before brings what is up to the largest object.",
    roles="relay",
)
async def before(world: World) -> None:
    _, request = await filled(world, Filter(1, (2,)))
    await came(request, (2, 0), (2, 1), (2, 2), (3, 0), (3, 1), (3, 2))


@case("fill/current-group", FILL, "A fill with the relative start 1 brings the current group.", roles="relay")
async def current(world: World) -> None:
    _, request = await filled(world, Filter(1, (1,)))
    await came(request, (3, 0), (3, 1), (3, 2))


@case("fill/whole-track", FILL, "A fill without a filter brings the whole track.", roles="relay")
async def whole(world: World) -> None:
    # From group 0 on: whether there is something before group 1, a relay may ask the publisher.
    _, request = await filled(world, Filter(0), first=0)
    await came(request, *((number, each) for number in (0, 1, 2) for each in range(3)))


@case(
    "fill/failure-is-told",
    "22:3.4.1",
    "A fill whose objects the publisher refuses has a stream, which ends.",
    roles="relay",
)
async def failure(world: World) -> None:
    _, request = await filled(world, Filter(0))
    peer = request.peer
    stream = await peer.until(lambda: peer.fetched(request.request_id), "the stream of the fill")
    await peer.until(lambda: stream.inflow.over, "the end of the stream of the fill")
    await peer.alive()


@case("fill/range", FILL, "A fill of a range brings that, both ends included.", roles="relay")
async def of_range(world: World) -> None:
    _, request = await filled(world, Filter(4, (1, 1, 1, 0)))
    await came(request, (1, 1), (1, 2), (2, 0))


@case(
    "fill/behind-the-largest-object",
    FILL,
    "A fill that begins behind the largest object opens no stream.",
    roles="relay",
)
async def behind(world: World) -> None:
    _, request = await filled(world, Filter(2, (9, 0)))
    await nothing(request)


@case("fill/paused", FILL, "A fill for a paused subscription opens no stream.", roles="relay")
async def paused(world: World) -> None:
    _, request = await filled(world, Filter(0), FORWARD=0)
    await nothing(request)


@case("fill/by-update", FILL, "A fill of REQUEST_UPDATE comes under the Request ID of that.", roles="relay")
async def by_update(world: World) -> None:
    flow = await stored(world)
    fill = world.draft.parameters({codes.FILTER: Filter(3, (2, 0, 0))})
    request = flow.subscription
    number = request.peer.next_id()
    request.send("REQUEST_UPDATE", request_id=number, parameters={codes.FILL_PARAMETERS: fill})
    await request.expect("REQUEST_OK")
    await came(request, (2, 0), (2, 1), (2, 2), request_id=number)


@case("fill/live-objects-go-on", FILL, "Beside a fill the subscription brings what is new.", roles="relay")
async def live(world: World) -> None:
    flow, request = await filled(world, Filter(1, (1,)))
    await came(request, (3, 0), (3, 1), (3, 2))
    await group(flow.publisher, 4, b"new")
    alias = flow.answer.alias
    await request.peer.until(lambda: request.peer.objects_of(alias), "an object behind the fill")
    places = [each.place for each in request.peer.objects_of(alias)]
    if places != [(4, 0)]:
        raise NotOk(f"objects {places} instead of [(4, 0)]")


def _fill(make: bytes) -> Act:
    """SUBSCRIBE with such a value of FILL_PARAMETERS."""

    async def act(peer: Peer) -> None:
        number = peer.next_id()
        parameters = peer.draft.parameters({codes.FILL_PARAMETERS: make})
        await send_payload(peer, "SUBSCRIBE", body(peer, "SUBSCRIBE", number, parameters=parameters), request_id=number)

    return act


for _name, _text, _value in (
    ("with-forward", "FORWARD in FILL_PARAMETERS, where it has no place.", bytes([1, 0x10, 1])),
    ("with-track-filter", "A parameter in FILL_PARAMETERS that has no place there.", bytes([1, 0x29, 0])),
    ("trailing-bytes", "Bytes behind the last parameter of FILL_PARAMETERS.", bytes([0, 0])),
    ("too-few-parameters", "FILL_PARAMETERS that have fewer than they say.", bytes([2, 0x20, 1])),
    ("unknown-filter-type", "LOCATION_FILTER of the type 6 in FILL_PARAMETERS.", bytes([1, 0x21, 6])),
    ("group-order-3", "GROUP_ORDER 3 in FILL_PARAMETERS.", bytes([1, 0x22, 3])),
):
    violation(f"fill/{_name}", PARAMETER, _text, _fill(_value))


@case("fill/not-in-track-status", "22:9.20.1", "FILL_PARAMETERS in TRACK_STATUS close the session.", roles=SERVERS)
async def misplaced(world: World) -> None:
    peer = await world.requesting()
    await peer.request(
        "TRACK_STATUS", namespace=world.namespace, track=TRACK, parameters={codes.FILL_PARAMETERS: b"\0"}
    )
    await peer.closed(codes.PROTOCOL_VIOLATION)


@case("subscribe/include-properties-2", "22:9.20.21", "INCLUDE_PROPERTIES 2 closes the session.", roles=SERVERS)
async def include_2(world: World) -> None:
    peer = await world.requesting()
    await peer.request("SUBSCRIBE", namespace=world.namespace, track=TRACK, parameters={INCLUDE_PROPERTIES: 2})
    await peer.closed(codes.PROTOCOL_VIOLATION)


@case(
    "subscribe/include-properties-0",
    "22:9.20.21",
    "With INCLUDE_PROPERTIES 0 the answer has no Track Properties.",
    roles="relay",
    level=Level.SHOULD,
)
async def include_0(world: World) -> None:
    flow = await subscribed(world, parameters={INCLUDE_PROPERTIES: 0}, properties={0x3A5A: 1})
    if flow.answer.properties:
        raise NotOk(f"Track Properties {flow.answer.properties}")


@case(
    "subscribe/range-filter-without-permission",
    "22:3.3.2",
    "A range filter beyond MAX_FILTER_RANGES: INVALID_FILTER.",
    roles="relay",
)
async def range_filter(world: World) -> None:
    flow = await subscribed(world)
    setup = flow.subscriber.setup
    ranges = (setup.parameter(0x06) or 0) + 1 if setup is not None else 1
    value = b"\0" + world.draft.integers(*([0] * 2 * ranges))
    subscriber = await world.requesting()
    request = await subscriber.request("SUBSCRIBE", namespace=world.namespace, track=TRACK, parameters={0x26: value})
    await request.refused(codes.INVALID_FILTER)
    await subscriber.alive()


@case(
    "answers/state-notice-of-the-subscriber",
    "22:9.10",
    "PUBLISH_STATE_NOTIFY of a subscriber closes the session.",
    roles=SERVERS,
)
async def notice(world: World) -> None:
    subscriber, request, _ = await asked_track(world)
    request.send("PUBLISH_STATE_NOTIFY", parameters={codes.FORWARD: 1})
    await subscriber.closed(codes.PROTOCOL_VIOLATION)


@case(
    "answers/state-notice-of-the-publisher", "22:9.10", "PUBLISH_STATE_NOTIFY of a publisher is taken.", roles="relay"
)
async def taken(world: World) -> None:
    flow = await subscribed(world)
    flow.publication.send("PUBLISH_STATE_NOTIFY", parameters={codes.LARGEST_OBJECT: Location(3, 4)})
    await flow.publisher.alive(2)


async def _fetched(world: World, chosen: Filter | None, *places: tuple[int, int], first: int = 1) -> None:
    flow = await stored(world, first)
    parameters = {} if chosen is None else {codes.FILTER: chosen}
    request = await flow.subscriber.request("FETCH", namespace=world.namespace, track=TRACK, parameters=parameters)
    await brings(request, *places)


@case("fetch/without-a-filter", "22:3.2", "FETCH without a filter brings the whole track.", roles="relay")
async def unfiltered(world: World) -> None:
    await _fetched(world, None, *((number, each) for number in (0, 1, 2) for each in range(3)), first=0)


@case(
    "fetch/relative-start",
    "22:9.20.9",
    "FETCH with a relative start brings what is from there to the largest object.",
    roles="relay",
)
async def relative(world: World) -> None:
    await _fetched(world, Filter(1, (2,)), (2, 0), (2, 1), (2, 2), (3, 0), (3, 1), (3, 2))


@case("fetch/open-end", "22:9.20.9", "FETCH with an open end brings what is up to the largest object.", roles="relay")
async def open_end(world: World) -> None:
    await _fetched(world, Filter(2, (2, 2)), (2, 2), (3, 0), (3, 1), (3, 2))
