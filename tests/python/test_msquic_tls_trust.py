"""Whom a client trusts: every kind of certificate against every kind of trust."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest

import msquic
from tls_certificates import DEADLINE, Endpoints, Issued, issue, make_root

KINDS = (
    "valid",
    "wrong host",
    "wrong IP",
    "wildcard",
    "IDNA",
    "expired",
    "self-signed",
    "unknown CA",
    "missing intermediate",
)
TRUST = ("default", "ca_file", "ca_data", "pin", "public-key pin", "insecure", "accept", "reject", "timeout", "raise")

# The name to dial, and the alert with which a client that trusts the root refuses.
DIALLED = {"wrong IP": "127.0.0.1", "wildcard": "a.host.example", "IDNA": "bücher.example"}
REFUSED = {
    "wrong host": 42,
    "wrong IP": 42,
    "expired": 45,
    "self-signed": 48,
    "unknown CA": 48,
    "missing intermediate": 48,
}


@pytest.fixture(scope="module")
def root() -> Issued:
    return make_root()


@pytest.fixture(scope="module")
def shown(root: Issued) -> dict[str, Issued]:
    """What the server shows, by kind."""
    intermediate = root.issue(authority=True, subject="intermediate")
    incomplete = intermediate.issue(["localhost"])
    incomplete.chain = incomplete.chain[:1]
    return {
        "valid": intermediate.issue(["localhost"]),
        "wrong host": intermediate.issue(["other.example"]),
        "wrong IP": intermediate.issue(["127.0.0.2", "localhost"]),
        "wildcard": intermediate.issue(["*.host.example"]),
        "IDNA": intermediate.issue(["xn--bcher-kva.example"]),
        "expired": intermediate.issue(["localhost"], days=(-10, -1)),
        "self-signed": issue(["localhost"], None),
        "unknown CA": make_root("another root").issue(["localhost"]),
        "missing intermediate": incomplete,
    }


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What went to sys.unraisablehook."""
    errors: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", errors.append)
    return errors


def wait_for_the_end(certificate: msquic.PeerCertificate) -> bool:
    """A verifier that takes longer than it may."""
    deadline = time.monotonic() + DEADLINE
    while certificate.connection.close_error is None and time.monotonic() < deadline:
        time.sleep(0.002)  # the handlers' thread is what this blocks, on purpose
    return True


def fail(_: msquic.PeerCertificate) -> bool:
    raise ValueError("no idea")


@pytest.mark.parametrize("trust", TRUST)
@pytest.mark.parametrize("kind", KINDS)
def test_matrix(registration, tmp_path, monkeypatch, reported, root, shown, kind, trust):
    endpoints = Endpoints(registration)
    certificate = shown[kind].loaded(allow_expired=True)
    (tmp_path / "root.pem").write_bytes(root.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))
    settings: dict[str, Any] = {
        "ca_file": {"ca_file": tmp_path / "root.pem"},
        "ca_data": {"ca_data": root.pem},
        "pin": {"pinned_sha256": [certificate.sha256_fingerprint]},
        "public-key pin": {"pinned_public_key_sha256": [certificate.public_key_sha256]},
        "insecure": {"no_certificate_validation": True},
    }
    configuration = endpoints.trusting(**settings.get(trust, {}))
    verdicts = []

    def verify(seen: msquic.PeerCertificate) -> bool:
        verdicts.append(seen.verdict)
        return {"accept": lambda _: True, "reject": lambda _: False, "timeout": wait_for_the_end, "raise": fail}[trust](
            seen
        )

    if trust in ("accept", "reject", "timeout", "raise"):
        configuration.set_certificate_verifier(verify, timeout=0.1 if trust == "timeout" else 5.0)
    listener = endpoints.server(certificate)
    error = endpoints.dial(listener, configuration, DIALLED.get(kind, "localhost")).error()

    if trust in ("pin", "public-key pin", "insecure", "accept"):
        assert error is None
    elif trust in ("reject", "timeout", "raise"):
        assert isinstance(error, msquic.CertificateError)
        assert (error.alert, error.name) == (46, "CertificateRefused")
    elif kind in REFUSED:
        assert isinstance(error, msquic.CertificateError)
        assert error.alert == REFUSED[kind], error
    else:
        assert error is None
    if verdicts:
        alert = None if verdicts[0] is None else verdicts[0].alert
        assert alert == REFUSED.get(kind)
        assert verdicts[0] is None or isinstance(verdicts[0], msquic.CertificateError)
    if trust == "raise":
        assert [str(each.exc_value) for each in reported] == ["no idea"]


