"""PUBLISH, and what a publisher may answer and send on requests."""

from __future__ import annotations

from moqt.conform.cases.case import Level, case
from moqt.conform.cases.flows import (
    ALIAS,
    TRACK,
    announced,
    group,
    joined,
    offered,
    publish_accepted,
    published,
    subscribed,
)
from moqt.conform.outcomes import NotOk, Skip
from moqt.conform.peer.exchange import Exchange
from moqt.conform.peer.session import Peer
from moqt.conform.wire import codes
from moqt.conform.wire.messages import message
from moqt.conform.world import World

PUBLISH = "15,16:9.13 18:10.10 22:9.8"


@case("publish/accepted", PUBLISH, "PUBLISH is accepted or refused, by a relay accepted.", roles="relay")
async def accepted(world: World) -> None:
    await published(world)


@case("publish/forward-0", PUBLISH, "PUBLISH with FORWARD 0 is accepted.", roles="relay")
async def forward_0(world: World) -> None:
    await published(world, forward=0)


@case("publish/wanted-forward-1", "15,16:8.5 18:9.5",
      "PUBLISH_OK for a track with a subscriber has Forward State 1.", roles="relay")  # fmt: skip
async def wanted(world: World) -> None:
    flow = await subscribed(world)
    publisher = await world.requesting()
    request = await publisher.request("PUBLISH", namespace=world.namespace, track=TRACK, alias=5)
    found = await request.next()
    if found.name == "REQUEST_ERROR":  # which a relay may answer that has one publisher already
        raise Skip("a second publisher of the track is refused")
    if found.name not in ("REQUEST_OK", "PUBLISH_OK"):
        raise NotOk(f"PUBLISH is answered {found.name}")
    if found.parameter(codes.FORWARD) == 0:
        raise NotOk(f"Forward State 0 while {flow.name!r} has a subscriber")


@case(
    "publish/second-for-a-track",
    "18:5.1",
    "A second PUBLISH for a track is refused: DUPLICATE_SUBSCRIPTION.",
    roles="relay",
)
async def second(world: World) -> None:
    publisher, _ = await published(world)
    again = await publisher.request("PUBLISH", namespace=world.namespace, track=TRACK, alias=ALIAS + 1)
    await again.refused(codes.DUPLICATE_SUBSCRIPTION)


@case(
    "publish/alias-of-another-track",
    "15,16:9.13 18:11.1 22:3.1.3",
    "PUBLISH with the alias of another track closes the session.",
    roles="relay",
)
async def alias(world: World) -> None:
    publisher, _ = await published(world)
    await publisher.request("PUBLISH", namespace=world.namespace, track=b"another", alias=ALIAS)
    await publisher.closed(codes.DUPLICATE_TRACK_ALIAS)


@case("publish/ends", "15,16:9.15 18:10.11 22:9.9", "A publication may be ended and made again.", roles="relay")
async def ends(world: World) -> None:
    publisher, request = await published(world)
    request.publish_done(0)
    await publisher.alive()
    again = await publisher.request("PUBLISH", namespace=world.namespace, track=TRACK, alias=ALIAS + 1)
    await publish_accepted(again)


@case(
    "publish/done-truncated", "15,16:9 18:10 22:9", "PUBLISH_DONE without its reason closes the session.", roles="relay"
)
async def done_truncated(world: World) -> None:
    publisher, request = await published(world)
    fields = (2, 0) if world.draft.request_streams else (request.request_id, 2, 0)
    request.write(world.draft.frame(0xB, world.draft.integers(*fields)))
    await publisher.closed(codes.PROTOCOL_VIOLATION)


@case(
    "publish/done-reason-too-long",
    "15,16:1.4.3 18:1.4.4 22:8.5",
    "A reason of 1025 bytes closes the session.",
    roles="relay",
)
async def done_reason(world: World) -> None:
    publisher, request = await published(world)
    request.send("PUBLISH_DONE", code=2, streams=0, reason=b"r" * 1025)
    await publisher.closed(codes.PROTOCOL_VIOLATION)


@case("publish/longest-reason", "15,16:1.4.3 18:1.4.4 22:8.5", "A reason of 1024 bytes is no violation.", roles="relay")
async def longest_reason(world: World) -> None:
    publisher, request = await published(world)
    request.send("PUBLISH_DONE", code=2, streams=0, reason=b"r" * 1024)
    await publisher.alive()


