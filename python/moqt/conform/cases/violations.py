"""Cases in which this side breaks the draft, and the peer has to close the session with the draft's code."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

from moqt.conform.cases.case import ANY, Level, add
from moqt.conform.cases.flows import receiving
from moqt.conform.outcomes import NotOk
from moqt.conform.peer.session import Peer
from moqt.conform.wire.codes import PROTOCOL_VIOLATION
from moqt.conform.wire.messages import message_type
from moqt.conform.world import World
from msquic.exceptions import ConnectionFailed, InvalidState, StreamError

Act = Callable[[Peer], Awaitable[object]]
DataAct = Callable[[Peer, int], Awaitable[object]]
Codes = tuple[int, ...] | int
ANY_CODE: tuple[int, ...] = ()
"""Where the draft demands that the session is closed and names no code."""


async def broken_off(act: Awaitable[object]) -> None:
    """The peer may close the session before this side has sent everything."""
    with contextlib.suppress(ConnectionFailed, StreamError, InvalidState, NotOk):
        await act


async def _closed(peer: Peer, codes: Codes) -> None:
    wanted = (codes,) if isinstance(codes, int) else codes
    await peer.closed(*wanted, any_code=not wanted)


def violation(
    name: str, sections: str, text: str, act: Act, codes: Codes = PROTOCOL_VIOLATION, *, roles: str = ANY,
    level: Level = Level.MUST,
) -> None:  # fmt: skip
    """``act`` breaks the draft in a session after SETUP."""

    async def run(world: World) -> None:
        peer = await world.requesting()
        await broken_off(act(peer))
        await _closed(peer, codes)

    add(name, sections, text, run, roles=roles, level=level, names_code=codes != ANY_CODE)


def connection_violation(
    name: str, sections: str, text: str, act: Act, codes: Codes = PROTOCOL_VIOLATION, *, roles: str = ANY,
    level: Level = Level.MUST,
) -> None:  # fmt: skip
    """``act`` breaks the draft on a new connection, before SETUP."""

    async def run(world: World) -> None:
        peer = await world.connection()
        await broken_off(act(peer))
        await _closed(peer, codes)

    add(name, sections, text, run, roles=roles, level=level, names_code=codes != ANY_CODE)


def data_violation(
    name: str, sections: str, text: str, act: DataAct, codes: Codes = PROTOCOL_VIOLATION, *,
    level: Level = Level.MUST,
) -> None:  # fmt: skip
    """``act`` breaks the draft in a session in which the peer waits for objects; it is given their Track Alias."""

    async def run(world: World) -> None:
        peer, alias = await receiving(world)
        await broken_off(act(peer, alias))
        await _closed(peer, codes)

    add(name, sections, text, run, roles="relay client", level=level, names_code=codes != ANY_CODE)


async def send_payload(peer: Peer, name: str, data: bytes, *, request_id: int | None = None) -> None:
    """A request with a payload of the case's own."""
    number = peer.next_id() if request_id is None else request_id
    await peer.raw_request(name, peer.draft.frame(message_type(peer.draft, name), data), number)
