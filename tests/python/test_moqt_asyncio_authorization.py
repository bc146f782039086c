"""Who may do what: tokens, the hook of servers and relays, subscriptions that expire (sections 9.2.1.1, 9.2.1.8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import moqt
from authorizing import REQUESTS, STUDIO, TRACK, VIEWER, Asked, client_of, values
from moqt.asyncio import AuthorizationRequest, Refused, RequestRefused, Session, SessionClosed, relay, serve
from moqt_sessions import idle


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(40):
        yield


async def test_the_hook_sees_who_asks_for_what() -> None:
    asked = Asked()

    async def handler(session: Session) -> None:
        session.create_track(*TRACK)
        await session.wait_closed()

    async with (
        serve(handler, authorize=asked) as server,
        client_of(server, path="/studio?x=1", authority="example", authorization_tokens=[VIEWER]) as session,
    ):
        await session.subscribe(*TRACK, authorization_tokens=[STUDIO, VIEWER])
        setup, subscribe = asked.requests
        assert (setup.operation, setup.namespace, setup.name, setup.session) == ("CLIENT_SETUP", None, None, None)
        assert values(setup) == [(0, VIEWER)]
        assert (setup.path, setup.authority) == ("/studio?x=1", "example")
        assert setup.remote_address == session.local_address
        assert setup.peer_certificate is None
        assert subscribe.operation == "SUBSCRIBE"
        assert subscribe.namespace == moqt.TrackNamespace(("live", "demo"))
        assert subscribe.name == b"video"
        assert values(subscribe) == [STUDIO, (0, VIEWER)]
        assert subscribe.path == "/studio?x=1"
        assert subscribe.session in server.sessions
        assert "viewer" not in repr(subscribe), "tokens are secrets"


async def test_a_refused_session_is_closed() -> None:
    called = False

    async def handler(session: Session) -> None:
        nonlocal called
        called = True

    refusal = Refused("no such place", session_code=moqt.ErrorCode.INVALID_PATH)
    async with serve(handler, authorize=Asked(CLIENT_SETUP=refusal)) as server:
        with pytest.raises(SessionClosed) as closed:
            await client_of(server)
        assert (closed.value.name, closed.value.reason) == ("INVALID_PATH", "no such place")
    async with serve(handler, authorize=Asked(CLIENT_SETUP=Refused("who?"))) as server:
        with pytest.raises(SessionClosed) as closed:
            await client_of(server)
        assert closed.value.name == "UNAUTHORIZED"
    assert not called


@pytest.mark.parametrize("where", [serve, relay])
async def test_each_request_shows_its_tokens_and_may_be_refused(where: Any) -> None:
    refusal = Refused("it is over", moqt.RequestErrorCode.EXPIRED_AUTH_TOKEN)
    asked = Asked(**dict.fromkeys(REQUESTS, refusal))
    listening = serve(idle, authorize=asked) if where is serve else relay(port=0, authorize=asked)
    async with listening as server, client_of(server) as session:
        for operation, ask in REQUESTS.items():
            # The token that is refused as expired goes by its alias later on, which nobody is asked about again.
            asked.requests.clear()
            with pytest.raises(RequestRefused) as refused:
                await ask(session)
            assert refused.value.name == "EXPIRED_AUTH_TOKEN", operation
            # From draft 18 on namespaces and tracks under a prefix are asked for by a request each.
            assert {each.operation for each in asked.requests} in ({operation}, set())
        assert session.closed_by is None


async def test_an_update_that_is_refused_ends_its_subscription() -> None:
    async def handler(session: Session) -> None:
        session.create_track(*TRACK)
        await session.wait_closed()

    asked = Asked(SUBSCRIBE_UPDATE=Refused("no more"))
    async with serve(handler, authorize=asked) as server, client_of(server) as session:
        subscription = await session.subscribe(*TRACK)
        with pytest.raises(RequestRefused):
            await subscription.update(authorization_tokens=[VIEWER])
        assert values(asked.only("SUBSCRIBE_UPDATE")) == [(0, VIEWER)]
        assert [obj async for obj in subscription] == []
        assert subscription.done is not None
        assert subscription.done.status_code == moqt.PublishDoneCode.UPDATE_FAILED


async def test_a_hook_that_raises_refuses_that_request_alone() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

    def authorize(request: AuthorizationRequest) -> None:
        if request.operation == "SUBSCRIBE":
            raise ZeroDivisionError("a fault of the application")

    async def handler(session: Session) -> None:
        session.create_track(*TRACK)
        await session.wait_closed()

    async with serve(handler, authorize=authorize) as server, client_of(server) as session:
        with pytest.raises(RequestRefused) as refused:
            await session.subscribe(*TRACK)
        assert (refused.value.name, refused.value.reason) == ("INTERNAL_ERROR", "the application failed")
        assert isinstance(reported[0]["exception"], ZeroDivisionError)
        assert await session.track_status(*TRACK) is None


async def test_a_hook_that_never_answers_is_a_timeout() -> None:
    cancelled = asyncio.Event()

    async def authorize(request: AuthorizationRequest) -> None:
        if request.operation == "SUBSCRIBE":
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

    async with serve(idle, authorize=authorize, authorize_timeout=0.2) as server, client_of(server) as session:
        with pytest.raises(RequestRefused) as refused:
            await session.subscribe(*TRACK)
        assert refused.value.name == "TIMEOUT"
        await asyncio.wait_for(cancelled.wait(), 10)


async def test_a_request_that_is_taken_back_cancels_the_hook() -> None:
    asked, cancelled = asyncio.Event(), asyncio.Event()

    async def authorize(request: AuthorizationRequest) -> None:
        if request.operation == "SUBSCRIBE":
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

    async with serve(idle, authorize=authorize) as server, client_of(server) as session:
        task = asyncio.create_task(session.subscribe(*TRACK))
        await asyncio.wait_for(asked.wait(), 10)
        task.cancel()
        await asyncio.wait_for(cancelled.wait(), 10)


async def test_a_relay_admits_publishers_and_viewers() -> None:
    async def authorize(request: AuthorizationRequest) -> None:
        shown = values(request)
        if request.operation in ("PUBLISH", "PUBLISH_NAMESPACE") and shown != [STUDIO]:
            raise Refused("the studio publishes")
        if request.operation == "SUBSCRIBE" and shown != [(0, VIEWER)]:
            raise Refused("viewers only")

    async with (
        relay(port=0, authorize=authorize) as it,
        client_of(it) as publisher,
        client_of(it) as viewer,
    ):
        with pytest.raises(RequestRefused, match="the studio publishes"):
            await publisher.publish_namespace("live/demo")
        track = publisher.create_track(*TRACK)
        await publisher.publish_namespace("live/demo", authorization_tokens=[STUDIO])
        with pytest.raises(RequestRefused, match="viewers only"):
            await viewer.subscribe(*TRACK)
        subscription = await viewer.subscribe(*TRACK, authorization_tokens=[VIEWER])
        await track.wait_subscriber()
        with track.begin_group() as group:
            group.write(b"seen")
        assert (await anext(subscription)).payload == b"seen"


async def test_tokens_are_checked_before_anything_is_sent() -> None:
    async with serve(idle) as server, client_of(server) as session:
        with pytest.raises(TypeError, match="list of tokens"):
            await session.subscribe(*TRACK, authorization_tokens=b"one")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="a token is bytes"):
            await session.subscribe(*TRACK, authorization_tokens=["text"])  # type: ignore[list-item]
        alias = moqt.AuthorizationToken(moqt.TokenAliasType.USE_ALIAS, 1)
        with pytest.raises(ValueError, match="aliases are given by the library"):
            await session.subscribe(*TRACK, authorization_tokens=[alias])


async def test_a_token_is_registered_once_and_used_by_its_alias() -> None:
    asked = Asked()

    async def handler(session: Session) -> None:
        session.create_track(*TRACK)
        await session.wait_closed()

    token = b"t" * 3000  # of which the server keeps one, and no second
    async with (
        serve(handler, authorize=asked, token_cache_size=3016) as server,
        client_of(
            server, authorization_tokens=[moqt.AuthorizationToken(moqt.TokenAliasType.REGISTER, value=token)]
        ) as session,
    ):
        for _ in range(3):
            await session.track_status(*TRACK, authorization_tokens=[token])
        assert [values(each) for each in asked.requests] == [[(0, token)]] * 4


async def test_a_subscription_expires_unless_it_is_renewed() -> None:
    renewed = asyncio.Event()

    def authorize(request: AuthorizationRequest) -> None:
        if request.operation == "SUBSCRIBE_UPDATE":
            renewed.set()

    async def handler(session: Session) -> None:
        session.create_track("live/demo", "short", expires=0.2)
        session.create_track("live/demo", "long", expires=1.5)
        session.create_track("live/demo", "endless")
        await session.wait_closed()

    async with serve(handler, authorize=authorize) as server, client_of(server) as session:
        lives = await session.subscribe("live/demo", "long", renew=True)
        ends = await session.subscribe("live/demo", "short")
        assert ends.expires_in is not None
        assert ends.expires_in <= 0.2
        assert (await session.subscribe("live/demo", "endless")).expires_in is None
        assert [obj async for obj in ends] == []
        assert ends.done is not None
        assert ends.done.status_code == moqt.PublishDoneCode.EXPIRED
        await renewed.wait()
        await lives.update()
        assert lives.done is None
        assert lives.expires_in is not None
        assert 0 < lives.expires_in <= 1.5


@pytest.mark.parametrize("where", ["serve", "relay"])
async def test_a_verdict_limits_how_long_a_subscription_lasts(where: str) -> None:
    """Whatever the track says, and for a relay's viewers, whatever its publisher gave the relay."""
    lasts = {"first": 0.4, "second": 30.0}

    def authorize(request: AuthorizationRequest) -> float | None:
        if request.operation == "SUBSCRIBE":
            return lasts["first"]
        return lasts["second"] if request.tokens and request.operation == "SUBSCRIBE_UPDATE" else None

    async def handler(session: Session) -> None:
        session.create_track(*TRACK)
        await session.wait_closed()

    listening: Any = serve(handler, authorize=authorize) if where == "serve" else relay(port=0, authorize=authorize)
    async with listening as server, client_of(server) as publisher, client_of(server) as viewer:
        if where == "relay":
            publisher.create_track(*TRACK, expires=60.0)
            await publisher.publish_namespace(TRACK[0])
        short = await viewer.subscribe(*TRACK)
        assert short.expires_in is not None
        assert 0 < short.expires_in <= 0.4
        assert [obj async for obj in short] == []
        assert short.done is not None
        assert short.done.status_code == moqt.PublishDoneCode.EXPIRED
        renewed = await viewer.subscribe(*TRACK)
        await renewed.update(authorization_tokens=[VIEWER])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(renewed), 1.0)  # longer than it was allowed at first
        assert renewed.done is None