@case("publish/mandatory-property", "18:2.5.1 22:3.7",
      "PUBLISH with an unknown Mandatory Track Property is refused: UNSUPPORTED_EXTENSION.", roles="relay")  # fmt: skip
async def mandatory(world: World) -> None:
    publisher = await world.requesting()
    request = await publisher.request(
        "PUBLISH", namespace=world.namespace, track=TRACK, alias=ALIAS, properties={0x5A5A: 1}
    )
    await request.refused(codes.UNSUPPORTED_EXTENSION)


@case(
    "publish/unknown-property", "16,18:2.5 22:8.4", "PUBLISH with another unknown property is accepted.", roles="relay"
)
async def unknown_property(world: World) -> None:
    await published(world, properties={0x3A5A: 1, 0x3A5B: b"unknown"})


@case(
    "publish/properties-reach-subscribers",
    "16,18:2.5 22:8.4",
    "A relay hands on properties that it does not know.",
    roles="relay",
)
async def properties(world: World) -> None:
    flow = await subscribed(world, properties={0x3A5A: 1, 0x3A5B: b"unknown"})
    missing = {(0x3A5A, 1), (0x3A5B, b"unknown")} - set(flow.answer.properties)
    if missing:
        raise NotOk(f"{missing} are not in SUBSCRIBE_OK")


@case("publish/mandatory-in-subscribe-ok", "18:2.5.1 22:3.7",
      "An unknown Mandatory Track Property in SUBSCRIBE_OK: UNSUPPORTED_EXTENSION.", roles="relay")  # fmt: skip
async def mandatory_upstream(world: World) -> None:
    _, upstream, request = await asked(world)
    upstream.send("SUBSCRIBE_OK", alias=ALIAS, properties={0x5A5A: 1})
    await request.refused(codes.UNSUPPORTED_EXTENSION)


@case("publish/objects-at-once", PUBLISH, "Objects may come right behind PUBLISH.", roles="relay")
async def at_once(world: World) -> None:
    publisher = await world.requesting()
    request = await publisher.request("PUBLISH", namespace=world.namespace, track=TRACK, alias=ALIAS)
    await group(publisher, 0, b"early")
    await publish_accepted(request)
    await publisher.alive()


async def asked(world: World) -> tuple[Peer, Exchange, Exchange]:
    """A session that the relay has asked for a track, its SUBSCRIBE, and that of the subscriber."""
    publisher, subscriber = await announced(world), await world.requesting()
    request = await subscriber.request("SUBSCRIBE", namespace=world.namespace, track=TRACK)
    return publisher, await publisher.incoming_request("SUBSCRIBE"), request


@case(
    "answers/of-another-kind", "15,16:9.10 18:3.3 22:6.4", "FETCH_OK for SUBSCRIBE closes the session.", roles="relay"
)
async def other_kind(world: World) -> None:
    publisher, request, _ = await asked(world)
    request.send("FETCH_OK", end=(1, 0))
    await publisher.closed(codes.PROTOCOL_VIOLATION)


@case(
    "answers/twice",
    "15,16:5.1 18:5.1 22:3.1",
    "A second SUBSCRIBE_OK closes the session.",
    roles="relay",
    level=Level.SHOULD,
)
async def twice(world: World) -> None:
    flow = await subscribed(world)
    flow.publication.send("SUBSCRIBE_OK", alias=ALIAS)
    await flow.publisher.closed(any_code=True)


@case(
    "answers/to-no-request",
    "15,16:9.1",
    "SUBSCRIBE_OK for a request that there was not closes the session.",
    roles="relay",
)
async def no_request(world: World) -> None:
    peer = await world.requesting()
    peer.send("SUBSCRIBE_OK", request_id=401, alias=3)
    await peer.closed(any_code=True)


@case("answers/alias-of-another-track", "15,16:9.10 18:11.1 22:3.1.3",
      "SUBSCRIBE_OK with the alias of another track closes the session.", roles="relay")  # fmt: skip
async def duplicate_alias(world: World) -> None:
    flow = await subscribed(world)
    await flow.subscriber.request("SUBSCRIBE", namespace=world.namespace, track=b"another")
    request = await flow.publisher.incoming_request("SUBSCRIBE")
    request.send("SUBSCRIBE_OK", alias=ALIAS)
    await flow.publisher.closed(codes.DUPLICATE_TRACK_ALIAS)


