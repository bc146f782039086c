"""Data streams and datagrams that close the session, and those that do not."""

from __future__ import annotations

from collections.abc import Callable

from moqt.conform.cases.case import Level, case
from moqt.conform.cases.flows import group, receiving
from moqt.conform.cases.violations import ANY_CODE, DataAct, data_violation, violation
from moqt.conform.peer.session import Peer
from moqt.conform.wire.draft import Draft
from moqt.conform.wire.objects import (
    PADDING_DATAGRAM,
    PADDING_STREAM,
    Property,
    datagram,
    subgroup_header,
    subgroup_object,
)
from moqt.conform.world import World

STREAMS = "15,16:10 18:3.4 22:6.4.1"
DATAGRAMS = "15,16:10 18:11 22:11.2"
SUBGROUP = "15,16:10.4.2 18:11.4.2 22:11.3.1"
OBJECT_DATAGRAM = "15,16:10.3.1 18:11.3.1 22:11.2.1"
STATUS = "15,16:10.2.1.1 18:11.2.1.1 22:11.1.1"
FIN = "15,16:10.4 18:11.4 22:11.3"


def stream(make: Callable[[Draft, int], bytes], *, fin: bool = False) -> DataAct:
    """A unidirectional stream of such bytes."""

    async def act(peer: Peer, alias: int) -> None:
        await peer.uni_stream(make(peer.draft, alias), fin=fin)

    return act


def one_datagram(make: Callable[[Draft, int], bytes]) -> DataAct:
    """One datagram of such bytes."""

    async def act(peer: Peer, alias: int) -> None:
        peer.connection.send_datagram(make(peer.draft, alias))

    return act


async def _unknown_stream(peer: Peer) -> None:
    await peer.uni_stream(peer.draft.integers(0x3FF0, 0, 0))


async def _unknown_datagram(peer: Peer) -> None:
    peer.connection.send_datagram(peer.draft.integers(0x3FF0, 0, 0))


violation("data/unknown-stream-type", STREAMS, "A unidirectional stream of an unknown type.", _unknown_stream, ANY_CODE)
violation("data/unknown-datagram-type", DATAGRAMS, "A datagram of an unknown type.", _unknown_datagram, ANY_CODE)


def _type(kind: int, name: str, sections: str, text: str, make: DataAct, codes: tuple[int, ...] = ANY_CODE) -> None:
    """A case about one type of streams or datagrams."""
    data_violation(name.format(kind), sections, text.format(kind), make, codes)


def _unknown_stream_type(kind: int) -> None:
    act = stream(lambda d, a: d.integers(kind, a, 0, 0))
    _type(kind, "data/stream-type-{:#x}", STREAMS, "A unidirectional stream of the unknown type {:#x}.", act)


def _reserved_subgroup(kind: int, sections: str) -> None:
    act = stream(lambda d, a: d.integers(kind, a, 0, 0, bytes(1)))
    _type(kind, "data/subgroup-type-{:#x}", sections, "A subgroup of the reserved type {:#x}.", act)


def _later_subgroup(kind: int) -> None:
    act = stream(lambda d, a: d.integers(kind, a, 0, 0, bytes(1)))
    _type(kind, "data/later-subgroup-type-{:#x}", "15,16:10", "Subgroup type {:#x}, which begins with draft-18.", act)


def _status_that_ends(kind: int) -> None:
    act = one_datagram(lambda d, a: datagram(d, a, 0, 0, kind=kind, status=3))
    text = "A datagram of the type {:#x}: a status that ends a group."
    _type(kind, "data/datagram-type-{:#x}", OBJECT_DATAGRAM, text, act)


def _unknown_datagram_type(kind: int) -> None:
    act = one_datagram(lambda d, a: datagram(d, a, 0, 0, b"x", kind=kind))
    _type(kind, "data/datagram-type-{:#x}", OBJECT_DATAGRAM, "A datagram of the unknown type {:#x}.", act)


