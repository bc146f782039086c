"""Who may do what: tokens, the hook of servers and relays, subscriptions that expire (sections 9.2.1.1, 9.2.1.8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

import moqt
from moqt.asyncio import AuthorizationRequest, Refused, RequestRefused, Session, SessionClosed, connect, relay, serve
from moqt_sessions import idle


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(40):
        yield


VIEWER, STUDIO = b"viewer", (7, b"studio")
TRACK = ("live/demo", "video")


def client_of(server: Any, **options: Any) -> Any:
    return connect("127.0.0.1", server.port, pinned_sha256=[server.certificate_sha256], **options)


class Asked:
    """An `authorize` that keeps what it was asked, and refuses what its table says."""

    def __init__(self, **refused: Refused) -> None:
        self.refused = refused
        self.requests: list[AuthorizationRequest] = []

    async def __call__(self, request: AuthorizationRequest) -> None:
        self.requests.append(request)
        await asyncio.sleep(0)
        if (refusal := self.refused.get(request.operation)) is not None:
            raise refusal

    def only(self, operation: str) -> AuthorizationRequest:
        (found,) = [each for each in self.requests if each.operation == operation]
        return found


def values(request: AuthorizationRequest) -> list[tuple[int, bytes]]:
    return [(token.token_type, token.value) for token in request.tokens]


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


REQUESTS: dict[str, Callable[[Session], Awaitable[object]]] = {
    "SUBSCRIBE": lambda session: session.subscribe(*TRACK, authorization_tokens=[VIEWER]),
    "PUBLISH": lambda session: session.publish(*TRACK, authorization_tokens=[VIEWER]),
    "FETCH": lambda session: session.fetch(*TRACK, (0, 0), authorization_tokens=[VIEWER]).__aenter__(),
    "TRACK_STATUS": lambda session: session.track_status(*TRACK, authorization_tokens=[VIEWER]),
    "PUBLISH_NAMESPACE": lambda session: session.publish_namespace(TRACK[0], authorization_tokens=[VIEWER]),
    "SUBSCRIBE_NAMESPACE": lambda session: session.subscribe_namespace(
        TRACK[0], authorization_tokens=[VIEWER]
    ).__aenter__(),
}


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
            assert [each.operation for each in asked.requests] in ([operation], [])
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