@case(
    "answers/subscribe-ok-truncated",
    "15,16:9 18:10 22:9",
    "SUBSCRIBE_OK without its parameters closes the session.",
    roles="relay",
)
async def ok_truncated(world: World) -> None:
    publisher, request, _ = await asked(world)
    fields = (ALIAS,) if world.draft.request_streams else (request.request_id, ALIAS)
    request.write(world.draft.frame(0x4, world.draft.integers(*fields)))
    await publisher.closed(codes.PROTOCOL_VIOLATION)


@case(
    "answers/error-reason-too-long",
    "15,16:1.4.3 18:1.4.4 22:8.5",
    "REQUEST_ERROR with a reason of 1025 bytes closes the session.",
    roles="relay",
)
async def error_reason(world: World) -> None:
    publisher, request, _ = await asked(world)
    request.send("REQUEST_ERROR", code=0x10, reason=b"r" * 1025)
    await publisher.closed(codes.PROTOCOL_VIOLATION)


@case(
    "answers/unknown-error-code",
    "15,16:9.8 18:14 22:13",
    "An unknown code of REQUEST_ERROR closes no session.",
    roles="relay",
)
async def unknown_error(world: World) -> None:
    publisher, request, refused = await asked(world)
    request.send("REQUEST_ERROR", code=0x3A5A, reason=b"unknown")
    await refused.refused()
    await publisher.alive()


@case(
    "answers/redirect-with-uri",
    "18:10.6.1 22:9.4.1",
    "A Redirect with a URI closes the session of a server.",
    roles="relay",
)
async def redirect(world: World) -> None:
    publisher, request, _ = await asked(world)
    draft = world.draft
    where = draft.prefixed(b"moqt://elsewhere.example/") + draft.name((), b"")
    request.send("REQUEST_ERROR", code=codes.REDIRECT, reason=b"", redirect=where)
    await publisher.closed(codes.PROTOCOL_VIOLATION)


@case(
    "answers/misplaced-parameter", "18:10.2.1 22:9.20.1", "FORWARD in SUBSCRIBE_OK closes the session.", roles="relay"
)
async def misplaced(world: World) -> None:
    publisher, request, _ = await asked(world)
    request.send("SUBSCRIBE_OK", alias=ALIAS, parameters={codes.FORWARD: 1})
    await publisher.closed(codes.PROTOCOL_VIOLATION)


@case(
    "answers/misplaced-parameter-is-ignored",
    "15:9.2.1",
    "EXPIRES and SUBSCRIBER_PRIORITY in SUBSCRIBE_OK do no harm.",
    roles="relay",
)
async def misplaced_ignored(world: World) -> None:
    _, upstream, request = await asked(world)
    upstream.send("SUBSCRIBE_OK", alias=ALIAS, parameters={codes.EXPIRES: 0, codes.SUBSCRIBER_PRIORITY: 3})
    await request.expect("SUBSCRIBE_OK")


@case(
    "answers/properties-in-request-ok",
    "18:10.5 22:9.3",
    "Track Properties in PUBLISH_OK close the session.",
    roles="relay",
)
async def properties_in_ok(world: World) -> None:
    subscriber = await world.requesting()
    await (await subscriber.request("SUBSCRIBE_TRACKS", namespace=world.namespace)).expect("REQUEST_OK", optional=True)
    await offered(world)
    request = await subscriber.incoming_request("PUBLISH")
    request.send("REQUEST_OK", properties={0x3A5A: 1})
    await subscriber.closed(codes.PROTOCOL_VIOLATION)


@case(
    "answers/goaway-keeps-subscriptions",
    "15,16:9.4 18:10.4 22:9.2",
    "GOAWAY of a publisher ends no subscription.",
    roles="relay",
)
async def goaway_keeps(world: World) -> None:
    flow = await subscribed(world)
    flow.publisher.control(message(world.draft, "GOAWAY", request_id=1))
    await flow.publisher.alive()
    await group(flow.publisher, 0, b"still here")
    await flow.subscriber.until(lambda: flow.subscriber.objects_of(flow.alias), "an object after GOAWAY")


@case(
    "answers/two-tracks-one-session",
    "15,16:10.1 18:11.1 22:3.1.3",
    "Two tracks of a session have two aliases.",
    roles="relay",
)
async def two_tracks(world: World) -> None:
    flow = await subscribed(world)
    other = await joined(world, flow.publisher, flow.subscriber, track=b"another", alias=ALIAS + 1)
    if other.alias == flow.alias:
        raise NotOk(f"both tracks have the alias {other.alias}")
