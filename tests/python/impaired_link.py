"""A UDP link that loses, delays, reorders, repeats and refuses packets, by a fixed seed; it can also give a client
another address, as a NAT does.

It stands between a client and a server: the client talks to `address`, and the server sees a socket of the link's own
per client. It needs nothing of the system, so it works where tc netem is missing; it also runs as a program:

    python impaired_link.py LISTEN_HOST SERVER_HOST SERVER_PORT [--loss 0.02] [--upstream-host HOST] …

which prints `listening PORT`, and at each line `rebind [HOST]` of its standard input gives all clients other addresses.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from dataclasses import dataclass, fields
from typing import Any

Address = tuple[str, int]


@dataclass
class Impairment:
    """What happens to each packet, in both directions; a change takes effect at once."""

    loss: float = 0.0
    """The share of packets that get lost."""
    delay: float = 0.0
    """Seconds each way."""
    jitter: float = 0.0
    """At most so many seconds more, so that packets overtake each other."""
    late: float = 0.0
    """The share of packets that come 20 ms later than others."""
    repeated: float = 0.0
    """The share of packets that come twice."""
    largest: int = 65535
    """Packets with more bytes of UDP payload are dropped, as on a path with a small MTU that tells nobody."""
    rate: float = 0.0
    """Bytes per second each way, of UDP payload; 0: as many as come."""
    queue: float = 0.1
    """With a rate: the seconds that a packet waits at most; one that would wait longer is dropped."""
    blackout: bool = False
    """Drops everything."""


class _Upstream(asyncio.DatagramProtocol):
    """The socket that the server takes for the client."""

    def __init__(self, link: ImpairedLink, client: Address) -> None:
        self._link, self._client = link, client

    def datagram_received(self, data: bytes, address: Any) -> None:
        self._link._pass(data, self._link._to_client, self._client)


class _Downstream(asyncio.DatagramProtocol):
    def __init__(self, link: ImpairedLink) -> None:
        self._link = link

    def datagram_received(self, data: bytes, address: Any) -> None:
        self._link._from_client(data, address[:2])


class ImpairedLink:
    """`async with ImpairedLink(server_address, Impairment(…)) as link`; clients connect to `link.address`."""

    def __init__(
        self,
        server: Address,
        impairment: Impairment | None = None,
        *,
        seed: int = 1,
        listen_host: str = "127.0.0.1",
        upstream_host: str = "127.0.0.1",
    ) -> None:
        self.impairment = impairment or Impairment()
        self.passed = self.dropped = self.too_large = 0
        self.largest_seen = 0
        self._server, self._listen_host, self._upstream_host = server, listen_host, upstream_host
        self._random = random.Random(seed)
        self._upstream: dict[Address, asyncio.DatagramTransport | None] = {}
        self._waiting: dict[Address, list[bytes]] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._old: list[asyncio.DatagramTransport] = []
        self._free_at: dict[tuple[Any, Address], float] = {}
        self._downstream: asyncio.DatagramTransport

    async def __aenter__(self) -> ImpairedLink:
        loop = asyncio.get_running_loop()
        self._downstream, _ = await loop.create_datagram_endpoint(
            lambda: _Downstream(self), local_addr=(self._listen_host, 0)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._opening:
            task.cancel()
        for transport in [self._downstream, *self._old, *self._upstream.values()]:
            if transport is not None:
                transport.close()
        await asyncio.sleep(0)  # the transports close in the loop's next turn

    @property
    def address(self) -> Address:
        return self._downstream.get_extra_info("sockname")[:2]

    @property
    def client_addresses(self) -> list[Address]:
        """What the server sees of the clients."""
        return [each.get_extra_info("sockname")[:2] for each in self._upstream.values() if each is not None]

    async def rebind(self, upstream_host: str | None = None) -> None:
        """Gives every client another port, or host; what the server sends to the old one is lost."""
        self._upstream_host = upstream_host or self._upstream_host
        for client, old in list(self._upstream.items()):
            if old is not None:
                old.close()
            await self._open(client)

    async def _open(self, client: Address) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Upstream(self, client), local_addr=(self._upstream_host, 0)
        )
        self._upstream[client] = transport
        for data in self._waiting.pop(client, []):
            self._pass(data, self._to_server, client)

    def _from_client(self, data: bytes, client: Address) -> None:
        if client in self._upstream:
            if self._upstream[client] is None:
                self._waiting[client].append(data)
            else:
                self._pass(data, self._to_server, client)
            return
        self._upstream[client] = None
        self._waiting[client] = [data]
        task = asyncio.get_running_loop().create_task(self._open(client))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def _to_server(self, data: bytes, client: Address) -> None:
        transport = self._upstream.get(client)
        if transport is not None and not transport.is_closing():
            transport.sendto(data, self._server)

    def _to_client(self, data: bytes, client: Address) -> None:
        if not self._downstream.is_closing():
            self._downstream.sendto(data, client)

    def _wait_of(self, size: int, way: tuple[Any, Address]) -> float | None:
        """Until the last byte has left; nothing when the queue is full."""
        now = asyncio.get_running_loop().time()
        free_at = max(self._free_at.get(way, now), now)
        if free_at - now > self.impairment.queue:
            return None
        self._free_at[way] = free_at + size / self.impairment.rate
        return self._free_at[way] - now

    def _pass(self, data: bytes, send: Any, client: Address) -> None:
        rules, draw = self.impairment, self._random.random
        self.largest_seen = max(self.largest_seen, len(data))
        if len(data) > rules.largest:
            self.too_large += 1
            return
        if rules.blackout or (rules.loss and draw() < rules.loss):
            self.dropped += 1
            return
        waits = self._wait_of(len(data), (send.__name__, client)) if rules.rate else 0.0
        if waits is None:
            self.dropped += 1
            return
        copies = 2 if rules.repeated and draw() < rules.repeated else 1
        self.passed += copies
        loop = asyncio.get_running_loop()
        for _ in range(copies):
            delay = rules.delay + waits
            if rules.jitter:
                delay += draw() * rules.jitter
            if rules.late and draw() < rules.late:
                delay += 0.020
            if delay:
                loop.call_later(delay, send, data, client)
            else:
                send(data, client)


async def _run(options: argparse.Namespace) -> None:
    impairment = Impairment(**{each.name: getattr(options, each.name) for each in fields(Impairment)})
    link = ImpairedLink(
        (options.server_host, options.server_port),
        impairment,
        seed=options.seed,
        listen_host=options.listen_host,
        upstream_host=options.upstream_host,
    )
    async with link:
        print("listening", link.address[1], flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            await link.rebind(*line.split()[1:2])
            print("rebound", *link.client_addresses, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("listen_host")
    parser.add_argument("server_host")
    parser.add_argument("server_port", type=int)
    parser.add_argument("--upstream-host", default="0.0.0.0")
    parser.add_argument("--seed", type=int, default=1)
    for each in fields(Impairment):
        if each.name == "blackout":
            parser.add_argument("--blackout", action="store_true")
        else:
            parser.add_argument(f"--{each.name}", type=type(each.default), default=each.default)
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
