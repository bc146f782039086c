"""Requests whose bytes the draft does not allow, and the largest that it does."""

from __future__ import annotations

from collections.abc import Callable

from moqt.conform.cases.case import Level, case
from moqt.conform.cases.request_ids import REQUESTS
from moqt.conform.cases.violations import Act, send_payload, violation
from moqt.conform.peer.session import Peer
from moqt.conform.wire import codes
from moqt.conform.wire.draft import Draft
from moqt.conform.wire.values import Filter, Location, Namespace, Parameters
from moqt.conform.world import World

PV = codes.PROTOCOL_VIOLATION
NAMESPACE = (b"moqt-conform", b"malformed")
_NAMED = ("SUBSCRIBE", "FETCH", "PUBLISH", "TRACK_STATUS")
_SECTIONS = {
    "SUBSCRIBE": ("9.9", "10.7", "9.6"),
    "FETCH": ("9.16", "10.12", "9.11"),
    "PUBLISH": ("9.13", "10.10", "9.8"),
    "TRACK_STATUS": ("9.19", "10.14", "9.13"),
    "PUBLISH_NAMESPACE": ("9.20", "10.15", "9.14"),
    "SUBSCRIBE_NAMESPACE": ("9.23", "10.18", "9.15"),
    "SUBSCRIBE_TRACKS": ("", "10.19", "9.18"),
}


def body(
    peer: Peer,
    name: str,
    number: int,
    *,
    namespace: bytes | None = None,
    track: bytes = b"nothing",
    parameters: bytes | None = None,
) -> bytes:
    """The payload of a request, of parts in bytes; a part that is left out is as it should be."""
    draft = peer.draft
    data = draft.integer(number)
    old_fetch = name == "FETCH" and draft.number < 22
    if old_fetch:
        data += draft.integer(1)
    data += draft.namespace(NAMESPACE) if namespace is None else namespace
    if name in _NAMED:
        data += draft.prefixed(track)
    if old_fetch:
        data += draft.integers(0, 0, 1, 0)
    if name == "PUBLISH":
        data += draft.integer(99)
    if name == "SUBSCRIBE_NAMESPACE" and draft.number == 16:
        data += draft.integer(1)
    return data + (draft.integer(0) if parameters is None else parameters)


def _sends(name: str, make: Callable[[Peer, int], bytes]) -> Act:
    async def act(peer: Peer) -> None:
        number = peer.next_id()
        await send_payload(peer, name, make(peer, number), request_id=number)

    return act


def _same(name: str, old: str, new18: str, new22: str) -> str:
    """A section about all messages, for the drafts that have this one."""
    return " ".join(filter(None, (old if _SECTIONS[name][0] else "", f"18:{new18}", f"22:{new22}")))


def _fields(draft: Draft, *fields: bytes) -> bytes:
    return draft.namespace(fields)


def _numbered(draft: Draft, count: int) -> Namespace:
    return tuple(b"%d" % number for number in range(count))


