"""REQUEST_UPDATE, which draft-15 calls SUBSCRIBE_UPDATE."""

from __future__ import annotations

from moqt.conform.cases.case import SERVERS, case
from moqt.conform.cases.flows import TRACK, announced, answered, asked_track
from moqt.conform.wire import codes
from moqt.conform.wire.messages import message
from moqt.conform.wire.values import Filter
from moqt.conform.world import World

UPDATE = "15,16:9.11 18:10.9 22:9.5"


@case("update/taken", UPDATE, "REQUEST_UPDATE is answered REQUEST_OK.", roles=SERVERS)
async def update_taken(world: World) -> None:
    _, request, _ = await asked_track(world)
    await (await request.update(parameters={codes.SUBSCRIBER_PRIORITY: 7})).expect("REQUEST_OK", optional=True)


@case(
    "update/of-unknown-request",
    "15,16:9.11",
    "An update of a request that there is not closes the session.",
    roles=SERVERS,
)
async def update_unknown(world: World) -> None:
    subscriber = await world.requesting()
    subscriber.send("REQUEST_UPDATE", request_id=subscriber.next_id(), existing_id=400)
    await subscriber.closed(codes.PROTOCOL_VIOLATION)


@case(
    "update/start-decreases", "15:9.11", "An update whose Start Location decreases closes the session.", roles=SERVERS
)
async def start_decreases(world: World) -> None:
    subscriber = await world.requesting()
    namespace, name = world.target.namespace, world.target.track
    if not namespace:
        publisher = await announced(world)
        namespace, name = world.namespace, TRACK
        request = await subscriber.request(
            "SUBSCRIBE", namespace=namespace, track=name, parameters={codes.FILTER: Filter(3, (9, 0))}
        )
        await answered(publisher)
    else:
        request = await subscriber.request(
            "SUBSCRIBE", namespace=namespace, track=name, parameters={codes.FILTER: Filter(3, (9, 0))}
        )
    await request.expect("SUBSCRIBE_OK")
    await request.update(parameters={codes.FILTER: Filter(3, (8, 0))})
    await subscriber.closed(codes.PROTOCOL_VIOLATION)


@case(
    "update/parity",
    "15,16:9.1 18:10.1 22:9.5",
    "An update with a Request ID of the other side closes the session.",
    roles=SERVERS,
)
async def update_parity(world: World) -> None:
    subscriber, request, _ = await asked_track(world)
    number = subscriber.next_id() + 1
    if world.draft.request_streams:
        request.send("REQUEST_UPDATE", request_id=number)
    else:
        subscriber.send("REQUEST_UPDATE", request_id=number, existing_id=request.request_id)
    await subscriber.closed(codes.INVALID_REQUEST_ID)


@case(
    "update/forward-2",
    "15:9.2.1.10 16:9.2.2.8 18:10.2.12 22:9.20.18",
    "An update with FORWARD 2 closes the session.",
    roles=SERVERS,
)
async def update_forward(world: World) -> None:
    subscriber, request, _ = await asked_track(world)
    await request.update(parameters={codes.FORWARD: 2})
    await subscriber.closed(codes.PROTOCOL_VIOLATION)


@case(
    "update/misplaced-group-order",
    "18:10.2.1 22:9.20.1",
    "GROUP_ORDER in REQUEST_UPDATE closes the session.",
    roles=SERVERS,
)
async def update_order(world: World) -> None:
    subscriber, request, _ = await asked_track(world)
    request.send("REQUEST_UPDATE", request_id=subscriber.next_id(), parameters={codes.GROUP_ORDER: 1})
    await subscriber.closed(codes.PROTOCOL_VIOLATION)


@case(
    "update/trailing-bytes",
    "15,16:9 18:10 22:9",
    "REQUEST_UPDATE with bytes too many closes the session.",
    roles=SERVERS,
)
async def update_trailing(world: World) -> None:
    subscriber, request, _ = await asked_track(world)
    whole = message(world.draft, "REQUEST_UPDATE", request_id=subscriber.next_id(), existing_id=request.request_id)
    request.write(world.draft.frame(0x2, whole[3:] + b"\0\0"))
    await subscriber.closed(codes.PROTOCOL_VIOLATION)
