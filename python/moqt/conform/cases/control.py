"""The control stream, its messages, and GOAWAY."""

from __future__ import annotations

from collections.abc import Callable

from moqt.conform.cases.case import SERVERS, Role, case
from moqt.conform.cases.violations import ANY_CODE, Act, send_payload, violation
from moqt.conform.outcomes import NotOk
from moqt.conform.peer.session import Peer
from moqt.conform.wire import codes
from moqt.conform.wire.messages import message, message_type
from moqt.conform.world import World

STREAMS = "15,16:3.3 18:3.3 22:6.3"
MESSAGES = "15,16:9 18:10 22:9"
OLD_MESSAGES = "15,16:9"
NEW_STREAMS = "18:3.3 22:6.4"
GOAWAY = "15,16:9.4 18:10.4 22:9.2"


def control(make: Callable[[Peer], bytes]) -> Act:
    """Bytes on the control stream."""

    async def act(peer: Peer) -> None:
        peer.control(make(peer))

    return act


def own_stream(make: Callable[[Peer], bytes]) -> Act:
    """Bytes at the beginning of a bidirectional stream."""

    async def act(peer: Peer) -> None:
        await peer.bidi_stream(make(peer))

    return act


def goaway(peer: Peer, uri: bytes = b"", **fields: int) -> bytes:
    """GOAWAY of this side. At draft-18 it names the first request of the peer that is not processed any more."""
    return message(peer.draft, "GOAWAY", **({"uri": uri, "request_id": 1 if peer.is_client else 0} | fields))


async def _fin(peer: Peer) -> None:
    assert peer.control_stream is not None
    peer.control_stream.write_eof()


async def _reset(peer: Peer) -> None:
    assert peer.control_stream is not None
    await peer.alive()  # a reset takes with it what has not arrived, SETUP as well
    peer.control_stream.reset(0)


async def _second_control_stream(peer: Peer) -> None:
    await peer.uni_stream(message(peer.draft, "SETUP"))


violation("control/fin", STREAMS, "This side finishes its control stream.", _fin)
violation("control/reset", STREAMS, "This side resets its control stream.", _reset)
violation("control/second-stream", NEW_STREAMS, "A second control stream.", _second_control_stream, ANY_CODE)


def _sent(kind: int, name: str, sections: str, text: str) -> None:
    """A message of such a type on the control stream."""
    violation(name.format(kind), sections, text, control(lambda p: p.draft.frame(kind, b"\0")), ANY_CODE)


def _on_the_control_stream(name: str) -> None:
    fields = bytes([0, 1, 1, 0x61, 1, 0x61, 0])
    violation(
        f"control/{name.lower().replace('_', '-')}-on-it",
        "18:10 22:9",
        f"{name} on the control stream, where from draft-17 on only GOAWAY has its place.",
        control(lambda p: p.draft.frame(message_type(p.draft, name), fields)),
        ANY_CODE,
    )


def _at_the_beginning(name: str) -> None:
    violation(
        f"streams/begins-with-{name.lower().replace('_', '-')}",
        NEW_STREAMS,
        f"A bidirectional stream that begins with {name}.",
        own_stream(lambda p: message(p.draft, name)),
    )


for _kind, _size in ((0x3F, "one byte"), (0x3FFF, "two bytes"), (0x1FFFFFFF, "four bytes"), ((1 << 62) - 1, "62 bits")):
    _sent(_kind, "control/unknown-type-{:#x}", MESSAGES, f"A message of an unknown type of {_size}.")
for _kind in (0x01, 0x40, 0x41):
    _sent(_kind, "control/reserved-type-{:#x}", MESSAGES, f"A message of the reserved type {_kind:#x}.")
for _kind in (0x20, 0x21, 0x15, 0x1A):
    _sent(
        _kind, "control/type-of-old-drafts-{:#x}", "18:10 22:9", f"Message type {_kind:#x}, which ended with draft-16."
    )
