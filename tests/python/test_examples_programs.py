"""The five example programs as a user runs them: as processes, over real QUIC."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

import msquic
from running import Running, start_program

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

PROGRAMS = (
    "moqt_client.py",
    "moqt_server.py",
    "moqt_video_relay.py",
    "moqt_video_publisher.py",
    "moqt_video_subscriber.py",
)
SIZE = ("--size", "320x240", "--keyframe-interval", "15")


Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts programs, and ends those that still run after the test."""
    running: list[Running] = []

    async def start(script: str, *arguments: object) -> Running:
        running.append(await start_program(sys.executable, EXAMPLES / script, *arguments))
        return running[-1]

    yield start
    for program in running:
        await program.end()


async def started(start: Start, script: str, *arguments: object) -> tuple[Running, int]:
    """A server or relay on a free port."""
    program = await start(script, "--port", 0, *arguments)
    return program, int((await program.line(r"listening on .*:(\d+)$"))[1])


@pytest.mark.parametrize("script", PROGRAMS)
async def test_help_and_size(start: Start, script: str) -> None:
    program = await start(script, "--help")
    assert await program.exit_code() == 0
    assert "--host" in program.text
    assert "--port" in program.text
    assert len((EXAMPLES / script).read_text().splitlines()) < 200


@pytest.mark.parametrize("script", PROGRAMS)
async def test_a_wrong_option_is_named(start: Start, script: str) -> None:
    program = await start(script, "--port", 70000)
    assert await program.exit_code() == 2
    assert "a port is a number from 0 to 65535" in program.text


@pytest.mark.parametrize("script", ["moqt_server.py", "moqt_video_relay.py"])
async def test_half_a_certificate_is_refused(start: Start, script: str) -> None:
    program = await start(script, "--cert", "cert.pem")
    assert await program.exit_code() == 2
    assert "--cert and --key go together" in program.text


async def test_client_and_server(start: Start) -> None:
    server, port = await started(start, "moqt_server.py")
    client = await start("moqt_client.py", "--host", "127.0.0.1", "--port", port)
    assert await client.exit_code() == 0, client.text
    assert "connected" in client.text
    assert re.search(r"SERVER_SETUP received: .*ServerSetup", client.text)
    assert len(re.findall(r"^group \d+ object \d: \d+ bytes", client.text, re.M)) == 5
    server.process.send_signal(signal.SIGINT)
    assert await server.exit_code() == 0, server.text
    assert server.lines[-1] == "server closed"


async def test_plain_quic_beside_moqt_on_one_port(start: Start) -> None:
    import msquic

    server, port = await started(start, "moqt_server.py")
    loop, connected, echoed = asyncio.get_running_loop(), asyncio.Event(), asyncio.Queue()
    with msquic.Registration("test") as registration:
        configuration = msquic.Configuration(registration, ["h3"])
        configuration.load_credential_none(no_certificate_validation=True)
        connection = msquic.Connection(registration)
        connection.set_on_connected(lambda: loop.call_soon_threadsafe(connected.set))
        connection.start(configuration, "127.0.0.1", port)
        async with asyncio.timeout(10):
            await connected.wait()
        stream = connection.open_stream(msquic.StreamOpenFlags.NONE)
        stream.set_on_receive(lambda data, fin: loop.call_soon_threadsafe(echoed.put_nowait, (data, fin)))
        stream.start(msquic.StreamStartFlags.IMMEDIATE)
        stream.send(b"hello", msquic.SendFlags.FIN)
        received, fin = b"", False
        async with asyncio.timeout(10):
            while not fin:
                data, fin = await echoed.get()
                received += data
        assert received == b"hello"
        await server.line("QUIC connection accepted, ALPN h3")
        client = await start("moqt_client.py", "--port", port, "--count", 1)
        assert await client.exit_code() == 0, client.text
        connection.shutdown(msquic.ConnectionShutdownFlags.NONE, 0)
    await server.line("QUIC connection ended, ALPN h3")


async def test_a_track_that_is_not_there(start: Start) -> None:
    _, port = await started(start, "moqt_server.py")
    asked = await start("moqt_client.py", "--port", port, "--track", "demo/absent")
    assert await asked.exit_code() == 1
    assert "the server does not offer demo/absent" in asked.text


async def test_the_relay_has_no_clock(start: Start) -> None:
    _, port = await started(start, "moqt_video_relay.py")
    client = await start("moqt_client.py", "--port", port)
    assert await client.exit_code() == 0, client.text
    assert "the server does not offer demo/clock" in client.text