def test_given_roots_take_the_place_of_the_systems(registration, tmp_path, monkeypatch, root, shown):
    (tmp_path / "root.pem").write_bytes(root.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))
    endpoints = Endpoints(registration)
    listener = endpoints.server(shown["valid"].loaded())
    assert endpoints.dial(listener, endpoints.trusting()).error() is None
    error = endpoints.dial(listener, endpoints.trusting(ca_data=make_root().pem)).error()
    assert isinstance(error, msquic.CertificateError)
    assert error.name == "UnknownCa"


def test_the_systems_roots_do_not_include_ours(registration, shown):
    endpoints = Endpoints(registration)
    error = endpoints.dial(endpoints.server(shown["valid"].loaded()), endpoints.trusting()).error()
    assert isinstance(error, msquic.CertificateError)
    assert "ca_file" in str(error)


def test_several_roots_and_an_anchor_below_the_root(registration, root, shown):
    endpoints = Endpoints(registration)
    listener = endpoints.server(shown["valid"].loaded())
    bundle = make_root("a").pem + b"a comment\n" + root.pem
    assert endpoints.dial(listener, endpoints.trusting(ca_data=bundle)).error() is None
    assert endpoints.dial(listener, endpoints.trusting(ca_data=shown["valid"].pem)).error() is None


def test_roots_and_pins_must_both_hold(registration, root, shown):
    endpoints = Endpoints(registration)
    valid = shown["valid"].loaded()
    listener = endpoints.server(valid)
    pin = {"pinned_public_key_sha256": [valid.public_key_sha256]}
    assert endpoints.dial(listener, endpoints.trusting(ca_data=root.pem, **pin)).error() is None
    for trust in (
        {"ca_data": make_root().pem, **pin},
        {
            "ca_data": root.pem,
            "pinned_public_key_sha256": [shown["expired"].loaded(allow_expired=True).public_key_sha256],
        },
    ):
        assert isinstance(endpoints.dial(listener, endpoints.trusting(**trust)).error(), msquic.CertificateError)


@pytest.mark.parametrize(
    ("names", "dialled", "good"),
    [
        (["host.example"], "HOST.example.", True),
        (["host.example"], "sub.host.example", False),
        (["*.host.example"], "a.b.host.example", False),
        (["*.host.example"], "host.example", False),
        (["f*.host.example"], "foo.host.example", False),
        (["*"], "host", False),
        (["127.0.0.1"], "127.0.0.1", True),
        (["2001:db8::7"], "2001:db8:0::7", True),
        (["2001:db8::7"], "2001:db8::8", False),
        (["xn--bcher-kva.example"], "xn--bcher-kva.example", True),
        (["*.xn--bcher-kva.example"], "www.bücher.example", True),
        ([], "leaf", False),  # the subject's name does not count
    ],
)
def test_names(registration, root, names, dialled, good):
    endpoints = Endpoints(registration)
    listener = endpoints.server(root.issue(names).loaded())
    client = endpoints.dial(listener, endpoints.trusting(ca_data=root.pem), dialled)
    error = client.error()
    assert (error is None) == good
    if error is not None:
        assert error.name == "CertificateNameMismatch"


def test_what_is_no_name_is_refused(registration):
    endpoints = Endpoints(registration)
    connection = msquic.Connection(registration)
    with pytest.raises(msquic.InvalidArgument, match="IDNA"):
        connection.start(endpoints.trusting(), "\u0378" * 70 + ".example", 1)


@pytest.mark.parametrize(
    "trust",
    [
        {"pinned_sha256": ["12"]},
        {"pinned_sha256": ["zz" * 32]},
        {"pinned_public_key_sha256": ["sha256/short"]},
        {"no_certificate_validation": True, "pinned_public_key_sha256": ["00" * 32]},
        {"ca_data": b""},
        {"ca_data": b"not a certificate"},
        {"ca_data": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
        {"ca_file": "/nowhere/ca.pem"},
    ],
)
def test_trust_that_cannot_be_read(registration, trust):
    with pytest.raises(msquic.InvalidArgument):
        Endpoints(registration).trusting(**trust)


def test_the_certificate_stays_on_the_connection(registration, root, shown):
    endpoints = Endpoints(registration)
    listener = endpoints.server(shown["valid"].loaded())
    client = endpoints.dial(listener, endpoints.trusting(ca_data=root.pem))
    assert client.error() is None
    assert client.connection.peer_certificate == shown["valid"].der
    assert client.connection.peer_certificate_chain == shown["valid"].loaded().chain
    client.connection.close()
    assert client.connection.peer_certificate == shown["valid"].der
    assert msquic.Connection(registration).peer_certificate is None