def _unknown_status(status: int) -> None:
    data_violation(
        f"data/status-{status}",
        STATUS,
        f"Object Status {status}.",
        stream(lambda d, a: subgroup_header(d, a, 0) + subgroup_object(d, 0, status=status)),
        level=Level.SHOULD,
    )
    data_violation(
        f"data/datagram-status-{status}",
        STATUS,
        f"A datagram with Object Status {status}.",
        one_datagram(lambda d, a: datagram(d, a, 0, 0, kind=0x20, status=status)),
        level=Level.SHOULD,
    )


def _properties_with_status(status: int) -> None:
    listed: list[Property] = [(0x3C00, 1)]
    data_violation(
        f"data/properties-with-status-{status}",
        "15,16:10.2.1.2 18:11.2.1.2 22:11.1.2",
        f"Properties of an object with status {status}.",
        stream(lambda d, a: subgroup_header(d, a, 0, kind=0x15) + subgroup_object(d, 0, status=status, listed=listed)),
    )
    data_violation(
        f"data/datagram-properties-with-status-{status}",
        "15,16:10.2.1.2 18:11.3.1 22:11.2.1",
        f"A datagram with properties and status {status}.",
        one_datagram(lambda d, a: datagram(d, a, 0, 0, kind=0x21, status=status)),
    )


for _each in (0x00, 0x04, 0x06, 0x0F, 0x20, 0x40, 0x80):
    _unknown_stream_type(_each)
for _each in (0x16, 0x17, 0x1E, 0x1F, 0x36, 0x3F):
    _reserved_subgroup(_each, SUBGROUP)
for _each in (0x56, 0x77):
    _reserved_subgroup(_each, "18:11.4.2 22:11.3.1")
for _each in (0x50, 0x7D):
    _later_subgroup(_each)
for _each in (0x22, 0x27, 0x2A, 0x2F):
    _status_that_ends(_each)
for _each in (0x10, 0x1F, 0x30, 0x40):
    _unknown_datagram_type(_each)
for _each in (2, 5, 1000):
    _unknown_status(_each)
for _each in (3, 4):
    _properties_with_status(_each)

data_violation(
    "data/fin-inside-a-header",
    FIN,
    "FIN inside of a subgroup's header.",
    stream(lambda d, a: d.integers(0x14, a), fin=True),
    level=Level.SHOULD,
)
data_violation(
    "data/fin-inside-an-object-header",
    FIN,
    "FIN inside of an object's header.",
    stream(lambda d, a: subgroup_header(d, a, 0) + d.integer(0), fin=True),
    level=Level.SHOULD,
)
data_violation(
    "data/fin-inside-a-payload",
    FIN,
    "FIN inside of an object's payload.",
    stream(lambda d, a: subgroup_header(d, a, 0) + d.integers(0, 10) + b"short", fin=True),
    level=Level.SHOULD,
)
data_violation(
    "data/status-before-draft-16",
    "16:10.2.1.1 18:11.2.1.1 22:11.1.1",
    "Object Status 1, which ended with draft-15.",
    stream(lambda d, a: subgroup_header(d, a, 0) + subgroup_object(d, 0, status=1)),
    level=Level.SHOULD,
)
data_violation(
    "data/datagram-with-empty-properties",
    OBJECT_DATAGRAM,
    "A datagram whose properties have no bytes.",
    one_datagram(lambda d, a: datagram(d, a, 0, 0, b"x", kind=0x01, listed=[])),
)
data_violation(
    "data/datagram-that-ends-early",
    OBJECT_DATAGRAM,
    "A datagram that ends inside of its header.",
    one_datagram(lambda d, a: d.integers(0x00, a)),
    ANY_CODE,
    level=Level.SHOULD,
)
data_violation(
    "data/object-id-overflow",
    "18:11.4.2 22:11.3.1",
    "An Object ID beyond the largest integer.",
    stream(
        lambda d, a: subgroup_header(d, a, 0) + subgroup_object(d, d.max_integer, b"x") + subgroup_object(d, 0, b"y")
    ),
)
data_violation(
    "data/property-beyond-65535-bytes",
    "15,16:1.4.2 18:1.4.3 22:8.3",
    "A property that claims 65536 bytes.",
    stream(
        lambda d, a: (
            subgroup_header(d, a, 0, kind=0x15)
            + d.integer(0)
            + d.prefixed(d.integers(0x3D, 65536) + bytes(70000))
            + d.prefixed(b"x")
        )
    ),
)
data_violation(
    "data/property-delta-overflow",
    "16:1.4.2 18:1.4.3 22:8.3",
    "A property whose Delta Type leads beyond the largest type.",
    stream(
        lambda d, a: (
            subgroup_header(d, a, 0, kind=0x15)
            + d.integer(0)
            + d.prefixed(d.overflowing_keys(0x3C)[1])
            + d.prefixed(b"x")
        )
    ),
)


