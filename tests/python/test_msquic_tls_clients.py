"""Client certificates: none, optional, required."""

from __future__ import annotations

import pytest

import msquic
from tls_certificates import Endpoints, Issued, make_root


@pytest.fixture(scope="module")
def root() -> Issued:
    return make_root()


@pytest.fixture(scope="module")
def people(root: Issued) -> dict[str, Issued | None]:
    intermediate = root.issue(authority=True, subject="people")
    return {
        "nobody": None,
        "known": intermediate.issue(["someone.example"]),
        "stranger": make_root("another root").issue(["someone.example"]),
        "expired": intermediate.issue(["someone.example"], days=(-10, -1)),
        "self-signed": make_root("myself"),
    }


# The alert that the client hears; None: it is let in.
OUTCOMES = {
    "none": dict.fromkeys(("nobody", "known", "stranger", "expired", "self-signed")),
    "optional": {"nobody": None, "known": None, "stranger": 48, "expired": 45, "self-signed": 48},
    "required": {"nobody": 116, "known": None, "stranger": 48, "expired": 45, "self-signed": 48},
}


def identified(endpoints: Endpoints, root: Issued, person: Issued | None) -> msquic.Configuration:
    if person is None:
        return endpoints.trusting(ca_data=root.pem)
    configuration = endpoints.configuration()
    configuration.load_credential(person.loaded(allow_expired=True), is_client=True, ca_data=root.pem)
    return configuration


@pytest.mark.parametrize("who", ["nobody", "known", "stranger", "expired", "self-signed"])
@pytest.mark.parametrize("wanted", ["none", "optional", "required"])
def test_who_is_let_in(registration, waiter, root, people, wanted, who):
    endpoints = Endpoints(registration)
    outcome, server_end = waiter(), waiter()

    def watch(connection: msquic.Connection) -> None:
        connection.set_on_connected(lambda: outcome.set(connection.peer_certificate_chain))
        connection.set_on_shutdown_complete(lambda _: server_end.set(connection.close_error))

    leaf = root.issue(["localhost"]).loaded()
    listener = endpoints.server(leaf, handler=watch, client_certificates=wanted, ca_data=root.pem)
    client = endpoints.dial(listener, identified(endpoints, root, people[who]))
    alert = OUTCOMES[wanted][who]
    if alert is None:
        assert client.error() is None
        person = people[who]
        shown = outcome.wait("the server's side")
        assert shown == (() if wanted == "none" or person is None else person.loaded().chain)
    else:
        # The client is connected before the server has seen its certificate, and hears of the refusal afterwards.
        error = client.end()
        assert isinstance(error, msquic.CertificateError)
        assert error.alert == alert
        assert isinstance(error, msquic.TlsAlert)
        assert not outcome.is_set()
        assert isinstance(server_end.wait("the server's end"), msquic.CertificateError)


def test_the_older_spelling_of_required(registration, tmp_path, root, people):
    endpoints = Endpoints(registration)
    files = root.issue(["localhost"]).write(tmp_path)
    (tmp_path / "root.pem").write_bytes(root.pem)
    configuration = endpoints.configuration()
    configuration.load_credential_file(*files, ca_file=tmp_path / "root.pem", require_client_certificate=True)
    listener = endpoints.listen(configuration)
    assert endpoints.dial(listener, identified(endpoints, root, people["known"])).error() is None
    error = endpoints.dial(listener, identified(endpoints, root, None)).end()
    assert isinstance(error, msquic.CertificateError)
    assert (error.name, error.alert) == ("RequiredCertificate", 116)


def test_clients_may_be_pinned(registration, root, people):
    endpoints = Endpoints(registration)
    known = people["self-signed"]
    assert known is not None
    listener = endpoints.server(
        root.issue(["localhost"]).loaded(),
        client_certificates="required",
        pinned_sha256=[known.loaded().sha256_fingerprint],
    )
    assert endpoints.dial(listener, identified(endpoints, root, known)).error() is None
    error = endpoints.dial(listener, identified(endpoints, root, people["known"])).end()
    assert isinstance(error, msquic.CertificateError)
    assert error.alert == 42


def test_what_does_not_go_together(registration, root):
    endpoints = Endpoints(registration)
    leaf = root.issue(["localhost"]).loaded()
    with pytest.raises(msquic.InvalidArgument, match="'none', 'optional' or 'required'"):
        endpoints.configuration().load_credential(leaf, client_certificates="maybe")
    with pytest.raises(msquic.InvalidArgument, match="servers"):
        endpoints.configuration().load_credential(leaf, is_client=True, client_certificates="required")
    with pytest.raises(msquic.InvalidArgument, match="resume"):
        endpoints.configuration(server_resumption_level=msquic.ServerResumptionLevel.RESUME_ONLY).load_credential(
            leaf, client_certificates="optional"
        )
