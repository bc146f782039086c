"""Certificates and trust, as connect() and serve() take them."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msquic
from msquic.asyncio._configurations import Path, state_of

CertificateVerifier = Callable[[msquic.PeerCertificate], bool | Awaitable[bool]]
"""Decides about a peer's certificate: a function, or a coroutine function, that returns True or False."""


@dataclass(frozen=True)
class Trust:
    """Whom this side believes."""

    verify: bool | CertificateVerifier
    verify_timeout: float
    ca_file: Path | None
    ca_data: bytes | None
    pinned_sha256: tuple[str, ...]
    pinned_public_key_sha256: tuple[str, ...]

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Trust:
        """What ``connect()`` and ``serve()`` were given, checked."""
        return cls(
            options.get("verify", True),
            options.get("verify_timeout", 5.0),
            options.get("ca_file"),
            options.get("ca_data"),
            _require_sequence("pinned_sha256", options.get("pinned_sha256", ())),
            _require_sequence("pinned_public_key_sha256", options.get("pinned_public_key_sha256", ())),
        )

    @property
    def is_chosen(self) -> bool:
        """Whether it is another than everybody has who says nothing."""
        pins = self.pinned_sha256 or self.pinned_public_key_sha256
        return bool(self.verify is not True or self.ca_file or self.ca_data or pins)

    def set_verifier(self, configuration: msquic.Configuration) -> None:
        if not isinstance(self.verify, bool):
            # A coroutine function will do: msquic.asyncio.Connection awaits what it returns.
            verifier: Any = self.verify
            configuration.set_certificate_verifier(verifier, timeout=self.verify_timeout)

    def key(self) -> tuple[Any, ...] | None:
        """What tells two of them apart; None when nothing can."""
        if not isinstance(self.verify, bool):
            return None
        pins = (self.pinned_sha256, self.pinned_public_key_sha256)
        return (self.verify, state_of(self.ca_file), self.ca_data, pins)


def certificate_from(
    certificate: msquic.Certificate | Mapping[str, msquic.Certificate] | None,
    cert_file: Path | None,
    key_file: Path | None,
    key_password: str | None,
) -> Callable[[], msquic.Certificate | Mapping[str, msquic.Certificate] | None]:
    """Gives the certificate, on a thread that may read files."""
    if certificate is not None:
        if cert_file is not None or key_file is not None:
            raise msquic.InvalidArgument("give certificate, or cert_file and key_file")
        return lambda: certificate
    if cert_file is None and key_file is None:
        return lambda: None
    if cert_file is None or key_file is None:
        raise msquic.InvalidArgument("give cert_file and key_file together")
    cert, key = os.fspath(cert_file), os.fspath(key_file)
    return lambda: msquic.Certificate.from_files(cert, key, key_password)


def load_client(
    configuration: msquic.Configuration,
    trust: Trust,
    certificate: Callable[[], msquic.Certificate | Mapping[str, msquic.Certificate] | None],
) -> None:
    trust.set_verifier(configuration)
    own = certificate()
    insecure = trust.verify is False
    if own is None:
        configuration.load_credential_none(
            insecure,
            trust.ca_file,
            pinned_sha256=trust.pinned_sha256,
            ca_data=trust.ca_data,
            pinned_public_key_sha256=trust.pinned_public_key_sha256,
        )
    else:
        configuration.load_credential(
            own,
            is_client=True,
            ca_file=trust.ca_file,
            ca_data=trust.ca_data,
            pinned_sha256=trust.pinned_sha256,
            pinned_public_key_sha256=trust.pinned_public_key_sha256,
            no_certificate_validation=insecure,
        )


def load_server(
    configuration: msquic.Configuration,
    trust: Trust,
    certificate: Callable[[], msquic.Certificate | Mapping[str, msquic.Certificate] | None],
    client_certificates: Literal["none", "optional", "required"],
    ticket_keys: bytes | None,
) -> None:
    trust.set_verifier(configuration)
    own = certificate()
    assert own is not None
    configuration.load_credential(
        own,
        ca_file=trust.ca_file,
        ca_data=trust.ca_data,
        pinned_sha256=trust.pinned_sha256,
        pinned_public_key_sha256=trust.pinned_public_key_sha256,
        no_certificate_validation=trust.verify is False,
        client_certificates=client_certificates,
        ticket_keys=ticket_keys,
    )


_deciding: set[asyncio.Task[None]] = set()
"""Certificate verifiers under way; asyncio itself holds its tasks only weakly."""


def judge(
    verifier: Callable[[msquic.PeerCertificate], object],
    certificate: msquic.PeerCertificate,
    complete: Callable[[bool, str], bool],
) -> None:
    """Asks ``verifier`` about the peer's certificate, and tells ``complete(accept, reason)``; the handshake waits."""
    task = asyncio.get_running_loop().create_task(_decide(verifier, certificate, complete))
    _deciding.add(task)
    task.add_done_callback(_deciding.discard)


async def _decide(
    verifier: Callable[[msquic.PeerCertificate], object],
    certificate: msquic.PeerCertificate,
    complete: Callable[[bool, str], bool],
) -> None:
    accept, reason = False, "the certificate verifier refused the certificate"
    try:
        answer = verifier(certificate)
        if inspect.isawaitable(answer):
            answer = await answer
        if not isinstance(answer, bool):
            raise TypeError(f"a certificate verifier must return True or False, not {answer!r}")
        accept = answer
    except Exception as error:
        reason = "the certificate verifier raised an exception"
        asyncio.get_running_loop().call_exception_handler(
            {"message": "exception in a certificate verifier; the certificate was refused", "exception": error}
        )
    finally:
        # Nobody asks any more when it took too long or the connection ended.
        complete(accept, reason)


def _require_sequence(name: str, value: Sequence[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise msquic.InvalidArgumentType(f"{name} must be a list of str, not a str")
    return tuple(value)
