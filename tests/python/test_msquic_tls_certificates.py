"""Certificates of this side: where they come from, and what is wrong with those that cannot be used."""

from __future__ import annotations

import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import msquic
from tls_certificates import Endpoints, Issued, make_root


@pytest.fixture(scope="module")
def root() -> Issued:
    return make_root()


@pytest.fixture(scope="module")
def deep(root: Issued) -> Issued:
    """A leaf below two intermediates."""
    first = root.issue(authority=True, subject="first intermediate")
    second = first.issue(authority=True, subject="second intermediate")
    return second.issue(["localhost", "127.0.0.1", "::1"])


def forms(issued: Issued, tmp_path) -> dict[str, msquic.Certificate]:
    files = issued.write(tmp_path / "plain")
    locked = issued.write(tmp_path / "locked", "secret")
    (tmp_path / "store.p12").write_bytes(issued.pkcs12("secret"))
    both = tmp_path / "both.pem"
    both.write_bytes(issued.key_pem() + issued.chain_pem)
    return {
        "files": msquic.Certificate.from_files(*files),
        "one file": msquic.Certificate.from_files(both, both),
        "locked files": msquic.Certificate.from_files(*map(str, locked), "secret"),
        "PEM": msquic.Certificate.from_pem(issued.chain_pem, issued.key_pem()),
        "locked PEM": msquic.Certificate.from_pem(
            bytearray(issued.chain_pem), memoryview(issued.key_pem("secret")), b"secret"
        ),
        "PKCS#12": msquic.Certificate.from_pkcs12(issued.pkcs12("secret"), "secret"),
        "PKCS#12 without password": msquic.Certificate.from_pkcs12(issued.pkcs12()),
        "PKCS#12 file": msquic.Certificate.from_pkcs12(tmp_path / "store.p12", password="secret"),
        "PKCS#12 file by str": msquic.Certificate.from_pkcs12(str(tmp_path / "store.p12"), "secret"),
    }


def test_every_form_gives_the_same_certificate_and_is_shown_to_clients(registration, tmp_path, root, deep):
    endpoints = Endpoints(registration)
    trust = endpoints.trusting(ca_data=root.pem)
    wire = tuple(each.public_bytes(_der()) for each in deep.chain)
    assert len(wire) == 3
    for form, certificate in forms(deep, tmp_path).items():
        assert certificate.der == deep.der, form
        assert certificate.chain == wire, form
        client = endpoints.dial(endpoints.server(certificate), trust)
        assert client.error() is None, form
        # Each is followed by its issuer.
        assert client.connection.peer_certificate_chain == wire, form


def _der():
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER


def test_what_a_certificate_tells(deep):
    certificate = deep.loaded()
    assert certificate.names == ("localhost", "127.0.0.1", "::1")
    assert certificate.not_before == deep.certificate.not_valid_before_utc
    assert certificate.not_after == deep.certificate.not_valid_after_utc
    assert certificate.not_after.tzinfo is datetime.UTC
    assert len(certificate.sha256_fingerprint) == 95
    assert certificate.public_key_sha256.startswith("sha256/")
    assert "localhost" in repr(certificate)
    renewed = make_root().issue(["localhost"], key=deep.key).loaded()
    assert renewed.public_key_sha256 == certificate.public_key_sha256
    assert renewed.sha256_fingerprint != certificate.sha256_fingerprint


def test_a_container_in_any_order_is_put_in_order(registration, root, deep):
    shuffled = Issued(deep.certificate, deep.key, [deep.chain[0], deep.chain[2], deep.chain[1]])
    certificate = msquic.Certificate.from_pkcs12(shuffled.pkcs12())
    assert certificate.chain == deep.loaded().chain
    endpoints = Endpoints(registration)
    assert endpoints.dial(endpoints.server(certificate), endpoints.trusting(ca_data=root.pem)).error() is None


@pytest.mark.parametrize("password", [None, "wrong", b"wrong", ""])
def test_wrong_passwords_are_called_that(tmp_path, deep, password):
    certificate, key = deep.write(tmp_path, "secret")
    with pytest.raises(msquic.CertificatePasswordWrong, match=r"key\.pem.*password"):
        msquic.Certificate.from_files(certificate, key, password)
    with pytest.raises(msquic.CertificatePasswordWrong, match="password"):
        msquic.Certificate.from_pem(deep.chain_pem, deep.key_pem("secret"), password)
    with pytest.raises(msquic.CertificatePasswordWrong, match="password"):
        msquic.Certificate.from_pkcs12(deep.pkcs12("secret"), password)


