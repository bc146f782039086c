"""moqt.asyncio takes what msquic.asyncio takes, by the same names, and tells as much of the connection."""

from __future__ import annotations

import asyncio
import inspect
import typing
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import moqt.asyncio as ma
import msquic
import msquic.asyncio as qa
from moqt_sessions import NS, idle, payloads, write
from tls_certificates import make_root

ROOT = make_root()
SERVER = ROOT.issue(["localhost"])
OTHER = ROOT.issue(["other.example"])
CLIENT = ROOT.issue(["client.example"])
STRANGER = make_root("another root").issue(["localhost"])


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(40):
        yield


def at(handler: Any = idle, **options: Any) -> ma.Opening[ma.Server]:
    return ma.serve(handler, **({"certificate": SERVER.loaded()} | options))


def relaying(**options: Any) -> ma.Opening[ma.Relay]:
    return ma.relay(port=0, **({"certificate": SERVER.loaded()} | options))


def trusting(server: ma.Server | ma.Relay, **options: Any) -> ma.Opening[ma.Session]:
    return ma.connect("127.0.0.1", server.port, **({"ca_data": ROOT.pem, "server_name": "localhost"} | options))


@pytest.mark.parametrize("opening", [at, relaying])
async def test_every_way_to_open_and_close(opening: Any) -> None:
    async with opening() as server:
        assert server.port > 0
        assert server.certificate_sha256 == SERVER.loaded().sha256_fingerprint
        async with trusting(server) as session:
            assert not session.is_closed
        assert session.is_closed
    with pytest.raises(msquic.ConnectionFailed):
        await trusting(server, timeout=0.5)
    server = await opening()
    async with server as same, await trusting(server) as session:
        assert same is server
        assert not session.is_closed
    async with await opening() as server:
        session = await trusting(server)
        await session.close()


async def test_what_a_session_tells_of_its_connection() -> None:
    met: asyncio.Future[ma.Session] = asyncio.get_running_loop().create_future()

    async def handler(session: ma.Session) -> None:
        met.set_result(session)
        await session.wait_closed()

    async with at(handler) as server, trusting(server) as session:
        other = await met
        for each in (session, other):
            assert (each.alpn, each.draft) == ("moqt-22", 22)
            assert each.server_name == "localhost"
            assert each.handshake is not None
            assert each.handshake.tls_version == "TLSv1.3"
            assert not each.resumed
            assert (await each.stats()).rtt_us > 0
        assert session.remote_address == ("127.0.0.1", server.port) == other.local_address
        assert session.local_address == other.remote_address
        assert session.original_destination_cid == other.original_destination_cid != b""
        assert session.peer_certificate == SERVER.der
        assert session.peer_certificate_chain[0] == SERVER.der
        assert other.peer_certificate is None
    assert session.remote_address is not None, "still known afterwards"
    with pytest.raises(ma.SessionClosed):
        await session.stats()


async def test_trust_by_file_data_name_and_pins(tmp_path: Path) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_bytes(ROOT.pem)
    loaded = SERVER.loaded()
    async with at() as server:
        for options in (
            {"ca_file": roots, "server_name": "localhost"},
            {"ca_data": ROOT.pem, "server_name": "localhost"},
            {"pinned_sha256": [loaded.sha256_fingerprint]},
            {"pinned_public_key_sha256": [loaded.public_key_sha256]},
            {"verify": False},
        ):
            async with ma.connect("127.0.0.1", server.port, **options):
                pass
        for options in (
            {},
            {"ca_file": roots, "server_name": "other.example"},
            {"ca_data": make_root("x").pem, "server_name": "localhost"},
            {"pinned_sha256": ["00" * 32]},
        ):
            with pytest.raises(msquic.CertificateError):
                await ma.connect("127.0.0.1", server.port, **options)


async def test_a_verifier_decides_for_clients_servers_and_relays() -> None:
    seen: list[msquic.PeerCertificate] = []

    async def accept(certificate: msquic.PeerCertificate) -> bool:
        await asyncio.sleep(0)
        seen.append(certificate)
        return True

    async with at(certificate=STRANGER.loaded()) as server:
        async with trusting(server, verify=accept):
            assert seen.pop().verdict is not None
        with pytest.raises(msquic.CertificateError, match="refused"):
            await trusting(server, verify=lambda certificate: False)
    for opening in (at, relaying):
        async with opening(client_certificates="optional", verify=accept, ca_data=ROOT.pem) as guarded:
            async with trusting(guarded, certificate=CLIENT.loaded()):
                assert seen.pop().der == CLIENT.der
            async with trusting(guarded):
                assert seen == []
        async with opening(client_certificates="optional", verify=lambda c: False, ca_data=ROOT.pem) as guarded:
            # The client's handshake is complete before the server has looked at its certificate.
            with pytest.raises((msquic.CertificateError, msquic.ConnectionFailed)):
                await trusting(guarded, certificate=CLIENT.loaded())


async def test_clients_with_certificates() -> None:
    shown: list[bytes | None] = []

    async def handler(session: ma.Session) -> None:
        shown.append(session.peer_certificate)
        await session.wait_closed()

    async with at(handler, client_certificates="required", ca_data=ROOT.pem) as server:
        async with trusting(server, certificate=CLIENT.loaded()):
            pass
        with pytest.raises(msquic.ConnectionFailed):
            await trusting(server)
        with pytest.raises(msquic.ConnectionFailed):
            await trusting(server, certificate=STRANGER.loaded())
    assert shown == [CLIENT.der]


async def test_certificates_by_server_name(tmp_path: Path) -> None:
    for opening in (at, relaying):
        async with opening(certificate={"localhost": SERVER.loaded(), "other.example": OTHER.loaded()}) as server:
            for name, expected in (("localhost", SERVER), ("other.example", OTHER)):
                async with trusting(server, server_name=name) as session:
                    assert session.peer_certificate == expected.der