def _every_request(name: str) -> None:
    spelled = name.lower().replace("_", "-")
    violation(
        f"{spelled}/truncated",
        _same(name, "15,16:9", "10", "9"),
        f"{name} that ends inside of a field.",
        _sends(name, lambda p, n: body(p, name, n, parameters=b"")[:-1]),
    )
    # Where Track Properties reach to the end of the message, what follows the parameters is one of those.
    violation(
        f"{spelled}/trailing-bytes",
        "15:9" if name == "PUBLISH" else _same(name, "15,16:9", "10", "9"),
        f"{name} with bytes behind its last field.",
        _sends(name, lambda p, n: body(p, name, n) + b"\0\0\0"),
    )
    violation(
        f"{spelled}/namespace-of-33-fields",
        _same(name, "15,16:2.4.1", "2.4.1", "8.7"),
        f"{name} with a namespace of 33 fields.",
        _sends(name, lambda p, n: body(p, name, n, namespace=p.draft.namespace(_numbered(p.draft, 33)))),
    )
    violation(
        f"{spelled}/namespace-with-an-empty-field",
        _same(name, "16:2.4.1", "2.4.1", "8.7"),
        f"{name} with a namespace field of no bytes.",
        _sends(name, lambda p, n: body(p, name, n, namespace=p.draft.namespace((b"a", b"")))),
    )
    violation(
        f"{spelled}/name-beyond-4096-bytes",
        _same(name, "15,16:2.4.1", "2.4.1", "8.7"),
        f"{name} whose names have 4097 bytes.",
        _sends(
            name,
            lambda p, n: body(
                p,
                name,
                n,
                namespace=p.draft.namespace((b"a" * 2048, b"b" * (2048 if name in _NAMED else 2049))),
                track=b"c",
            ),
        ),
    )
    if _SECTIONS[name][0]:
        violation(
            f"{spelled}/namespace-of-no-fields",
            "15:2.4.1" if name == "SUBSCRIBE_NAMESPACE" else "15,16:2.4.1",
            f"{name} with a namespace of no fields.",
            _sends(name, lambda p, n: body(p, name, n, namespace=p.draft.integer(0))),
        )
    violation(
        f"{spelled}/unknown-parameter",
        _same(name, "16:9.2", "10.2", "9.20"),
        f"{name} with a parameter that the draft does not define.",
        _sends(name, lambda p, n: body(p, name, n, parameters=p.draft.integers(1, 0x40B5A, 1))),
    )
    violation(
        f"{spelled}/too-few-parameters",
        _same(name, "15,16:9", "10", "9"),
        f"{name} with fewer parameters than it says.",
        _sends(name, lambda p, n: body(p, name, n, parameters=p.draft.integer(2))),
        (PV, codes.KEY_VALUE_FORMATTING_ERROR),
    )
    violation(
        f"{spelled}/token-of-no-bytes",
        _same(name, "15:9.2.1.1 16:9.2.2.1", "10.2.2", "9.20.2"),
        f"{name} with a token that can't be decoded.",
        _sends(name, lambda p, n: body(p, name, n, parameters=p.draft.parameters({0x03: b""}))),
        codes.KEY_VALUE_FORMATTING_ERROR,
    )


for _name in REQUESTS:
    _every_request(_name)


def _parameter(name: str, parameters: Parameters) -> Act:
    return _sends(name, lambda p, n: body(p, name, n, parameters=p.draft.parameters(parameters)))


_ALL_FOUR = "15:{} 16:{} 18:{} 22:{}"
_FORWARD = ("9.2.1.10", "9.2.2.8", "10.2.12", "9.20.18")
_ORDER = ("9.2.1.6", "9.2.2.4", "10.2.8", "9.20.8")
for _name, _keep in (
    ("SUBSCRIBE", _ALL_FOUR),
    ("PUBLISH", _ALL_FOUR),
    ("SUBSCRIBE_NAMESPACE", "15:{} 16:{}"),
    ("SUBSCRIBE_TRACKS", "18:{2} 22:{3}"),
):
    violation(
        f"{_name.lower().replace('_', '-')}/forward-2",
        _keep.format(*_FORWARD),
        f"{_name} with FORWARD 2.",
        _parameter(_name, {codes.FORWARD: 2}),
    )
for _name in ("SUBSCRIBE", "FETCH"):
    for _order in (0, 3):
        violation(
            f"{_name.lower()}/group-order-{_order}",
            _ALL_FOUR.format(*_ORDER),
            f"{_name} with GROUP_ORDER {_order}.",
            _parameter(_name, {codes.GROUP_ORDER: _order}),
        )
    violation(
        f"{_name.lower()}/priority-256",
        "15:9.2.1.5 16:9.2.2.3",
        f"{_name} with SUBSCRIBER_PRIORITY 256.",
        _parameter(_name, {codes.SUBSCRIBER_PRIORITY: 256}),
    )
for _name, _value, _sections in (
    ("SUBSCRIBE", codes.GROUP_ORDER, "15,16:9.2 18:10.2 22:9.20"),
    ("FETCH", codes.GROUP_ORDER, "15,16:9.2 18:10.2 22:9.20"),
    ("PUBLISH", codes.FORWARD, "15,16:9.2 18:10.2 22:9.20"),
):
    violation(
        f"{_name.lower()}/parameter-twice",
        _sections,
        f"{_name} with a parameter twice.",
        _parameter(_name, [(_value, 1), (_value, 1)]),
        level=Level.SHOULD,
    )
