"""Several certificates by server name, and replacing them while listening."""

from __future__ import annotations

import pytest

import msquic
from msquic import SendFlags, StreamOpenFlags
from tls_certificates import Endpoints, Issued, make_root


@pytest.fixture(scope="module")
def root() -> Issued:
    return make_root()


@pytest.fixture(scope="module")
def certificates(root: Issued) -> dict[str, msquic.Certificate]:
    names = ("a.example", "*.host.example", "bücher.example", "default.example", "renewed.example")
    return {
        name: root.issue([name.encode("idna").decode()], subject=name.encode("idna").decode()).loaded()
        for name in names
    }


def shown(endpoints: Endpoints, listener: msquic.Listener, name: str) -> bytes | None:
    client = endpoints.dial(listener, endpoints.trusting(no_certificate_validation=True), name)
    assert client.error() is None
    return client.connection.peer_certificate


def test_names_choose_certificates(registration, root, certificates):
    endpoints = Endpoints(registration)
    by_name = {name: certificates[name] for name in ("a.example", "*.host.example", "bücher.example")}
    listener = endpoints.server({**by_name, "": certificates["default.example"]})
    for name, expected in {
        "a.example": "a.example",
        "A.Example.": "a.example",
        "b.host.example": "*.host.example",
        "bücher.example": "bücher.example",
        "b.a.host.example": "default.example",
        "unknown.org": "default.example",
        "127.0.0.1": "default.example",  # an address is not sent as a server name
    }.items():
        assert shown(endpoints, listener, name) == certificates[expected].der, name
    # With verification, too.
    assert endpoints.dial(listener, endpoints.trusting(ca_data=root.pem), "b.host.example").error() is None


def test_without_a_default_the_first_one_serves(registration, certificates):
    endpoints = Endpoints(registration)
    listener = endpoints.server({name: certificates[name] for name in ("default.example", "a.example")})
    assert shown(endpoints, listener, "elsewhere.org") == certificates["default.example"].der


def test_certificates_are_replaced_while_listening(registration, collector, certificates):
    received = collector()
    endpoints = Endpoints(registration)

    def watch(connection: msquic.Connection) -> None:
        connection.set_on_peer_stream_started(lambda stream: stream.set_on_receive(received))

    listener = endpoints.server(certificates["default.example"], handler=watch)
    old = endpoints.dial(listener, endpoints.trusting(no_certificate_validation=True))
    assert old.error() is None

    listener.replace_certificate(certificates["renewed.example"])
    assert shown(endpoints, listener, "any.org") == certificates["renewed.example"].der
    listener.replace_certificate(certificates["a.example"], "a.example")
    assert shown(endpoints, listener, "a.example") == certificates["a.example"].der
    assert shown(endpoints, listener, "any.org") == certificates["renewed.example"].der
    listener.set_certificates({"*.host.example": certificates["*.host.example"]})
    assert shown(endpoints, listener, "a.host.example") == certificates["*.host.example"].der
    assert shown(endpoints, listener, "any.org") == certificates["*.host.example"].der
    listener.set_certificates(certificates["default.example"])
    assert shown(endpoints, listener, "a.example") == certificates["default.example"].der

    # The connection from before all that goes on.
    stream = old.connection.open_stream(StreamOpenFlags.UNIDIRECTIONAL)
    stream.send(b"still here", SendFlags.START | SendFlags.FIN)
    assert received.wait_fin() == b"still here"
    assert not old.over.is_set()


def test_what_cannot_be_replaced(registration, certificates):
    endpoints = Endpoints(registration)
    with pytest.raises(msquic.InvalidState, match="not started"):
        msquic.Listener(registration).set_certificates(certificates["a.example"])
    listener = endpoints.server(certificates["default.example"])
    for wrong in (None, "cert.pem", {}, {"a.example": None}):
        with pytest.raises((msquic.InvalidArgumentType, msquic.InvalidArgument)):
            listener.set_certificates(wrong)
    for name in ("*", "a..b", "with space.example"):
        with pytest.raises(msquic.InvalidArgument, match="not a server name"):
            listener.replace_certificate(certificates["a.example"], name)
    assert shown(endpoints, listener, "any.org") == certificates["default.example"].der
