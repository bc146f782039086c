"""What went wrong with a connection, for people."""

from __future__ import annotations

from moqt.conform.targets import Url
from msquic.exceptions import CertificateError, ConnectionFailed

_RUNNING = "is the server running, and are host and port right?"
_SILENT = "is the server running, are host and port right, does a firewall let UDP through?"
_ADVICE = {
    "ConnectionRefused": _RUNNING,
    "Unreachable": _RUNNING,
    "ConnectionTimeout": _SILENT,
    "ConnectionIdle": _SILENT,
    "HandshakeTimeout": _SILENT,
    "NameResolutionFailed": "check the host of the URL",
    "AlpnNegotiationFailure": "it speaks QUIC, but not this draft; is it the right port?",
    "CertificateNameMismatch": "give the host as the certificate has it",
}


def explain(
    error: ConnectionFailed, url: Url, *, trust: str = "give --ca with its roots, or --insecure for a test"
) -> str:
    """With host and port, and what to do next. ``trust``: about a certificate that is not accepted."""
    hint = _ADVICE.get(error.name, "")
    if not hint and isinstance(error, CertificateError):
        hint = trust
    return f"{url.host}:{url.port}: {error}" + (f"; {hint}" if hint else "")
