"""moqt-relay --loops: one relay on several event loops is one relay to its clients.

Each client goes to the loop that has the fewest, so that clients that come one after the other are on different loops.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

import moqt.asyncio as ma

sys.path.insert(0, str(Path(__file__).parent))

from relay_programs import Programs, Relay, frame, payloads, wait_until

pytestmark = pytest.mark.timeout(120)

NAMESPACE, NAME = "live/demo", "clock"


def connect(relay: Relay) -> ma.Opening[ma.Session]:
    return ma.connect("127.0.0.1", relay.port, verify=False)


def write(track: ma.TrackWriter, groups: range, objects: int = 10) -> None:
    for group in groups:
        with track.begin_group(group) as writer:
            for number in range(objects):
                writer.write(f"{group}/{number}".encode())


def expected(groups: range, objects: int = 10) -> list[str]:
    return [f"{group}/{number}" for group in groups for number in range(objects)]


async def read(subscription: ma.Subscription, count: int) -> list[str]:
    found = []
    async for received in subscription:
        found.append(bytes(received.payload).decode())
        if len(found) == count:
            break
    return found


@pytest.mark.parametrize("loops", [1, 2, 5])
async def test_whoever_is_on_another_loop_misses_nothing(programs: Programs, loops: int) -> None:
    relay = programs.relay("--loops", loops)
    groups = range(20)
    async with asyncio.timeout(60), connect(relay) as publisher:
        track = await publisher.publish(NAMESPACE, NAME)
        viewers = [await connect(relay) for _ in range(8)]
        subscriptions = [await viewer.subscribe(NAMESPACE, NAME) for viewer in viewers]
        reading = [asyncio.create_task(read(each, 200)) for each in subscriptions]
        write(track, groups)
        for task in reading:
            assert sorted(await task) == sorted(expected(groups))
        for viewer in viewers:
            await viewer.close()
    relay.stop()
    # Counted once for each viewer, however many loops it went through.
    relay.program.line(r"delivered 1600 objects \(\d+ bytes\) of 200 received")


async def test_a_track_is_found_wherever_it_is_published(programs: Programs) -> None:
    relay = programs.relay("--loops", 4)
    async with asyncio.timeout(60):
        sessions = [await connect(relay) for _ in range(4)]
        for number, session in enumerate(sessions):
            await session.publish(NAMESPACE, f"of {number}")
        for session in sessions:
            for number in range(4):
                if session is not sessions[number]:
                    await session.subscribe(NAMESPACE, f"of {number}")
        with pytest.raises(ma.RequestRefused, match="DOES_NOT_EXIST"):
            await sessions[1].subscribe(NAMESPACE, "of nobody")
        for session in sessions:
            await session.close()


async def test_past_groups_come_from_other_loops(programs: Programs) -> None:
    relay = programs.relay("--loops", 3)
    async with asyncio.timeout(60), connect(relay) as publisher, connect(relay) as live, connect(relay) as late:
        track = await publisher.publish(NAMESPACE, NAME)
        subscription = await live.subscribe(NAMESPACE, NAME)
        write(track, range(5))
        await read(subscription, 50)
        async with late.fetch(NAMESPACE, NAME, (1, 0), (3, 0)) as fetch:
            assert [bytes(each.payload).decode() async for each in fetch] == expected(range(1, 4))
        joined = await late.subscribe(NAMESPACE, NAME, join=2)
        assert sorted(await read(joined, 30)) == sorted(expected(range(2, 5)))


async def test_a_publisher_that_leaves_ends_its_tracks_on_every_loop(programs: Programs) -> None:
    relay = programs.relay("--loops", 3)
    async with asyncio.timeout(60), connect(relay) as first, connect(relay) as second:
        publisher = await connect(relay)
        track = await publisher.publish(NAMESPACE, NAME)
        subscriptions = [await each.subscribe(NAMESPACE, NAME) for each in (first, second)]
        write(track, range(2))
        await track.end()
        for subscription in subscriptions:
            assert sorted([bytes(each.payload).decode() async for each in subscription]) == sorted(expected(range(2)))
        await publisher.close()


def test_a_signal_drains_every_loop(programs: Programs, tmp_path: Path) -> None:
    relay = programs.relay("--loops", 3, "--drain-seconds", 60)
    outputs = [tmp_path / name for name in ("first", "second")]
    viewers = [relay.subscriber("--output", output, "--format", "framed") for output in outputs]
    for viewer in viewers:
        viewer.line("waiting for")
    publisher = relay.publisher("--format", "framed", "-", standard_input=subprocess.PIPE)
    publisher.line(r"1 subscriber\(s\)")
    for viewer in viewers:
        viewer.line("subscribed to")
    relay.program.terminate()
    publisher.line("going away")
    for program in (publisher, *viewers):  # the track had not ended
        assert program.exit_code() == 4, program.text
    assert relay.program.exit_code() == 0, relay.program.text


def test_tokens_count_on_every_loop(programs: Programs, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("viewer subscribe live\nstudio publish live\n")
    relay = programs.relay("--loops", 3, "--require-token", tokens)
    track = ("--namespace", "live/demo", "--name", "x", "--format", "framed")
    viewers = [relay.subscriber(*track, "--token", "viewer", "--output", tmp_path / str(n)) for n in range(3)]
    for viewer in viewers:
        viewer.line("waiting for live/demo")
    for _ in range(3):
        refused = relay.publisher(*track, standard_input=subprocess.PIPE)
        assert refused.exit_code() == 1
        refused.line("UNAUTHORIZED")
    publisher = relay.publisher(*track, "--token", "studio", standard_input=subprocess.PIPE)
    publisher.line(r"1 subscriber\(s\)")
    pipe = publisher.process.stdin
    assert pipe is not None
    outputs = [tmp_path / str(number) for number in range(3)]

    def all_have_seen() -> bool:  # the publisher hears of one subscriber for all of them
        pipe.write(frame(b"") + frame(b"seen"))
        pipe.flush()
        return all(output.exists() and output.stat().st_size > 0 for output in outputs)

    wait_until(all_have_seen, "all viewers receive")
    pipe.close()
    assert publisher.exit_code() == 0, publisher.text
    for output, viewer in zip(outputs, viewers, strict=True):
        assert viewer.exit_code() == 0, viewer.text
        assert set(payloads(output.read_bytes())) == {b"seen"}


def test_as_many_clients_as_with_one_loop(programs: Programs) -> None:
    relay = programs.relay("--loops", 3, "--max-sessions", 4)
    waiting = [relay.subscriber("--namespace", "none", "--format", "framed") for _ in range(4)]
    for each in waiting:
        each.line("waiting for none")
    further = relay.subscriber("--namespace", "none", "--format", "framed")
    assert further.exit_code() != 0
    relay.program.line("there are 4 sessions, as many as are admitted")
