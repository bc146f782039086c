"""SUBSCRIBE, UNSUBSCRIBE and PUBLISH_DONE."""

from __future__ import annotations

from moqt.conform.cases.case import SERVERS, Level, case
from moqt.conform.cases.flows import TRACK, announced, answered, asked_track, group, joined, published, subscribed
from moqt.conform.outcomes import NotOk
from moqt.conform.wire import codes
from moqt.conform.wire.values import Location
from moqt.conform.world import World

SUBSCRIBE = "15,16:9.9 18:10.7 22:9.6"
OK = "15,16:9.10 18:10.8 22:9.7"
NOBODY = (b"moqt-conform", b"nobody")


@case("subscribe/unknown-track", SUBSCRIBE, "SUBSCRIBE for a track that nobody has is refused.", roles=SERVERS)
async def unknown_track(world: World) -> None:
    peer = await world.requesting()
    await (await peer.request("SUBSCRIBE", namespace=NOBODY, track=b"nothing")).refused()


@case("subscribe/unknown-name", SUBSCRIBE, "SUBSCRIBE that the publisher refuses is refused.", roles="relay")
async def unknown_name(world: World) -> None:
    publisher, subscriber = await announced(world), await world.requesting()
    request = await subscriber.request("SUBSCRIBE", namespace=world.namespace, track=b"refused")
    asked = await publisher.incoming_request("SUBSCRIBE")
    asked.send("REQUEST_ERROR", code=codes.DOES_NOT_EXIST, reason=b"there is no such track")
    await request.refused(codes.DOES_NOT_EXIST)
    await publisher.alive()


@case("subscribe/established", OK, "SUBSCRIBE for a track that there is brings SUBSCRIBE_OK.", roles=SERVERS)
async def established(world: World) -> None:
    await asked_track(world)


@case("subscribe/one-answer", "15,16:5.1 18:5.1 22:3.1", "SUBSCRIBE is answered once.", roles=SERVERS)
async def one_answer(world: World) -> None:
    subscriber, request, _ = await asked_track(world)
    await subscriber.alive()
    if any(each.name in ("SUBSCRIBE_OK", "REQUEST_ERROR") for each in request.messages[1:]):
        raise NotOk("a second answer to SUBSCRIBE")


@case(
    "subscribe/full-name-goes-upstream",
    "15,16:8.5 18:9.5 22:7.6",
    "The relay asks the publisher for the same Full Track Name.",
    roles="relay",
)
async def full_name(world: World) -> None:
    publisher, subscriber = await announced(world), await world.requesting()
    await joined(world, publisher, subscriber, track=bytes(range(200)))


@case("subscribe/namespace-below-what-is-published", "15,16:8.5 18:9.5 22:7.6",
      "SUBSCRIBE below a published namespace goes to its publisher.", roles="relay")  # fmt: skip
async def below(world: World) -> None:
    publisher, subscriber = await announced(world), await world.requesting()
    inner = (*world.namespace, b"inner")
    request = await subscriber.request("SUBSCRIBE", namespace=inner, track=TRACK)
    asked = await answered(publisher)
    assert asked.request is not None
    if asked.request.namespace != inner:
        raise NotOk(f"the relay asks for the namespace {asked.request.namespace}")
    await request.expect("SUBSCRIBE_OK")


@case("subscribe/names-are-not-joined", "15,16:8.5 18:9.5 22:7.6",
      "A namespace whose last field only begins with a published one does not match.", roles="relay")  # fmt: skip
async def not_joined(world: World) -> None:
    await announced(world)
    subscriber = await world.requesting()
    near = (*world.namespace[:-1], world.namespace[-1] + b"x")
    await (await subscriber.request("SUBSCRIBE", namespace=near, track=TRACK)).refused()


@case("subscribe/answer-waits-for-upstream", "15,16:8.4 18:9.4 22:7.4",
      "No SUBSCRIBE_OK before the publisher's.", roles="relay")  # fmt: skip
async def waits(world: World) -> None:
    publisher, subscriber = await announced(world), await world.requesting()
    request = await subscriber.request("SUBSCRIBE", namespace=world.namespace, track=TRACK)
    asked = await publisher.incoming_request("SUBSCRIBE")
    await subscriber.alive()
    if request.messages:
        raise NotOk(f"{request.messages[0].name} before the publisher answered")
    asked.send("SUBSCRIBE_OK", alias=7)
    await request.expect("SUBSCRIBE_OK")


