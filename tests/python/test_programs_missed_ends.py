"""moqt-pub and moqt-sub with --resume, of a track that ends while one of them is away: what there is of it comes, and
what does not come is said."""

from __future__ import annotations

import asyncio
import functools
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from impaired_link import ImpairedLink, Impairment
from relay_programs import Programs, Relay, frame, payloads, wait_until


@pytest.fixture
def programs() -> Iterator[Programs]:
    running = Programs()
    yield running
    running.close()


def restarted(programs: Programs, relay: Relay) -> Relay:
    """Another relay on the port of one that was killed, which knows nothing."""
    relay.program.kill()
    return Relay(programs, port=relay.port)


class Transfer:
    """A publisher whose input is a pipe, and a subscriber that writes a file."""

    def __init__(
        self,
        programs: Programs,
        relay: Relay,
        output: Path,
        *options: object,
        subscriber_port: int = 0,
        give_up_after: float = 20,
    ) -> None:
        self.output = output
        self.sent: list[bytes] = []
        clients = ("--host", "127.0.0.1", "--insecure", "--resume", "--idle-timeout", 1, "--format", "framed")
        self.subscriber = programs.start(
            "moqt-sub",
            *(*clients, "--port", subscriber_port or relay.port),
            *("--output", output, "--give-up-after", give_up_after),
        )
        self.subscriber.line("waiting for")
        clients = (*clients, "--port", relay.port)
        self.publisher = programs.start("moqt-pub", *clients, *options, "-", standard_input=subprocess.PIPE)
        self.publisher.line(r"1 subscriber\(s\)")

    def write(self, groups: int) -> None:
        pipe = self.publisher.process.stdin
        assert pipe is not None
        for _ in range(groups):
            pipe.write(frame(b""))
            for _ in range(5):
                payload = f"{len(self.sent):08}".encode() * 40
                pipe.write(frame(payload))
                self.sent.append(payload)
        pipe.flush()

    def finish(self) -> None:
        pipe = self.publisher.process.stdin
        assert pipe is not None
        pipe.close()

    def received(self) -> list[bytes]:
        return payloads(self.output.read_bytes())

    def came(self, objects: int) -> bool:
        return self.output.exists() and len(self.received()) >= objects

    def stop_subscriber(self) -> None:
        self.subscriber.process.send_signal(signal.SIGSTOP)

    def continue_subscriber(self) -> None:
        self.subscriber.process.send_signal(signal.SIGCONT)

    @property
    def text(self) -> str:
        return self.publisher.text + self.subscriber.text


async def test_the_rest_of_a_track_that_has_ended_comes_from_the_cache(programs: Programs, tmp_path: Path) -> None:
    """Nobody publishes it any more, so it can't be subscribed to."""
    relay = programs.relay()
    async with ImpairedLink(("127.0.0.1", relay.port), Impairment()) as link:

        def begin() -> Transfer:
            transfer = Transfer(programs, relay, tmp_path / "out", subscriber_port=link.address[1])
            for each in (other, transfer.subscriber):
                each.line("subscribed to")
            transfer.write(5)
            wait_until(functools.partial(transfer.came, 25), "the first objects")
            return transfer

        def go_on_without() -> None:
            transfer.subscriber.line("coming back")
            transfer.write(20)
            transfer.finish()
            for each in (transfer.publisher, other):
                assert each.exit_code() == 0, each.text

        other = relay.subscriber("--format", "framed", "--output", tmp_path / "other")
        transfer = await asyncio.to_thread(begin)
        link.impairment.blackout = True
        await asyncio.to_thread(go_on_without)
        link.impairment.blackout = False
        assert await asyncio.to_thread(transfer.subscriber.exit_code) == 0, transfer.text
    assert "there is a session again" in transfer.subscriber.text
    assert transfer.received() == transfer.sent
    relay.stop()


def test_the_end_of_a_track_that_nobody_has_is_missed(programs: Programs, tmp_path: Path) -> None:
    relay = programs.relay()
    transfer = Transfer(programs, relay, tmp_path / "out", give_up_after=2)
    transfer.write(5)
    wait_until(functools.partial(transfer.came, 25), "the first objects")
    transfer.stop_subscriber()
    transfer.publisher.line(r"0 subscriber\(s\)")
    transfer.write(20)
    transfer.finish()
    assert transfer.publisher.exit_code() == 0, transfer.text
    transfer.continue_subscriber()
    assert transfer.subscriber.exit_code() == 4, transfer.text
    assert "was lost" in transfer.subscriber.text
    assert transfer.received() == transfer.sent[:25]
    relay.stop()


def test_a_track_that_ends_while_both_are_away_is_had_whole(programs: Programs, tmp_path: Path) -> None:
    """The publisher has ended the track before it lost the relay, which had not taken its end."""
    relay = programs.relay()
    transfer = Transfer(programs, relay, tmp_path / "out")
    transfer.write(5)
    wait_until(functools.partial(transfer.came, 25), "the first objects")
    relay.program.process.send_signal(signal.SIGSTOP)
    transfer.write(20)
    transfer.finish()
    for each in (transfer.publisher, transfer.subscriber):
        each.line("coming back")
    relay = restarted(programs, relay)
    for each in (transfer.publisher, transfer.subscriber):
        assert each.exit_code() == 0, transfer.text
    assert transfer.received() == transfer.sent
    relay.stop()


def test_a_publisher_says_that_nobody_has_come_back(programs: Programs, tmp_path: Path) -> None:
    relay = programs.relay()
    transfer = Transfer(programs, relay, tmp_path / "out", "--tail", 1)
    transfer.write(5)
    wait_until(functools.partial(transfer.came, 25), "the first objects")
    transfer.subscriber.kill()
    relay = restarted(programs, relay)
    transfer.publisher.line("there is a session again")
    transfer.finish()
    assert transfer.publisher.exit_code() == 4, transfer.text
    assert "nobody has come back" in transfer.publisher.text
    relay.stop()


def test_a_publisher_that_is_stopped_while_it_is_away_says_so(programs: Programs, tmp_path: Path) -> None:
    relay = programs.relay()
    transfer = Transfer(programs, relay, tmp_path / "out")
    transfer.write(5)
    relay.program.kill()
    transfer.publisher.line("coming back")
    transfer.publisher.terminate()
    assert transfer.publisher.exit_code() == 4, transfer.text
    assert "not everything had arrived" in transfer.publisher.text
