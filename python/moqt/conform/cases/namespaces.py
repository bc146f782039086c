"""PUBLISH_NAMESPACE and SUBSCRIBE_NAMESPACE."""

from __future__ import annotations

from moqt.conform.cases.case import Level, case
from moqt.conform.cases.flows import TRACK, announced, offered, published
from moqt.conform.outcomes import NotOk
from moqt.conform.peer.exchange import Exchange
from moqt.conform.peer.session import Peer
from moqt.conform.wire import codes
from moqt.conform.wire.values import Namespace, Parameters
from moqt.conform.world import World

PUBLISH = "15,16:9.20 18:10.15 22:9.14"
SUBSCRIBE = "15:9.23 16:9.25 18:10.18 22:9.15"


async def interested(
    world: World, peer: Peer | None = None, *, prefix: Namespace | None = None, parameters: Parameters | None = None
) -> Exchange:
    """An accepted SUBSCRIBE_NAMESPACE, of a session of its own if none is given."""
    peer = peer or await world.requesting()
    fields: dict[str, object] = {"options": 2} if world.draft.number == 16 else {}
    request = await peer.request(
        "SUBSCRIBE_NAMESPACE", namespace=prefix or world.namespace, parameters=parameters or {}, **fields
    )
    await request.expect("REQUEST_OK", optional=True)
    return request


async def told(interest: Exchange, namespace: Namespace, prefix: Namespace) -> None:
    """The peer tells of a namespace: by PUBLISH_NAMESPACE at draft-15, by NAMESPACE later."""
    peer = interest.peer
    if peer.draft.number == 15:
        # It may tell of others, too, unasked.
        await peer.until(
            lambda: any(
                each.opening == "PUBLISH_NAMESPACE" and each.request is not None and each.request.namespace == namespace
                for each in peer.incoming
            ),
            f"PUBLISH_NAMESPACE with {namespace}",
        )
        return
    found = await interest.next("NAMESPACE")
    if found.name != "NAMESPACE" or prefix + found.namespace != namespace:
        raise NotOk(f"{found} instead of NAMESPACE with {namespace[len(prefix) :]}")


async def told_gone(interest: Exchange, namespace: Namespace, prefix: Namespace) -> None:
    """The peer tells that a namespace went."""
    peer = interest.peer
    if peer.draft.number == 15:
        found = await peer.until(
            lambda: next(
                (
                    each
                    for each in peer.messages
                    if each.name == "PUBLISH_NAMESPACE_DONE" and each.namespace == namespace
                ),
                None,
            ),
            "PUBLISH_NAMESPACE_DONE",
        )
        wanted = namespace
    else:
        found = await interest.next("NAMESPACE_DONE")
        wanted = namespace[len(prefix) :]
    if not found.name.endswith("NAMESPACE_DONE") or found.namespace != wanted:
        raise NotOk(f"{found} instead of the end of {wanted}")


async def overlaps(interest: Exchange, prefix: Namespace) -> None:
    """A further request like it, for that prefix, is refused."""
    further = await interest.peer.request(interest.opening, namespace=prefix)
    await further.refused(codes.PREFIX_OVERLAP)


async def silent_after_its_end(world: World, interest: Exchange) -> None:
    """It is taken back; a track that is published then is not offered."""
    interest.cancel()
    await interest.peer.alive()
    publisher, _ = await published(world)
    await publisher.alive()
    await interest.peer.alive()
    if any(each.opening == "PUBLISH" for each in interest.peer.incoming):
        raise NotOk(f"PUBLISH after the end of {interest.opening}")


@case(
    "publish-namespace/accepted", PUBLISH, "PUBLISH_NAMESPACE is answered, by a relay with REQUEST_OK.", roles="relay"
)
async def accepted(world: World) -> None:
    await announced(world)


