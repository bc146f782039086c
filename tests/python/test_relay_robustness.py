"""A real relay under what no peer should do: each bad session ends with the draft's code, a good one misses nothing."""

from __future__ import annotations

import random
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from relay_programs import HealthyStream, Programs, Relay

pytest.importorskip("aioquic", reason="aioquic is not installed")

from raw_moqt_peer import CLIENT_SETUP, message, raw_peer

pytestmark = pytest.mark.timeout(180)

# [d15 §13.3.1].
PROTOCOL_VIOLATION, INVALID_REQUEST_ID, KEY_VALUE_FORMATTING_ERROR, TOO_MANY_REQUESTS = 0x3, 0x4, 0x6, 0x7
CONTROL_MESSAGE_TIMEOUT, DATA_STREAM_TIMEOUT = 0x11, 0x12


NAMESPACE = bytes([1, 3]) + b"bad"


def subscribe(request: int) -> bytes:
    return message(0x03, bytes([request]) + NAMESPACE + bytes([1]) + b"t" + bytes([0]))


def publish(request: int, alias: int = 5) -> bytes:
    return message(0x1D, bytes([request]) + NAMESPACE + bytes([1]) + b"t" + bytes([alias, 0]))


@pytest.fixture(scope="module")
def shared_relay() -> Iterator[Relay]:
    """One relay for all bad sessions: it has to outlive them all."""
    programs = Programs()
    relay = programs.relay("--setup-timeout", 2, "--data-stream-timeout", 1)
    yield relay
    relay.stop()
    programs.close()


@pytest.fixture(scope="module", autouse=True)
def healthy(shared_relay: Relay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HealthyStream]:
    """Flows while every test of this module runs, and must have missed nothing at the end."""
    stream = HealthyStream(shared_relay, tmp_path_factory.mktemp("healthy") / "out.framed")
    yield stream
    assert stream.finish() > 0  # how long the tests take that share it depends on how many of them run in this process


BAD_CONTROL = {
    "a request before CLIENT_SETUP": (subscribe(0), PROTOCOL_VIOLATION),
    "the server's SETUP": (message(0x21, bytes([0])), PROTOCOL_VIOLATION),
    "the SETUP of an old draft": (b"\x40\x40" + struct.pack(">H", 1) + b"\0", PROTOCOL_VIOLATION),
    "a second CLIENT_SETUP": (CLIENT_SETUP * 2, PROTOCOL_VIOLATION),
    "two leading stream types": (b"\0\0" + CLIENT_SETUP, PROTOCOL_VIOLATION),
    "an unknown message": (CLIENT_SETUP + message(0x3F, b""), PROTOCOL_VIOLATION),
    "a reserved message": (CLIENT_SETUP + message(0x01, b""), PROTOCOL_VIOLATION),
    "bytes after a message's fields": (CLIENT_SETUP + message(0x0A, bytes([0, 0])), PROTOCOL_VIOLATION),
    "a message shorter than its fields": (CLIENT_SETUP + message(0x03, bytes([0, 1])), PROTOCOL_VIOLATION),
    "65535 bytes of nonsense": (CLIENT_SETUP + message(0x03, b"\xff" * 65535), PROTOCOL_VIOLATION),
    "a namespace of no fields": (CLIENT_SETUP + message(0x06, bytes([0, 0, 0])), PROTOCOL_VIOLATION),
    "a namespace of 33 fields": (
        CLIENT_SETUP + message(0x06, bytes([0, 33]) + b"\1x" * 33 + b"\0"),
        PROTOCOL_VIOLATION,
    ),
    "an empty namespace prefix": (CLIENT_SETUP + message(0x11, bytes([0, 0, 0])), PROTOCOL_VIOLATION),
    "a client's GOAWAY with a URI": (CLIENT_SETUP + message(0x10, b"\4moqt"), PROTOCOL_VIOLATION),
    "a second GOAWAY": (CLIENT_SETUP + message(0x10, b"\0") * 2, PROTOCOL_VIOLATION),
    "a MAX_REQUEST_ID that falls": (CLIENT_SETUP + message(0x15, bytes([1])), PROTOCOL_VIOLATION),
    "an answer to nothing": (CLIENT_SETUP + message(0x07, bytes([1, 0])), PROTOCOL_VIOLATION),
    "a request ID of the server": (CLIENT_SETUP + subscribe(1), INVALID_REQUEST_ID),
    "a request ID left out": (CLIENT_SETUP + subscribe(2), INVALID_REQUEST_ID),
    "a request ID used twice": (CLIENT_SETUP + subscribe(0) * 2, INVALID_REQUEST_ID),
    "a parameter beyond 65535 bytes": (
        CLIENT_SETUP + message(0x06, bytes([0]) + NAMESPACE + b"\1\3" + struct.pack(">I", 0x8001_0000)),
        PROTOCOL_VIOLATION,
    ),
}