@pytest.mark.parametrize("answer", [0, -1.0, float("nan"), "yes", True])
async def test_a_verdict_that_makes_no_sense_refuses(answer: Any) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

    async def handler(session: Session) -> None:
        session.create_track(*TRACK)
        await session.wait_closed()

    async with (
        serve(handler, authorize=lambda request: answer if request.operation == "SUBSCRIBE" else None) as server,
        client_of(server) as session,
    ):
        with pytest.raises(RequestRefused, match="INTERNAL_ERROR"):
            await session.subscribe(*TRACK)
        assert isinstance(reported[0]["exception"], TypeError | ValueError)


async def test_a_relay_shows_its_own_tokens_to_publishers_alone() -> None:
    of_publisher, of_viewer = Asked(), Asked()
    async with (
        relay(port=0, publisher_tokens=[STUDIO]) as it,
        client_of(it, authorize=of_publisher) as publisher,
        client_of(it, authorize=of_viewer, drafts=(15,)) as viewer,  # later ones tell without asking: NAMESPACE
        viewer.subscribe_namespace(TRACK[0]),
    ):
        track = publisher.create_track(*TRACK)
        with track.begin_group() as group:
            group.write(b"past")
        await publisher.publish_namespace(TRACK[0])
        await viewer.subscribe(*TRACK, authorization_tokens=[VIEWER])
        async with viewer.fetch(*TRACK, (0, 0), (0, 0)) as fetch:
            assert [obj.payload async for obj in fetch] == [b"past"]
        assert values(of_publisher.only("SUBSCRIBE")) == [STUDIO], "those of viewers are for the relay"
        assert values(of_publisher.only("FETCH")) == [STUDIO]
        assert values(of_viewer.only("PUBLISH_NAMESPACE")) == []