def test_a_key_that_does_not_fit(tmp_path, deep):
    other = make_root().issue(["localhost"])
    with pytest.raises(msquic.CertificateFileInvalid, match="not the key"):
        msquic.Certificate.from_pem(deep.chain_pem, other.key_pem())
    with pytest.raises(msquic.CertificateFileInvalid, match="not the key"):
        msquic.Certificate.from_pem(
            deep.chain_pem, Issued(deep.certificate, ec.generate_private_key(ec.SECP384R1())).key_pem()
        )


def test_expired_and_future_certificates(registration, root):
    expired = root.issue(["localhost"], days=(-10, -1))
    with pytest.raises(msquic.CertificateFileExpired, match="expired on"):
        expired.loaded()
    with pytest.raises(msquic.CertificateFileExpired, match="not valid before"):
        root.issue(["localhost"], days=(1, 10)).loaded()
    with pytest.raises(msquic.CertificateFileExpired):
        msquic.Certificate.from_pkcs12(expired.pkcs12())
    # Whoever verifies still refuses it.
    endpoints = Endpoints(registration)
    listener = endpoints.server(expired.loaded(allow_expired=True))
    error = endpoints.dial(listener, endpoints.trusting(ca_data=root.pem)).error()
    assert isinstance(error, msquic.CertificateError)
    assert error.name == "ExpiredCertificate"


def test_expired_files_of_the_older_method(registration, tmp_path, root):
    files = root.issue(["localhost"], days=(-10, -1)).write(tmp_path)
    with pytest.raises(msquic.CertificateFileExpired, match=r"cert\.pem"):
        msquic.Configuration(registration, ["test"]).load_credential_file(*files)


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "truncated", "directory", "swapped"])
def test_files_that_cannot_be_read(tmp_path, deep, damage):
    certificate, key = deep.write(tmp_path)
    for victim in (certificate, key):
        content = victim.read_bytes()
        victim.unlink()
        if damage == "empty":
            victim.write_bytes(b"")
        elif damage == "text":
            victim.write_bytes(b"certainly not PEM")
        elif damage == "truncated":
            victim.write_bytes(content[: len(content) // 3])
        elif damage == "directory":
            victim.mkdir()
        elif damage == "swapped":
            victim.write_bytes(key.read_bytes() if victim == certificate else deep.chain_pem)
        with pytest.raises(msquic.CertificateFileInvalid, match=victim.name.replace(".", r"\.")) as raised:
            msquic.Certificate.from_files(certificate, key)
        assert isinstance(raised.value, ValueError)
        if victim.is_dir():
            victim.rmdir()
        victim.write_bytes(content)


def test_a_chain_with_a_damaged_second_certificate(deep):
    damaged = deep.pem + deep.chain_pem[len(deep.pem) :].replace(b"M", b"!", 5)
    with pytest.raises(msquic.CertificateFileInvalid, match="malformed"):
        msquic.Certificate.from_pem(damaged, deep.key_pem())


@pytest.mark.parametrize("data", [b"", b"nothing", b"0\x82"])
def test_containers_that_cannot_be_read(tmp_path, data):
    with pytest.raises(msquic.CertificateFileInvalid):
        msquic.Certificate.from_pkcs12(data)
    with pytest.raises(msquic.CertificateFileInvalid, match=r"missing\.p12"):
        msquic.Certificate.from_pkcs12(tmp_path / "missing.p12")


def test_wrong_types(registration, deep):
    with pytest.raises(msquic.InvalidArgumentType):
        msquic.Certificate.from_pem("text", deep.key_pem())
    with pytest.raises(msquic.InvalidArgumentType):
        msquic.Certificate.from_pem(deep.chain_pem, deep.key_pem(), 7)
    configuration = msquic.Configuration(registration, ["test"])
    for wrong in (None, "cert.pem", {}, {"localhost": "cert.pem"}, {"not a name": deep.loaded()}):
        with pytest.raises((msquic.InvalidArgumentType, msquic.InvalidArgument)):
            configuration.load_credential(wrong)