for _name in ("SUBSCRIBE", "FETCH", "PUBLISH_NAMESPACE", "REQUEST_OK", "SUBSCRIBE_NAMESPACE"):
    _on_the_control_stream(_name)
for _name in ("REQUEST_OK", "SUBSCRIBE_OK", "GOAWAY", "REQUEST_UPDATE", "PUBLISH_DONE", "NAMESPACE"):
    _at_the_beginning(_name)
violation(
    "control/publish-ok-0x1e",
    "22:9",
    "PUBLISH_OK 0x1E, which ended with draft-18, on a request stream.",
    own_stream(lambda p: p.draft.frame(0x1E, b"\0")),
    ANY_CODE,
)
violation(
    "streams/begins-with-unknown-type",
    "18:10 22:9",
    "A bidirectional stream that begins with an unknown message.",
    own_stream(lambda p: p.draft.frame(0x3FFF, b"")),
    ANY_CODE,
)
violation(
    "streams/begins-with-setup",
    NEW_STREAMS,
    "A bidirectional stream that begins with SETUP.",
    own_stream(lambda p: message(p.draft, "SETUP")),
)


@case("streams/second-bidirectional", "15:3.3", "A second bidirectional stream closes the session or is left alone.")
async def second_bidirectional(world: World) -> None:
    peer = await world.requesting()
    await peer.bidi_stream(b"\0")
    try:
        await peer.alive(2)
    except NotOk:
        await peer.closed(codes.PROTOCOL_VIOLATION)


@case("control/in-single-bytes", MESSAGES, "A message may come byte by byte.")
async def in_bytes(world: World) -> None:
    peer = await world.requesting()
    number = peer.next_id()
    whole = message(world.draft, "TRACK_STATUS", request_id=number, namespace=world.namespace, track=b"nothing")
    exchange = await peer.raw_request("TRACK_STATUS", whole[:1], number)
    for offset in range(1, len(whole)):
        exchange.write(whole[offset : offset + 1])
        if exchange.stream is not None and offset % 8 == 0:
            await exchange.stream.drain()
    await exchange.next()


@case(
    "control/longer-integers", "15,16:1.4 18:1.4.1 22:8.1", "Integers of a message need not have their shortest form."
)
async def longer_integers(world: World) -> None:
    peer, draft = await world.requesting(), world.draft
    for size in (2, 4, 8) if not draft.vi64 else (2, 3, 4, 5, 6, 7, 8, 9):
        number = peer.next_id()
        fields = draft.integer(number, size) + draft.integer(1, size) + draft.integer(4, size) + b"name"
        fields += draft.integer(5, size) + b"track" + draft.integer(0, size)
        data = draft.integer(message_type(draft, "TRACK_STATUS"), size) + len(fields).to_bytes(2, "big") + fields
        await (await peer.raw_request("TRACK_STATUS", data, number)).next()


@case("control/requests-blocked", "15,16:9.6", "REQUESTS_BLOCKED is taken.")
async def requests_blocked(world: World) -> None:
    peer = await world.requesting()
    peer.send("REQUESTS_BLOCKED", max_request_id=peer.credit)
    await peer.alive()


@case("control/more-requests", "15,16:9.5", "MAX_REQUEST_ID with a larger number is taken.")
async def more_requests(world: World) -> None:
    peer = await world.requesting()
    peer.send("MAX_REQUEST_ID", max_request_id=2000)
    peer.send("MAX_REQUEST_ID", max_request_id=2001)
    await peer.alive()


_OLD = "15,16:9.5"
violation(
    "control/max-request-id-equal",
    _OLD,
    "MAX_REQUEST_ID with the number that was there.",
    control(lambda p: message(p.draft, "MAX_REQUEST_ID", max_request_id=1000)),
)
violation(
    "control/max-request-id-smaller",
    _OLD,
    "MAX_REQUEST_ID with a smaller number.",
    control(lambda p: message(p.draft, "MAX_REQUEST_ID", max_request_id=999)),
)