for _name, _value, _what in (
    ("SUBSCRIBE", codes.LARGEST_OBJECT, "LARGEST_OBJECT"),
    ("SUBSCRIBE", codes.EXPIRES, "EXPIRES"),
    ("FETCH", codes.FORWARD, "FORWARD"),
    ("TRACK_STATUS", codes.GROUP_ORDER, "GROUP_ORDER"),
    ("PUBLISH_NAMESPACE", codes.FORWARD, "FORWARD"),
    ("SUBSCRIBE_NAMESPACE", codes.FORWARD, "FORWARD"),
):
    violation(
        f"{_name.lower().replace('_', '-')}/misplaced-{_what.lower().replace('_', '-')}",
        "18:10.2.1 22:9.20.1",
        f"{_what} in {_name}, where it has no place.",
        _parameter(_name, {_value: Location(0, 0) if _value == codes.LARGEST_OBJECT else 1}),
    )
violation(
    "subscribe/parameter-delta-overflow",
    "18:10.2 22:9.20",
    "A Type Delta that leads beyond the largest type.",
    _sends(
        "SUBSCRIBE",
        lambda p, n: body(
            p,
            "SUBSCRIBE",
            n,
            parameters=p.draft.integers(2, 0x10, b"\1", p.draft.max_integer, 0),
        ),
    ),
)

_FILTERS = "15,16:5.1.2 18:5.1.2"
_SUBSCRIBE_FILTER = "15:9.2.1.7 16:9.2.2.5 18:10.2.9"
for _kind in (0, 5, 100):
    violation(
        f"subscribe/filter-type-{_kind}",
        _FILTERS,
        f"A filter of the unknown type {_kind}.",
        _parameter("SUBSCRIBE", {codes.FILTER: Filter(_kind)}),
    )
for _kind in (6, 100):
    violation(
        f"subscribe/location-filter-type-{_kind}",
        "22:9.20.9",
        f"LOCATION_FILTER of the unknown type {_kind}.",
        _parameter("SUBSCRIBE", {codes.FILTER: Filter(_kind)}),
    )
violation(
    "subscribe/filter-too-long",
    _SUBSCRIBE_FILTER,
    "A filter with bytes behind its last field.",
    _parameter("SUBSCRIBE", {codes.FILTER: Filter(2, (0,))}),
)
violation(
    "subscribe/filter-too-short",
    _SUBSCRIBE_FILTER,
    "A filter whose start lacks its object.",
    _parameter("SUBSCRIBE", {codes.FILTER: Filter(3, (7,))}),
)
violation(
    "subscribe/filter-of-no-bytes",
    _SUBSCRIBE_FILTER,
    "A filter of no bytes.",
    _parameter("SUBSCRIBE", {codes.FILTER: b""}),
)
violation(
    "subscribe/filter-end-overflow",
    "18:5.1.2",
    "A filter whose end is beyond the largest group.",
    _parameter("SUBSCRIBE", {codes.FILTER: Filter(4, (2, 0, (1 << 64) - 1))}),
)
violation(
    "subscribe/location-filter-end-overflow",
    "22:9.20.9",
    "LOCATION_FILTER whose end is beyond the largest group.",
    _parameter("SUBSCRIBE", {codes.FILTER: Filter(3, (2, 0, (1 << 64) - 1))}),
)
violation("publish/dynamic-groups-2", "15:9.2.1.11", "DYNAMIC_GROUPS 2.", _parameter("PUBLISH", {0x30: 2}))
violation(
    "publish/dynamic-groups-property-2",
    "18:12.6 22:10.6",
    "The property DYNAMIC_GROUPS with 2.",
    _sends("PUBLISH", lambda p, n: body(p, "PUBLISH", n) + p.draft.key_values({0x30: 2})),
)
violation(
    "publish/group-order-property-3",
    "18:12.5 22:10.5",
    "The property DEFAULT_PUBLISHER_GROUP_ORDER with 3.",
    _sends("PUBLISH", lambda p, n: body(p, "PUBLISH", n) + p.draft.key_values({0x22: 3})),
)
violation(
    "subscribe/largest-object-too-long",
    "15:1.4.2",
    "LARGEST_OBJECT in PUBLISH that is longer than a Location.",
    _parameter("PUBLISH", {codes.LARGEST_OBJECT: b"\1\2\3"}),
    codes.KEY_VALUE_FORMATTING_ERROR,
)
violation(
    "subscribe/value-beyond-65535-bytes",
    "15,16:1.4.2",
    "A parameter that claims 65536 bytes.",
    _sends("SUBSCRIBE", lambda p, n: body(p, "SUBSCRIBE", n, parameters=p.draft.integers(1, 0x03, 65536) + b"abc")),
)


