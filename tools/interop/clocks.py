"""moq-clock-ietf, a publisher and a subscriber of the time: a group for each minute, an object for each second."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

from cell import Cell, Failed, Place
from through_relays import feed, moq_relay_ietf

from relay_programs import Program, Relay, payloads

NAMESPACE, TRACK = "clock", "now"
TIME = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"
WANTED = 4


def _clock(place: Place, port: int, *arguments: object) -> Program:
    program = place.peers.crate("moq-clock-ietf")
    return place.programs.start(
        str(program), f"moqt://127.0.0.1:{port}/", "--tls-disable-verify", "--bind", "127.0.0.1:0", *arguments
    )


def _times(subscriber: Program, wanted: int = WANTED) -> str:
    """So many different times, each a second or so after the one before."""
    subscriber.line(TIME)
    for _ in range(wanted - 1):
        seen = {line for line in subscriber.lines if re.match(TIME, line)}
        pattern = TIME if len(seen) == 0 else "^(?!" + "|".join(map(re.escape, seen)) + r")\d{4}-\d\d-\d\d \d\d:"
        subscriber.line(pattern, 15)
    times = [line for line in subscriber.lines if re.match(TIME, line)]
    if times != sorted(times):
        raise Failed(f"times out of order: {times}")
    return f"{len(times)} times in order"


def _relay(place: Place) -> Relay:
    return place.programs.relay("--draft", place.draft)


def both(place: Place, *how: object) -> str:
    relay = _relay(place)
    publisher = _clock(place, relay.port, "--publish", *how)
    publisher.line(TIME)
    return _times(_clock(place, relay.port))


def datagrams(place: Place) -> str:
    return both(place, "--datagrams")


def joining(place: Place) -> str:
    """A joining FETCH for the minute before; the publisher refuses it while there was none."""
    relay = _relay(place)
    publisher = _clock(place, relay.port, "--publish")
    minute = publisher.line(TIME)[0][:16]
    publisher.line(f"^(?!{minute})" + TIME[1:], 75)
    subscriber = _clock(place, relay.port, "--join-groups", 1)
    seen = _times(subscriber, 5)
    first = next(line for line in subscriber.lines if re.match(TIME, line))
    if not first.startswith(minute):
        raise Failed(f"begins with {first}, and not in the minute before")
    return f"{seen}, from the minute before on"


def to_ours(place: Place, port: int, common: Sequence[object]) -> str:
    """moqt-sub gets what it publishes: the beginning of a time, then seconds."""
    output = place.folder / "clock.framed"
    publisher = _clock(place, port, "--publish")
    publisher.line(TIME)
    subscriber = place.programs.start(
        "moqt-sub", *common, "--namespace", NAMESPACE, "--name", TRACK, "--format", "framed", "--output", output,
        "--filter", "largest-object", "--objects", WANTED,
    )  # fmt: skip
    code = subscriber.exit_code()
    found = payloads(output.read_bytes())
    if (
        code != 0
        or len(found) != WANTED
        or not all(re.fullmatch(rb"\d\d|\d{4}-\d\d-\d\d \d\d:\d\d:", each) for each in found)
    ):
        raise Failed(f"exit code {code}, objects {found}\n{subscriber.text}")
    return f"{len(found)} objects: {b' '.join(found).decode()}"


def to_ours_through_ours(place: Place) -> str:
    relay = _relay(place)
    return to_ours(place, relay.port, relay.client_arguments)


def to_ours_through_theirs(place: Place) -> str:
    relay = moq_relay_ietf(place)
    return to_ours(place, relay.port, relay.client_arguments)


def _from_ours(place: Place, port: int, common: Sequence[object]) -> str:
    """moqt-pub tells the time in its way, and its subscriber understands it."""
    publisher = place.programs.start(
        "moqt-pub", *common, "--namespace", NAMESPACE, "--name", TRACK, "--format", "framed", "-",
        standard_input=subprocess.PIPE,
    )  # fmt: skip
    publisher.line("publishing")
    subscriber = _clock(place, port)
    publisher.line(r"1 subscriber\(s\)")
    feed(publisher, [[b"2026-12-01 12:%02d:" % minute, b"10", b"20"] for minute in range(3)])
    for minute in range(3):
        subscriber.line(f"^2026-12-01 12:{minute:02}:20$")
    times = [line for line in subscriber.lines if re.match(TIME, line)]
    if len(times) != 6:
        raise Failed(f"{len(times)} of 6 times: {times}")
    return "6 of 6 times"


def from_ours_through_ours(place: Place) -> str:
    relay = _relay(place)
    return _from_ours(place, relay.port, relay.client_arguments)


def from_ours_through_theirs(place: Place) -> str:
    relay = moq_relay_ietf(place)
    return _from_ours(place, relay.port, relay.client_arguments)


CELLS = [
    Cell("moq-clock-ietf", 18, "its publisher, moqt-relay, its subscriber", both),
    Cell("moq-clock-ietf", 18, "its publisher in datagrams, moqt-relay, its subscriber", datagrams),
    Cell("moq-clock-ietf", 18, "its publisher, moqt-relay, its subscriber with a joining FETCH", joining),
    Cell("moq-clock-ietf", 18, "its publisher, moqt-relay, moqt-sub", to_ours_through_ours),
    Cell("moq-clock-ietf", 18, "moqt-pub, moqt-relay, its subscriber", from_ours_through_ours),
    Cell("moq-relay-ietf", 18, "moq-clock-ietf, its relay, moqt-sub", to_ours_through_theirs),
    Cell("moq-relay-ietf", 18, "moqt-pub, its relay, moq-clock-ietf", from_ours_through_theirs),
]