@case("data/unknown-alias", "15,16:10.4.2 18:11.4.2 22:11.3.1", "A subgroup with an unknown alias closes no session.")
async def unknown_alias(world: World) -> None:
    peer = await world.requesting()
    await group(peer, 0, b"whose?", alias=12345)
    await peer.alive(2)


@case(
    "data/datagram-with-unknown-alias",
    "15,16:10.3 18:11.3 22:3.1.3",
    "A datagram with an unknown alias closes no session.",
)
async def unknown_datagram_alias(world: World) -> None:
    peer = await world.requesting()
    peer.connection.send_datagram(datagram(world.draft, 12345, 0, 0, b"whose?"))
    await peer.alive(2)


@case("data/padding-stream", "18:11.5.1 22:11.5.1", "A padding stream is read and left alone.")
async def padding_stream(world: World) -> None:
    peer = await world.requesting()
    await peer.uni_stream(world.draft.integer(PADDING_STREAM) + bytes(5000), fin=True)
    await peer.uni_stream(world.draft.integer(PADDING_STREAM))
    await peer.alive(2)


@case("data/padding-datagram", "18:11.5.2 22:11.5.2", "A padding datagram is left alone.")
async def padding_datagram(world: World) -> None:
    peer = await world.requesting()
    peer.connection.send_datagram(world.draft.integer(PADDING_DATAGRAM) + bytes(500))
    await peer.alive(2)


@case(
    "data/reset-stream",
    "15,16:10.4.1 18:11.4.1 22:6.4.1",
    "A subgroup stream that is reset ends nothing else.",
    roles="relay client",
)
async def reset_stream(world: World) -> None:
    peer, alias = await receiving(world)
    for data in (b"", subgroup_header(world.draft, alias, 0), subgroup_header(world.draft, alias, 1) + b"\0\x0ahalf"):
        opened = await peer.uni_stream(data)
        if data:
            await opened.wait_acked()
        opened.reset(1)
    await peer.alive(2)


@case(
    "data/empty-stream",
    "15,16:10.4.2 18:11.4.2 22:11.3.1",
    "A subgroup stream without objects is no violation.",
    roles="relay client",
)
async def empty_stream(world: World) -> None:
    peer, alias = await receiving(world)
    await peer.uni_stream(subgroup_header(world.draft, alias, 0), fin=True)
    await peer.alive(2)


@case(
    "data/empty-properties",
    "15,16:10.4.2 18:11.4.2 22:11.3.1",
    "An object of a stream may have properties of no bytes.",
    roles="relay client",
)
async def empty_properties(world: World) -> None:
    peer, alias = await receiving(world)
    header = subgroup_header(world.draft, alias, 0, kind=0x15)
    await peer.uni_stream(header + subgroup_object(world.draft, 0, b"x", listed=[]), fin=True)
    await peer.alive(2)


@case(
    "data/unknown-property",
    "15,16:10.2.1.2 18:2.5 22:8.4",
    "An unknown property of an object is no violation.",
    roles="relay client",
)
async def unknown_property(world: World) -> None:
    peer, alias = await receiving(world)
    header = subgroup_header(world.draft, alias, 0, kind=0x15)
    listed: list[tuple[int, int | bytes]] = [(0x3C5A, 1), (0x3C5B, b"unknown")]
    await peer.uni_stream(header + subgroup_object(world.draft, 0, b"x", listed=listed), fin=True)
    await peer.alive(2)
