"""Numbers that drafts from 18 on can write and earlier ones cannot: a relay passes on what can be said, and answers
what cannot. The publisher is written by hand, on the wire layer of moqt.conform."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import moqt
import moqt.asyncio as ma
from moqt.conform.peer.exchange import Exchange
from moqt.conform.peer.session import Peer
from moqt.conform.wire.codes import LARGEST_OBJECT
from moqt.conform.wire.draft import DRAFTS
from moqt.conform.wire.objects import subgroup_header, subgroup_object
from moqt.conform.wire.values import Location
from moqt_sessions import NS, to
from msquic.asyncio import connect

LARGE = 1 << 63
ALIAS = 7
DELIVERY_TIMEOUT, MAX_CACHE_DURATION, EXPIRES = 0x2, 0x4, 0x8
PATH, AUTHORITY = 0x1, 0x5


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(30):
        yield


@pytest.fixture(params=[18, 22])
async def publisher(request: pytest.FixtureRequest) -> AsyncIterator[tuple[int, Peer]]:
    """A relay's port, and who has announced the namespace there."""
    draft = DRAFTS[request.param]
    async with ma.relay(port=0) as relay, connect("127.0.0.1", relay.port, alpn=draft.alpn, verify=False) as connection:
        peer = Peer(connection, draft, is_client=True, timeout=10)
        peer.accepts = {"SUBSCRIBE_NAMESPACE", "SUBSCRIBE_TRACKS"}
        await peer.open({PATH: b"/moqt", AUTHORITY: b"localhost"})
        await peer.ready()
        announced = await peer.request("PUBLISH_NAMESPACE", namespace=tuple(each.encode() for each in NS))
        await announced.expect("REQUEST_OK")
        yield relay.port, peer
        await peer.close()


@asynccontextmanager
async def subscribing(
    port: int, draft: int, peer: Peer
) -> AsyncIterator[tuple[asyncio.Task[ma.Subscription], Exchange]]:
    """A subscription that is being asked for, and the relay's question about it."""
    async with to(port, drafts=[draft]) as session:
        asking = asyncio.create_task(session.subscribe(NS, "video"))
        yield asking, await peer.incoming_request("SUBSCRIBE")


async def ever(session: ma.Session) -> None:
    while True:
        await session.track_status(NS, "video")


@pytest.mark.parametrize("draft", [15, 16, 18, 22])
async def test_a_code_without_a_number_is_an_answer_all_the_same(publisher: tuple[int, Peer], draft: int) -> None:
    port, peer = publisher
    async with subscribing(port, draft, peer) as (asking, question):
        question.send("REQUEST_ERROR", code=LARGE, retry=0, reason=b"not this")
        with pytest.raises(ma.RequestRefused, match="not this") as refused:
            await asking
        assert refused.value.code == (0 if draft < 18 else LARGE)


@pytest.mark.parametrize("draft", [15, 16])
async def test_a_track_whose_ids_are_too_large_is_refused(publisher: tuple[int, Peer], draft: int) -> None:
    port, peer = publisher
    async with subscribing(port, draft, peer) as (asking, question), to(port, drafts=[draft]) as other:
        question.send("SUBSCRIBE_OK", alias=ALIAS, parameters={LARGEST_OBJECT: Location(LARGE, 0)})
        with pytest.raises(ma.RequestRefused, match="too large for this draft") as refused:
            await asking
        assert refused.value.name == "NOT_SUPPORTED"
        asking = asyncio.create_task(other.track_status(NS, "video"))
        status = await peer.incoming_request("TRACK_STATUS")
        status.send("REQUEST_OK", parameters={LARGEST_OBJECT: Location(0, LARGE)})
        with pytest.raises(ma.RequestRefused, match="too large for this draft"):
            await asking


@pytest.mark.parametrize("draft", [15, 16])
async def test_ids_that_become_too_large_are_left_out(publisher: tuple[int, Peer], draft: int) -> None:
    port, peer = publisher
    async with subscribing(port, draft, peer) as (asking, question), to(port, drafts=[draft]) as other:
        question.send("SUBSCRIBE_OK", alias=ALIAS)
        subscription = await asking
        for group in (4, LARGE):
            data = subgroup_header(peer.draft, ALIAS, group) + subgroup_object(peer.draft, 0, b"x")
            await peer.uni_stream(data, fin=True)
        assert (await anext(subscription)).group_id == 4
        with pytest.raises(ma.RequestRefused, match="too large for this draft"):
            await ever(other)  # until the relay has the second one, too
        assert await subscription.update(priority=3) is None
        question.publish_done(2)
        assert [item async for item in subscription] == []
        assert subscription.done is not None
        assert subscription.done.status_code == moqt.PublishDoneCode.TRACK_ENDED


@pytest.mark.parametrize("draft", [15, 16])
async def test_times_without_end_stay_so(publisher: tuple[int, Peer], draft: int) -> None:
    port, peer = publisher
    longest = ((1 << 62) - 1) / 1000
    async with subscribing(port, draft, peer) as (asking, question):
        question.send(
            "SUBSCRIBE_OK",
            alias=ALIAS,
            parameters={EXPIRES: LARGE},
            properties={DELIVERY_TIMEOUT: LARGE, MAX_CACHE_DURATION: LARGE},
        )
        properties = (await asking).properties
        assert (properties.delivery_timeout, properties.max_cache_duration) == (longest, longest)
