"""The certificate of a server: given, or made for development."""

from __future__ import annotations

import contextlib
import hashlib
import os
import ssl
import tempfile
from collections.abc import Generator
from typing import NamedTuple

from msquic import generate_development_certificate


class CertificateFiles(NamedTuple):
    cert_file: str
    key_file: str
    sha256: str
    """Of the DER certificate: upper-case hex with colons."""


@contextlib.contextmanager
def certificate_files(
    host: str, cert_file: str | os.PathLike[str] | None, key_file: str | os.PathLike[str] | None
) -> Generator[CertificateFiles]:
    """The files, which are needed until the server listens."""
    if (cert_file is None) != (key_file is None):
        raise ValueError("cert_file and key_file go together")
    if cert_file is not None and key_file is not None:
        yield CertificateFiles(os.fspath(cert_file), os.fspath(key_file), _fingerprint(cert_file))
        return
    with tempfile.TemporaryDirectory() as folder:
        made = generate_development_certificate(folder, names=() if host in _LOCAL else (host,))
        yield CertificateFiles(str(made[0]), str(made[1]), made[2])


_LOCAL = frozenset({"", "0.0.0.0", "::", "127.0.0.1", "::1", "localhost"})


def _fingerprint(cert_file: str | os.PathLike[str]) -> str:
    with open(cert_file, encoding="ascii", errors="replace") as file:
        pem = file.read()
    begin, end = pem.find("-----BEGIN CERTIFICATE-----"), pem.find("-----END CERTIFICATE-----")
    if begin < 0 or end < begin:
        raise ValueError(f"{os.fspath(cert_file)} holds no certificate in PEM")
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[begin : end + 25])).hexdigest().upper()
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))
