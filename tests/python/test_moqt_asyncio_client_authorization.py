"""What a server asks of its clients, which they may refuse: the `authorize` of connect()."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

import moqt
from authorizing import REQUESTS, TRACK, VIEWER, Asked, client_of, values
from moqt.asyncio import AuthorizationRequest, Refused, RequestRefused, Session, serve


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(40):
        yield


async def ask_on(session: Session, refusals: list[str]) -> None:
    for operation, ask in REQUESTS.items():
        with pytest.raises(RequestRefused) as refused:
            await ask(session)
        refusals.append(f"{operation} {refused.value.name} {refused.value.reason}")


async def test_a_client_is_asked_about_its_server() -> None:
    """What a server asks of its clients: the other way round, with SERVER_SETUP in place of CLIENT_SETUP."""
    refusals: list[str] = []
    over = asyncio.Event()

    async def handler(session: Session) -> None:
        await ask_on(session, refusals)
        over.set()
        await session.wait_closed()

    asked = Asked(**dict.fromkeys(REQUESTS, Refused("not here")))
    async with serve(handler) as server, client_of(server, path="/there", authorize=asked) as session:
        await over.wait()
        assert refusals == [f"{operation} UNAUTHORIZED not here" for operation in REQUESTS]
        # From draft 18 on namespaces and tracks under a prefix are asked for by a request each.
        assert list(dict.fromkeys(request.operation for request in asked.requests)) == list(REQUESTS)
        for request in asked.requests:
            assert request.session is session
            assert isinstance(request.setup, moqt.ServerSetup)
            assert (request.path, request.authority) == (None, None)
            assert request.remote_address == ("127.0.0.1", server.port)
            assert request.peer_certificate is not None
        assert values(asked.requests[0]) == [(0, VIEWER)]
        assert session.closed_by is None


async def test_a_client_that_allows_its_server_serves_it() -> None:
    seen: list[bytes] = []

    async def handler(session: Session) -> None:
        subscription = await session.subscribe(*TRACK, authorization_tokens=[VIEWER])
        seen.append((await anext(subscription)).payload)

    asked = Asked()
    async with serve(handler) as server, client_of(server, authorize=asked) as session:
        track = session.create_track(*TRACK)
        await track.wait_subscriber()
        with track.begin_group() as group:
            group.write(b"from the client")
        await session.wait_closed()
    assert seen == [b"from the client"]
    assert values(asked.only("SUBSCRIBE")) == [(0, VIEWER)]


async def test_a_client_that_does_not_answer_is_a_timeout() -> None:
    cancelled, refused = asyncio.Event(), asyncio.Event()

    async def authorize(_: AuthorizationRequest) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def handler(session: Session) -> None:
        with pytest.raises(RequestRefused, match="TIMEOUT"):
            await session.subscribe(*TRACK)
        refused.set()
        await session.wait_closed()

    async with serve(handler) as server, client_of(server, authorize=authorize, authorize_timeout=0.2):
        await refused.wait()
        await cancelled.wait()


async def test_the_end_of_a_session_cancels_what_its_client_is_asked() -> None:
    asked, cancelled = asyncio.Event(), asyncio.Event()

    async def authorize(_: AuthorizationRequest) -> None:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def handler(session: Session) -> None:
        await session.subscribe(*TRACK)

    async with serve(handler) as server:
        session = await client_of(server, authorize=authorize)
        await asked.wait()
        await session.close()
        await cancelled.wait()
