"""moqt.asyncio: arguments that cannot be used are refused by name, and nothing is left hanging by them."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

import moqt
import moqt.asyncio as ma
from moqt_sessions import NS, idle, to

INFINITE = float("inf")


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(30):
        yield


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"priority": "urgent"}, "priority must be an int, not str"),
        ({"priority": 1.5}, "priority must be an int, not float"),
        ({"priority": None}, "priority must be an int, not NoneType"),
        ({"group_order": "descending"}, "group_order must be a GroupOrder, not str"),
        ({"forward": "no"}, "forward must be True or False, not str"),
        ({"group_ends": 3}, "group_ends must be True or False, not int"),
        ({"renew": "yes"}, "renew must be True or False, not str"),
    ],
)
async def test_a_subscription_names_what_is_of_the_wrong_type(wrong: dict[str, Any], text: str) -> None:
    async with ma.serve(idle) as server, to(server.port) as session:
        with pytest.raises(TypeError, match=text):
            await session.subscribe(NS, "video", **wrong)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"priority": "1"}, "priority must be an int"),
        ({"queue_limit": 1.5}, "queue_limit must be an int"),
        ({"dynamic_groups": 1}, "dynamic_groups must be True or False"),
        ({"group_order": 3}, "group_order must be a GroupOrder"),
        ({"retention": 5}, "retention must be a Retention"),
        ({"on_fetch": 5}, "on_fetch must be a function"),
        ({"retention": ma.Retention(groups=1.5)}, "retained_groups must be an int"),  # type: ignore[arg-type]
    ],
)
async def test_a_track_names_what_is_of_the_wrong_type(wrong: dict[str, Any], text: str) -> None:
    async with ma.serve(idle) as server, to(server.port) as session:
        with pytest.raises(TypeError, match=text):
            session.create_track(NS, "video", **wrong)
        session.create_track(NS, "video")  # the name is free


async def test_objects_name_what_is_of_the_wrong_type() -> None:
    async with ma.serve(idle) as server, to(server.port) as session:
        track = session.create_track(NS, "video")
        with pytest.raises(moqt.EncodeError, match="subgroup_id"):
            track.begin_group(subgroup_id=1 << 62)
        group = track.begin_group()
        with pytest.raises(TypeError, match="status must be an ObjectStatus, not int"):
            group.write(status=7)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="object_id must be an int, not float"):
            group.write(object_id=1.0)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="track name"):
            await session.subscribe(NS, 5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"authorize": 5}, TypeError, "authorize must be a function"),
        ({"authorize_timeout": "x"}, TypeError, "authorize_timeout must be a number of seconds"),
        ({"authorize_timeout": -1}, ValueError, "authorize_timeout must be at least 0"),
        ({"authorize_timeout": float("nan")}, ValueError, "authorize_timeout must be at least 0"),
    ],
)
async def test_who_connects_serves_or_relays_hears_of_it_at_once(
    wrong: dict[str, Any], error: type[Exception], text: str
) -> None:
    for begin in (lambda: to(1, **wrong), lambda: ma.serve(idle, **wrong), lambda: ma.relay(port=0, **wrong)):
        with pytest.raises(error, match=text):
            begin()


async def test_what_only_one_of_them_takes() -> None:
    with pytest.raises(TypeError, match="accept_namespace must be a function"):
        to(1, accept_namespace=5)
    with pytest.raises(TypeError, match="resume must be"):
        to(1, resume="yes")
    with pytest.raises(TypeError, match="handler must be"):
        ma.serve(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="grace"):
        ma.serve(idle, grace="x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="an upstream must be a URL"):
        ma.relay(port=0, upstream=[5])  # type: ignore[list-item]
    async with ma.relay(port=0) as relay:
        with pytest.raises(TypeError, match="successor"):
            await relay.drain(successor=5)  # type: ignore[arg-type]
        for grace in (-1.0, float("nan")):
            with pytest.raises(ValueError, match="grace"):
                await relay.drain(grace)


async def test_times_without_an_end() -> None:
    async def allow(request: ma.AuthorizationRequest) -> None:
        await asyncio.sleep(0)

    async with (
        ma.relay(port=0, authorize=allow, authorize_timeout=INFINITE) as relay,
        to(relay.port, timeout=INFINITE) as session,
    ):
        assert not session.is_closed


async def test_what_could_not_be_started_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lost.append)

    async def fail() -> None:
        for opening in (ma.relay(port=0, max_tracks=-1), ma.serve(idle, max_sessions=-1)):
            with pytest.raises(moqt.EncodeError):
                await opening

    await asyncio.to_thread(asyncio.run, fail())
    gc.collect()
    assert not lost


@pytest.mark.parametrize("end", [(-1,), (1 << 62,), ("x",), (1, 5), (1, "\ud800")])
@pytest.mark.parametrize("resume", [False, True])
async def test_a_session_that_is_closed_wrongly_is_open_and_can_be_closed(end: tuple[Any, ...], resume: bool) -> None:
    async with ma.serve(idle) as server, to(server.port, resume=resume) as session:
        with pytest.raises((TypeError, ValueError)):
            await session.close(*end)
        assert not session.is_closed
        await session.close(5, "x" * 2000)
        assert session.closed_by is not None


WRONG_REFUSALS: list[tuple[str, int]] = [("\ud800", 1), ("no", -5), ("no", 1 << 62), ("no", 1 << 70)]


@pytest.mark.parametrize(("reason", "code"), WRONG_REFUSALS)
async def test_a_refusal_that_cannot_be_said_is_an_answer_all_the_same(reason: str, code: int, each_draft: int) -> None:
    def authorize(request: ma.AuthorizationRequest) -> None:
        if request.operation == "SUBSCRIBE":
            raise ma.Refused(reason, code)

    async def archive(request: ma.FetchRequest) -> list[ma.PastObject]:
        raise ma.RequestRefused(code, "WRONG", reason)

    async def handler(session: ma.Session) -> None:
        session.create_track(NS, "video", on_fetch=archive)
        await session.wait_closed()

    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    async with ma.serve(handler, authorize=authorize) as server, to(server.port) as session:
        with pytest.raises(ma.RequestRefused) as refused:
            await session.subscribe(NS, "video")
        assert refused.value.name == "INTERNAL_ERROR"
        with pytest.raises(ma.FetchRefused):
            async with session.fetch(NS, "video", (0, 0), (5, 0)):
                pass
    assert [type(each["exception"]) for each in told] in ([ValueError], [UnicodeEncodeError])


@pytest.mark.parametrize(("reason", "code"), WRONG_REFUSALS)
async def test_an_offer_that_is_refused_wrongly_can_be_refused_again(reason: str, code: int) -> None:
    async def handler(session: ma.Session) -> None:
        async for offer in session.offers():
            with pytest.raises(ValueError):  # noqa: PT011 - UnicodeEncodeError is one, with a text of its own
                await offer.refuse(code, reason)
            await offer.refuse(reason="not this one")

    async with ma.serve(handler) as server, to(server.port) as session:
        with pytest.raises(ma.RequestRefused, match="not this one"):
            await session.publish(NS, "video")


@pytest.mark.parametrize("resume", [False, True])
async def test_an_offer_that_is_accepted_wrongly_can_be_accepted_again(resume: bool) -> None:
    async def handler(session: ma.Session) -> None:
        track = await session.publish(NS, "video")
        with track.begin_group() as group:
            group.write(b"here")
        await track.end()
        await session.wait_closed()

    async with ma.serve(handler) as server, to(server.port, resume=resume) as session:
        async for offer in session.offers():
            with pytest.raises(TypeError, match="priority"):
                await offer.accept(priority="urgent")  # type: ignore[arg-type]
            subscription = await offer.accept(priority=3)
            break
        assert [item.payload async for item in subscription] == [b"here"]


@pytest.mark.parametrize(
    "wrong",
    [{"publisher_priority": 300}, {"subgroup_id": 1 << 62}, {"object_id": 1 << 62}, {"publisher_priority": 1.5}],
)
async def test_a_past_object_that_cannot_be_said_is_refused(wrong: dict[str, Any], each_draft: int) -> None:
    async def archive(request: ma.FetchRequest) -> AsyncIterator[ma.PastObject]:
        yield ma.PastObject(**({"group_id": 0, "object_id": 0} | wrong))

    async def handler(session: ma.Session) -> None:
        session.create_track(NS, "video", on_fetch=archive)
        await session.wait_closed()

    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    async with ma.serve(handler) as server, to(server.port) as session:
        with pytest.raises((ma.FetchRefused, ma.FetchInterrupted)):
            [item async for item in session.fetch(NS, "video", (0, 0), (5, 0))]
    (context,) = told
    assert isinstance(context["exception"], (TypeError, moqt.EncodeError))


Ask = Callable[[ma.Session, Any], Awaitable[Any]]
NAMES: list[Ask] = [
    lambda session, namespace: session.subscribe(namespace, "video"),
    lambda session, namespace: session.publish_namespace(namespace),
    lambda session, namespace: session.subscribe_namespace(namespace).__aenter__(),
    lambda session, namespace: session.track_status(namespace, "video"),
]


@pytest.mark.parametrize("ask", NAMES)
@pytest.mark.parametrize("draft", [16, 18, 22])
async def test_a_name_that_the_draft_has_not_is_an_encode_error(ask: Ask, draft: int) -> None:
    async with ma.relay(port=0) as relay, to(relay.port, drafts=[draft]) as session:
        for namespace in ("live//demo", ["live", ""]):
            with pytest.raises(moqt.EncodeError, match="none of them empty"):
                await ask(session, namespace)


@pytest.mark.parametrize("draft", [16, 18, 22])
async def test_everything_can_be_asked_for(draft: int) -> None:
    """A prefix of no fields, which drafts from 16 on have."""
    async with (
        ma.relay(port=0) as relay,
        to(relay.port, drafts=[draft]) as session,
        to(relay.port, drafts=[draft]) as source,
        session.subscribe_namespace(()) as announcements,
    ):
        await source.publish_namespace(NS)
        assert (await anext(announcements)).namespace == moqt.TrackNamespace(NS)


async def test_draft_15_has_no_prefix_of_no_fields() -> None:
    async with ma.relay(port=0) as relay, to(relay.port, drafts=[15]) as session:
        with pytest.raises(moqt.EncodeError, match="1 to 32 fields"):
            async with session.subscribe_namespace(()):
                pass
