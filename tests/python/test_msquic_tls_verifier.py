"""Certificate verifiers in Python."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import weakref
from typing import Any

import pytest

import msquic
from tls_certificates import DEADLINE, Endpoints, Issued, make_root


@pytest.fixture(scope="module")
def root() -> Issued:
    return make_root()


@pytest.fixture(scope="module")
def leaf(root: Issued) -> Issued:
    return root.issue(["localhost"])


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    errors: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", errors.append)
    return errors


def test_what_a_verifier_gets(registration, root, leaf):
    endpoints = Endpoints(registration)
    configuration = endpoints.trusting(ca_data=root.pem)
    seen: list[tuple[msquic.PeerCertificate, str]] = []

    def verify(certificate: msquic.PeerCertificate) -> bool:
        seen.append((certificate, threading.current_thread().name))
        return True

    configuration.set_certificate_verifier(verify)
    client = endpoints.dial(endpoints.server(leaf.loaded()), configuration)
    assert client.error() is None
    [(certificate, thread)] = seen
    assert thread == "msquic-handlers"
    assert certificate.der == leaf.der
    assert certificate.chain == (leaf.der,)
    assert certificate.server_name == "localhost"
    assert certificate.verdict is None
    assert certificate.connection is client.connection
    assert certificate.sha256_fingerprint == leaf.loaded().sha256_fingerprint
    assert certificate.public_key_sha256 == leaf.loaded().public_key_sha256


@pytest.mark.parametrize("answer", [None, 1, "yes", 0])
def test_only_true_accepts(registration, root, leaf, reported, answer):
    endpoints = Endpoints(registration)
    configuration = endpoints.trusting(ca_data=root.pem)
    configuration.set_certificate_verifier(lambda certificate: answer)
    error = endpoints.dial(endpoints.server(leaf.loaded()), configuration).error()
    assert isinstance(error, msquic.CertificateError)
    assert "neither True nor False" in str(error)
    assert [type(each.exc_value) for each in reported] == [TypeError]


def test_false_refuses_quietly_and_both_sides_hear_it(registration, root, leaf, reported, waiter):
    over = waiter()
    endpoints = Endpoints(registration)
    configuration = endpoints.trusting(ca_data=root.pem)
    configuration.set_certificate_verifier(lambda certificate: False)

    def watch(connection: msquic.Connection) -> None:
        connection.set_on_shutdown_complete(lambda _: over.set(connection.close_error))

    error = endpoints.dial(endpoints.server(leaf.loaded(), handler=watch), configuration).error()
    assert isinstance(error, msquic.CertificateError)
    assert not error.remote
    remote = over.wait("the server's side of the refusal")
    assert isinstance(remote, msquic.CertificateError)
    assert (remote.name, remote.alert) == ("UnknownCertificate", 46)
    assert reported == []


def test_an_exception_is_logged(registration, root, leaf, reported, caplog):
    endpoints = Endpoints(registration)
    configuration = endpoints.trusting(ca_data=root.pem)
    configuration.set_certificate_verifier(lambda certificate: 1 / 0)
    with caplog.at_level(logging.ERROR, logger="msquic"):
        error = endpoints.dial(endpoints.server(leaf.loaded()), configuration).error()
    assert "raised an exception" in str(error)
    assert [type(each.exc_value) for each in reported] == [ZeroDivisionError]
    assert any(record.exc_info and record.exc_info[0] is ZeroDivisionError for record in caplog.records)


def test_a_verifier_that_outlives_its_connection_is_harmless(registration, root, leaf, reported):
    endpoints = Endpoints(registration)
    configuration = endpoints.trusting(ca_data=root.pem)
    asked, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def verify(certificate: msquic.PeerCertificate) -> bool:
        asked.set()
        go_on.wait(DEADLINE)
        done.set()
        return True

    configuration.set_certificate_verifier(verify)
    client = endpoints.dial(endpoints.server(leaf.loaded()), configuration)
    assert asked.wait(DEADLINE)
    client.connection.close()
    go_on.set()
    assert done.wait(DEADLINE)
    assert client.over.wait(DEADLINE)
    assert not client.connected.is_set()
    assert reported == []


def test_lateness_is_reported(registration, root, leaf, reported):
    endpoints = Endpoints(registration)
    configuration = endpoints.trusting(ca_data=root.pem)
    ended = threading.Event()

    def verify(certificate: msquic.PeerCertificate) -> bool:
        while certificate.connection.close_error is None and not ended.wait(0.002):
            pass
        return True

    configuration.set_certificate_verifier(verify, timeout=0.05)
    client = endpoints.dial(endpoints.server(leaf.loaded()), configuration)
    assert "too long" in str(client.end())
    assert [type(each.exc_value) for each in reported] == [TimeoutError]


def test_the_timeout_is_shorter_than_the_handshakes(registration):
    configuration = Endpoints(registration).configuration(handshake_idle_timeout_ms=2000)
    with pytest.raises(msquic.InvalidArgument, match="handshake_idle_timeout_ms"):
        configuration.set_certificate_verifier(lambda certificate: True, timeout=2.0)
    configuration.set_certificate_verifier(lambda certificate: True, timeout=1.9)


def test_a_verifier_is_a_callable_with_one_argument(registration):
    configuration = Endpoints(registration).configuration()
    for wrong in ("text", lambda: True, lambda a, b: True):
        with pytest.raises(msquic.InvalidHandler):
            configuration.set_certificate_verifier(wrong)


def test_it_may_be_set_before_or_after_the_credentials_and_taken_away(registration, root, leaf):
    endpoints = Endpoints(registration)
    listener = endpoints.server(leaf.loaded())
    configuration = endpoints.configuration()
    configuration.set_certificate_verifier(lambda certificate: False)
    configuration.load_credential_none(ca_data=root.pem)
    assert endpoints.dial(listener, configuration).error() is not None
    configuration.set_certificate_verifier(None)
    assert endpoints.dial(listener, configuration).error() is None
    configuration.set_certificate_verifier(lambda certificate: certificate.verdict is not None)
    assert endpoints.dial(listener, configuration).error() is not None


def test_a_server_asks_its_verifier_about_clients(registration, root, leaf):
    endpoints = Endpoints(registration)
    names: list[str] = []
    configuration = endpoints.configuration()
    configuration.load_credential(leaf.loaded(), client_certificates="required", ca_data=root.pem)

    def verify(certificate: msquic.PeerCertificate) -> bool:
        names.append(certificate.server_name)
        return certificate.verdict is None and certificate.der == leaf.der

    configuration.set_certificate_verifier(verify)
    listener = endpoints.listen(configuration)
    own = endpoints.configuration()
    own.load_credential(leaf.loaded(), is_client=True, ca_data=root.pem)
    client = endpoints.dial(listener, own)
    assert client.error() is None
    other = endpoints.configuration()
    other.load_credential(root.issue(["someone"]).loaded(), is_client=True, ca_data=root.pem)
    error = endpoints.dial(listener, other).end()
    assert isinstance(error, msquic.CertificateError)
    assert error.alert == 46
    assert names == ["localhost", "localhost"]


def test_a_cycle_through_the_verifier_is_collected(registration):
    class Holder:
        pass

    holder = Holder()
    holder.configuration = Endpoints(registration).configuration()
    holder.configuration.set_certificate_verifier(lambda certificate, holder=holder: True)
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None
