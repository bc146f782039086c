"""Tickets with which a client resumes a session."""

from __future__ import annotations

from typing import Self

from msquic._native import quic

__all__ = ["SessionTicket"]


class SessionTicket(bytes):
    """What a server gave a client to resume the session with, as ``bytes`` that know what they are good for.

    A ticket is bound to the server name, the ALPN and the trust settings of the connection that it came from, because
    no certificate is shown when a session is resumed: :meth:`Connection.start` raises :class:`TicketMismatch` under any
    other. Store ``bytes(ticket)`` and make a ticket of it again with :meth:`from_bytes`, in another process too.

    A ticket is a secret: whoever has it can resume the session. Servers accept it for some hours at most; a ticket
    that a server does not accept (any more) costs nothing but an ordinary handshake.

    **Early data** (0-RTT) is sent with a ticket before the server has answered. An attacker who records it can send it
    to the server again, as often as the server accepts the ticket. Only send early what may happen twice.
    """

    server_name: str
    """The name that was dialled."""
    alpn: bytes
    """The ALPN in use."""

    def __new__(cls, data: bytes) -> Self:
        ticket = super().__new__(cls, data)
        ticket.server_name, ticket.alpn = quic.read_session_ticket(ticket)
        return ticket

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The ticket that ``bytes(ticket)`` was made from. Raises :class:`InvalidArgument` when it is none."""
        return cls(data)

    def __repr__(self) -> str:
        return f"<SessionTicket of {self.server_name!r} for {self.alpn!r}, {len(self)} bytes>"

    __str__ = __repr__