def _whole(name: str, what: str, sections: str, text: str, fields: tuple[int, ...]) -> None:
    """A message on the control stream with such integers, too few or too many."""
    violation(
        f"control/{name.lower().replace('_', '-')}-{what}",
        sections,
        text,
        control(lambda p: p.draft.frame(message_type(p.draft, name), p.draft.integers(*fields))),
    )


for _name in ("MAX_REQUEST_ID", "REQUESTS_BLOCKED"):
    _whole(_name, "truncated", OLD_MESSAGES, f"{_name} without its number.", ())
    _whole(_name, "trailing-bytes", OLD_MESSAGES, f"{_name} with a byte too many.", (5000, 0))
for _name in ("UNSUBSCRIBE", "FETCH_CANCEL", "UNSUBSCRIBE_NAMESPACE", "PUBLISH_NAMESPACE_DONE"):
    _whole(_name, "truncated", "15:9", f"{_name} of no bytes.", ())


@case("goaway/taken", GOAWAY, "A session in which this side said GOAWAY goes on.")
async def taken(world: World) -> None:
    peer = await world.requesting()
    peer.control(goaway(peer))
    try:
        await peer.alive()
    except NotOk:
        if world.target.role is not Role.CLIENT:
            raise
        await peer.closed(codes.NO_ERROR)


async def _twice(peer: Peer) -> None:
    peer.control(goaway(peer) + goaway(peer))


violation("goaway/twice", GOAWAY, "A second GOAWAY on the control stream.", _twice)
violation(
    "goaway/client-names-uri",
    GOAWAY,
    "A client's GOAWAY that has a New Session URI.",
    control(lambda p: goaway(p, b"moqt://elsewhere.example/")),
    roles=SERVERS,
)
violation(
    "goaway/uri-too-long",
    GOAWAY,
    "A New Session URI of 8193 bytes.",
    control(lambda p: goaway(p, b"moqt://a/".ljust(8193, b"a"))),
)
violation(
    "goaway/truncated",
    MESSAGES,
    "GOAWAY that ends inside of its URI.",
    control(lambda p: p.draft.frame(0x10, p.draft.integer(20) + b"moqt://")),
)
violation(
    "goaway/trailing-bytes",
    MESSAGES,
    "GOAWAY with bytes too many.",
    control(lambda p: p.draft.frame(0x10, goaway(p)[3:] + b"\0\0\0\0")),
)
violation(
    "goaway/request-id-parity",
    "18:10.4",
    "GOAWAY whose Request ID is one of this side's.",
    control(lambda p: goaway(p, request_id=0 if p.is_client else 1)),
    codes.INVALID_REQUEST_ID,
)


async def _twice_on_request(peer: Peer) -> None:
    exchange = await peer.request("SUBSCRIBE_NAMESPACE", namespace=(b"moqt-conform", b"goaway"))
    await exchange.next()
    exchange.send("GOAWAY", timeout=10000)
    exchange.send("GOAWAY", timeout=10000)


violation(
    "goaway/twice-on-a-request",
    "18:10.4 22:9.2",
    "A second GOAWAY on the stream of a request.",
    _twice_on_request,
    roles=SERVERS,
)


async def _two_namespaces(peer: Peer) -> None:
    exchange = await peer.request("SUBSCRIBE_NAMESPACE", namespace=(b"moqt-conform", b"two"))
    await exchange.next()
    exchange.send("SUBSCRIBE_NAMESPACE", request_id=peer.next_id(), namespace=(b"moqt-conform", b"too"))


violation(
    "streams/second-request",
    "18:10 22:9",
    "A second request on the stream of one.",
    _two_namespaces,
    ANY_CODE,
    roles=SERVERS,
)


async def _truncated_status(peer: Peer) -> None:
    await send_payload(peer, "TRACK_STATUS", b"")


violation("control/request-of-no-bytes", MESSAGES, "A request without a Request ID.", _truncated_status)
