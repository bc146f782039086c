"""The three programs as a user runs them: files in, files out, over real QUIC."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from relay_programs import HealthyStream, Programs, Relay, frame, payloads, wait_until

FFMPEG = shutil.which("ffmpeg")
needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="ffmpeg is not installed")
FRAMES = 90
ONE_TRACK = ("--name", "movie")  # in place of a catalog and a track for each stream


@pytest.fixture
def relay(programs: Programs) -> Relay:
    return programs.relay()


def ffmpeg(*arguments: object) -> bytes:
    return subprocess.run(
        [str(FFMPEG), "-v", "error", "-y", *map(str, arguments)], check=True, capture_output=True, timeout=60
    ).stdout


def packets(file: Path) -> list[str]:
    """The MD5 of every video packet."""
    lines = ffmpeg("-i", file, "-map", "0:v", "-c", "copy", "-f", "framemd5", "-").decode().splitlines()
    return [line.split(",")[-1].strip() for line in lines if not line.startswith("#")]


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of a test picture, one fragment per frame, one key frame per half second."""
    file = tmp_path_factory.mktemp("movie") / "movie.mp4"
    picture = ("-f", "lavfi", "-i", f"testsrc2=size=320x240:rate=30:duration={FRAMES / 30}")
    codec = ("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", 15, "-bf", 0, "-sc_threshold", 0)
    container = ("-pix_fmt", "yuv420p", "-movflags", "+cmaf+frag_every_frame+empty_moov+default_base_moof")
    ffmpeg(*picture, *codec, *container, "-f", "mp4", file)
    return file


@needs_ffmpeg
def test_a_file_arrives_packet_for_packet_at_two_subscribers(relay: Relay, movie: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / "one.mp4", tmp_path / "two.mp4"]
    subscribers = [relay.subscriber(*ONE_TRACK, "--output", output) for output in outputs]
    for subscriber in subscribers:
        subscriber.line("waiting for live/demo")
    publisher = relay.publisher(*ONE_TRACK, "--no-pace", movie)
    assert publisher.exit_code() == 0, publisher.text
    publisher.line(rf"published {FRAMES} objects in 6 groups")
    assert [subscriber.exit_code() for subscriber in subscribers] == [0, 0]
    # The first one begins it. The other, whichever that is, may have been subscribed a moment after the first picture;
    # whole groups, then, up to the end.
    everything = packets(movie)
    received = [packets(output) for output in outputs]
    assert everything in received
    for each in received:
        assert each == everything[-len(each) :]
        assert len(each) % 15 == 0
    relay.stop()


