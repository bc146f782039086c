"""Two processes in two network namespaces: what the kernel's links do to packets, and clients that move.

Skipped, with the reason, where namespaces are not permitted, and tc netem where the kernel does not have it; the same
impairments without the kernel's help are in test_link_impairments.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from json_program import JsonProgram
from network_namespaces import CLIENT, OTHER_CLIENT, SERVER, Namespace, namespaces, shape
from quinn_peer import quinn_client
from running import Running

FOLDER = Path(__file__).parent
PROGRAM = FOLDER / "programs" / "link_endpoint.py"

# The peer may have to be built first; every wait has its own, shorter deadline.
pytestmark = pytest.mark.timeout(300)


@contextlib.asynccontextmanager
async def our_server(namespace: Namespace, certificate: Any, *settings: str) -> AsyncIterator[tuple[JsonProgram, int]]:
    files = (certificate.certificate_file, certificate.private_key_file)
    command = (*namespace.prefix, sys.executable, PROGRAM, "server", *files, *settings)
    async with JsonProgram.start(*command) as program:
        yield program, (await program.event("ready"))["port"]


def our_client(namespace: Namespace, *arguments: object) -> Any:
    return JsonProgram.start(*namespace.prefix, sys.executable, PROGRAM, "client", *arguments)


async def exchange(client: Namespace, server: Namespace, certificate: Any, size: int, *settings: str) -> dict[str, Any]:
    """A transfer in both directions; gives the client's counters."""
    async with (
        our_server(server, certificate, *settings) as (_, port),
        our_client(client, certificate.ca_file, SERVER, port, size, 1, *settings) as program,
    ):
        event = await program.event("exchanged", within=30)
        assert (event["sent_exact"], event["received_exact"]) == (True, True)
        return await program.event("done")


async def test_a_narrow_link_with_a_short_queue(issued_certificate):
    """20 Mbit/s and a queue of 20 ms: what does not fit gets lost, and the sender learns its place."""
    async with namespaces() as (client, server):
        for namespace in (client, server):
            await shape(namespace, "tbf", "rate", "20mbit", "burst", "16kb", "latency", "20ms")
        assert (await exchange(client, server, issued_certificate, 1_500_000))["lost"] > 0


async def test_a_link_with_the_smallest_mtu_of_ipv6(issued_certificate):
    async with namespaces(mtu=1280) as (client, server):
        statistics = await exchange(client, server, issued_certificate, 1_000_000, "minimum_mtu=1248")
        assert statistics["mtu"] <= 1280


@pytest.mark.parametrize(
    "discipline",
    [
        ("netem", "delay", "20ms", "loss", "3%"),
        ("netem", "delay", "10ms", "5ms", "reorder", "25%", "50%"),
        ("netem", "delay", "5ms", "duplicate", "10%"),
    ],
    ids=["loss", "reordering", "duplicates"],
)
async def test_transfers_over_an_impaired_link_are_byte_exact(issued_certificate, discipline):
    async with namespaces() as (client, server):
        for namespace in (client, server):
            await shape(namespace, *discipline)
        await exchange(client, server, issued_certificate, 1_000_000)


async def test_the_connection_follows_a_client_that_moves_to_another_address(issued_certificate):
    """The client's own change: it binds its other address, and the first one is taken from it."""
    async with (
        namespaces() as (client, server),
        our_server(server, issued_certificate, "idle_timeout_ms=10000") as (program, port),
        quinn_client(issued_certificate, alpn="link", prefix=client.prefix) as peer,
    ):
        peer.tell(f"rebind {CLIENT}:0")
        await peer.event("rebound")
        peer.tell(f"connect {SERVER}:{port} localhost")
        await peer.event("connected")
        assert (await program.event("connected"))["remote"][0] == CLIENT
        peer.tell("uni 200000")
        await peer.event("acknowledged")
        assert (await program.event("answered"))["remote"][0] == CLIENT
        peer.tell(f"rebind {OTHER_CLIENT}:0")
        await peer.event("rebound")
        await client.run("ip", "address", "del", f"{CLIENT}/24", "dev", "veth")
        peer.tell("uni 500000")
        await peer.event("acknowledged")
        assert (await program.event("answered"))["remote"][0] == OTHER_CLIENT


async def test_the_connection_follows_our_client_behind_a_nat_to_another_address(issued_certificate):
    """Our client, in the client's namespace, behind a translator that takes its other address in the middle."""
    async with (
        namespaces() as (client, server),
        our_server(server, issued_certificate) as (program, port),
        translator(client, port) as (running, translated),
        our_client(client, issued_certificate.ca_file, "127.0.0.1", translated, 200_000, 3) as connected,
    ):
        seen = []
        for host in (OTHER_CLIENT, CLIENT, OTHER_CLIENT):
            event = await connected.event("exchanged")
            assert (event["sent_exact"], event["received_exact"]) == (True, True)
            seen.append((await program.event("answered"))["remote"][0])
            running.process.stdin.write(f"rebind {host}\n".encode())
        await connected.event("done")
    assert set(seen) == {CLIENT, OTHER_CLIENT}


@contextlib.asynccontextmanager
async def translator(namespace: Namespace, port: int) -> AsyncIterator[tuple[Any, int]]:
    arguments = ("127.0.0.1", SERVER, str(port), "--upstream-host", CLIENT)
    process = await asyncio.create_subprocess_exec(
        *namespace.prefix,
        sys.executable,
        str(FOLDER / "impaired_link.py"),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    running = Running("translator", process)
    try:
        yield running, int((await running.line(r"listening (\d+)"))[1])
    finally:
        await running.end()