@pytest.mark.parametrize("name", BAD_CONTROL)
async def test_bad_control_messages(shared_relay: Relay, name: str) -> None:
    data, code = BAD_CONTROL[name]
    async with raw_peer(shared_relay) as peer:
        peer.stream(data, bidirectional=True)
        assert await peer.close_code() == code


async def test_more_requests_than_granted(shared_relay: Relay) -> None:
    """Subscriptions that stay open, as their publisher, the peer itself, never answers, until there is no credit."""
    async with raw_peer(shared_relay) as peer:
        peer.stream(CLIENT_SETUP + message(0x06, bytes([0]) + NAMESPACE + b"\0"), bidirectional=True)
        for number in range(2, 2048, 2):
            request = struct.pack(">H", 0x4000 | number)
            name = struct.pack(">BH", 2, number)
            peer.control(message(0x03, request + NAMESPACE + name + b"\0"))
        assert await peer.close_code() == TOO_MANY_REQUESTS


@pytest.mark.parametrize("seed", range(12))
async def test_random_bytes_on_the_control_stream(shared_relay: Relay, seed: int) -> None:
    noise = random.Random(seed).randbytes(4000)
    async with raw_peer(shared_relay) as peer:
        peer.stream((CLIENT_SETUP if seed % 2 else b"") + noise, bidirectional=True, fin=True)
        assert await peer.close_code() in (PROTOCOL_VIOLATION, KEY_VALUE_FORMATTING_ERROR)


@pytest.mark.parametrize("cut", [1, 3, 5, 6])
async def test_a_control_stream_that_ends(shared_relay: Relay, cut: int) -> None:
    async with raw_peer(shared_relay) as peer:
        peer.stream(CLIENT_SETUP[:cut], bidirectional=True, fin=True)
        assert await peer.close_code() == PROTOCOL_VIOLATION


async def test_a_control_stream_that_is_reset(shared_relay: Relay) -> None:
    async with raw_peer(shared_relay) as peer:
        peer.reset(peer.stream(CLIENT_SETUP, bidirectional=True))
        assert await peer.close_code() == PROTOCOL_VIOLATION


async def test_a_second_bidirectional_stream(shared_relay: Relay) -> None:
    async with raw_peer(shared_relay) as peer:
        peer.stream(CLIENT_SETUP, bidirectional=True)
        await peer.answered()
        peer.stream(b"x", bidirectional=True)
        assert await peer.close_code() == PROTOCOL_VIOLATION


@pytest.mark.parametrize("data", [b"", CLIENT_SETUP[:4]], ids=["silent", "half a CLIENT_SETUP"])
async def test_a_client_that_does_not_set_up(shared_relay: Relay, data: bytes) -> None:
    async with raw_peer(shared_relay) as peer:
        if data:
            peer.stream(data, bidirectional=True)
        assert await peer.close_code() == CONTROL_MESSAGE_TIMEOUT


@pytest.mark.parametrize("kind", [b"\x00", b"\x04", b"\x06", b"\x16", b"\x17", b"\x20", b"\x3e", b"\x40\x40"])
async def test_an_unknown_stream_type(shared_relay: Relay, kind: bytes) -> None:
    async with raw_peer(shared_relay) as peer:
        peer.stream(CLIENT_SETUP, bidirectional=True)
        await peer.answered()
        peer.stream(kind + b"\1\1\1")
        assert await peer.close_code() == PROTOCOL_VIOLATION