@needs_ffmpeg
def test_standard_input_at_the_speed_of_the_media(relay: Relay, movie: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    subscriber = relay.subscriber(*ONE_TRACK, "--output", output)
    with movie.open("rb") as file:
        publisher = relay.publisher(*ONE_TRACK, "-", standard_input=file)
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text
    assert packets(output) == packets(movie)


@needs_ffmpeg
def test_a_progressive_file_is_cut_into_fragments(relay: Relay, movie: Path, tmp_path: Path) -> None:
    progressive, output = tmp_path / "progressive.mp4", tmp_path / "out.mp4"
    ffmpeg("-i", movie, "-c", "copy", progressive)
    subscriber = relay.subscriber(*ONE_TRACK, "--output", output)
    publisher = relay.publisher(*ONE_TRACK, "--no-pace", progressive)
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text
    assert packets(output) == packets(progressive)


@needs_ffmpeg
def test_a_progressive_standard_input_is_refused_with_advice(relay: Relay, movie: Path, tmp_path: Path) -> None:
    progressive = tmp_path / "progressive.mp4"
    ffmpeg("-i", movie, "-c", "copy", progressive)
    with progressive.open("rb") as file:
        publisher = relay.publisher("--no-wait", "-", standard_input=file)
    assert publisher.exit_code() == 1
    publisher.line("fragmented")


@needs_ffmpeg
def test_a_late_subscriber_starts_with_a_whole_group(relay: Relay, movie: Path, tmp_path: Path) -> None:
    early, late = tmp_path / "early.mp4", tmp_path / "late.mp4"
    first = relay.subscriber(*ONE_TRACK, "--output", early)
    publisher = relay.publisher(*ONE_TRACK, movie)
    wait_until(lambda: early.exists() and early.stat().st_size > movie.stat().st_size / 3, "a third of the movie")
    second = relay.subscriber(*ONE_TRACK, "--output", late)
    assert publisher.exit_code() == 0, publisher.text
    assert first.exit_code() == 0, first.text
    assert second.exit_code() == 0, second.text
    everything, received = packets(movie), packets(late)
    assert packets(early) == everything
    assert 0 < len(received) < FRAMES
    assert len(received) % 15 == 0
    assert received == everything[-len(received) :]
    ffmpeg("-xerror", "-i", late, "-f", "null", "-")


def test_length_framed_objects_keep_their_bytes_and_groups(relay: Relay, tmp_path: Path) -> None:
    source, output = tmp_path / "in.framed", tmp_path / "out.framed"
    content = b"".join(
        frame(b"") + b"".join(frame(bytes([group, item]) * (1 + item * 977)) for item in range(8))
        for group in range(12)
    )
    source.write_bytes(content)
    subscriber = relay.subscriber("--output", output, "--format", "framed")
    publisher = relay.publisher("--format", "framed", source)
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text
    assert output.read_bytes() == content


@pytest.mark.parametrize("size", [300_000, 4 * 1024 * 1024])
def test_one_object_and_the_end_at_once(relay: Relay, tmp_path: Path, size: int) -> None:
    """A subscriber waits, and a pipe brings all there is in one go: the object has to be there all the same."""
    payload = bytes(range(256)) * (size // 256)
    for attempt in range(4):
        output = tmp_path / f"{attempt}.framed"
        subscriber = relay.subscriber("--output", output, "--format", "framed")
        publisher = relay.publisher("--format", "framed", "-", standard_input=subprocess.PIPE)
        publisher.line(r"1 subscriber\(s\)")
        pipe = publisher.process.stdin
        assert pipe is not None
        pipe.write(frame(b"") + frame(payload))
        pipe.close()
        assert publisher.exit_code() == 0, publisher.text
        assert subscriber.exit_code() == 0, subscriber.text
        assert payloads(output.read_bytes()) == [payload]


def test_a_track_offered_with_publish(relay: Relay, tmp_path: Path) -> None:
    output = tmp_path / "out.framed"
    subscriber = relay.subscriber("--output", output, "--format", "framed", "--objects", 3)
    subscriber.line("waiting for")
    publisher = relay.publisher("--publish", "--format", "framed", "-", standard_input=subprocess.PIPE)
    publisher.line("publishing")
    pipe = publisher.process.stdin
    assert pipe is not None

    def seen_enough() -> bool:
        pipe.write(frame(b"") + frame(b"x"))
        pipe.flush()
        return subscriber.process.poll() is not None

    wait_until(seen_enough, "three objects")
    assert subscriber.exit_code() == 0, subscriber.text
    pipe.close()
    assert publisher.exit_code() == 0, publisher.text
    assert payloads(output.read_bytes()) == [b"x"] * 3


def test_following_a_publisher_that_is_killed_and_restarted(relay: Relay, tmp_path: Path) -> None:
    output = tmp_path / "out.framed"
    other = HealthyStream(relay, tmp_path / "healthy.framed")
    subscriber = relay.subscriber("--output", output, "--format", "framed", "--follow")

    def publish(payload: bytes) -> None:
        publisher = relay.publisher("--format", "framed", "-", standard_input=subprocess.PIPE)
        publisher.line("publishing")
        pipe = publisher.process.stdin
        assert pipe is not None

        def arrived() -> bool:
            pipe.write(frame(b"") + frame(payload))
            pipe.flush()
            return payload in payloads_so_far(output)

        wait_until(arrived, payload.decode())
        publisher.process.send_signal(signal.SIGKILL)
        publisher.process.wait()

    for payload in (b"first life", b"second life", b"third life"):
        publish(payload)
    subscriber.terminate()
    assert subscriber.exit_code() == 0, subscriber.text
    assert other.finish() > 0
    relay.stop()


def payloads_so_far(file: Path) -> list[bytes]:
    try:
        return payloads(file.read_bytes()) if file.exists() else []
    except Exception:  # cut in the middle of a frame, for the moment
        return []


def test_draining_asks_clients_to_leave(relay: Relay, tmp_path: Path) -> None:
    output = tmp_path / "out.framed"
    subscriber = relay.subscriber("--output", output, "--format", "framed")
    publisher = relay.publisher("--format", "framed", "-", standard_input=subprocess.PIPE)
    publisher.line(r"1 subscriber\(s\)")
    relay.program.terminate()
    publisher.line("went away before everything was published")
    assert publisher.exit_code() == 4, publisher.text
    subscriber.line("was lost")
    assert subscriber.exit_code() == 4, subscriber.text
    assert relay.program.exit_code() == 0, relay.program.text


def test_clients_that_do_not_leave_are_closed_after_the_drain_period(programs: Programs) -> None:
    relay = programs.relay("--drain-seconds", "1")
    subscriber = relay.subscriber()
    subscriber.line("waiting for")
    relay.program.terminate()
    assert relay.program.exit_code() == 0, relay.program.text
    assert subscriber.exit_code() in (0, 1), subscriber.text


def test_a_second_signal_ends_the_drain(programs: Programs) -> None:
    relay = programs.relay("--drain-seconds", "600")
    subscriber = relay.subscriber()
    subscriber.line("waiting for")
    relay.program.terminate()
    relay.program.line("draining")
    relay.program.terminate()
    relay.program.exit_code()


def test_interrupting_the_clients(relay: Relay, tmp_path: Path) -> None:
    subscriber = relay.subscriber("--output", tmp_path / "out")
    publisher = relay.publisher("--format", "framed", "-", standard_input=subprocess.PIPE)
    publisher.line(r"1 subscriber\(s\)")
    publisher.process.send_signal(signal.SIGINT)
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text


def test_a_wrong_certificate_is_refused(programs: Programs, relay: Relay) -> None:
    wrong = ":".join(["00"] * 32)
    for arguments in ((), ("--fingerprint", wrong)):
        subscriber = programs.start("moqt-sub", "--host", "127.0.0.1", "--port", relay.port, *arguments)
        assert subscriber.exit_code() == 1, subscriber.text
        subscriber.line("certificate")


def test_an_insecure_client_takes_any_certificate(programs: Programs, relay: Relay) -> None:
    subscriber = programs.start("moqt-sub", "--host", "127.0.0.1", "--port", relay.port, "--insecure", "--no-wait")
    assert subscriber.exit_code() == 1
    subscriber.line("DOES_NOT_EXIST")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("moqt-relay", ["--port", "notaport"]),
        ("moqt-relay", ["--port", "65536"]),
        ("moqt-relay", ["--no-such-option"]),
        ("moqt-relay", ["--drain-seconds", "-1"]),
        ("moqt-pub", ["--priority", "256"]),
        ("moqt-pub", ["--format", "avi"]),
        ("moqt-pub", ["--insecure", "--fingerprint", "00"]),
        ("moqt-pub", ["--fingerprint", "00"]),
        ("moqt-sub", ["--filter", "yesterday"]),
        ("moqt-sub", ["--namespace", "/".join("x" * 33)]),
        ("moqt-sub", ["--namespace", "live//demo"]),
        ("moqt-pub", ["--namespace", ""]),
        ("moqt-sub", ["--log-level", "loud"]),
    ],
)
def test_a_command_line_that_cannot_be_used_gives_2(programs: Programs, name: str, arguments: list[str]) -> None:
    running = programs.start(name, *arguments)
    assert running.exit_code() == 2, running.text
    assert running.lines, "it says why"