def _fetch_type(kind: int) -> None:
    violation(
        f"fetch/type-{kind}",
        "15,16:9.16 18:10.12",
        f"FETCH of the unknown type {kind}.",
        _sends("FETCH", lambda p, n: p.draft.integers(n, kind, 0, 0, 0)),
    )


for _kind in (0, 4):
    _fetch_type(_kind)
violation(
    "fetch/joining-truncated",
    "15,16:9 18:10",
    "A joining FETCH without its start.",
    _sends("FETCH", lambda p, n: p.draft.integers(n, 2, 0)),
)
for _kind, _what in ((4, "of an unknown alias type"), (0, "without its alias")):
    violation(
        f"subscribe/token-{_what.replace(' ', '-')}",
        "15:9.2.1.1 16:9.2.2.1 18:10.2.2 22:9.20.2",
        f"A token {_what}.",
        _parameter("SUBSCRIBE", {0x03: bytes([_kind])}),
        codes.KEY_VALUE_FORMATTING_ERROR,
    )


@case("names/longest", "15,16:2.4.1 18:2.4.1 22:8.7", "A Full Track Name of 4096 bytes is no violation.")
async def longest(world: World) -> None:
    peer = await world.requesting()
    found = await peer.request("TRACK_STATUS", namespace=(b"a" * 2000, b"b" * 2000), track=b"c" * 96)
    await found.next()


@case("names/most-fields", "15,16:2.4.1 18:2.4.1 22:8.7", "A namespace of 32 fields is no violation.")
async def most_fields(world: World) -> None:
    peer = await world.requesting()
    await (await peer.request("TRACK_STATUS", namespace=_numbered(world.draft, 32), track=b"x")).next()


@case("names/empty-name", "15,16:2.4.1 18:2.4.1 22:8.7", "A Track Name of no bytes is no violation.")
async def empty_name(world: World) -> None:
    peer = await world.requesting()
    await (await peer.request("TRACK_STATUS", namespace=world.namespace, track=b"")).next()


@case("names/any-bytes", "15,16:2.4.1 18:2.4.1 22:8.7", "Names are bytes, not text.")
async def any_bytes(world: World) -> None:
    peer = await world.requesting()
    await (await peer.request("TRACK_STATUS", namespace=(b"\0\xff", bytes(range(1, 256))), track=b"\xc3\x28")).next()


@case("names/single-period", "18:3.2.1 22:2.4.3", "What is asked of the namespace . does not exist.")
async def period(world: World) -> None:
    peer = await world.requesting()
    found = await peer.request("TRACK_STATUS", namespace=(b".", b"x"), track=b"x")
    await found.refused(codes.DOES_NOT_EXIST)


@case("names/unknown-session-track", "18:3.2.2 22:6.5", "An unknown track of .session does not exist.")
async def session_track(world: World) -> None:
    peer = await world.requesting()
    for name in (b"", b"nobody-knows-it"):
        found = await peer.request("SUBSCRIBE", namespace=(b".session",), track=name)
        await found.refused(codes.DOES_NOT_EXIST)


@case("parameters/unknown-ones", "15:9.2", "Unknown parameters of requests are ignored, repeated or not.")
async def unknown_ones(world: World) -> None:
    peer = await world.requesting()
    listed = [(0x40B5A, 1), (0x40B5A, 2), (0x40B5B, b"bytes")]
    await (await peer.request("TRACK_STATUS", namespace=world.namespace, track=b"x", parameters=listed)).next()


@case("parameters/misplaced-ones", "15,16:9.2.1", "Parameters that belong to another message are ignored.")
async def misplaced_ones(world: World) -> None:
    peer = await world.requesting()
    listed = {codes.EXPIRES: 1000}
    found = await peer.request("PUBLISH_NAMESPACE", namespace=world.namespace, parameters=listed)
    await found.next()