@pytest.mark.parametrize("script", ["moqt_client.py", "moqt_video_publisher.py", "moqt_video_subscriber.py"])
async def test_nobody_listens(start: Start, script: str) -> None:
    program = await start(script, "--port", 9)
    assert await program.exit_code() == 1
    assert re.search(r"^error: .+", program.text, re.M)
    assert "Traceback" not in program.text


async def test_the_certificate_is_verified(start: Start, tmp_path: Path) -> None:
    certificate, key, _ = msquic.generate_development_certificate(tmp_path / "right")
    other, _, _ = msquic.generate_development_certificate(tmp_path / "other")
    _, port = await started(start, "moqt_server.py", "--cert", certificate, "--key", key)
    good = await start("moqt_client.py", "--port", port, "--ca-file", certificate)
    assert await good.exit_code() == 0, good.text
    bad = await start("moqt_client.py", "--port", port, "--ca-file", other)
    assert await bad.exit_code() == 1
    assert "connected" not in bad.text
    assert re.search(r"^error: .*certificate", bad.text, re.M | re.I)
    again = await start("moqt_client.py", "--port", port, "--ca-file", certificate)
    assert await again.exit_code() == 0, again.text


@pytest.mark.timeout(120)
async def test_video_with_a_late_subscriber(start: Start, tmp_path: Path) -> None:
    """The second one comes 3 s later, begins at a key frame, and the first misses nothing."""
    pytest.importorskip("numpy")
    from media.frame_comparison import compare_frames
    from media.frame_log import read_log

    relay, port = await started(start, "moqt_video_relay.py")
    sent, first, second = (tmp_path / name for name in ("sent.jsonl", "first.jsonl", "second.jsonl"))
    publisher = await start("moqt_video_publisher.py", "--port", port, "--duration", 7, "--frame-log", sent, *SIZE)
    await publisher.line("waiting for a subscriber")
    early = await start(
        "moqt_video_subscriber.py", "--port", port, "--output", tmp_path / "first.mp4", "--frame-log", first
    )
    await publisher.line("^ +3 s")
    late = await start(
        "moqt_video_subscriber.py", "--port", port, "--output", tmp_path / "second.mp4", "--frame-log", second
    )
    for program in (publisher, early, late):
        assert await program.exit_code() == 0, program.text
    frames = compare_frames(read_log(sent), read_log(first))
    assert frames.sent == 210
    assert frames.faults == []
    came = list(read_log(second))
    assert came[0].is_key
    assert came[0].object == 0
    in_time = [record for record in read_log(sent) if record.group >= came[0].group]
    assert compare_frames(in_time, came).faults == []
    assert 30 <= len(came) <= 120  # it came after 3 of 7 seconds
    relay.process.send_signal(signal.SIGTERM)
    assert await relay.exit_code() == 0, relay.text


