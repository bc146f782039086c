"""Each draft with an independent implementation, moq-rs. What it cannot do is named in docs/interop.md."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from relay_programs import Programs, Relay, frame, payloads

moq = pytest.importorskip("moq", reason="moq-rs is not installed")
pytest.importorskip("aioquic", reason="aioquic is not installed")

from aioquic.asyncio.client import connect as quic_connect  # noqa: E402
from aioquic.quic.configuration import QuicConfiguration  # noqa: E402

pytestmark = [pytest.mark.interop, pytest.mark.timeout(120)]

PATH = "interop"
GROUPS = [[bytes([65 + group]) * (1 + 400 * item) for item in range(5)] for group in range(20)]
OBJECTS = [payload for group in GROUPS for payload in group]


@pytest.fixture(params=[15, 16, 18, 22])
def draft(request: pytest.FixtureRequest) -> int:
    """moq-rs offers every draft, and takes what a client offers: what our ends speak is what both then speak."""
    value: int = request.param
    return value


@pytest.fixture
def relay(programs: Programs, draft: int) -> Relay:
    return programs.relay("--draft", draft, "--tolerate-empty-namespace-prefix")


def connect(relay: Relay) -> Any:
    return moq.connect(f"moqt://127.0.0.1:{relay.port}/", tls_verify=False, websocket_enabled=False, reconnect=False)


async def negotiated(port: int) -> str | None:
    """What the server at `port` chooses when a client offers the drafts that moq-rs offers, newest first."""
    offered = ["moqt-22", "moqt-18", "moqt-17", "moqt-16", "moqt-15", "moq-00"]
    configuration = QuicConfiguration(is_client=True, alpn_protocols=offered, verify_mode=ssl.CERT_NONE)
    async with quic_connect("127.0.0.1", port, configuration=configuration) as connection:
        return connection._quic.tls.alpn_negotiated


async def test_our_relay_leaves_only_its_draft_to_choose(relay: Relay, draft: int) -> None:
    """moq-rs offers every draft; whatever it then speaks with our relay is this one."""
    assert await negotiated(relay.port) == f"moqt-{draft}"


async def test_our_relay_chooses_the_newest_that_both_speak(programs: Programs) -> None:
    assert await negotiated(programs.relay().port) == "moqt-22"


async def write_groups(track: Any) -> None:
    """All groups, slowly enough that none is skipped as outdated."""
    for group in GROUPS:
        writing = track.append_group()
        for payload in group:
            writing.write_frame(payload)
        writing.finish()
        await asyncio.sleep(0.05)


async def read_groups(track: Any, count: int) -> list[list[bytes]]:
    groups: list[list[bytes]] = []
    async for group in track:
        groups.append([item.payload async for item in group])
        if len(groups) == count:
            break
    return groups


async def in_thread(call: Any, *arguments: Any) -> Any:
    return await asyncio.to_thread(call, *arguments)


async def test_its_publisher_through_our_relay_to_our_subscriber(relay: Relay, tmp_path: Path) -> None:
    output = tmp_path / "out.framed"
    subscriber = relay.subscriber(
        "--namespace", PATH, "--output", output, "--format", "framed", "--objects", len(OBJECTS)
    )
    await in_thread(subscriber.line, "waiting for")
    async with connect(relay) as client:
        broadcast = client.create_broadcast(PATH)
        track = broadcast.publish_track("video")
        broadcast.announce()
        async with asyncio.timeout(30):
            await track.used()
            await in_thread(subscriber.line, "subscribed")  # or the first groups would be past ones
        await write_groups(track)
        assert await in_thread(subscriber.exit_code) == 0, subscriber.text
    assert payloads(output.read_bytes()) == OBJECTS


async def test_our_publisher_through_our_relay_to_its_subscriber(relay: Relay) -> None:
    publisher = relay.publisher("--namespace", PATH, "--format", "framed", "-", standard_input=subprocess.PIPE)
    await in_thread(publisher.line, "publishing")
    async with connect(relay) as client:
        async with asyncio.timeout(30):
            broadcast = await client.announced_broadcast(PATH)
            track = await broadcast.subscribe_track("video")
            reading = asyncio.create_task(read_groups(track, len(GROUPS)))
            await in_thread(publisher.line, r"1 subscriber\(s\)")
            await feed(publisher)
            assert await reading == GROUPS
    assert await in_thread(publisher.exit_code) == 0, publisher.text


async def feed(publisher: Any) -> None:
    pipe = publisher.process.stdin
    for group in GROUPS:
        pipe.write(frame(b"") + b"".join(frame(payload) for payload in group))
        pipe.flush()
        await asyncio.sleep(0.05)
    pipe.close()


@pytest.fixture
async def its_relay() -> AsyncIterator[tuple[int, str]]:
    """moq-rs as a server whose broadcasts are whatever its clients publish."""
    origin = moq.OriginProducer()
    server = moq.Server(
        "127.0.0.1:0",
        tls_generate=["127.0.0.1", "localhost"],
        publish=origin,
        subscribe=origin,
    )
    async with server:
        serving = asyncio.create_task(server.serve())
        yield int(server.local_addr.rsplit(":", 1)[1]), server.cert_fingerprints()[0]
        serving.cancel()


async def test_our_publisher_and_subscriber_through_its_relay(
    programs: Programs, its_relay: tuple[int, str], draft: int, tmp_path: Path
) -> None:
    output = tmp_path / "out.framed"
    port, fingerprint = its_relay
    common = ("--host", "127.0.0.1", "--port", port, "--path", "/", "--fingerprint", fingerprint)
    common += ("--draft", draft, "--tolerate-empty-namespace-prefix", "--namespace", PATH)
    publisher = programs.start("moqt-pub", *common, "--format", "framed", "-", standard_input=subprocess.PIPE)
    await in_thread(publisher.line, "publishing")
    subscriber = programs.start("moqt-sub", *common, "--output", output, "--format", "framed")
    await in_thread(publisher.line, r"1 subscriber\(s\)")
    await in_thread(subscriber.line, "subscribed")
    await feed(publisher)
    assert await in_thread(publisher.exit_code) == 0, publisher.text
    assert await in_thread(subscriber.exit_code) in (0, 1), subscriber.text
    assert payloads(output.read_bytes()) == OBJECTS
