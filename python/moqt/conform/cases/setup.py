"""SETUP: what it says, what is ignored, what closes the session."""

from __future__ import annotations

from moqt.conform.cases.case import SERVERS, Level, Role, case
from moqt.conform.outcomes import NotOk, Skip
from moqt.conform.peer.session import Peer
from moqt.conform.wire import codes
from moqt.conform.wire.messages import message, message_type
from moqt.conform.wire.values import ParameterValue
from moqt.conform.world import World
from msquic.exceptions import ConnectionFailed

MESSAGE = "15,16:9.3 18:10.3 22:9.1"


def setup_name(peer: Peer) -> str:
    """What this side's is called."""
    if peer.draft.request_streams:
        return "SETUP"
    return "CLIENT_SETUP" if peer.is_client else "SERVER_SETUP"


async def _setup(world: World, *listed: tuple[int, ParameterValue]) -> Peer:
    """A session whose SETUP has these besides the usual ones."""
    peer = await world.connection()
    await peer.open(sorted([*world.setup_parameters.items(), *listed], key=lambda item: item[0]))
    await peer.ready()
    await _serves(world, peer)
    return peer


async def _serves(world: World, peer: Peer) -> None:
    """It still does what is asked; a client may allow no requests of its server."""
    if world.target.role is not Role.CLIENT:
        await peer.alive()


@case("setup/exchange", "15,16:3.3 18:3.3 22:6.3", "The peer sends a well-formed SETUP.")
async def exchange(world: World) -> None:
    peer = await world.session()
    wanted = "SETUP" if world.draft.request_streams else "SERVER_SETUP" if peer.is_client else "CLIENT_SETUP"
    found = await peer.ready()
    if found.name != wanted:
        raise NotOk(f"{found.name} instead of {wanted}")


@case("setup/datagrams", "15,16:3.1 18:3.1 22:6.2", "The QUIC connection takes datagrams (RFC 9221).")
async def datagrams(world: World) -> None:
    peer = await world.session()
    if not peer.connection.max_datagram_size:
        raise NotOk("the peer did not negotiate QUIC datagrams")


@case("setup/no-repeated-parameters", "15,16:9.2 18:10.3 22:9.1", "Nothing that SETUP has is in it twice.")
async def no_repeated(world: World) -> None:
    found = await (await world.session()).ready()
    keys = [key for key, _ in found.parameters if key in range(8) and key != codes.SETUP_TOKEN]
    if len(keys) != len(set(keys)):
        raise NotOk(f"parameters {keys}")


@case("setup/server-names-no-path", "15,16:9.3.1.2 18:10.3.1.2 22:9.1.2", "A server sends no PATH.", roles=SERVERS)
async def no_path(world: World) -> None:
    if (await (await world.session()).ready()).parameter(codes.PATH) is not None:
        raise NotOk("the server's SETUP has a PATH")


@case(
    "setup/server-names-no-authority", "15,16:9.3.1.1 18:10.3.1.1 22:9.1.1", "A server sends no AUTHORITY.",
    roles=SERVERS,
)  # fmt: skip
async def no_authority(world: World) -> None:
    if (await (await world.session()).ready()).parameter(codes.AUTHORITY) is not None:
        raise NotOk("the server's SETUP has an AUTHORITY")


@case("setup/client-names-path", "15,16:9.3.1.2 18:10.3.1.2 22:9.1.2", "A client sets PATH.", roles="client")
async def client_path(world: World) -> None:
    path = (await (await world.session()).ready()).parameter(codes.PATH)
    if path is None or not (path == b"" or path.startswith((b"/", b"?"))):
        raise NotOk(f"PATH {path!r}")


@case("setup/client-names-authority", "15,16:9.3.1.1 18:10.3.1.1 22:9.1.1", "A client sets AUTHORITY.", roles="client")
async def client_authority(world: World) -> None:
    if not (await (await world.session()).ready()).parameter(codes.AUTHORITY):
        raise NotOk("no AUTHORITY")


@case("setup/names-implementation", "18:10.3.1.5 22:9.1.5", "SETUP names the implementation.", level=Level.SHOULD)
async def implementation(world: World) -> None:
    if not (await (await world.session()).ready()).parameter(codes.IMPLEMENTATION):
        raise NotOk("no MOQT_IMPLEMENTATION")


@case(
    "setup/grants-requests",
    "15,16:9.3.1.3",
    "The peer allows requests: relays and publishers are there for them.",
    roles=SERVERS,
)
async def grants(world: World) -> None:
    peer = await world.session()
    await peer.until(lambda: peer.credit, "a Maximum Request ID above 0")


