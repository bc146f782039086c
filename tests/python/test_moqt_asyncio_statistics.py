"""What became of objects: every one of them is accounted for, at the publisher, at the relay and at the subscriber."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

import moqt.asyncio as ma
from moqt_sessions import NS, to


def accounted(statistics: ma.DeliveryStatistics) -> int:
    return sum(dataclasses.astuple(statistics)) - statistics.published


async def settled(published: int, relay: ma.Relay) -> ma.DeliveryStatistics:
    """Once nothing waits any more."""
    while True:
        statistics = relay.deliveries()
        assert accounted(statistics) == statistics.published
        if statistics.published == published and statistics.waiting == 0:
            return statistics
        await asyncio.sleep(0.01)


def test_every_object_is_accounted_for() -> None:
    async def main() -> None:
        async with await ma.relay(port=0) as relay, to(relay.port) as publisher, to(relay.port) as subscriber:
            await publisher.publish_namespace(NS)
            track = publisher.create_track(NS, "t")
            subscription = await subscriber.subscribe(NS, "t")
            await track.wait_subscriber()
            with track.begin_group() as group:
                for _ in range(5):
                    group.write(b"12345678")
            received = [await anext(subscription) for _ in range(5)]
            assert [len(each.payload) for each in received] == [8] * 5
            mine = subscription.statistics()
            assert (mine.objects_received, mine.bytes_received) == (5, 40)
            assert (mine.objects_waiting, mine.objects_dropped, mine.objects_incomplete) == (0, 0, 0)
            assert (await settled(5, relay)).delivered == 5
            await subscription.update(forward=False)
            with track.begin_group() as group:
                group.write(b"nobody wants it")
            assert (await settled(6, relay)).unforwarded == 1
            # The relay's own subscription goes on.
            at_publisher = track.statistics()
            assert (at_publisher.published, at_publisher.delivered) == (6, 6)
            await publisher.close()
            assert track.statistics() == at_publisher
            counters = relay.stats()
            parts = ("memory_connections_bytes", "memory_sessions_bytes", "memory_tracks_bytes")
            assert counters.memory_bytes == sum(counters[name] for name in parts) > 0

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_relay_without_memory_refuses_requests() -> None:
    async def main() -> None:
        async with await ma.relay(port=0, max_memory_bytes=1) as relay, to(relay.port) as session:
            with pytest.raises(ma.RequestRefused, match="memory") as refused:
                await session.subscribe(NS, "t")
            assert refused.value.name == "INTERNAL_ERROR"
            assert relay.stats().tracks == 0

    asyncio.run(asyncio.wait_for(main(), 60))