@case("subscribe/largest-object", "15:9.2.1.9 16:9.2.2.7 18:10.2.11 22:9.20.17",
      "SUBSCRIBE_OK tells the publisher's LARGEST_OBJECT.", roles="relay")  # fmt: skip
async def largest_object(world: World) -> None:
    flow = await subscribed(world, largest=Location(17, 300))
    found = flow.answer.parameter(codes.LARGEST_OBJECT)
    if found != (17, 300):
        raise NotOk(f"LARGEST_OBJECT {found}")


@case("subscribe/largest-object-grows", "15:9.2.1.9 16:9.2.2.7 18:10.2.11 22:9.20.17",
      "A later subscriber is told of what came since.", roles="relay")  # fmt: skip
async def largest_grows(world: World) -> None:
    flow = await subscribed(world)
    await group(flow.publisher, 5, b"one", b"two")
    await flow.subscriber.until(lambda: len(flow.subscriber.objects_of(flow.alias)) == 2, "two objects")
    late = await world.requesting()
    request = await late.request("SUBSCRIBE", namespace=world.namespace, track=TRACK)
    found = (await request.expect("SUBSCRIBE_OK")).parameter(codes.LARGEST_OBJECT)
    if found != (5, 1):
        raise NotOk(f"LARGEST_OBJECT {found} after object 1 of group 5")


@case("subscribe/no-largest-object", "15:9.2.1.9 16:9.2.2.7 18:10.2.11 22:9.20.17",
      "Without an object there is no LARGEST_OBJECT.", roles="relay")  # fmt: skip
async def no_largest(world: World) -> None:
    found = (await subscribed(world)).answer.parameter(codes.LARGEST_OBJECT)
    if found is not None:
        raise NotOk(f"LARGEST_OBJECT {found} of a track without objects")


@case(
    "subscribe/second-to-a-track",
    "16,18:5.1",
    "A second SUBSCRIBE for a track is refused: DUPLICATE_SUBSCRIPTION.",
    roles=SERVERS,
)
async def second(world: World) -> None:
    subscriber, request, _ = await asked_track(world)
    assert request.request is not None
    again = await subscriber.request("SUBSCRIBE", namespace=request.request.namespace, track=request.request.track)
    await again.refused(codes.DUPLICATE_SUBSCRIPTION)


@case(
    "subscribe/second-is-a-violation",
    "15:9.9",
    "A second SUBSCRIBE for a track closes the session.",
    roles=SERVERS,
    level=Level.SHOULD,
)
async def second_closes(world: World) -> None:
    subscriber, request, _ = await asked_track(world)
    assert request.request is not None
    await subscriber.request("SUBSCRIBE", namespace=request.request.namespace, track=request.request.track)
    await subscriber.closed(codes.PROTOCOL_VIOLATION)


@case(
    "subscribe/several-to-a-track",
    "22:3.1",
    "Several subscriptions of a session to one track are allowed.",
    roles=SERVERS,
)
async def several(world: World) -> None:
    subscriber, request, _ = await asked_track(world)
    assert request.request is not None
    again = await subscriber.request("SUBSCRIBE", namespace=request.request.namespace, track=request.request.track)
    await again.expect("SUBSCRIBE_OK")


@case("subscribe/rendezvous-timeout", "18:10.2.6 22:9.20.6",
      "With RENDEZVOUS_TIMEOUT the relay waits for a publisher.", roles="relay", level=Level.SHOULD)  # fmt: skip
async def rendezvous(world: World) -> None:
    subscriber = await world.requesting()
    request = await subscriber.request(
        "SUBSCRIBE", namespace=world.namespace, track=TRACK, parameters={codes.RENDEZVOUS_TIMEOUT: 5000}
    )
    await subscriber.alive()
    if request.messages:
        raise NotOk(f"{request.messages[0].name} instead of waiting")
    publisher = await announced(world)
    await answered(publisher)
    await request.expect("SUBSCRIBE_OK")


@case(
    "subscribe/no-rendezvous",
    "18:10.2.6 22:9.20.6",
    "With RENDEZVOUS_TIMEOUT 0 the answer is DOES_NOT_EXIST.",
    roles="relay",
)
async def no_rendezvous(world: World) -> None:
    subscriber = await world.requesting()
    request = await subscriber.request(
        "SUBSCRIBE", namespace=world.namespace, track=TRACK, parameters={codes.RENDEZVOUS_TIMEOUT: 0}
    )
    await request.refused(codes.DOES_NOT_EXIST)


