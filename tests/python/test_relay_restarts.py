"""moqt-relay as a process that dies, is stopped or is replaced, under clients that come back."""

from __future__ import annotations

import asyncio
import functools
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import moqt.asyncio as ma
from dying_server import DyingServer
from programs.relay_restarts import run
from relay_programs import Program, Programs, Relay, frame, payloads, program, wait_until
from resuming_sessions import back, broadcast_on, eventually, subscribed


@pytest.fixture
def programs() -> Iterator[Programs]:
    running = Programs()
    yield running
    running.close()


async def test_a_relay_that_is_restarted_again_and_again() -> None:
    """Scaled down; the whole is `python tests/python/programs/relay_restarts.py`."""
    program("moqt-relay")
    async with asyncio.timeout(120):
        outcome = await run(restarts=5, subscribers=5, seed=3, interval=0.4)
    assert outcome["resumptions"] >= 5 * 5
    assert outcome["received"] > 0


async def test_a_stopped_relay_is_noticed_within_the_idle_timeout(programs: Programs) -> None:
    """SIGSTOP: the process is there, and says nothing."""
    relay, other = programs.relay(), programs.relay()
    events: list[tuple[float, ma.ResumeEvent]] = []
    resume = ma.Resume(first_delay=0.02, longest_delay=0.1, on_event=lambda e: events.append((time.monotonic(), e)))
    async with asyncio.timeout(60), back(relay.port, resume=resume) as session:
        stopped = time.monotonic()
        relay.program.process.send_signal(signal.SIGSTOP)
        await eventually(lambda: bool(events))
        noticed, event = events[0]
        assert isinstance(event, ma.SessionLost)
        assert 1.0 < noticed - stopped < 2.0 + 3.0  # idle_timeout_ms of QUICK, on a busy machine
        relay.program.process.send_signal(signal.SIGCONT)
        await session.wait_connected()
    other.stop()


async def test_sigterm_sends_clients_to_the_successor(programs: Programs) -> None:
    new = programs.relay()
    old = programs.relay("--successor", f"moqt://127.0.0.1:{new.port}/moqt", "--drain-seconds", 20)
    async with asyncio.timeout(60), back(old.port) as source, back(old.port) as session:
        broadcast = await broadcast_on(source)
        viewer = await subscribed(session)
        await viewer.at_least(5)
        old.program.terminate()
        assert await asyncio.to_thread(old.program.exit_code, 15) == 0  # long before the grace is over
        await viewer.beyond(broadcast.sent[-1])
        assert session.remote_address == ("127.0.0.1", new.port)
        await broadcast.end()
        await viewer.task
        viewer.check(broadcast.sent)
    new.stop()


def test_a_successor_must_be_a_moqt_uri() -> None:
    relay = Program("moqt-relay", "--port", 0, "--successor", "https://example.org/")
    assert relay.exit_code() == 2
    assert "scheme" in relay.text


def _restarted(programs: Programs, relay: Relay, *arguments: object) -> Relay:
    """Another relay on the port of one that was killed."""
    relay.program.kill()
    return Relay(programs, *arguments, port=relay.port)


def _came_back(program: Program, times: int) -> bool:
    return sum("there is a session again" in line for line in program.lines) >= times


def test_the_programs_go_on_in_the_same_recording(programs: Programs, tmp_path: Path) -> None:
    """moqt-pub and moqt-sub with --resume: the relay is killed twice, and the file has everything, in order."""
    relay = programs.relay()
    output = tmp_path / "out.framed"
    clients = ("--host", "127.0.0.1", "--port", relay.port, "--insecure", "--resume", "--idle-timeout", 2)
    subscriber = programs.start("moqt-sub", *clients, "--output", output, "--format", "framed")
    subscriber.line("waiting for")
    publisher = programs.start("moqt-pub", *clients, "--format", "framed", "-", standard_input=subprocess.PIPE)
    publisher.line(r"1 subscriber\(s\)")
    pipe = publisher.process.stdin
    assert pipe is not None
    sent: list[bytes] = []

    def write(groups: int) -> None:
        for _ in range(groups):
            pipe.write(frame(b""))
            for _ in range(5):
                payload = f"{len(sent):08}".encode() * 40
                pipe.write(frame(payload))
                sent.append(payload)
            pipe.flush()
            time.sleep(0.01)

    write(20)
    for number in range(2):
        relay = _restarted(programs, relay)
        write(20)
        for each in (subscriber, publisher):  # whoever comes back when the input has ended may find the track gone
            wait_until(functools.partial(_came_back, each, number + 1), "another session")
        write(20)
    pipe.close()
    for each in (publisher, subscriber):
        assert each.exit_code() == 0, publisher.text + subscriber.text
    assert payloads(output.read_bytes()) == sent
    relay.stop()


async def test_an_attempt_of_a_program_makes_room_for_the_next(programs: Programs, tmp_path: Path) -> None:
    """Its handshake has begun with a relay that dies, so no other one can complete it."""
    relay = programs.relay("--drain-seconds", 0)
    async with DyingServer(("127.0.0.1", relay.port)) as link:
        client = ("--host", "127.0.0.1", "--port", link.address[1], "--insecure", "--resume")
        times = ("--idle-timeout", 40, "--connect-timeout", 60)
        subscriber = programs.start("moqt-sub", *client, *times, "--format", "framed", "--output", tmp_path / "out")
        await asyncio.to_thread(subscriber.line, "waiting for")
        link.doomed = 1
        await asyncio.to_thread(relay.stop)  # it says so: the client need not wait for its idle timeout
        relay = await asyncio.to_thread(Relay, programs, port=relay.port)
        await asyncio.to_thread(subscriber.line, "there is a session again", 8.0)
        assert link.lost == 1
        subscriber.kill()


async def test_an_upstream_that_dies_in_the_handshake_is_dialled_again(programs: Programs) -> None:
    relay = programs.relay()
    async with DyingServer(("127.0.0.1", relay.port), doomed=1) as link:
        upstream = ("--upstream", f"moqt://127.0.0.1:{link.address[1]}/", "--upstream-idle-timeout", 40)
        trust = ("--upstream-fingerprint", relay.fingerprint)
        edge = await asyncio.to_thread(programs.relay, *upstream, *trust)
        await asyncio.to_thread(edge.program.line, "connected with upstream", 8.0)
        assert link.lost == 1


def test_the_programs_give_up_after_their_time(programs: Programs) -> None:
    relay = programs.relay()
    subscriber = relay.subscriber("--format", "framed", "--output", "/dev/null", "--resume", "--give-up-after", 1)
    subscriber.line("waiting for")
    relay.program.kill()
    assert subscriber.exit_code(30) == 1
    assert "coming back" in subscriber.text
