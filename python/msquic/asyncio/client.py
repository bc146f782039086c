"""Client connections."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Sequence
from typing import Unpack

import msquic
from msquic._native.quic import AsyncChannel
from msquic.asyncio._channel import running_channel
from msquic.asyncio._configurations import Path
from msquic.asyncio._dialing import Dialing
from msquic.asyncio._limits import (
    CLOSE_TIMEOUT,
    CONNECTION_READ_LIMIT,
    READ_LIMIT,
    STREAM_BACKLOG,
    WRITE_LIMIT,
    Limits,
    limits_of,
)
from msquic.asyncio._trust import CertificateVerifier
from msquic.asyncio.connection import Connection
from msquic.asyncio.opening import Opening
from msquic.asyncio.options import DialOptions
from msquic.exceptions import QuicError
from msquic.settings import Settings


def connect(
    host: str,
    port: int,
    *,
    alpn: str | bytes | Sequence[str | bytes] = (),
    server_name: str | None = None,
    verify: bool | CertificateVerifier = True,
    verify_timeout: float = 5.0,
    ca_file: Path | None = None,
    ca_data: bytes | None = None,
    pinned_sha256: Sequence[str] = (),
    pinned_public_key_sha256: Sequence[str] = (),
    certificate: msquic.Certificate | None = None,
    cert_file: Path | None = None,
    key_file: Path | None = None,
    key_password: str | None = None,
    ticket: bytes | None = None,
    early_data: bool = False,
    keylog: Path | None = None,
    local_address: str | tuple[str, int] | None = None,
    family: int = 0,
    timeout: float | None = 10.0,
    happy_eyeballs_delay: float | None = 0.25,
    read_limit: int = READ_LIMIT,
    write_limit: int = WRITE_LIMIT,
    connection_read_limit: int = CONNECTION_READ_LIMIT,
    stream_backlog: int = STREAM_BACKLOG,
    close_timeout: float = CLOSE_TIMEOUT,
    configuration: msquic.Configuration | None = None,
    registration: msquic.Registration | None = None,
    **settings: Unpack[Settings],
) -> Opening[Connection]:
    """A connection to a server: ``async with connect(…) as connection`` or ``connection = await connect(…)``.

    Args:
        host: a name, resolved off the loop, or an IP literal. Its addresses are tried as RFC 8305 says.
        port: UDP port, 1 to 65535.
        alpn: the protocol to speak, or several, the preferred first; 1 to 255 bytes each.
        server_name: the name that is asked for (SNI) and that the certificate must carry; ``host`` without.
        verify: False accepts any certificate, which invites a man in the middle: for tests. A function or a coroutine
            function decides instead of this library: it gets a :class:`~msquic.PeerCertificate` with this library's
            own verdict and returns True or False. Raising refuses, so does taking longer than ``verify_timeout``.
        ca_file, ca_data: roots in PEM, trusted in place of the system's.
        pinned_sha256, pinned_public_key_sha256: accept exactly the certificates with these fingerprints or keys.
        certificate: this side's own, for mutual TLS; or ``cert_file``, ``key_file`` and ``key_password``.
        ticket: a :class:`~msquic.SessionTicket` of an earlier connection to the same server under the same trust
            settings; :class:`~msquic.TicketMismatch` is raised for any other.
        early_data: return before the handshake begins, so that what is written to streams opened with
            ``early_data=True`` before the next await that waits goes out with the first packets (0-RTT). **An attacker
            can replay it**: send early only what may happen twice. Needs ``ticket``. Await
            :meth:`Connection.wait_connected` to hear how the handshake ended.
        keylog: a file to which the TLS secrets are appended for tools such as Wireshark; ``SSLKEYLOGFILE`` of the
            environment without. Whoever reads it can read the connection.
        local_address: an IP address to send from, or (IP address, port); port 0 is any.
        family: ``socket.AF_INET`` or ``AF_INET6`` to use only these addresses.
        timeout: seconds for everything until the handshake is complete, by the wall clock; None for no limit.
        happy_eyeballs_delay: seconds after which the next address is tried beside the one before; None: only after it.
        read_limit, write_limit: bytes of one stream that wait before the peer is held back, or ``drain()`` waits.
        connection_read_limit: bytes of all streams of a connection that wait to be read before the peer is held back on
            streams that nobody is waiting to read. Besides them MsQuic keeps ``conn_flow_control_window`` at most.
        stream_backlog: streams of the peer that wait to be accepted before more take no bytes, so that its stream limit
            holds it back. Streams without bytes know no limit: 16 times as many close the connection with code 1.
        close_timeout: seconds without the peer acknowledging anything after which the end of a connection does not wait
            any longer for what was written.
        configuration, registration: ready ones instead of the package's own. A configuration brings ALPNs, settings,
            credentials and trust.
        settings: the fields of :class:`~msquic.Settings`. Here the peer may open 100 streams of each kind, datagrams
            are received, and ``send_buffering_enabled`` is False, unless given otherwise.

    Raises a :class:`~msquic.ConnectionFailed`, whose subclasses tell a refusal, a timeout, a failed name and a
    :class:`~msquic.CertificateError` apart, and :class:`~msquic.InvalidArgument` for what can't be used. Cancelled, the
    attempt is given up and leaves nothing behind.
    """
    options: DialOptions = {
        "server_name": server_name,
        "verify": verify,
        "verify_timeout": verify_timeout,
        "ca_file": ca_file,
        "ca_data": ca_data,
        "pinned_sha256": pinned_sha256,
        "pinned_public_key_sha256": pinned_public_key_sha256,
        "certificate": certificate,
        "cert_file": cert_file,
        "key_file": key_file,
        "key_password": key_password,
        "ticket": ticket,
        "keylog": keylog,
        "local_address": local_address,
        "family": family,
        "timeout": timeout,
        "happy_eyeballs_delay": happy_eyeballs_delay,
        "configuration": configuration,
        "registration": registration,
        **settings,
    }
    dialing = Dialing.of(host, port, alpn, options, early_data=early_data)
    limits = limits_of(read_limit, write_limit, connection_read_limit, stream_backlog, close_timeout)
    return Opening(functools.partial(_connect, dialing, early_data, limits))


def _start_after_first_writes(channel: AsyncChannel, connection: Connection, start: Callable[[], None]) -> None:
    """Starts in the next turn of the loop, with what the program has written by then in the first flight."""
    loop = asyncio.get_running_loop()

    def begin() -> None:
        try:
            channel.flush()
            start()
        except QuicError as error:
            connection.abort()
            loop.call_exception_handler({"message": "a connection with early data could not start", "exception": error})

    loop.call_soon(begin)


async def _connect(dialing: Dialing, early_data: bool, limits: Limits) -> Connection:
    channel = running_channel()

    async def attempt(
        registration: msquic.Registration, configuration: msquic.Configuration, address: str
    ) -> Connection:
        connection = Connection(channel, registration, limits)
        start = functools.partial(
            connection._start,
            configuration,
            dialing.server_name,
            address,
            dialing.port,
            dialing.local_address,
            dialing.ticket,
        )
        if early_data:
            _start_after_first_writes(channel, connection, start)
            return connection
        try:
            start()
            await connection.wait_connected()
        except BaseException:
            connection.abort()
            raise
        return connection

    return await dialing.run(attempt)