@case("subscribe/ends", "15,16:9.12 18:3.3.2 22:6.4.2.3", "A subscription may be ended and made again.", roles=SERVERS)
async def ends(world: World) -> None:
    subscriber, request, _ = await asked_track(world)
    assert request.request is not None
    request.cancel()
    again = await subscriber.request("SUBSCRIBE", namespace=request.request.namespace, track=request.request.track)
    if world.target.namespace:
        await again.expect("SUBSCRIBE_OK")
    else:
        await subscriber.alive(2)


@case(
    "subscribe/ends-for-one-only",
    "15,16:8.4 18:9.4 22:7.4",
    "What ends for one subscriber goes on for another.",
    roles="relay",
)
async def ends_for_one(world: World) -> None:
    flow = await subscribed(world)
    other = await world.requesting()
    request = await other.request("SUBSCRIBE", namespace=world.namespace, track=TRACK)
    alias = (await request.expect("SUBSCRIBE_OK")).alias
    flow.subscription.cancel()
    await flow.subscriber.alive()
    await group(flow.publisher, 1, b"still here")
    await other.until(lambda: other.objects_of(alias), "an object for the other subscriber")


@case(
    "subscribe/publisher-goes",
    "15,16:9.15 18:10.11 22:9.9",
    "PUBLISH_DONE of the publisher reaches the subscriber.",
    roles="relay",
)
async def publisher_goes(world: World) -> None:
    flow = await subscribed(world)
    flow.publication.publish_done(0, codes.TRACK_ENDED)
    found = await flow.subscription.next("PUBLISH_DONE")
    if (found.name, found.fields.get("code"), found.fields.get("streams")) != ("PUBLISH_DONE", codes.TRACK_ENDED, 0):
        raise NotOk(f"{found} instead of PUBLISH_DONE with TRACK_ENDED and 0 streams")


@case(
    "subscribe/stream-count",
    "15,16:9.15 18:10.11 22:9.9",
    "PUBLISH_DONE counts the streams that were opened.",
    roles="relay",
)
async def stream_count(world: World) -> None:
    flow = await subscribed(world)
    for number in range(3):
        await group(flow.publisher, number, b"object")
    await flow.subscriber.until(lambda: len(flow.subscriber.streams_of(flow.alias)) == 3, "three streams")
    flow.publication.publish_done(3, codes.TRACK_ENDED)
    found = await flow.subscription.next("PUBLISH_DONE")
    unknown = (1 << 64) - 1 if world.draft.number >= 20 else (1 << 62) - 1
    if found.fields.get("streams") not in (3, unknown):
        raise NotOk(f"Stream Count {found.fields.get('streams')} after 3 streams")


@case(
    "subscribe/publisher-is-lost",
    "15,16:9.15 18:10.11 22:9.9",
    "A subscriber hears that the publisher was lost.",
    roles="relay",
)
async def publisher_lost(world: World) -> None:
    flow = await subscribed(world)
    flow.publisher.connection.abort(0)
    found = await flow.subscription.next("PUBLISH_DONE")
    if found.name != "PUBLISH_DONE":
        raise NotOk(f"{found.name} instead of PUBLISH_DONE")


@case(
    "subscribe/of-a-published-track",
    "15,16:8.5 18:9.5 22:7.6",
    "A track that came by PUBLISH can be subscribed to.",
    roles="relay",
)
async def of_published(world: World) -> None:
    publisher, _ = await published(world)
    subscriber = await world.requesting()
    request = await subscriber.request("SUBSCRIBE", namespace=world.namespace, track=TRACK)
    alias = (await request.expect("SUBSCRIBE_OK")).alias
    await publisher.alive()
    await group(publisher, 0, b"published")
    await subscriber.until(lambda: subscriber.objects_of(alias), "the object that was published")


@case("subscribe/cancelled-before-the-answer", "15,16:9.12 18:3.3.2 22:6.4.2.3",
      "A subscription may be ended before it is answered.", roles="relay")  # fmt: skip
async def cancelled_early(world: World) -> None:
    publisher, subscriber = await announced(world), await world.requesting()
    request = await subscriber.request("SUBSCRIBE", namespace=world.namespace, track=TRACK)
    asked = await publisher.incoming_request("SUBSCRIBE")
    request.cancel()
    await subscriber.alive(2)
    if asked.stream is None:
        asked.send("SUBSCRIBE_OK", alias=7)
    await publisher.alive()
    await subscriber.alive()