@case(
    "publish-namespace/answered",
    PUBLISH,
    "PUBLISH_NAMESPACE is answered REQUEST_OK or REQUEST_ERROR.",
    roles="publisher",
)
async def answered(world: World) -> None:
    peer = await world.requesting()
    found = await (await peer.request("PUBLISH_NAMESPACE", namespace=world.namespace)).next()
    if found.name not in ("REQUEST_OK", "REQUEST_ERROR"):
        raise NotOk(f"{found.name} for PUBLISH_NAMESPACE")


@case(
    "publish-namespace/withdrawn",
    "15:9.21 16:9.22 18:6.2 22:4",
    "A namespace may be withdrawn and published again.",
    roles="relay",
)
async def withdrawn(world: World) -> None:
    publisher = await world.requesting()
    for _ in range(2):
        request = await publisher.request("PUBLISH_NAMESPACE", namespace=world.namespace)
        await request.expect("REQUEST_OK", optional=True)
        request.cancel()
        await publisher.alive(2)


@case(
    "publish-namespace/withdrawn-is-not-asked",
    "15:9.21 16:9.22 18:6.2 22:4",
    "Nobody is asked for what was withdrawn.",
    roles="relay",
)
async def withdrawn_not_asked(world: World) -> None:
    publisher = await world.requesting()
    request = await publisher.request("PUBLISH_NAMESPACE", namespace=world.namespace)
    await request.expect("REQUEST_OK", optional=True)
    request.cancel()
    await publisher.alive()
    subscriber = await world.requesting()
    await (await subscriber.request("SUBSCRIBE", namespace=world.namespace, track=TRACK)).refused()


@case(
    "publish-namespace/two-publishers",
    "15,16:8.3 18:9.3 22:7.3",
    "Two sessions may publish one namespace.",
    roles="relay",
    level=Level.SHOULD,  # one that cannot take another publisher may refuse it
)
async def two_publishers(world: World) -> None:
    await announced(world)
    await announced(world)


@case("publish-namespace/keeps-to-itself", "15,16:5.1 18:5.1 22:3.1",
      "A relay sends nothing of a namespace to who did not ask for it.", roles="relay")  # fmt: skip
async def to_itself(world: World) -> None:
    bystander = await world.requesting()
    await published(world)
    await bystander.alive()
    if any(each.opening == "PUBLISH" for each in bystander.incoming):
        raise NotOk("PUBLISH for a session that asked for nothing")


@case("subscribe-namespace/accepted", SUBSCRIBE, "SUBSCRIBE_NAMESPACE is answered REQUEST_OK.", roles="relay publisher")
async def interest_accepted(world: World) -> None:
    await interested(world)


@case(
    "subscribe-namespace/tells-what-is-there",
    SUBSCRIBE,
    "It tells of a namespace that was published before.",
    roles="relay",
)
async def tells(world: World) -> None:
    await announced(world)
    interest = await interested(world)
    await told(interest, world.namespace, world.namespace)


@case(
    "subscribe-namespace/tells-what-comes", SUBSCRIBE, "It tells of a namespace that is published later.", roles="relay"
)
async def tells_later(world: World) -> None:
    interest = await interested(world)
    await announced(world)
    await told(interest, world.namespace, world.namespace)


@case("subscribe-namespace/tells-below", SUBSCRIBE, "It tells of a namespace below the prefix.", roles="relay")
async def tells_below(world: World) -> None:
    inner = (*world.namespace, b"a", b"\0b")
    interest = await interested(world)
    await announced(world, inner)
    await told(interest, inner, world.namespace)


@case(
    "subscribe-namespace/tells-what-goes",
    "15:9.21 16:9.22 18:10.17 22:9.17",
    "It tells that a namespace was withdrawn.",
    roles="relay",
)
async def tells_gone(world: World) -> None:
    interest = await interested(world)
    publisher = await world.requesting()
    request = await publisher.request("PUBLISH_NAMESPACE", namespace=world.namespace)
    await request.expect("REQUEST_OK", optional=True)
    await told(interest, world.namespace, world.namespace)
    request.cancel()
    await told_gone(interest, world.namespace, world.namespace)


