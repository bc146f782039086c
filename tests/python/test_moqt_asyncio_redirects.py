"""REQUEST_ERROR of drafts from 16 on: when to ask again, and where else. The server's bytes are written by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import moqt
import moqt.asyncio as ma
from answering_server import AnsweringServer
from moqt_sessions import NS, to

DRAFTS = (18, 22)
REDIRECT = 0x34
ELSEWHERE = "moqt://relay.example:4433/moqt?a=b"


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(40):
        yield


def redirected(uri: str = "", namespace: tuple[str, ...] = (), name: str = "") -> moqt.RequestError:
    redirect = moqt.Redirect(uri, namespace, name)
    return moqt.RequestError(0, moqt.RequestErrorCode.REDIRECT, "over there", 0, redirect)


def test_the_bytes_of_a_redirect() -> None:
    # 05, length, code 0x34, retry interval 251 (80fb), reason "x", URI "moqt://h", a namespace of "a", the name "b"
    message = moqt.RequestError(
        error_code=moqt.RequestErrorCode.REDIRECT, reason_phrase="x", retry_interval=251,
        redirect=moqt.Redirect("moqt://h", ("a",), "b"),
    )  # fmt: skip
    image = bytes.fromhex("05 0013 34 80fb 01 78 08 6d6f71743a2f2f68 01 01 61 01 62")
    for draft in DRAFTS:
        assert message.encode(draft=draft) == image
        assert moqt.decode_control_message(image, draft=draft) == (message, len(image))
    with pytest.raises(moqt.EncodeError) as raised:
        message.encode(draft=16)
    assert (raised.value.code, raised.value.field) == ("NOT_IN_DRAFT", "redirect")


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("resume", [False, True])
async def test_another_track_of_the_session_is_asked_for(certificate: Any, draft: int, resume: bool) -> None:
    def answer(request: moqt.ControlMessage) -> moqt.ControlMessage:
        assert isinstance(request, moqt.Subscribe | moqt.TrackStatus)
        if request.track_name == b"new":
            is_status = isinstance(request, moqt.TrackStatus)
            return moqt.RequestOk() if is_status else moqt.SubscribeOk(track_alias=7)
        return redirected(namespace=("other", "place"), name="new")

    async with AnsweringServer(certificate, answer, draft) as server:
        async with to(server.port, drafts=(draft,), resume=resume) as session:
            subscription = await session.subscribe(NS, "old", priority=3)
            assert subscription.namespace == moqt.TrackNamespace(["other", "place"])
            assert subscription.name == b"new"
            assert await session.track_status(NS, "old") is None
        subscribes = [each for each in server.requests if isinstance(each, moqt.Subscribe)]
        assert [each.subscriber_priority for each in subscribes] == [3, 3]


@pytest.mark.parametrize("draft", DRAFTS)
async def test_a_redirect_to_another_server_is_told(certificate: Any, draft: int) -> None:
    def answer(request: moqt.ControlMessage) -> moqt.ControlMessage:
        # That of a namespace must not name a track.
        return redirected(ELSEWHERE, NS, "" if isinstance(request, moqt.PublishNamespace) else "new")

    async with AnsweringServer(certificate, answer, draft) as server:
        async with to(server.port, drafts=(draft,)) as session:
            with pytest.raises(ma.RequestRefused) as refused:
                await session.publish_namespace(NS)
            assert refused.value.redirect == moqt.Redirect(ELSEWHERE, NS)
            for asking in (session.subscribe(NS, "old"), session.track_status(NS, "old")):
                with pytest.raises(ma.RequestRefused) as refused:
                    await asking
                assert refused.value.redirect == moqt.Redirect(ELSEWHERE, NS, "new")
                assert (refused.value.name, refused.value.reason) == ("REDIRECT", "over there")
                assert refused.value.retry_after is None
            with pytest.raises(ma.FetchRefused) as fetch_refused:
                await session.fetch(NS, "old", (0, 0)).__aenter__()
            assert fetch_refused.value.redirect == refused.value.redirect
        assert len(server.requests) == 4
    assert ma.place_of(ELSEWHERE) == ("relay.example", 4433, "/moqt?a=b")


async def test_redirects_in_a_ring_and_without_end_are_given_up(certificate: Any) -> None:
    ring = {b"a": "b", b"b": "a"}
    async with AnsweringServer(certificate, lambda each: redirected("", NS, ring[each.track_name]), 22) as server:  # type: ignore[attr-defined]
        async with to(server.port, drafts=(22,)) as session:
            with pytest.raises(ma.RequestRefused):
                await session.subscribe(NS, "a")
        assert [each.track_name for each in server.requests] == [b"a", b"b"]  # type: ignore[attr-defined]
    names = iter("0123456789")
    async with AnsweringServer(certificate, lambda _: redirected("", NS, next(names)), 22) as server:
        async with to(server.port, drafts=(22,)) as session:
            with pytest.raises(ma.RequestRefused) as refused:
                await session.subscribe(NS, "first")
        assert refused.value.redirect is not None
        assert len(server.requests) == 4  # it was sent elsewhere three times


async def test_an_interval_to_wait_is_told(certificate: Any) -> None:
    error = moqt.RequestError(0, moqt.RequestErrorCode.INTERNAL_ERROR, "busy", 1501)
    async with AnsweringServer(certificate, lambda _: error, 22) as server, to(server.port, drafts=(22,)) as session:
        with pytest.raises(ma.RequestRefused) as refused:
            await session.subscribe(NS, "video")
        assert refused.value.retry_after == 1.5


async def test_a_session_that_comes_back_waits_as_long_as_it_is_told(certificate: Any) -> None:
    """The namespace is announced again, is refused for a while with a code that is final otherwise, and then taken."""
    answers: list[moqt.ControlMessage] = [
        moqt.RequestOk(),
        moqt.RequestError(0, moqt.RequestErrorCode.UNAUTHORIZED, "later", 701),
        moqt.RequestOk(),
    ]
    resume = ma.Resume(first_delay=0.05)
    async with (
        AnsweringServer(certificate, lambda _: answers.pop(0), 22) as server,
        to(server.port, drafts=(22,), resume=resume) as session,
    ):
        publication = await session.publish_namespace(NS)
        server.connections[0].close(0, "")
        await server.wait_requests(3)
        assert server.arrivals[2] - server.arrivals[1] >= 0.7
        assert publication.cancelled is None
