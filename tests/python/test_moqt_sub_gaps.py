"""moqt-sub says what a publisher does not keep any more of what it asks for, and leaves with 4."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import moqt.asyncio as ma
from relay_programs import Programs, payloads

pytestmark = pytest.mark.timeout(120)
INCOMPLETE = 4
KEPT = [f"{group}/{number}".encode() for group in (4, 5) for number in range(2)]


def publish(session: ma.Session) -> ma.TrackWriter:
    """Six groups, of which two are kept."""
    track = session.create_track("live/demo", "video", retention=ma.Retention(groups=2))
    for number in range(6):
        with track.begin_group(number) as group:
            for place in range(2):
                group.write(f"{number}/{place}".encode())
    return track


@pytest.mark.parametrize("draft", [16, 18, 22])
async def test_a_fetch_of_what_is_not_kept(programs: Programs, tmp_path: Path, draft: int) -> None:
    relay = programs.relay()
    async with ma.connect("127.0.0.1", relay.port, verify=False) as session:
        publish(session)
        await session.publish_namespace("live/demo")
        output = tmp_path / "fetched"
        fetched = relay.subscriber(
            "--draft", draft, "--output", output, "--format", "framed", "--namespace", "live/demo", "--fetch", "1:5"
        )
        assert await asyncio.to_thread(fetched.exit_code) == INCOMPLETE, fetched.text
        fetched.line("up to group 3 is not known to the publisher any more")
        assert payloads(output.read_bytes()) == KEPT


@pytest.mark.parametrize("draft", [16, 18, 22])
async def test_a_join_of_what_is_not_kept(programs: Programs, tmp_path: Path, draft: int) -> None:
    relay = programs.relay()
    async with ma.connect("127.0.0.1", relay.port, verify=False) as session:
        track = publish(session)
        await session.publish_namespace("live/demo")
        output = tmp_path / "joined"
        joined = relay.subscriber(
            "--draft", draft, "--output", output, "--format", "framed", "--namespace", "live/demo", "--join", 4
        )
        await asyncio.wait_for(track.wait_subscriber(), 40)
        await asyncio.to_thread(joined.line, "up to group 3 is not known to the publisher any more")
        with track.begin_group(6) as group:
            group.write(b"live")
        await track.end()
        assert await asyncio.to_thread(joined.exit_code) == INCOMPLETE, joined.text
        assert payloads(output.read_bytes()) == [*KEPT, b"live"]
