"""Certificates for development."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from msquic._native import quic

__all__ = ["DevelopmentCertificate", "generate_development_certificate"]


class DevelopmentCertificate(NamedTuple):
    """A self-signed certificate for development, from :func:`generate_development_certificate`."""

    certificate_file: str
    """PEM; for ``load_credential_file``, and for clients as ``ca_file``."""
    private_key_file: str
    """PEM, readable by the owner only."""
    sha256_fingerprint: str
    """Of the DER certificate, upper-case hex with colons; for ``pinned_sha256``."""


def generate_development_certificate(
    directory: str | bytes | os.PathLike[str],
    *,
    names: Sequence[str] = (),
    default_names: bool = True,
    valid_days: int = 13,
) -> DevelopmentCertificate:
    """Makes a self-signed ECDSA P-256 certificate and writes ``cert.pem`` and ``key.pem`` into ``directory``.

    The directory is created if missing, and files of these names are replaced. ``names``: DNS names or IP addresses
    that the certificate is for, besides localhost, 127.0.0.1 and ::1 (left out unless ``default_names``).
    ``valid_days``: browsers accept a pinned certificate for at most 14 days.
    """
    return DevelopmentCertificate(*quic.generate_development_certificate(directory, names, default_names, valid_days))
