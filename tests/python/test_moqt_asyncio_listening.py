"""What a server and a relay of moqt.asyncio do while they listen: certificates, no more clients, their address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import moqt.asyncio as ma
import msquic
from moqt_sessions import NS, idle
from tls_certificates import make_root

ROOT = make_root()
SERVER = ROOT.issue(["localhost"])
OTHER = ROOT.issue(["other.example"])
RENEWED = ROOT.issue(["localhost"])


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(40):
        yield


def serving(handler: Any = idle, **options: Any) -> ma.Opening[ma.Server]:
    return ma.serve(handler, **({"certificate": SERVER.loaded()} | options))


def relaying(**options: Any) -> ma.Opening[ma.Relay]:
    return ma.relay(port=0, **({"certificate": SERVER.loaded()} | options))


def to(server: ma.Server | ma.Relay, **options: Any) -> ma.Opening[ma.Session]:
    return ma.connect("127.0.0.1", server.port, **({"ca_data": ROOT.pem, "server_name": "localhost"} | options))


async def lives(session: ma.Session) -> None:
    """Whether it does: a request over it is answered."""
    with pytest.raises(ma.RequestRefused):
        await session.subscribe(NS, "what nobody publishes")


@pytest.mark.parametrize("opening", [serving, relaying])
async def test_certificates_by_name_and_their_replacement(opening: Any) -> None:
    async with (
        opening(certificate={"": SERVER.loaded(), "other.example": OTHER.loaded()}) as server,
        to(server) as first,
        to(server, server_name="other.example") as second,
    ):
        assert (first.peer_certificate, second.peer_certificate) == (SERVER.der, OTHER.der)
        server.replace_certificate(RENEWED.loaded())
        assert server.certificate_sha256 == RENEWED.loaded().sha256_fingerprint
        async with to(server) as third:
            assert third.peer_certificate == RENEWED.der
        server.replace_certificate({"localhost": SERVER.loaded(), "other.example": OTHER.loaded()})
        async with to(server, server_name="other.example") as fourth, to(server) as fifth:
            assert (fourth.peer_certificate, fifth.peer_certificate) == (OTHER.der, SERVER.der)
        await lives(first)
        with pytest.raises(msquic.InvalidArgumentType, match="certificate"):
            server.replace_certificate("cert.pem")  # type: ignore[arg-type]
        with pytest.raises(msquic.InvalidArgument, match="server name"):
            server.replace_certificate({"no name!": SERVER.loaded()})
        async with to(server) as sixth:
            assert sixth.peer_certificate == SERVER.der
    with pytest.raises(msquic.InvalidState):
        server.replace_certificate(SERVER.loaded())


@pytest.mark.parametrize("opening", [serving, relaying])
async def test_the_address_until_nobody_is_accepted(opening: Any) -> None:
    async with opening() as server:
        assert server.local_address is not None
        assert server.local_address[1] == server.port > 0
        server.stop_accepting()
        assert server.local_address is None
        with pytest.raises(msquic.InvalidState):
            server.replace_certificate(SERVER.loaded())
    assert server.local_address is None
    server.stop_accepting()  # a closed one accepts nobody anyway


@pytest.mark.parametrize("opening", [serving, relaying])
async def test_stop_accepting_refuses_at_once_and_leaves_sessions_alone(opening: Any) -> None:
    async with opening() as server, to(server) as session:
        server.stop_accepting()
        with pytest.raises(msquic.ConnectionRefused):
            await to(server, timeout=30)
        await lives(session)


async def test_a_server_that_accepts_no_more_ends_with_its_last_handler() -> None:
    may_end = asyncio.Event()

    async def handler(session: ma.Session) -> None:
        await session.wait_closed()
        await may_end.wait()

    async with serving(handler) as server:
        session = await to(server)
        forever = asyncio.create_task(server.serve_forever())
        server.stop_accepting()
        await lives(session)
        assert not forever.done()
        await session.close()
        closed = asyncio.create_task(server.wait_closed())
        await asyncio.sleep(0)
        assert not closed.done()
        may_end.set()
        await closed
        await forever


async def test_a_server_without_clients_ends_when_it_accepts_no_more() -> None:
    async with serving() as server:
        server.stop_accepting()
        await server.serve_forever()


async def test_a_relay_that_accepts_no_more_goes_on_until_it_is_closed() -> None:
    async with relaying() as relay:
        async with to(relay) as session:
            relay.stop_accepting()
            await lives(session)
        assert relay.stats()["tracks"] == 0
        await relay.close()
