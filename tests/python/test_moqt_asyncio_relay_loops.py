"""relay(loops=): one relay on several event loops is one relay to its clients."""

from __future__ import annotations

import asyncio

import pytest

import moqt.asyncio as ma
from moqt_sessions import NS, payloads, to, write

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize("loops", [1, 3])
async def test_whoever_is_on_another_loop_misses_nothing(loops: int) -> None:
    async with await ma.relay(port=0, loops=loops) as relay, to(relay.port) as publisher:
        track = await publisher.publish(NS, "video")
        viewers = [await to(relay.port) for _ in range(5)]
        subscriptions = [await viewer.subscribe(NS, "video") for viewer in viewers]
        assert relay.stats()["sessions"] == 6
        assert relay.stats()["upstreams"] == 0
        reading = [asyncio.create_task(payloads(each)) for each in subscriptions]
        sent = await write(track, 10, 10)
        for task in reading:
            assert sorted(await task) == sorted(sent)
        stats = relay.stats()
        assert (stats["objects_received"], stats["objects_delivered"]) == (100, 500)
        assert stats["memory_bytes"] > 0
        for viewer in viewers:
            await viewer.close()
    assert relay.stats()["objects_delivered"] == 500, "the last ones, when it is over"


async def test_each_loop_asks_about_its_own_clients() -> None:
    asked: list[tuple[str, str]] = []

    async def authorize(request: ma.AuthorizationRequest) -> None:
        assert request.remote_address is not None
        asked.append((request.operation, request.path))
        if request.operation == "SUBSCRIBE" and request.path == "/2":
            raise ma.Refused("not that one")

    async with await ma.relay(port=0, loops=3, authorize=authorize) as relay, to(relay.port, path="/p") as publisher:
        await publisher.publish(NS, "video")
        viewers = [await to(relay.port, path=f"/{number}") for number in range(4)]
        for number, viewer in enumerate(viewers):
            if number == 2:
                with pytest.raises(ma.RequestRefused, match="not that one"):
                    await viewer.subscribe(NS, "video")
            else:
                await viewer.subscribe(NS, "video")
        for viewer in viewers:
            await viewer.close()
    assert sorted(path for operation, path in asked if operation == "SUBSCRIBE") == ["/0", "/1", "/2", "/3"]


async def test_draining_asks_the_clients_of_every_loop() -> None:
    async with await ma.relay(port=0, loops=3) as relay:
        clients = [await to(relay.port) for _ in range(4)]
        draining = asyncio.create_task(relay.drain(30, "moqt://other.example/"))
        for client in clients:
            assert await client.wait_goaway() == "moqt://other.example/"
            await client.close()
        await draining


async def test_closing_cuts_the_clients_of_every_loop() -> None:
    relay = await ma.relay(port=0, loops=3)
    clients = [await to(relay.port) for _ in range(4)]
    await relay.close()
    for client in clients:
        await client.wait_closed()


@pytest.mark.parametrize("loops", [0, 65, -1])
def test_a_number_of_loops_that_makes_no_sense(loops: int) -> None:
    with pytest.raises(ValueError, match="loops must be from 1 to 64"):
        ma.relay(port=0, loops=loops)