@case(
    "subscribe-namespace/tells-who-is-lost",
    "15:9.21 16:9.22 18:10.17 22:9.17",
    "It tells that a publisher was lost.",
    roles="relay",
)
async def tells_lost(world: World) -> None:
    interest = await interested(world)
    publisher = await announced(world)
    await told(interest, world.namespace, world.namespace)
    publisher.connection.abort(0)
    await told_gone(interest, world.namespace, world.namespace)


@case(
    "subscribe-namespace/tells-its-own",
    "15,16:6.1 18:6.1 22:4",
    "It tells a session of what that session publishes.",
    roles="relay",
)
async def echo(world: World) -> None:
    publisher = await announced(world)
    interest = await interested(world, publisher)
    await told(interest, world.namespace, world.namespace)


@case(
    "subscribe-namespace/of-others-only",
    "16:9.25 18:10.18 22:9.15",
    "It tells nothing of namespaces outside of the prefix.",
    roles="relay",
)
async def outside(world: World) -> None:
    interest = await interested(world)
    await announced(world, (*world.namespace[:-1], world.namespace[-1] + b"x"))
    await interest.peer.alive()
    if len(interest.messages) > 1:
        raise NotOk("it tells of a namespace that does not begin with the prefix")


@case(
    "subscribe-namespace/same-prefix-twice",
    SUBSCRIBE,
    "A second one with the prefix is refused: PREFIX_OVERLAP.",
    roles="relay publisher",
)
async def twice(world: World) -> None:
    interest = await interested(world)
    await overlaps(interest, world.namespace)


@case(
    "subscribe-namespace/longer-prefix",
    SUBSCRIBE,
    "A second one below the prefix is refused: PREFIX_OVERLAP.",
    roles="relay publisher",
)
async def longer(world: World) -> None:
    interest = await interested(world)
    await overlaps(interest, (*world.namespace, b"below"))


@case(
    "subscribe-namespace/shorter-prefix",
    SUBSCRIBE,
    "A second one above the prefix is refused: PREFIX_OVERLAP.",
    roles="relay publisher",
)
async def shorter(world: World) -> None:
    interest = await interested(world, prefix=(*world.namespace, b"below"))
    await overlaps(interest, world.namespace)


@case("subscribe-namespace/again-after-its-end", "15:9.24 16:9.25 18:6.1 22:4", "Then the prefix may come again.",
      roles="relay publisher")  # fmt: skip
async def again(world: World) -> None:
    interest = await interested(world)
    interest.cancel()
    await interest.peer.alive()
    await interested(world, interest.peer)


@case(
    "subscribe-namespace/silent-after-its-end",
    "15:9.24 16:9.25",
    "After its end nothing is told.",
    roles="relay",
)
async def silent(world: World) -> None:
    interest = await interested(world)
    await silent_after_its_end(world, interest)


@case(
    "subscribe-namespace/everything",
    "16:9.25 18:6.1 22:4",
    "A prefix of no fields asks for every namespace.",
    roles="relay",
)
async def everything(world: World) -> None:
    peer = await world.requesting()
    fields: dict[str, object] = {"options": 1} if world.draft.number == 16 else {}
    interest = await peer.request("SUBSCRIBE_NAMESPACE", namespace=(), **fields)
    await interest.expect("REQUEST_OK", optional=True)
    await announced(world)
    await peer.until(
        lambda: any(each.name == "NAMESPACE" and each.namespace == world.namespace for each in interest.messages),
        "NAMESPACE",
    )


@case("subscribe-namespace/brings-tracks", "15:9.23", "It brings PUBLISH for a track that is published.", roles="relay")
async def brings_tracks(world: World) -> None:
    interest = await interested(world)
    await offered(world)
    found = await interest.peer.incoming_request("PUBLISH")
    check_track(found, world)


def check_track(found: Exchange, world: World) -> None:
    assert found.request is not None
    if (found.request.namespace, found.request.track) != (world.namespace, TRACK):
        raise NotOk(f"PUBLISH for {found.request.namespace} {found.request.track}")
