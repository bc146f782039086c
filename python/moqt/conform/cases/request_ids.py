"""Request IDs."""

from __future__ import annotations

from moqt.conform.cases.case import case
from moqt.conform.cases.violations import Act, violation
from moqt.conform.peer.session import Peer
from moqt.conform.wire import codes
from moqt.conform.wire.messages import Standalone
from moqt.conform.wire.values import Location
from moqt.conform.world import World

SECTION = "15,16:9.1 18:10.1 22:9"
OLD = "15,16:9.1"
_NAMESPACE = (b"moqt-conform", b"request-ids")

# Every request with what else it needs.
REQUESTS = {
    "SUBSCRIBE": "15,16,18,22",
    "FETCH": "15,16,18,22",
    "PUBLISH": "15,16,18,22",
    "TRACK_STATUS": "15,16,18,22",
    "PUBLISH_NAMESPACE": "15,16,18,22",
    "SUBSCRIBE_NAMESPACE": "15,16,18,22",
    "SUBSCRIBE_TRACKS": "18,22",
}


def fields_of(peer: Peer, name: str) -> dict[str, object]:
    """What such a request has besides its Request ID."""
    fields: dict[str, object] = {"namespace": _NAMESPACE}
    if name in ("SUBSCRIBE", "PUBLISH", "TRACK_STATUS", "FETCH"):
        fields["track"] = b"nothing"
    if name == "PUBLISH":
        fields["alias"] = 99
    if name == "FETCH" and peer.draft.number < 22:
        return {"fetch": Standalone(_NAMESPACE, b"nothing", Location(0, 0), Location(1, 0))}
    return fields


def _numbered(name: str, offset: int) -> Act:
    """A request whose Request ID is off by so much."""

    async def act(peer: Peer) -> None:
        await peer.request(name, request_id=peer.next_id() + offset, **fields_of(peer, name))

    return act


def _repeated(name: str) -> Act:
    async def act(peer: Peer) -> None:
        for _ in range(2):
            await peer.request(name, request_id=0 if peer.is_client else 1, **fields_of(peer, name))

    return act


def sections(name: str, old: str, new18: str, new22: str) -> str:
    """For the drafts that have such a request."""
    parts = (f"15,16:{old}" if "15" in REQUESTS[name] else "", f"18:{new18}", f"22:{new22}")
    return " ".join(filter(None, parts))


for _name in REQUESTS:
    _spelled = _name.lower().replace("_", "-")
    violation(
        f"request-id/{_spelled}-of-the-other-side", sections(_name, "9.1", "10.1", "9"),
        f"{_name} with a Request ID of the other side's parity.", _numbered(_name, 1), codes.INVALID_REQUEST_ID,
    )  # fmt: skip
    violation(
        f"request-id/{_spelled}-repeated", sections(_name, "9.1", "10.1", "9"),
        f"{_name} with a Request ID that was used.", _repeated(_name), codes.INVALID_REQUEST_ID,
    )  # fmt: skip
for _name in ("SUBSCRIBE", "PUBLISH_NAMESPACE"):
    violation(
        f"request-id/{_name.lower().replace('_', '-')}-skips-one", "15:9.1",
        f"{_name} with a Request ID that is not the next in sequence.", _numbered(_name, 2), codes.INVALID_REQUEST_ID,
    )  # fmt: skip


async def _beyond(peer: Peer) -> None:
    number = peer.credit + (peer.credit % 2 if peer.is_client else 1 - peer.credit % 2)
    await peer.request("SUBSCRIBE", request_id=number, **fields_of(peer, "SUBSCRIBE"))


violation(
    "request-id/beyond-the-maximum", "15,16:9.5", "A Request ID beyond MAX_REQUEST_ID.", _beyond,
    (codes.TOO_MANY_REQUESTS, codes.INVALID_REQUEST_ID),
)  # fmt: skip


async def _decreasing(peer: Peer) -> None:
    for number in (0, 2, 0) if peer.is_client else (1, 3, 1):
        await peer.request("TRACK_STATUS", request_id=number, **fields_of(peer, "TRACK_STATUS"))


violation(
    "request-id/decreasing", OLD, "A Request ID smaller than the one before.", _decreasing, codes.INVALID_REQUEST_ID
)


@case("request-id/in-any-order", "18:10.1 22:9", "Requests on streams of their own may come in any order.")
async def any_order(world: World) -> None:
    peer = await world.requesting()
    first = 0 if peer.is_client else 1
    for number in (first + 8, first + 2, first):
        found = await peer.request("TRACK_STATUS", request_id=number, **fields_of(peer, "TRACK_STATUS"))
        await found.next()


@case("request-id/in-sequence", "15,16:9.1", "Requests of different kinds share one sequence.")
async def in_sequence(world: World) -> None:
    peer = await world.requesting()
    for name in ("TRACK_STATUS", "SUBSCRIBE", "FETCH", "PUBLISH_NAMESPACE", "TRACK_STATUS"):
        await (await peer.request(name, **fields_of(peer, name))).next()
