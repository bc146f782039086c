"""The loggers of this package, and what they are told.

``msquic`` is the root; ``msquic.connection`` tells of connections that opened (INFO) and ended (INFO, WARNING when they
failed), ``msquic.listener`` of listeners (INFO) and clients (DEBUG), ``msquic.tls`` of handshakes (DEBUG). Nothing is
logged on MsQuic's threads, and where nobody listens an event costs one question, :meth:`logging.Logger.isEnabledFor`;
in msquic.asyncio that is asked when a connection or a server is made.
"""

from __future__ import annotations

import logging
from typing import Any, Protocol

from msquic.exceptions import ConnectionFailed
from msquic.statistics import HandshakeInfo

connection_logger = logging.getLogger("msquic.connection")
listener_logger = logging.getLogger("msquic.listener")
tls_logger = logging.getLogger("msquic.tls")


class LoggedConnection(Protocol):
    """What is told of a connection; those of the callback API and of asyncio have it."""

    @property
    def is_server(self) -> bool: ...
    @property
    def local_address(self) -> Any: ...
    @property
    def remote_address(self) -> Any: ...
    @property
    def server_name(self) -> str: ...
    @property
    def handshake(self) -> HandshakeInfo | None: ...
    @property
    def original_destination_cid(self) -> bytes: ...
    @property
    def close_error(self) -> ConnectionFailed | None: ...


def connection_opened(connection: LoggedConnection, resumed: bool, alpn: bytes) -> None:
    """The handshake of a connection is complete."""
    connection_logger.info(
        "%s opened: ALPN %s, server name %r%s",
        _described(connection),
        _text(alpn),
        connection.server_name,
        ", resumed" if resumed else "",
    )
    handshake = connection.handshake
    if handshake is not None and tls_logger.isEnabledFor(logging.DEBUG):
        tls_logger.debug(
            "%s: %s, %s, %s%s",
            _described(connection),
            handshake.quic_version,
            handshake.tls_version or "TLS",
            handshake.cipher_suite or "unknown cipher suite",
            f", {handshake.group}" if handshake.group else "",
        )


def connection_ended(connection: LoggedConnection, code: int, phrase: str) -> None:
    """A connection is over; ``code`` is this side's, when it closed."""
    error = connection.close_error
    reason = f", {phrase!r}" if phrase else ""
    if error is None:
        connection_logger.info("%s closed by this side with code %d", _described(connection), code)
    elif error.app_code is not None:
        connection_logger.info("%s closed by the peer with code %d%s", _described(connection), error.app_code, reason)
    else:
        connection_logger.warning("%s failed: %s%s", _described(connection), error, reason)


def listener_started(address: tuple[str, int], alpns: list[bytes]) -> None:
    """A listener began."""
    listener_logger.info("listening on %s for %s", _address(address), ", ".join(map(_text, alpns)))


def listener_stopped(address: tuple[str, int]) -> None:
    """A listener ended."""
    listener_logger.info("stopped listening on %s", _address(address))


def client_came(connection: LoggedConnection) -> None:
    """A client began a handshake."""
    listener_logger.debug("%s began a handshake, server name %r", _described(connection), connection.server_name)


def _described(connection: LoggedConnection) -> str:
    kind = "connection from" if connection.is_server else "connection to"
    identity = connection.original_destination_cid.hex()
    remote = _address(connection.remote_address) or repr(connection.server_name)
    local = _address(connection.local_address)
    return f"{kind} {remote}" + (f" (local {local})" if local else "") + (f" [{identity}]" if identity else "")


def _address(address: tuple[str, int] | None) -> str:
    if not address:
        return ""
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _text(alpn: bytes) -> str:
    return repr(alpn.decode("ascii", "backslashreplace"))
