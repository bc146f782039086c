"""What is known of the connection under a session: addresses, certificates, the handshake, tickets, statistics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from moqt.asyncio._hub import Hub
from moqt.asyncio._session_core import SessionCore

if TYPE_CHECKING:
    from msquic import SessionTicket
    from msquic.statistics import ConnectionStatistics, HandshakeInfo


class SessionFacts(SessionCore):
    """The facts are those of :class:`msquic.asyncio.Connection`, by the same names."""

    def __init__(self, hub: Hub, target: int = 0) -> None:
        super().__init__(hub, target)
        self._ticket: SessionTicket | None = None
        self._ticket_came = asyncio.Event()

    @property
    def remote_address(self) -> tuple[str, int] | None:
        """(IP address, port) of the peer."""
        return None if self._transport is None else self._transport.remote_address

    @property
    def local_address(self) -> tuple[str, int] | None:
        """(IP address, port) of this side."""
        return None if self._transport is None else self._transport.local_address

    @property
    def server_name(self) -> str:
        """The name that the client dialled; on a server the SNI, ``""`` without."""
        return "" if self._transport is None else self._transport.server_name

    @property
    def handshake(self) -> HandshakeInfo | None:
        """The versions of QUIC and TLS, the cipher suite and the group in use."""
        return None if self._transport is None else self._transport.handshake

    @property
    def original_destination_cid(self) -> bytes:
        """The connection ID that the client chose for the server at first (RFC 9000 section 7.2), for finding the
        connection in both sides' logs."""
        return b"" if self._transport is None else self._transport.original_destination_cid

    @property
    def peer_certificate(self) -> bytes | None:
        """The peer's certificate in DER; None when it showed none, when a session was resumed, and without
        verification."""
        return None if self._transport is None else self._transport.peer_certificate

    @property
    def peer_certificate_chain(self) -> tuple[bytes, ...]:
        """All certificates that the peer sent, in DER, its own first."""
        return () if self._transport is None else self._transport.peer_certificate_chain

    @property
    def resumed(self) -> bool:
        """Whether the TLS handshake resumed an earlier session."""
        return self._transport is not None and self._transport.resumed

    @property
    def ticket(self) -> SessionTicket | None:
        """Clients: the newest ticket that the server gave, for ``connect(ticket=…)``; None before one came. Secret."""
        return self._ticket

    async def wait_ticket(self) -> SessionTicket:
        """The newest ticket, or the first when there is none yet. Cancelling it has no effect. Raises SessionClosed."""
        self._hub.check()
        while self._ticket is None:
            self._raise_if_closed()
            self._ticket_came.clear()
            await self._ticket_came.wait()
        return self._ticket

    async def stats(self) -> ConnectionStatistics:
        """What MsQuic counted on the connection so far: round-trip time, bytes, losses.

        Asks MsQuic's worker thread, on a thread of the loop's executor. Raises :class:`SessionClosed`, and
        :class:`msquic.ClosedHandle` when the connection ends meanwhile. Cancelled, nobody hears the answer.
        """
        self._hub.check()
        if self._closed is not None or self._transport is None:
            raise self._closed_error()
        return await self._hub.loop.run_in_executor(None, self._transport._statistics)
