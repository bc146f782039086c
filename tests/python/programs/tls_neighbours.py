"""Runs three TLS libraries in one process, in turns: MsQuic's OpenSSL, the ssl module's and cryptography's."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import msquic

DEADLINE = 20.0


def write_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))],
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "cert.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_file, key_file


def handshake_by_ssl(certificate: Path, key: Path) -> None:
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certificate, key)
    client_context = ssl.create_default_context(cafile=str(certificate))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname="localhost")
    unfinished = [client, server]
    for _ in range(20):
        for side in list(unfinished):
            try:
                side.do_handshake()
                unfinished.remove(side)
            except ssl.SSLWantReadError:
                continue
    assert not unfinished
    client.write(b"hello")
    assert server.read(5) == b"hello"


def sign_and_verify_by_cryptography() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    signature = key.sign(b"message", ec.ECDSA(hashes.SHA384()))
    key.public_key().verify(signature, b"message", ec.ECDSA(hashes.SHA384()))


def handshake_by_msquic(certificate: Path, key: Path) -> None:
    connected, echoed = threading.Event(), threading.Event()
    accepted: list[msquic.Connection] = []
    with msquic.Registration("tls_neighbours") as registration:
        server = msquic.Configuration(registration, ["test"], idle_timeout_ms=10_000, peer_bidi_stream_count=1)
        server.load_credential_file(str(certificate), str(key))
        client = msquic.Configuration(registration, ["test"], idle_timeout_ms=10_000)
        client.load_credential_none(no_certificate_validation=True)

        def on_new_connection(connection: msquic.Connection) -> None:
            accepted.append(connection)
            connection.set_on_peer_stream_started(
                lambda stream: stream.set_on_receive(lambda data, fin: echoed.set()),
            )

        listener = msquic.Listener(registration)
        listener.set_on_new_connection(on_new_connection)
        listener.start(server, ["test"], 0)
        connection = msquic.Connection(registration)
        connection.set_on_connected(connected.set)
        connection.start(client, "127.0.0.1", listener.port)
        assert connected.wait(DEADLINE), "no connection"
        stream = connection.open_stream(msquic.StreamOpenFlags.NONE)
        stream.start(msquic.StreamStartFlags.IMMEDIATE)
        stream.send(b"hello", msquic.SendFlags.FIN)
        assert echoed.wait(DEADLINE), "no data"
        connection.shutdown()
        listener.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = write_certificate(Path(folder))
        for _ in range(2):
            handshake_by_msquic(certificate, key)
            print("quic", flush=True)
            handshake_by_ssl(certificate, key)
            print("ssl", flush=True)
            sign_and_verify_by_cryptography()
            print("cryptography", flush=True)