@pytest.mark.timeout(120)
async def test_a_publisher_that_is_killed_and_comes_back(start: Start, tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    relay, port = await started(start, "moqt_video_relay.py")
    publisher = await start("moqt_video_publisher.py", "--port", port, "--idle-timeout", 4, *SIZE)
    await publisher.line("waiting for a subscriber")
    watcher = await start("moqt_video_subscriber.py", "--port", port, "--output", tmp_path / "first.mp4")
    await publisher.line("^ +2 s")
    publisher.process.kill()
    await publisher.exit_code()
    # The idle time-out of the dead connection ends the track: a loss, and what came before is a good file.
    assert await watcher.exit_code(90) == 4, f"{watcher.text}\nrelay, {relay.process.returncode}:\n{relay.text}"
    assert "video was lost" in watcher.text
    assert shutil.which("ffmpeg") is None or (tmp_path / "first.mp4").stat().st_size > 1000
    again = await start("moqt_video_publisher.py", "--port", port, "--duration", 2, *SIZE)
    await again.line("waiting for a subscriber")
    new = await start("moqt_video_subscriber.py", "--port", port, "--output", tmp_path / "second.mp4")
    assert await again.exit_code() == 0, again.text
    assert await new.exit_code() == 0, new.text
    assert "received 60 frames in 4 groups, 0 missing" in new.text
    assert relay.process.returncode is None


@pytest.mark.parametrize(
    ("script", "arguments", "why"),
    [
        ("moqt_video_publisher.py", ["--size", "641x480"], "641x480"),
        ("moqt_video_publisher.py", ["--size", "640"], "give width and height, such as 640x480"),
        ("moqt_video_publisher.py", ["--size", "axb"], "give width and height"),
        ("moqt_video_publisher.py", ["--fps", "0"], "'0' is no picture rate"),
        ("moqt_video_publisher.py", ["--fps", "many"], "'many' is no picture rate"),
        ("moqt_video_publisher.py", ["--keyframe-interval", "0"], "'0' is no key frame interval"),
        ("moqt_video_publisher.py", ["--duration", "-1"], "'-1' is no number of seconds"),
        ("moqt_video_publisher.py", ["--duration", "nan"], "'nan' is no number of seconds"),
        ("moqt_video_publisher.py", ["--bitrate", "0"], "'0' is no bitrate"),
        ("moqt_video_publisher.py", ["--wait", "-1"], "'-1' is no number of seconds"),
        ("moqt_video_publisher.py", ["--namespace", "live//demo"], "'live//demo' has an empty field"),
        ("moqt_video_publisher.py", ["--track", "audio"], "give each its own name"),
        ("moqt_video_publisher.py", ["--audio-track", "catalog"], "give each its own name"),
        ("moqt_video_subscriber.py", ["--namespace", ""], "'' has an empty field"),
        ("moqt_video_subscriber.py", ["--duration", "-1"], "'-1' is no number of seconds"),
        ("moqt_video_subscriber.py", ["--wait", "soon"], "'soon' is no number of seconds"),
        ("moqt_client.py", ["--timeout", "-1"], "'-1' is no number of seconds"),
        ("moqt_client.py", ["--count", "-1"], "'-1' is no number of objects"),
        ("moqt_server.py", ["--interval", "-1"], "'-1' is no number of seconds"),
    ],
)
async def test_what_an_option_cannot_be_is_named(start: Start, script: str, arguments: list[str], why: str) -> None:
    program = await start(script, *arguments)
    assert await program.exit_code() == 2, program.text
    assert why in program.text
    assert "Traceback" not in program.text


async def test_a_size_that_the_clock_cannot_have_is_named(start: Start) -> None:
    pytest.importorskip("numpy")
    program = await start("moqt_video_publisher.py", "--size", "128x96", "--port", 9)
    assert await program.exit_code() == 1, program.text
    assert "--size and --fps do not suit clock: the generated picture needs at least 160x120" in program.text
    assert "Traceback" not in program.text


@pytest.mark.parametrize("script", ["moqt_video_publisher.py", "moqt_video_subscriber.py"])
async def test_help_without_the_media_packages(script: str, tmp_path: Path) -> None:
    for name in ("numpy", "av"):
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError('No module named {name}', name='{name}')")
    run = (
        f"import sys, runpy; sys.path[:0] = [{str(tmp_path)!r}, {str(EXAMPLES)!r}]; "
        f"sys.argv[0] = {script!r}; runpy.run_path({str(EXAMPLES / script)!r}, run_name='__main__')"
    )
    program = await start_program(sys.executable, "-c", run, "--help")
    assert await program.exit_code() == 0, program.text
    if script == "moqt_video_publisher.py":
        program = await start_program(sys.executable, "-c", run, "--port", 9)
        assert await program.exit_code() == 1, program.text
        assert "numpy" in program.text
        assert "Traceback" not in program.text


@pytest.mark.timeout(120)
async def test_a_recording_that_is_killed_plays(start: Start, tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    _, port = await started(start, "moqt_video_relay.py")
    publisher = await start("moqt_video_publisher.py", "--port", port, *SIZE)
    await publisher.line("waiting for a subscriber")
    watcher = await start("moqt_video_subscriber.py", "--port", port, "--output", tmp_path / "clock.mp4")
    await watcher.line("^90 frames")
    watcher.process.kill()
    await watcher.exit_code()
    from media.frame import VideoFormat
    from media.verify import decode_file, measure_sync

    video = VideoFormat(320, 240, 30)
    decoded = decode_file(str(tmp_path / "clock.mp4"), video)
    assert decoded.frames >= 20  # a fragment at least; the last frame waits for its successor
    assert decoded.counters == list(range(decoded.frames))
    assert measure_sync(str(tmp_path / "clock.mp4"), video).worst_ms < 40


@pytest.mark.timeout(120)
async def test_ctrl_c_completes_the_recording(start: Start, tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    _, port = await started(start, "moqt_video_relay.py")
    publisher = await start("moqt_video_publisher.py", "--port", port, *SIZE)
    await publisher.line("waiting for a subscriber")
    watcher = await start("moqt_video_subscriber.py", "--port", port, "--output", tmp_path / "clock.mp4")
    await watcher.line("^30 frames")
    watcher.process.send_signal(signal.SIGINT)
    assert await watcher.exit_code() == 0, watcher.text
    assert re.search(r"^wrote \d+ frames", watcher.text, re.M)
    assert publisher.process.returncode is None  # a subscriber that leaves is no business of the publisher
    publisher.process.send_signal(signal.SIGINT)
    assert await publisher.exit_code() == 0, publisher.text
    assert re.search(r"^sent \d+ frames", publisher.text, re.M)