@case("setup/unknown-even-parameter", MESSAGE, "An unknown parameter with an integer is ignored.")
async def unknown_even(world: World) -> None:
    await _setup(world, (0x40B5A, 77))


@case("setup/unknown-odd-parameter", MESSAGE, "An unknown parameter with bytes is ignored.")
async def unknown_odd(world: World) -> None:
    await _setup(world, (0x40B5B, b"unknown"))


@case("setup/repeated-unknown-parameter", "15,16:9.2 18:10.3 22:9.1", "Duplicates of unknown parameters are allowed.")
async def repeated_unknown(world: World) -> None:
    await _setup(world, (0x40B5A, 1), (0x40B5A, 2), (0x40B5B, b"a"), (0x40B5B, b"b"))


@case("setup/reserved-options", "18:14 22:13", "Setup Options 0x7F * N + 0x9D are ignored (GREASE).")
async def grease(world: World) -> None:
    await _setup(world, *((0x7F * n + 0x9D, b"grease" if (0x7F * n + 0x9D) % 2 else 7) for n in (0, 1, 5, 1000)))


@case("setup/large-unknown-value", "15,16:1.4.2 18:1.4.3 22:8.3", "An unknown parameter of 16384 bytes is ignored.")
async def large_value(world: World) -> None:
    await _setup(world, (0x40B5B, bytes(16384)))


@case("setup/in-single-bytes", MESSAGE, "SETUP may come byte by byte.")
async def in_bytes(world: World) -> None:
    peer = await world.connection()
    whole = message(world.draft, setup_name(peer), parameters=world.setup_parameters)
    await peer.open(raw=whole[:1])
    for offset in range(1, len(whole)):
        peer.control(whole[offset : offset + 1])
        if offset % 8 == 0:
            assert peer.control_stream is not None
            await peer.control_stream.drain()
    await peer.ready()
    await _serves(world, peer)


@case("setup/longer-integers", "15,16:1.4 18:1.4.1 22:8.1", "Integers need not have their shortest form.")
async def longer_integers(world: World) -> None:
    peer, draft = await world.connection(), world.draft
    payload = b"" if draft.request_streams else draft.integer(len(world.setup_parameters) + 1, 2)
    payload += draft.key_values([*sorted(world.setup_parameters.items())])
    previous = max(world.setup_parameters) if draft.key_deltas else 0
    payload += draft.integer(0x40B5A - previous, 8) + draft.integer(1, 4)
    kind = message_type(draft, setup_name(peer))
    await peer.open(raw=draft.integer(kind, 4) + len(payload).to_bytes(2, "big") + payload)
    await peer.ready()
    await _serves(world, peer)


@case(
    "setup/request-in-the-same-flight", "18:3.3 22:6.3", "A request may follow before the peer's SETUP came.",
    roles="relay publisher",
)  # fmt: skip
async def pipelined(world: World) -> None:
    peer = await world.connection()
    await peer.open(world.setup_parameters)
    await peer.alive()


@case(
    "setup/request-before-it", "18:3.3 22:6.3", "A request stream that comes before SETUP waits for it.",
    roles="relay publisher", level=Level.SHOULD,
)  # fmt: skip
async def before_setup(world: World) -> None:
    peer = await world.connection()
    probe = await peer.request("TRACK_STATUS", namespace=(b"moqt-conform", b"nobody"), track=b"nothing")
    assert probe.stream is not None
    await probe.stream.drain()
    await peer.open(world.setup_parameters)
    await probe.next()


@case(
    "setup/unknown-alpn",
    "15,16:3.1 18:3.1 22:6.2",
    "A client that offers no draft of the server gets no session.",
    roles=SERVERS,
)
async def unknown_alpn(world: World) -> None:
    try:
        connection = await world.target.connect("moqt-conform-no-such-version")
    except ConnectionFailed as error:
        if error.name != "AlpnNegotiationFailure":
            raise NotOk(f"the handshake fails otherwise than for want of a common ALPN: {error}") from None
        return
    connection.abort()
    raise NotOk("the server accepted an ALPN that nobody knows")


@case(
    "setup/token-beyond-the-cache", "15,16:9.3.1.5 18:10.3.1.4 22:9.1.4",
    "A token to register that the cache has no room for is used as a value.", roles=SERVERS,
)  # fmt: skip
async def token_beyond_cache(world: World) -> None:
    token = world.draft.integers(1, 5, 0) + bytes(4000)
    peer = await world.connection()
    await peer.open(dict(world.setup_parameters) | {codes.SETUP_TOKEN: token})
    try:
        await peer.ready()
        await peer.alive()
    except NotOk as error:
        closed = peer.connection.close_error
        if closed is not None and closed.app_code == codes.UNAUTHORIZED:
            raise Skip("the peer does not accept the token") from error
        raise
