"""Link-local IPv6 addresses with their scope, in both packages: this machine's own, so that nothing leaves it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

import moqt
import moqt.asyncio as ma
import msquic
import msquic.asyncio as qa
from moqt_sessions import NS, payloads, write
from relay_programs import program
from running import start_program


def link_local() -> tuple[str, str] | None:
    """An address and the name of its interface."""
    try:
        with open("/proc/net/if_inet6", encoding="ascii") as table:
            for line in table:
                digits, _, _, scope, _, interface = line.split()
                if scope == "20":
                    return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits)), interface
    except OSError:
        pass
    return None


FOUND = link_local()
pytestmark = pytest.mark.skipif(FOUND is None, reason="no interface of this machine has a link-local IPv6 address")
ADDRESS, INTERFACE = FOUND or ("", "")


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(40):
        yield


def hosts() -> list[str]:
    return [f"{ADDRESS}%{INTERFACE}", f"{ADDRESS}%{socket.if_nametoindex(INTERFACE)}"]


async def test_msquic_reaches_it_by_name_and_number(certificate: Any) -> None:
    async def wait(connection: qa.Connection) -> None:
        await connection.wait_closed()

    files = {"cert_file": certificate.certificate_file, "key_file": certificate.private_key_file}
    async with qa.serve(wait, None, 0, alpn="test", **files) as server:
        for host in hosts():
            async with qa.connect(host, server.port, alpn="test", verify=False) as connection:
                assert connection.server_name == ADDRESS
                assert connection.remote_address is not None
                assert connection.remote_address[0].partition("%")[0] == ADDRESS


@pytest.mark.parametrize("kind", ["server", "relay"])
async def test_the_scope_stays_out_of_the_authority(kind: str) -> None:
    seen: list[str] = []

    async def handler(session: ma.Session) -> None:
        assert isinstance(session.peer_setup, moqt.ClientSetup)
        seen.append(session.peer_setup.authority or "")
        await write(session.create_track(NS, "video"), 1, 2)
        await session.wait_closed()

    opening: Any = ma.serve(handler, "::") if kind == "server" else ma.relay("::", 0)
    async with opening as server:
        for host in hosts():
            async with ma.connect(host, server.port, verify=False) as session:
                if kind == "server":
                    assert len(await payloads(await session.subscribe(NS, "video"))) == 2
                    assert seen.pop() == f"[{ADDRESS}]:{server.port}"
                assert not session.is_closed


async def test_a_certificate_for_the_address_holds_with_any_scope(tmp_path: Any) -> None:
    cert, key, _ = msquic.generate_development_certificate(tmp_path, names=(ADDRESS,))
    async with ma.serve(lambda session: session.wait_closed(), "::", cert_file=cert, key_file=key) as server:
        for host in hosts():
            async with ma.connect(host, server.port, ca_file=cert):
                pass


async def test_an_address_without_a_scope_is_refused_by_the_system_not_by_us() -> None:
    with pytest.raises(msquic.QuicError):
        await ma.connect(ADDRESS, 9, verify=False, timeout=0.3)


async def test_a_program_reaches_a_relay_there(certificate: Any, tmp_path: Any) -> None:
    cert, key, _ = msquic.generate_development_certificate(tmp_path, names=(ADDRESS,))
    async with (
        ma.relay("::", 0, cert_file=cert, key_file=key) as relay,
        ma.connect(hosts()[0], relay.port, ca_file=cert) as publisher,
    ):
        track = publisher.create_track(NS, "video")
        await publisher.publish_namespace(NS)
        writing = asyncio.create_task(write(track, 1, 3))
        where = ("--host", hosts()[0], "--port", relay.port, "--ca-file", cert)
        what = ("--namespace", "/".join(NS), "--name", "video", "--output", tmp_path / "out", "--format", "framed")
        subscriber = await start_program(program("moqt-sub"), *where, *what)
        try:
            assert await subscriber.exit_code() == 0, subscriber.text
        finally:
            await subscriber.end()
        await writing