@pytest.mark.parametrize(
    "data",
    [b"\x10", b"\x06\x05\x01\x80abc", b"\x30\x05\x01", b"\x01\x05\x01\x00\x80\x00abc", b"\x20\x05\x01\x00\x80\x02"],
    ids=["type 0x10", "type 0x3f after a good one", "type 0x30", "no extensions though announced", "status 2"],
)
async def test_a_bad_datagram(shared_relay: Relay, data: bytes) -> None:
    async with raw_peer(shared_relay) as peer:
        peer.stream(CLIENT_SETUP + publish(0), bidirectional=True)
        await peer.answered(10)
        peer.datagram(data)
        if data == b"\x06\x05\x01\x80abc":  # object 0 of group 1, end of group: this one is as it should be
            peer.datagram(b"\x3f")
        assert await peer.close_code() == PROTOCOL_VIOLATION


async def test_a_fin_inside_an_object(shared_relay: Relay) -> None:
    async with raw_peer(shared_relay) as peer:
        peer.stream(CLIENT_SETUP + publish(0), bidirectional=True)
        await peer.answered(10)
        peer.stream(bytes([0x14, 5, 0, 0, 128]) + bytes([0, 10]) + b"half", fin=True)
        assert await peer.close_code() == PROTOCOL_VIOLATION


@pytest.mark.parametrize("data", [b"\x14\x05", b"\x14\x05\x00\x00\x80\x00"], ids=["stream header", "object header"])
async def test_a_header_that_never_ends(shared_relay: Relay, data: bytes) -> None:
    async with raw_peer(shared_relay) as peer:
        peer.stream(CLIENT_SETUP + publish(0), bidirectional=True)
        await peer.answered(10)
        peer.stream(data)
        assert await peer.close_code() == DATA_STREAM_TIMEOUT


async def test_ten_thousand_streams_opened_and_reset(shared_relay: Relay) -> None:
    async with raw_peer(shared_relay) as peer:
        peer.stream(CLIENT_SETUP + publish(0), bidirectional=True)
        await peer.answered(10)
        before = shared_relay.program.resident_kib()
        for number in range(10_000):
            peer.reset(peer.stream(bytes([0x14, 5, number % 64, 0, 128]) + bytes([0, 40]) + b"begun"))
            if number % 50 == 0:
                await peer.ping()
        await peer.ping()
        assert not peer.terminated.done(), "a reset stream is no violation"
        assert shared_relay.program.resident_kib() - before < 32 * 1024


async def test_streams_for_a_track_that_was_never_announced(shared_relay: Relay) -> None:
    """Section 10.4.2: it may be early; it waits within limits, and costs nothing but itself."""
    async with raw_peer(shared_relay) as peer:
        peer.stream(CLIENT_SETUP, bidirectional=True)
        await peer.answered()
        before = shared_relay.program.resident_kib()
        for number in range(500):
            peer.stream(bytes([0x14, 63, number % 64, 0, 128]) + bytes([0, 0x7F, 0xFF]) + b"x" * 4000)
            if number % 20 == 0:
                await peer.ping()
        await peer.ping()
        assert not peer.terminated.done()
        assert shared_relay.program.resident_kib() - before < 32 * 1024


# ---- tolerances, each on and off ----


async def test_one_leading_stream_type_is_tolerated(shared_relay: Relay) -> None:
    async with raw_peer(shared_relay) as peer:
        peer.stream(b"\0" + CLIENT_SETUP, bidirectional=True)
        assert (await peer.answered())[0] == 0x21


async def test_the_leading_stream_type_is_refused_on_demand(programs: Programs) -> None:
    relay = programs.relay("--refuse-leading-stream-type")
    async with raw_peer(relay) as peer:
        peer.stream(b"\0" + CLIENT_SETUP, bidirectional=True)
        assert await peer.close_code() == PROTOCOL_VIOLATION
    relay.stop()


async def test_the_empty_namespace_prefix_is_tolerated_on_demand(programs: Programs) -> None:
    relay = programs.relay("--tolerate-empty-namespace-prefix")
    async with raw_peer(relay) as peer:
        peer.stream(CLIENT_SETUP, bidirectional=True)
        setup = len(await peer.answered())
        peer.control(message(0x11, bytes([0, 0, 0])))
        assert (await peer.answered(setup + 5))[setup:] == message(0x07, bytes([0, 0]))  # REQUEST_OK 0
    relay.stop()