async def test_a_ticket_resumes_a_session() -> None:
    for opening in (at, relaying):
        async with opening(resumption=msquic.ServerResumptionLevel.RESUME_ONLY) as server:
            async with trusting(server) as first:
                ticket = await first.wait_ticket()
                assert first.ticket == ticket
            async with trusting(server, ticket=ticket) as second:
                assert second.resumed
            with pytest.raises(msquic.TicketMismatch):
                await trusting(server, ticket=ticket, server_name="other.example")
        with pytest.raises(msquic.InvalidArgument, match="early data"):
            await opening(resumption=msquic.ServerResumptionLevel.RESUME_AND_ZERORTT)


async def test_the_key_log_has_both_sides(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "client.log", tmp_path / "server.log"
    async with at(keylog=theirs) as server, trusting(server, keylog=ours):
        pass
    assert "CLIENT_TRAFFIC_SECRET_0" in ours.read_text()
    assert set(ours.read_text().splitlines()) == set(theirs.read_text().splitlines())


async def test_settings_take_effect() -> None:
    async with at() as server, trusting(server, idle_timeout_ms=400, keep_alive_interval_ms=0) as session:
        await session.wait_closed()
        assert isinstance(session.closed_by and session.closed_by.__cause__, msquic.IdleTimeout)
    with pytest.raises(msquic.InvalidArgument, match="idle_timeout_ms"):
        await ma.connect("127.0.0.1", 4433, idle_timeout_ms=-1)


async def test_registration_configuration_and_addresses() -> None:
    registration = msquic.Registration("test")
    configuration = msquic.Configuration(registration, ["moqt-15"], peer_unidi_stream_count=100)
    configuration.load_credential_none(ca_data=ROOT.pem)
    async with at() as server:
        async with trusting(server, registration=registration):
            pass
        async with ma.connect(
            "127.0.0.1",
            server.port,
            server_name="localhost",
            registration=registration,
            configuration=configuration,
            local_address="127.0.0.1",
        ) as session:
            assert session.local_address is not None
            assert session.local_address[0] == "127.0.0.1"
        with pytest.raises(msquic.InvalidArgument, match="brings its own"):
            await trusting(server, configuration=configuration)
        other = msquic.Configuration(registration, ["h3"])
        other.load_credential_none(ca_data=ROOT.pem)
        with pytest.raises(msquic.InvalidArgument, match="does not speak MOQT"):
            await ma.connect("127.0.0.1", server.port, registration=registration, configuration=other)
    own = msquic.Configuration(registration, ["moqt-15"], peer_bidi_stream_count=1, peer_unidi_stream_count=100)
    own.load_credential(SERVER.loaded())
    for opening in (ma.serve(idle, registration=registration, configuration=own),
                    ma.relay(port=0, registration=registration, configuration=own)):  # fmt: skip
        async with opening as listening, trusting(listening):
            assert listening.certificate_sha256 == ""


async def test_every_address_of_a_name_is_tried() -> None:
    async def handler(session: ma.Session) -> None:
        await write(session.create_track(NS, "video"), 2, 2)
        await session.wait_closed()

    # "localhost" may be ::1 first, where nobody listens.
    async with at(handler) as server, ma.connect("localhost", server.port, ca_data=ROOT.pem) as session:
        assert len(await payloads(await session.subscribe(NS, "video"))) == 4


async def test_what_cannot_be_used_is_refused_with_its_name() -> None:
    wrong: Any = {"sever_name": "localhost"}
    with pytest.raises(TypeError, match="sever_name"):
        ma.connect("localhost", 1, **wrong)
    with pytest.raises(TypeError, match="sever_name"):
        ma.serve(idle, **wrong)
    with pytest.raises(TypeError, match="sever_name"):
        ma.relay(**wrong)
    with pytest.raises(ValueError, match="port"):
        ma.connect("localhost", 0)
    with pytest.raises(msquic.InvalidArgument, match="cert_file"):
        ma.serve(idle, cert_file="cert.pem")
    with pytest.raises(msquic.CertificateFileInvalid):
        await ma.serve(idle, cert_file="missing.pem", key_file="missing.pem")


@pytest.mark.parametrize(
    ("function", "options"),
    [
        (qa.connect, qa.ConnectOptions),
        (qa.serve, qa.ServeOptions),
        (ma.connect, ma.ConnectOptions),
        (ma.serve, ma.ServeOptions),
        (ma.relay, ma.RelayOptions),
    ],
)
def test_the_typed_dict_is_the_signature(function: Any, options: Any) -> None:
    """Every keyword of the function is in its TypedDict, with the same type, and nothing else is."""
    known = typing.get_type_hints(options)
    hints = typing.get_type_hints(function)
    parameters = inspect.signature(function).parameters
    named = {name for name, each in parameters.items() if each.kind is inspect.Parameter.KEYWORD_ONLY}
    (rest,) = (name for name, each in parameters.items() if each.kind is inspect.Parameter.VAR_KEYWORD)
    more = typing.get_type_hints(typing.get_args(hints[rest])[0])
    assert named | set(more) == set(known)
    assert {name: hints[name] for name in named} == {name: known[name] for name in named}
    assert options.__required_keys__ == frozenset()


async def test_options_can_be_kept_and_passed_on() -> None:
    reach: ma.ConnectOptions = {"ca_data": ROOT.pem, "server_name": "localhost", "idle_timeout_ms": 5000}
    listen: ma.ServeOptions = {"certificate": SERVER.loaded(), "max_sessions": 2}
    async with ma.serve(idle, **listen) as server, ma.connect("127.0.0.1", server.port, **reach):
        pass
