"""moqt-conform: every case is ok for who keeps the draft, and not ok for the peer that commits exactly its fault."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from conform_fault_table import fault_for
from conform_faults import NONE, Fault, answers, drops
from conform_relay import scripted_relay
from moqt.conform import Case, Outcome, Result, Role, Target, catalogue, run_all, run_case
from moqt.conform.outcomes import NotOk
from moqt.conform.peer.session import Peer
from moqt.conform.targets import Url, client_target, server_target
from moqt.conform.wire import codes
from moqt.conform.wire.draft import DRAFTS, Draft
from moqt.conform.wire.values import Namespace
from moqt.conform.world import World
from msquic.asyncio import connect
from msquic.exceptions import QuicError
from relay_programs import Programs

Chosen = Sequence[tuple[Case, Draft]]
NOT_DONE = {"delivery/before-it-is-whole"}
"""What the scripted relay does not do, although the draft recommends it."""


def target(port: int, timeout: float, namespace: Namespace = (), track: bytes = b"") -> Target:
    url = Url.parse(f"moqt://127.0.0.1:{port}/")
    return server_target(
        url, insecure=True, ca=None, timeout=timeout, prefix=(b"moqt-conform",), namespace=namespace, track=track
    )


def once(role: Role, turn: int = 0) -> list[tuple[Case, Draft]]:
    """Every case in one of its drafts, which take turns."""
    cases = [case for case in catalogue() if role in case.roles]
    return [
        (case, DRAFTS[sorted(case.sections)[(index + turn) % len(case.sections)]]) for index, case in enumerate(cases)
    ]


async def run(judged: Target, chosen: Chosen, jobs: int = 16) -> list[Result]:
    return [result async for result in run_all(judged, chosen, jobs)]


def failures(results: Sequence[Result], *good: Outcome) -> dict[str, str]:
    return {f"{each.draft} {each.case.name}": each.reason for each in results if each.outcome not in good}


def test_catalogue() -> None:
    names = [case.name for case in catalogue()]
    assert len(names) == len(set(names)) >= 150
    for draft in DRAFTS:
        assert sum(draft in case.sections for case in catalogue()) >= 150
    assert all(section for case in catalogue() for section in case.sections.values())


async def test_who_keeps_the_draft_passes(certificate: Any) -> None:
    # Our own relay is the proof for other drafts.
    chosen = [each for each in once(Role.RELAY)[::2] if each[0].name not in NOT_DONE]
    async with scripted_relay(certificate) as relay:
        assert failures(await run(target(relay.port, 20.0), chosen), Outcome.OK) == {}


async def found(certificate: Any, fault: Fault, chosen: Chosen, seconds: float) -> list[Result]:
    async with scripted_relay(certificate, fault) as relay:
        return await run(target(relay.port, seconds), chosen, jobs=32)


async def test_each_fault_is_found(certificate: Any) -> None:
    """Faults take turns, but the cases of one fault run together."""
    by_fault: defaultdict[int, list[tuple[Case, Draft]]] = defaultdict(list)
    for case, draft in once(Role.RELAY):
        by_fault[id(fault_for(case.name))].append((case, draft))
    room = asyncio.Semaphore(8)

    async def one(chosen: Chosen) -> list[Result]:
        async with room:
            return await found(certificate, fault_for(chosen[0][0].name), chosen, 0.4)

    results = await asyncio.gather(*map(one, by_fault.values()))
    assert failures([each for some in results for each in some], Outcome.NOT_OK, Outcome.TODO) == {}


async def test_another_code_is_found(certificate: Any) -> None:
    chosen = [(case, draft) for case, draft in once(Role.RELAY) if case.names_code]
    assert len(chosen) > 100
    results = await found(certificate, Fault(code=0x3F), chosen, 20.0)
    assert failures(results, Outcome.NOT_OK, Outcome.TODO) == {}
    assert all("instead of" in each.reason for each in results)


@pytest.mark.parametrize(("name", "fault"), [
    ("publish-namespace/answered", drops("REQUEST_OK")),
    ("track-status/of-the-publisher", answers("REQUEST_OK", "REQUEST_ERROR", code=0x10)),
])  # fmt: skip
async def test_publishers(certificate: Any, name: str, fault: Fault) -> None:
    """The cases for publishers alone: the scripted relay has a track that somebody publishes."""
    case = next(each for each in catalogue() if each.name == name)
    namespace, track = (b"a", b"publisher"), b"track"
    for each, timeout, wanted in ((NONE, 20.0, Outcome.OK), (fault, 0.4, Outcome.NOT_OK)):
        async with scripted_relay(certificate, each) as relay:
            publisher = World(target(relay.port, timeout), DRAFTS[18])
            session = await publisher.session()
            await session.request("PUBLISH", namespace=namespace, track=track, alias=1)
            await session.alive()
            result = await run_case(target(relay.port, timeout, namespace, track), case, DRAFTS[18])
            await publisher.close()
        assert result.outcome is wanted, result.reason


async def client(port: int, parameters: dict[int, bytes], *, tolerates: bool) -> None:
    """A client that sends SETUP, and keeps to the draft about the server's or does not."""
    async with connect("127.0.0.1", port, alpn="moqt-18", verify=False) as connection:
        peer = Peer(connection, DRAFTS[18], is_client=True, timeout=20.0)
        with contextlib.suppress(NotOk, QuicError):  # the case may be over by then
            await peer.open(parameters)
            await peer.ready()
        setup = peer.setup
        for key, code in ((codes.PATH, codes.INVALID_PATH), (codes.AUTHORITY, codes.INVALID_AUTHORITY)):
            if setup is not None and setup.parameter(key) is not None and not tolerates:
                connection.abort(code)
        await connection.wait_closed()
        await peer.close()


@pytest.mark.parametrize("name", ["client-names-path", "client-names-authority", "server-path", "server-authority"])
async def test_clients(certificate: Any, name: str) -> None:
    """The cases for clients alone."""
    case = next(each for each in catalogue() if each.name == f"setup/{name}")
    good = {codes.PATH: b"/moqt", codes.AUTHORITY: b"127.0.0.1"}
    for parameters, tolerates, wanted in ((good, False, Outcome.OK), ({}, True, Outcome.NOT_OK)):
        async with client_target(
            "127.0.0.1", 0, alpns=["moqt-18"], cert=Path(certificate.certificate_file),
            key=Path(certificate.private_key_file), command=None, wait=20.0,
            patience=20.0 if wanted is Outcome.OK else 0.4, prefix=(b"moqt-conform",),
        ) as (judged, clients):  # fmt: skip
            running = asyncio.create_task(client(clients.port, parameters, tolerates=tolerates))
            result = await run_case(judged, case, DRAFTS[18])
            await running
        assert result.outcome is wanted, result.reason


async def test_our_relay(programs: Programs) -> None:
    """In two of the drafts of each case, which take turns."""
    relay = programs.relay("--log-level", "error")
    chosen = [each for turn in (0, 1) for each in once(Role.RELAY, turn)]
    assert failures(await run(target(relay.port, 20.0), chosen), Outcome.OK) == {}
    relay.stop()
