"""Loss, reordering, delay, repetition, a small MTU and changes of address, between two processes.

The link is a program of the tests, so that these run anywhere; test_link_namespaces.py has the kernel's own links.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import msquic
from asyncio_pairs import server, within
from impaired_link import ImpairedLink, Impairment
from json_program import JsonProgram
from msquic.asyncio import connect

PROGRAM = Path(__file__).parent / "programs" / "link_endpoint.py"


@contextlib.asynccontextmanager
async def endpoint(*arguments: object) -> AsyncIterator[JsonProgram]:
    async with JsonProgram.start(sys.executable, PROGRAM, *arguments) as program:
        yield program


class Link:
    def __init__(self, link: ImpairedLink, client: JsonProgram, server: JsonProgram) -> None:
        self.link, self.client, self.server = link, client, server

    async def exchanged(self) -> None:
        event = await self.client.event("exchanged")
        assert (event["sent_exact"], event["received_exact"]) == (True, True)


@contextlib.asynccontextmanager
async def linked(
    certificate: Any,
    impairment: Impairment,
    size: int,
    *settings: str,
    times: int = 1,
    seed: int = 1,
    server_settings: tuple[str, ...] = (),
) -> AsyncIterator[Link]:
    """Two processes, and a link between them over which the client exchanges data with the server."""
    files = (certificate.certificate_file, certificate.private_key_file)
    async with endpoint("server", *files, *settings, *server_settings) as server:
        port = (await server.event("ready"))["port"]
        async with (
            ImpairedLink(("127.0.0.1", port), impairment, seed=seed) as link,
            endpoint("client", certificate.certificate_file, *link.address, size, times, *settings) as client,
        ):
            yield Link(link, client, server)


@pytest.mark.parametrize(
    "impairment",
    [
        Impairment(loss=0.03, delay=0.002),
        Impairment(delay=0.030),
        Impairment(delay=0.001, jitter=0.010),
        Impairment(late=0.10),
        Impairment(repeated=0.20),
        Impairment(loss=0.02, delay=0.003, jitter=0.006, late=0.05, repeated=0.05),
    ],
    ids=["loss", "delay", "jitter", "reordering", "repetition", "all"],
)
async def test_transfers_are_byte_exact(certificate, impairment):
    async with linked(certificate, impairment, 400_000) as both:
        await both.exchanged()
        statistics = await both.client.event("done")
    assert both.link.dropped > 0 or not impairment.loss
    assert statistics["lost"] > 0 or not impairment.loss
    assert statistics["reordered"] > 0 or not (impairment.jitter or impairment.late)
    assert statistics["duplicated"] > 0 or not impairment.repeated


@pytest.mark.parametrize("seed", range(3))
async def test_handshakes_complete_though_packets_get_lost(certificate, seed):
    async with linked(certificate, Impairment(loss=0.15), 1000, "initial_rtt_ms=50", seed=seed) as both:
        await both.exchanged()


async def test_a_path_that_drops_large_packets(certificate):
    """RFC 9000 section 14: 1200 bytes pass on every path; more is found out by probing, whose loss means nothing."""
    async with linked(certificate, Impairment(largest=1252), 700_000, "minimum_mtu=1248") as both:
        await both.exchanged()
        assert (await both.client.event("done"))["mtu"] <= 1252 + 28
    assert both.link.largest_seen > 1252  # probes were sent
    assert both.link.too_large > 0


@pytest.mark.parametrize("prepared", [True, False])
async def test_a_path_whose_mtu_shrinks_below_what_was_found(certificate, prepared):
    """MsQuic does not notice that a size passes no more (RFC 8899 section 4.3); maximum_mtu is the cure."""
    settings = ["minimum_mtu=1248", "disconnect_timeout_ms=1500", *(["maximum_mtu=1280"] if prepared else [])]
    async with linked(certificate, Impairment(), 700_000, *settings, times=6) as both:
        for _ in range(3):
            await both.exchanged()
        both.link.impairment.largest = 1300
        if prepared:
            for _ in range(3):
                await both.exchanged()
            assert (await both.client.event("done"))["mtu"] == 1280
        else:
            assert (await both.client.event("failed"))["kind"] == "ConnectionTimeout"


async def test_the_connection_follows_a_client_whose_address_changes(certificate):
    """A NAT forgets the client, twice during transfers in which packets get lost: the server sees another port."""
    async with linked(certificate, Impairment(delay=0.002, loss=0.01), 300_000, times=4, seed=2) as both:
        for _ in range(2):
            await both.exchanged()
            await both.link.rebind()
        await both.exchanged()
        await both.exchanged()
        await both.client.event("done")
        seen = [tuple((await both.server.event("answered"))["remote"]) for _ in range(4)]
    assert len(set(seen)) == 3


async def test_a_server_that_forbids_migration_follows_a_nat_all_the_same(certificate):
    """The client did not move by itself, and cannot know (RFC 9000 section 9.3 with 18.2)."""
    async with linked(
        certificate, Impairment(), 100_000, times=3, server_settings=("migration_enabled=false",)
    ) as both:
        await both.exchanged()
        await both.link.rebind()
        await both.exchanged()
        await both.exchanged()


async def test_a_short_blackout_is_survived_and_a_long_one_has_a_name(certificate):
    async with linked(certificate, Impairment(), 300_000, "idle_timeout_ms=3000", times=1000) as both:
        await both.exchanged()
        both.link.impairment.blackout = True
        await asyncio.sleep(0.7)  # the time that passes is what is tested
        both.link.impairment.blackout = False
        await both.exchanged()
        await both.exchanged()
        both.link.impairment.blackout = True
        assert (await both.client.event("failed"))["kind"] in ("IdleTimeout", "ConnectionTimeout")
        assert (await both.server.event("over"))["kind"] in ("IdleTimeout", "ConnectionTimeout")


async def keep_pinging(connection: Any) -> None:
    """What got lost is only known from what is acknowledged later."""
    while True:
        connection.send_datagram(b"ping")
        await asyncio.sleep(0.005)


async def test_what_becomes_of_each_datagram_is_told(certificate):
    received = set()

    async def handler(connection: Any) -> None:
        async for datagram in connection.datagrams():
            received.add(datagram)

    sent = [number.to_bytes(2, "big") * 200 for number in range(200)]
    async with (
        server(certificate, handler) as made,
        ImpairedLink(("127.0.0.1", made.port), Impairment(loss=0.2, delay=0.001), seed=4) as link,
        connect(*link.address, alpn="test", ca_file=certificate.certificate_file) as client,
    ):
        pinging = asyncio.create_task(keep_pinging(client))
        states = await within(asyncio.gather(*[client.send_datagram_tracked(data) for data in sent]), 20)
        pinging.cancel()
    acknowledged = {
        data
        for data, state in zip(sent, states, strict=True)
        if state in (msquic.DatagramSendState.ACKNOWLEDGED, msquic.DatagramSendState.ACKNOWLEDGED_SPURIOUS)
    }
    assert acknowledged <= received
    assert 0 < len(acknowledged) < 200
