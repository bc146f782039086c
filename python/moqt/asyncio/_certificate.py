"""The certificate of a server: given, or made for development."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Mapping

import msquic
from msquic.asyncio import ListenOptions
from msquic.asyncio._configurations import settings_of
from msquic.asyncio._trust import certificate_from


def check_names(options: ListenOptions) -> None:
    """Raises TypeError for what is no option, InvalidArgument for a certificate without its key."""
    settings_of(options, ListenOptions)
    _given(options)


def _given(options: ListenOptions) -> Callable[[], msquic.Certificate | Mapping[str, msquic.Certificate] | None]:
    files = options.get("cert_file"), options.get("key_file"), options.get("key_password")
    return certificate_from(options.get("certificate"), *files)


async def with_certificate(host: str, options: ListenOptions) -> tuple[ListenOptions, str]:
    """The options with a certificate, and its SHA-256 fingerprint; "" when a configuration brings its own."""
    if options.get("configuration") is not None:
        return options, ""
    given = _given(options)

    def load() -> msquic.Certificate | Mapping[str, msquic.Certificate]:
        return given() or _made_for_development(host)

    certificate = await asyncio.get_running_loop().run_in_executor(None, load)
    complete = options.copy()
    complete["certificate"] = certificate
    complete["cert_file"] = complete["key_file"] = complete["key_password"] = None
    return complete, fingerprint_of(certificate)


def fingerprint_of(certificate: msquic.Certificate | Mapping[str, msquic.Certificate]) -> str:
    """The SHA-256 fingerprint of the one that clients get who ask for no other."""
    if isinstance(certificate, msquic.Certificate):
        return certificate.sha256_fingerprint
    return (certificate.get("") or next(iter(certificate.values()))).sha256_fingerprint


def _made_for_development(host: str) -> msquic.Certificate:
    with tempfile.TemporaryDirectory() as folder:
        names = () if host in _LOCAL else (host,)
        cert_file, key_file, _ = msquic.generate_development_certificate(folder, names=names)
        return msquic.Certificate.from_files(os.fspath(cert_file), os.fspath(key_file))


_LOCAL = frozenset({"", "0.0.0.0", "::", "127.0.0.1", "::1", "localhost"})
