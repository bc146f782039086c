"""moqt-relay behind moqt-relay: several processes and real QUIC between a publisher and its subscribers."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import moqt
import moqt.asyncio as ma
import msquic

sys.path.insert(0, str(Path(__file__).parent))

from relay_programs import Program, Programs

pytestmark = pytest.mark.timeout(120)

NAMESPACE, NAME = "live/demo", "clock"


@pytest.fixture
def programs() -> Iterator[Programs]:
    running = Programs()
    yield running
    running.close()


class Chain:
    """Relays on fixed ports, so that one that was killed can be started again where it was."""

    def __init__(self, programs: Programs, folder: Path, upstreams: list[int | None], *arguments: object) -> None:
        self.programs = programs
        self.certificate = msquic.generate_development_certificate(folder)
        self.ports = [self._free_port() for _ in upstreams]
        self.arguments = arguments
        self.upstreams = upstreams
        self.relays: list[Program] = []
        for number in range(len(upstreams)):
            self.relays.append(self.start(number))

    @staticmethod
    def _free_port() -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            return port

    def start(self, number: int) -> Program:
        upstream = self.upstreams[number]
        more: list[object] = [*self.arguments]
        if upstream is not None:
            more += ["--upstream", f"moqt://127.0.0.1:{self.ports[upstream]}/", "--upstream-idle-timeout", 2]
            more += ["--upstream-ca-file", self.certificate.certificate_file]
        program = self.programs.start(
            "moqt-relay", "--host", "127.0.0.1", "--port", self.ports[number],
            "--cert", self.certificate.certificate_file, "--key", self.certificate.private_key_file, *more,
        )  # fmt: skip
        program.line("listening on port")
        return program

    def kill(self, number: int) -> None:
        self.relays[number].kill()

    def restart(self, number: int) -> None:
        self.relays[number] = self.start(number)

    def connect(self, number: int) -> ma.Opening[ma.Session]:
        return ma.connect("127.0.0.1", self.ports[number], ca_file=self.certificate.certificate_file)


async def read(subscription: ma.Subscription, count: int) -> list[tuple[int, int]]:
    async with asyncio.timeout(30):
        return [(item.group_id, item.object_id) async for item in take(subscription, count)]


async def take(subscription: ma.Subscription, count: int) -> AsyncIterator[ma.Object]:
    for _ in range(count):
        yield await anext(subscription)


async def test_a_row_of_three_carries_a_track_once(programs: Programs, tmp_path: Path) -> None:
    chain = Chain(programs, tmp_path, [None, 0, 1])
    async with chain.connect(0) as studio, chain.connect(2) as first, chain.connect(2) as second:
        track = await studio.publish(NAMESPACE, NAME)
        subscriptions = [await each.subscribe(NAMESPACE, NAME) for each in (first, second)]
        assert track.subscriber_count == 1
        for group_id in range(3):
            with track.begin_group(group_id) as group:
                for _ in range(4):
                    group.write(b"x" * 5000)
        sent = [(group_id, number) for group_id in range(3) for number in range(4)]
        for subscription in subscriptions:
            assert sorted(await read(subscription, 12)) == sent
        await track.end()
        for subscription in subscriptions:
            assert [item async for item in subscription] == []
            assert subscription.done is not None
            assert subscription.done.status_code == moqt.PublishDoneCode.TRACK_ENDED


async def test_what_is_published_at_a_leaf_is_known_everywhere(programs: Programs, tmp_path: Path) -> None:
    chain = Chain(programs, tmp_path, [None, 0, 0])
    async with chain.connect(2) as viewer, chain.connect(1) as studio, viewer.subscribe_namespace("live"):
        track = await studio.publish(NAMESPACE, NAME)
        async with asyncio.timeout(20):
            offer = await anext(viewer.offers())
        subscription = await offer.accept()
        async with asyncio.timeout(20):
            await asyncio.sleep(0)
            while True:  # the offer's acceptance has to come to the other leaf
                with track.begin_group() as group:
                    group.write(b"tick")
                try:
                    async with asyncio.timeout(0.2):
                        item = await anext(subscription)
                        break
                except TimeoutError:
                    continue
        assert item.payload == b"tick"
        assert await viewer.track_status(NAMESPACE, NAME) is not None


async def test_a_cold_relay_gets_the_head_of_the_group(programs: Programs, tmp_path: Path) -> None:
    chain = Chain(programs, tmp_path, [None, 0])
    async with chain.connect(0) as studio, chain.connect(0) as early, chain.connect(1) as late:
        track = await studio.publish(NAMESPACE, NAME)
        warm = await early.subscribe(NAMESPACE, NAME)
        with track.begin_group(7) as group:
            for _ in range(5):
                group.write(b"frame")
            await read(warm, 5)
            subscription = await late.subscribe(NAMESPACE, NAME, join=0)
            group.write(b"frame")
            assert await read(subscription, 6) == [(7, number) for number in range(6)]


async def test_a_killed_relay_leaves_no_gap(programs: Programs, tmp_path: Path) -> None:
    """The relay in the middle of three is killed; what was published meanwhile comes after it is back, once."""
    chain = Chain(programs, tmp_path, [None, 0, 1])
    async with chain.connect(0) as studio, chain.connect(2) as viewer:
        track = await studio.publish(NAMESPACE, NAME)
        subscription = await viewer.subscribe(NAMESPACE, NAME)
        places = []

        async def write(groups: range, pause: float) -> None:
            for group_id in groups:
                with track.begin_group(group_id) as group:
                    for number in range(5):
                        group.write(b"x" * 2000)
                        places.append((group_id, number))
                        await asyncio.sleep(pause)

        await write(range(5), 0.002)
        writing = asyncio.create_task(write(range(5, 25), 0.01))
        await asyncio.sleep(0.1)
        chain.kill(1)
        await asyncio.sleep(0.4)
        chain.restart(1)
        await writing
        await write(range(25, 27), 0.002)
        got = await read(subscription, len(places))
        assert sorted(got) == places
        # Within a group in order.
        for group_id in range(27):
            numbers = [number for group, number in got if group == group_id]
            assert numbers == sorted(numbers)
        assert subscription.done is None


async def test_a_loop_is_refused(programs: Programs, tmp_path: Path) -> None:
    chain = Chain(programs, tmp_path, [1, 2, 0])
    async with asyncio.timeout(30), chain.connect(0) as client:
        with pytest.raises(ma.RequestRefused) as refused:
            await client.subscribe(NAMESPACE, NAME)
        assert refused.value.code in (moqt.RequestErrorCode.DOES_NOT_EXIST, moqt.RequestErrorCode.TIMEOUT)


async def test_a_subscriber_may_come_first(programs: Programs, tmp_path: Path) -> None:
    chain = Chain(programs, tmp_path, [None, 0], "--rendezvous-timeout", 20)
    async with chain.connect(1) as viewer, chain.connect(0) as studio:
        waiting = asyncio.create_task(viewer.subscribe(NAMESPACE, NAME))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        track = await studio.publish(NAMESPACE, NAME)
        subscription = await waiting
        with track.begin_group(0) as group:
            group.write(b"tick")
        assert await read(subscription, 1) == [(0, 0)]


@pytest.mark.usefixtures("each_draft")
async def test_a_relay_of_the_package_has_upstreams_as_well() -> None:
    async with await ma.relay(port=0) as root:
        upstream = ma.Upstream(
            url=f"moqt://127.0.0.1:{root.port}/", prefix="live", pinned_sha256=[root.certificate_sha256]
        )
        async with (
            await ma.relay(port=0, upstream=[upstream], rendezvous_timeout=0.0) as edge,
            ma.connect("127.0.0.1", root.port, verify=False) as studio,
            ma.connect("127.0.0.1", edge.port, verify=False) as viewer,
        ):
            track = await studio.publish(NAMESPACE, NAME)
            subscription = await viewer.subscribe(NAMESPACE, NAME)
            with track.begin_group(0) as group:
                group.write(b"tick")
            assert await read(subscription, 1) == [(0, 0)]
            assert edge.stats().upstreams == 1
            assert edge.stats().upstream_subscriptions == 1
            with pytest.raises(ma.RequestRefused):
                await viewer.subscribe("news", NAME)  # the upstream is not there for that


@pytest.mark.parametrize("url", ["http://x:1/", "moqt:///", "moqt://user@x:1/", "moqt://x:1/#there"])
def test_what_is_no_upstream(url: str) -> None:
    with pytest.raises(ValueError, match="URL of an upstream"):
        ma.relay(port=0, upstream=[url])


@pytest.mark.parametrize("text", ["nothing", "http://127.0.0.1:1/", "=moqt://127.0.0.1:1/"])
def test_the_program_refuses_what_is_no_upstream(programs: Programs, text: str) -> None:
    program = programs.start("moqt-relay", "--port", 0, "--upstream", text)
    assert program.exit_code() == 2