@pytest.mark.parametrize("name", ["moqt-relay", "moqt-pub", "moqt-sub"])
def test_help_and_version(programs: Programs, name: str) -> None:
    for option, pattern in (
        ("--help", "--host"),
        ("--version", rf"{name} \d+\.\d+\.\d+ .*draft-ietf-moq-transport-22, -18, -16, -15"),
    ):
        running = programs.start(name, option)
        assert running.exit_code() == 0
        running.line(pattern)


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("moqt-relay", ["--cert", "/nonexistent.pem", "--key", "/nonexistent.key"], "nonexistent"),
        ("moqt-relay", ["--cert", "/nonexistent.pem"], "--key"),
        ("moqt-relay", ["--host", "not an address"], "not an address"),
        ("moqt-sub", ["--output", "/nonexistent/file"], "cannot write"),
        ("moqt-pub", ["--port", "1", "--insecure", "/nonexistent.mp4"], "cannot read"),
    ],
)
def test_what_cannot_work_gives_1_and_a_reason(programs: Programs, name: str, arguments: list[str], why: str) -> None:
    running = programs.start(name, *arguments)
    assert running.exit_code() == 1, running.text
    running.line(why)


def test_a_port_that_is_taken(programs: Programs, relay: Relay) -> None:
    second = programs.start("moqt-relay", "--host", "127.0.0.1", "--port", relay.port)
    assert second.exit_code() == 1, second.text
    assert second.lines
