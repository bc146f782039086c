"""What every exception of this package has."""

from __future__ import annotations


class QuicError(Exception):
    """Base of every exception that this package defines."""

    status: int
    """MsQuic's status number on this system, 0 when the error is this library's own."""
    name: str
    """What went wrong in one word, the same on every system, e.g. ``"AlpnNegotiationFailure"``."""
    wire_code: int | None
    """The QUIC error code of RFC 9000 section 20.1 (0x100 + the alert for TLS), where there is one."""
    app_code: int | None
    """The application's error code, where there is one."""
    remote: bool
    """The peer began it."""

    def __init__(
        self,
        message: str = "",
        *,
        status: int = 0,
        name: str | None = None,
        wire_code: int | None = None,
        app_code: int | None = None,
        remote: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.name = type(self).__name__ if name is None else name
        self.wire_code = wire_code
        self.app_code = app_code
        self.remote = remote
