"""FETCH, in each draft, with an independent implementation, moq-rs. What it cannot do is named in docs/interop.md."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

import moqt
import moqt.asyncio as ma

moq = pytest.importorskip("moq", reason="moq-rs is not installed")
moq_ffi = pytest.importorskip("moq_ffi", reason="moq-rs is not installed")

pytestmark = [pytest.mark.interop, pytest.mark.timeout(60), pytest.mark.usefixtures("each_draft")]

PATH = "interop"
NAME = "video"
TOLERANT = {"tolerances": ["empty-namespace-prefix"]}
GROUPS = [[bytes([65 + group]) * (1 + 400 * item) for item in range(3)] for group in range(5)]


def run(main: Any) -> None:
    asyncio.run(asyncio.wait_for(main(), 30))


def connect(port: int) -> Any:
    return moq.connect(f"moqt://127.0.0.1:{port}/", tls_verify=False, websocket_enabled=False, reconnect=False)


def publish_ours(track: Any) -> None:
    for group in GROUPS:
        with track.begin_group() as writing:
            for payload in group:
                writing.write(payload)


def publish_its(client: Any) -> tuple[Any, Any]:
    """What it returns has to be kept: both end when they are dropped."""
    broadcast = client.create_broadcast(PATH)
    track = broadcast.publish_track(NAME)
    broadcast.announce()
    for group in GROUPS:
        writing = track.append_group()
        for payload in group:
            writing.write_frame(payload)
        writing.finish()
    return broadcast, track


async def fetched(session: ma.Session, start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int, bytes]]:
    async with session.fetch((PATH,), NAME, start, end) as fetch:
        return [(each.group_id, each.object_id, bytes(each.payload)) async for each in fetch]


@contextlib.asynccontextmanager
async def its_server() -> AsyncIterator[int]:
    origin = moq.OriginProducer()
    server = moq.Server("127.0.0.1:0", tls_generate=["127.0.0.1", "localhost"], publish=origin, subscribe=origin)
    async with server:
        serving = asyncio.create_task(server.serve())
        yield int(server.local_addr.rsplit(":", 1)[1])
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await serving


@pytest.mark.parametrize("through_our_relay", [False, True])
def test_its_client_fetches_the_latest_group_of_our_publisher(through_our_relay: bool) -> None:
    """It asks with a joining FETCH, and with one for the group unless it has the group by then.

    Both bring the group. When they come at the same moment, moq-rs now and then drops both ("group::Producer dropped
    without finish() or abort()", docs/interop.md), and is asked again.
    """
    attempts = 0

    async def read(port: int) -> list[bytes]:
        nonlocal attempts
        while True:
            attempts += 1
            async with connect(port) as client:
                broadcast = await client.announced_broadcast(PATH)
                try:
                    group = await broadcast.fetch_group(NAME, len(GROUPS) - 1)
                    return [frame.payload async for frame in group]
                except moq_ffi.MoqError.Internal as failure:
                    if "dropped" not in str(failure):
                        raise

    async def main() -> None:
        if through_our_relay:
            async with (
                await ma.relay(port=0, **TOLERANT) as relay,
                await ma.connect("127.0.0.1", relay.port, verify=False) as session,
            ):
                await session.publish_namespace((PATH,))
                publish_ours(session.create_track((PATH,), NAME, retention=ma.Retention(groups=100)))
                assert await read(relay.port) == GROUPS[-1]
                assert attempts <= relay.stats().fetches <= 2 * attempts
            return
        ended = asyncio.Event()

        async def handler(session: ma.Session) -> None:
            await session.publish_namespace((PATH,))
            await ended.wait()

        async with await ma.serve(handler, **TOLERANT) as server:
            publish_ours(server.create_track((PATH,), NAME, retention=ma.Retention(groups=100)))
            assert await read(server.port) == GROUPS[-1]
            ended.set()

    run(main)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("through_our_relay", [False, True])
def test_we_fetch_a_group_of_its_publisher(through_our_relay: bool, first: int) -> None:
    expected = [(1, number, payload) for number, payload in enumerate(GROUPS[1]) if number >= first]

    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            if through_our_relay:
                relay = await stack.enter_async_context(await ma.relay(port=0, **TOLERANT))
                port = relay.port
            else:
                port = await stack.enter_async_context(its_server())
            client = await stack.enter_async_context(connect(port))
            kept = publish_its(client)
            session = await stack.enter_async_context(await ma.connect("127.0.0.1", port, verify=False, **TOLERANT))
            await until_announced(session)
            assert await fetched(session, (1, first), (1, 0)) == expected
            del kept

    run(main)


async def until_announced(session: ma.Session) -> None:
    """Its announcement may still be on its way: until then nobody knows the track."""
    while True:
        try:
            await session.track_status((PATH,), NAME)
            return
        except ma.RequestRefused as refused:
            if refused.code != moqt.RequestErrorCode.DOES_NOT_EXIST:
                return


def test_several_groups_of_its_publisher_come_out_of_our_relays_cache() -> None:
    async def main() -> None:
        async with (
            await ma.relay(port=0, **TOLERANT) as relay,
            connect(relay.port) as client,
            await ma.connect("127.0.0.1", relay.port, verify=False) as session,
        ):
            broadcast = client.create_broadcast(PATH)
            track = broadcast.publish_track(NAME)
            broadcast.announce()
            await until_announced(session)
            subscription = await session.subscribe((PATH,), NAME)
            await track.used()
            for number, group in enumerate(GROUPS):
                writing = track.append_group()
                for payload in group:
                    writing.write_frame(payload)
                writing.finish()
                async for each in subscription:  # one group after the other, or it leaves old ones out
                    if (each.group_id, each.object_id) == (number, len(group) - 1):
                        break
            got = await fetched(session, (1, 0), (2, 0))
            assert got == [(group, number, payload) for group in (1, 2) for number, payload in enumerate(GROUPS[group])]

    run(main)


def test_it_refuses_a_fetch_of_several_groups_by_name() -> None:
    async def main() -> None:
        async with its_server() as port, connect(port) as client:
            kept = publish_its(client)
            async with await ma.connect("127.0.0.1", port, verify=False, **TOLERANT) as session:
                with pytest.raises(ma.FetchRefused) as refused:
                    await fetched(session, (1, 0), (2, 0))
                assert refused.value.code == moqt.RequestErrorCode.NOT_SUPPORTED
            del kept

    run(main)
