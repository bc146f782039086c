"""What a certificate verifier decides about."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msquic._native import quic

if TYPE_CHECKING:
    from msquic._native.quic import Connection
    from msquic.exceptions import CertificateError

__all__ = ["PeerCertificate"]


@dataclass(frozen=True, slots=True, eq=False)
class PeerCertificate:
    """The certificate that a peer showed, for :meth:`Configuration.set_certificate_verifier`."""

    der: bytes
    """The peer's own certificate, in DER."""
    chain: tuple[bytes, ...]
    """All certificates that the peer sent, in DER, its own first."""
    server_name: str
    """The name that was dialled; on a server the name that the client asked for."""
    verdict: CertificateError | None
    """The error with which this library would refuse the certificate under the configuration's trust settings; None
    when it would accept it."""
    connection: Connection
    """The connection, whose handshake waits."""

    @property
    def sha256_fingerprint(self) -> str:
        """SHA-256 of ``der``, upper-case hex with colons."""
        return hashlib.sha256(self.der).digest().hex(":").upper()

    @property
    def public_key_sha256(self) -> str:
        """SHA-256 of the public key (SubjectPublicKeyInfo), as ``sha256/`` and Base64."""
        return quic.public_key_sha256(self.der)
