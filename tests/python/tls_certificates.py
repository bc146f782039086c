"""Certificates of every kind for the tests of TLS, and connections that say how they went."""

from __future__ import annotations

import datetime
import ipaddress
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import msquic

NOW = datetime.datetime.now(datetime.UTC)
DEADLINE = 45.0


def general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@dataclass
class Issued:
    """A certificate with its key and the chain that a peer gets with it, itself first, without the root."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: list[x509.Certificate] = field(default_factory=list)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def chain_pem(self) -> bytes:
        return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in self.chain)

    def key_pem(self, password: str | None = None) -> bytes:
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            encryption = serialization.BestAvailableEncryption(password.encode())
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)

    def pkcs12(self, password: str | None = None) -> bytes:
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            encryption = serialization.BestAvailableEncryption(password.encode())
        return pkcs12.serialize_key_and_certificates(b"name", self.key, self.certificate, self.chain[1:], encryption)

    def loaded(self, *, allow_expired: bool = False) -> msquic.Certificate:
        return msquic.Certificate.from_pem(self.chain_pem, self.key_pem(), allow_expired=allow_expired)

    def issue(
        self,
        names: Sequence[str] = (),
        *,
        authority: bool = False,
        days: tuple[int, int] = (-1, 10),
        subject: str = "leaf",
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> Issued:
        return issue(names, self, authority=authority, days=days, subject=subject, key=key)

    def write(self, directory: Path, password: str | None = None) -> tuple[Path, Path]:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "cert.pem").write_bytes(self.chain_pem)
        (directory / "key.pem").write_bytes(self.key_pem(password))
        return directory / "cert.pem", directory / "key.pem"


def issue(
    names: Sequence[str],
    issuer: Issued | None,
    *,
    authority: bool = False,
    days: tuple[int, int] = (-1, 10),
    subject: str = "leaf",
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Issued:
    key = key or ec.generate_private_key(ec.SECP256R1())
    own_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(own_name)
        .issuer_name(issuer.certificate.subject if issuer else own_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + datetime.timedelta(days=days[0]))
        .not_valid_after(NOW + datetime.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(authority, None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer.key if issuer else key).public_key()), False
        )
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), False)
    if not authority:
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), False)
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    above = [each for each in issuer.chain if each.issuer != each.subject] if issuer else []
    return Issued(certificate, key, [certificate, *above])


def make_root(subject: str = "root") -> Issued:
    return issue([], None, authority=True, subject=subject)


class Client:
    """A client connection that is started at once."""

    def __init__(
        self,
        registration: msquic.Registration,
        listener: msquic.Listener,
        configuration: msquic.Configuration,
        name: str = "localhost",
        *,
        ticket: bytes | None = None,
    ) -> None:
        self.connected, self.over = threading.Event(), threading.Event()
        self._decided = threading.Event()
        self.resumed: bool | None = None
        self.tickets: list[msquic.SessionTicket] = []
        self.ticket_came = threading.Event()
        self.connection = msquic.Connection(registration)
        self.connection.set_on_connected(self._on_connected)
        self.connection.set_on_shutdown_complete(self._on_over)
        self.connection.set_on_resumption_ticket_received(self._on_ticket)
        if ticket is not None:
            self.connection.set_resumption_ticket(ticket)
        self.before_start()
        self.connection.start(configuration, name, listener.port, address="127.0.0.1")

    def before_start(self) -> None:
        """For early data."""

    def _on_connected(self, resumed: bool) -> None:
        self.resumed = resumed
        self.connected.set()
        self._decided.set()

    def _on_over(self, _: bool) -> None:
        self.over.set()
        self._decided.set()

    def _on_ticket(self, ticket: msquic.SessionTicket) -> None:
        self.tickets.append(ticket)
        self.ticket_came.set()

    def error(self) -> msquic.ConnectionFailed | None:
        """Why the handshake failed; None when it did not."""
        assert self._decided.wait(DEADLINE), "neither connected nor over in time"
        return None if self.connected.is_set() else self.connection.close_error

    def end(self) -> msquic.ConnectionFailed | None:
        """Why the connection ended, however far it came."""
        assert self.over.wait(DEADLINE), "not over in time"
        return self.connection.close_error


class Endpoints:
    """A registration, and servers and clients on it."""

    ALPN = "test"

    def __init__(self, registration: msquic.Registration) -> None:
        self.registration = registration
        self.accepted: list[msquic.Connection] = []
        self.listeners: list[msquic.Listener] = []

    def configuration(self, **settings: Any) -> msquic.Configuration:
        defaults: dict[str, Any] = {"peer_bidi_stream_count": 10, "peer_unidi_stream_count": 10}
        return msquic.Configuration(self.registration, [self.ALPN], **{**defaults, **settings})

    def server(self, certificate: Any, *, handler: Any = None, settings: Any = None, **trust: Any) -> msquic.Listener:
        """A listener with this certificate, or these by name."""
        configuration = self.configuration(**(settings or {}))
        configuration.load_credential(certificate, **trust)
        return self.listen(configuration, handler)

    def listen(self, configuration: msquic.Configuration, handler: Any = None) -> msquic.Listener:
        listener = msquic.Listener(self.registration)

        def accept(connection: msquic.Connection) -> None:
            self.accepted.append(connection)
            if handler is not None:
                handler(connection)

        listener.set_on_new_connection(accept)
        listener.start(configuration, [self.ALPN], 0)
        self.listeners.append(listener)
        return listener

    def trusting(self, settings: Any = None, **trust: Any) -> msquic.Configuration:
        """A client's configuration."""
        configuration = self.configuration(**(settings or {}))
        configuration.load_credential_none(**trust)
        return configuration

    def dial(self, listener: msquic.Listener, configuration: msquic.Configuration, *args: Any, **kwargs: Any) -> Client:
        return Client(self.registration, listener, configuration, *args, **kwargs)
