"""A relay in Python, for the tests of moqt-conform: it keeps to the draft, but for one fault."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from conform_faults import NONE, Fault
from conform_session import RelaySession
from conform_tracks import Track
from moqt.conform.wire.draft import DRAFTS
from moqt.conform.wire.values import Namespace
from msquic.asyncio import Connection, serve
from msquic.exceptions import QuicError

TIMEOUT = 20.0


class ScriptedRelay:
    """Sessions and what they share."""

    def __init__(self, fault: Fault = NONE) -> None:
        self.fault = fault
        self.sessions: list[RelaySession] = []
        self.tracks: dict[tuple[Namespace, bytes], Track] = {}
        self.ever: set[Any] = set()
        self.port = 0

    def has(self, name: str) -> bool:
        """The fault has that switch."""
        return name in self.fault.switches

    async def handle(self, connection: Connection) -> None:
        if connection.alpn not in [draft.alpn for draft in DRAFTS.values()]:
            await connection.wait_closed()
            return
        session = RelaySession(self, connection, DRAFTS[int(connection.alpn.removeprefix("moqt-"))], TIMEOUT)
        self.sessions.append(session)
        try:
            await session.serve()
        finally:
            self.sessions.remove(session)
            with contextlib.suppress(TimeoutError):  # whom it tells may grant no stream
                async with asyncio.timeout(5):
                    await self.lost(session)
            await session.close()

    async def lost(self, session: RelaySession) -> None:
        """What it published is over."""
        if not self.has("forgets-losses"):
            for namespace in list(session.published):
                await self.withdraw(session, namespace)
        for track in list(self.tracks.values()):
            track.leave(session)
            if track.publisher is session and not self.has("forgets-losses"):
                await track.end(0x0)

    # ---- namespaces ----

    def publishers(self, namespace: Namespace) -> list[RelaySession]:
        def matches(published: Namespace) -> bool:
            if self.has("joins-names"):
                return b"/".join(namespace).startswith(b"/".join(published))
            if self.has("exact-names"):
                return published == namespace
            return namespace[: len(published)] == published

        return [each for each in self.sessions if any(map(matches, each.published))]

    async def publish(self, session: RelaySession, namespace: Namespace) -> None:
        session.published.append(namespace)
        for other in list(self.sessions):
            if other is not session or not self.has("no-echo"):
                with contextlib.suppress(QuicError):  # that one is about to leave
                    await other.tell(namespace)
        for track in list(self.tracks.values()):
            if track.publisher is None and track.namespace[: len(namespace)] == namespace:
                await track.ask(session)

    async def withdraw(self, session: RelaySession, namespace: Namespace) -> None:
        if namespace in session.published:
            session.published.remove(namespace)
        for other in list(self.sessions):
            with contextlib.suppress(QuicError):
                await other.tell_gone(namespace)

    async def offer(self, track: Track) -> None:
        """A track that was published, to whom it interests."""
        for other in list(self.sessions):
            if other is not track.publisher or self.has("offers-own"):
                with contextlib.suppress(QuicError):
                    await other.offer(track)

    def track(self, namespace: Namespace, name: bytes) -> Track:
        key = (namespace, name)
        if key not in self.tracks:
            self.tracks[key] = Track(self, namespace, name)
        return self.tracks[key]


@contextlib.asynccontextmanager
async def scripted_relay(certificate: Any, fault: Fault = NONE) -> AsyncIterator[ScriptedRelay]:
    relay = ScriptedRelay(fault)
    # Newest first, as a client chooses by offering one.
    alpns = [draft.alpn for draft in DRAFTS.values()]
    if relay.has("any-alpn"):
        alpns.append("moqt-conform-no-such-version")
    async with serve(
        relay.handle, "127.0.0.1", 0, alpn=alpns, cert_file=certificate.certificate_file,
        key_file=certificate.private_key_file, grace=0, datagram_receive_enabled=not relay.has("no-datagrams"),
    ) as server:  # fmt: skip
        relay.port = server.port
        yield relay
        await asyncio.sleep(0)
