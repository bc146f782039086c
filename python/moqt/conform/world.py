"""What a case has at hand: sessions with the peer, names of its own, and the track that it may ask for."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from moqt.conform.cases.case import Role
from moqt.conform.outcomes import NotOk, Skip
from moqt.conform.peer.rules import GRANTED
from moqt.conform.peer.session import Peer
from moqt.conform.wire.codes import AUTHORITY, IMPLEMENTATION, MAX_REQUEST_ID, PATH
from moqt.conform.wire.draft import Draft
from moqt.conform.wire.values import Namespace, ParameterValue
from msquic.asyncio import Connection

Connect = Callable[[str], Awaitable[Connection]]
"""A new connection with the peer, for an ALPN."""
_numbers = itertools.count(1)


@dataclass
class Target:
    """Whom the run judges."""

    role: Role
    connect: Connect
    authority: str = ""
    path: str = ""
    namespace: Namespace = ()
    """Of the track that a publisher serves."""
    track: bytes = b""
    prefix: Namespace = (b"moqt-conform",)
    """Under which the tool publishes by itself."""
    timeout: float = 5.0
    run_id: str = "run"
    wait: float = 0.0
    """Seconds until a client has to come."""

    @property
    def patience(self) -> float:
        """Seconds that a case has as a whole."""
        return 20 * self.timeout + 4 * self.wait + 10


@dataclass
class World:
    """For one case in one draft."""

    target: Target
    draft: Draft
    peers: list[Peer] = field(default_factory=list[Peer])
    number: int = field(default_factory=lambda: next(_numbers))

    @property
    def namespace(self) -> Namespace:
        """Nobody else uses it."""
        return (*self.target.prefix, f"{self.target.run_id}-{self.number}".encode())

    @property
    def setup_parameters(self) -> dict[int, ParameterValue]:
        """What this side says in SETUP."""
        said: dict[int, ParameterValue] = {IMPLEMENTATION: b"moqt-conform"}
        if not self.draft.request_streams:
            said[MAX_REQUEST_ID] = GRANTED
        if self.target.role is not Role.CLIENT:
            said[PATH] = self.target.path.encode()
            said[AUTHORITY] = self.target.authority.encode()
        return said

    async def connection(self) -> Peer:
        """A new connection; nothing is sent yet."""
        connection = await self.target.connect(self.draft.alpn)
        is_client = self.target.role is not Role.CLIENT
        peer = Peer(connection, self.draft, is_client=is_client, timeout=self.target.timeout)
        peer.refuses = {"FETCH", "TRACK_STATUS"}
        peer.accepts = {"PUBLISH_NAMESPACE", "SUBSCRIBE_NAMESPACE", "SUBSCRIBE_TRACKS"}
        self.peers.append(peer)
        return peer

    async def session(self, change: dict[int, ParameterValue | None] | None = None) -> Peer:
        """A session after SETUP. ``change``: parameters of this side's SETUP; None leaves one out."""
        peer = await self.connection()
        said = dict(self.setup_parameters)
        for key, value in (change or {}).items():
            said.pop(key, None)
            if value is not None:
                said[key] = value
        await peer.open(said)
        await peer.ready()
        return peer

    async def requesting(self) -> Peer:
        """A session in which the peer allows requests."""
        peer = await self.session()
        if not self.draft.request_streams and not peer.credit:
            raise Skip("the peer's Maximum Request ID allows no requests")
        return peer

    async def close(self) -> None:
        for peer in self.peers:
            await peer.close()

    def only(self, *roles: Role) -> None:
        """For cases whose way depends on the role."""
        if self.target.role not in roles:
            raise NotOk("this case does not judge such a peer")
