"""moqt-relay as a program: what it reads, what it says, and what ends it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import msquic
from relay_programs import DEADLINE, HealthyStream, Program, Programs, frame, program, wait_until


def limited(which: int, value: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A relay that may have only so much of something. It must end by itself or listen."""
    command = [program("moqt-relay"), "--host", "127.0.0.1", "--port", "0", *map(str, arguments)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(which, (value, value)),
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        if first:
            process.terminate()
        output, log = process.communicate(timeout=DEADLINE)
    finally:
        process.kill()
        process.wait()
    return subprocess.CompletedProcess(command, process.returncode, first + output, log)


class OwnCertificate:
    """A relay whose certificate is in files, so that it can come back as the one that it was."""

    def __init__(self, programs: Programs, folder: Path) -> None:
        made = msquic.generate_development_certificate(folder)
        self.files = ("--cert", made.certificate_file, "--key", made.private_key_file)
        self.fingerprint = made.sha256_fingerprint
        self.programs = programs

    def start(self, port: int = 0) -> tuple[Program, int]:
        running = self.programs.start("moqt-relay", "--host", "127.0.0.1", "--port", port, *self.files)
        return running, int(running.line(r"listening on port (\d+)")[1])


def test_the_key_of_a_development_certificate_lies_nowhere(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a relay that is killed leaves nothing behind."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    running = programs.start("moqt-relay", "--host", "127.0.0.1", "--port", 0)
    running.line(r"listening on port (\d+)")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("which", ["--cert", "--key"])
def test_a_fifo_is_no_certificate(programs: Programs, tmp_path: Path, which: str) -> None:
    made = msquic.generate_development_certificate(tmp_path)
    files = {"--cert": str(made.certificate_file), "--key": str(made.private_key_file)}
    files[which] = str(tmp_path / "fifo")
    os.mkfifo(files[which])
    relay = programs.start("moqt-relay", "--port", 0, *[word for pair in files.items() for word in pair])
    assert relay.exit_code() == 1
    relay.line("fifo.*is not a regular file")


def test_a_device_without_end_is_no_key(programs: Programs, tmp_path: Path) -> None:
    made = msquic.generate_development_certificate(tmp_path)
    relay = programs.start("moqt-relay", "--port", 0, "--cert", made.certificate_file, "--key", "/dev/full")
    assert relay.exit_code() == 1
    relay.line("'/dev/full' .*is not a regular file")


def test_a_huge_file_is_no_key(programs: Programs, tmp_path: Path) -> None:
    made = msquic.generate_development_certificate(tmp_path)
    huge = tmp_path / "huge.pem"
    with huge.open("wb") as file:
        file.truncate(1 << 40)
    relay = programs.start("moqt-relay", "--port", 0, "--cert", made.certificate_file, "--key", huge)
    assert relay.exit_code() == 1
    relay.line(rf"huge.pem.* has {1 << 40} bytes, more than")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_ends_it(programs: Programs, number: signal.Signals) -> None:
    for _ in range(10):
        relay = programs.start("moqt-relay", "--host", "127.0.0.1", "--port", 0)
        relay.process.send_signal(number)
        # Before it has set itself up for signals, the system ends it; after that it leaves in order.
        assert relay.exit_code() in (0, -number), relay.text


def test_it_outlives_the_reader_of_its_log(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with subprocess.Popen(
        [program("moqt-relay"), "--host", "127.0.0.1", "--port", "0"], stdout=subprocess.PIPE, stderr=writing, text=True
    ) as process:
        try:
            os.close(writing)
            assert process.stdout is not None
            assert process.stdout.readline().startswith("listening on port ")
            os.close(reading)
            # It says that it drains, into a pipe without a reader, and leaves in order all the same.
            process.terminate()
            assert process.wait(DEADLINE) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("mebibytes", [16, 20, 24, 28, 32, 40, 64])
def test_too_little_memory_ends_with_a_message(mebibytes: int) -> None:
    ended = limited(resource.RLIMIT_AS, mebibytes << 20)
    if ended.stdout.startswith("listening"):
        assert ended.returncode == 0, ended.stderr
    else:
        assert ended.returncode in (1, 127), ended  # 127: the dynamic linker had not enough either, and says so
        assert ended.stderr.strip(), ended


@pytest.mark.parametrize("files", [8, 12, 14, 16, 18, 20])
def test_too_few_file_descriptors_end_with_a_message(files: int) -> None:
    ended = limited(resource.RLIMIT_NOFILE, files)
    if ended.stdout.startswith("listening"):
        assert ended.returncode == 0, ended.stderr
    else:
        assert ended.returncode == 1, ended
        assert "without a name" not in ended.stderr
        assert "error" in ended.stderr


def test_clients_when_memory_has_run_out(programs: Programs, tmp_path: Path) -> None:
    """They are refused, or the relay ends with a message; it is never killed by its own exception."""
    relay = programs.relay()
    resource.prlimit(relay.program.process.pid, resource.RLIMIT_AS, (relay.program.resident_kib() << 10,) * 2)
    clients = [
        relay.subscriber("--no-wait", "--connect-timeout", 3, "--output", tmp_path / f"{number}", "--format", "framed")
        for number in range(8)
    ]
    for client in clients:
        assert client.exit_code() == 1, client.text
    code = relay.program.process.poll()
    if code is not None:
        assert code == 1, relay.program.text
        relay.program.line("out of memory|no memory")


def test_it_says_who_was_one_too_many(programs: Programs, tmp_path: Path) -> None:
    relay = programs.relay("--max-sessions", 1)
    stream = relay.subscriber("--output", tmp_path / "one", "--format", "framed")
    stream.line("waiting for")
    second = relay.subscriber("--no-wait", "--output", tmp_path / "two", "--format", "framed")
    assert second.exit_code() == 1
    relay.program.line(r"refused a client at 127\.0\.0\.1:\d+.*: there are 1 sessions, as many as are admitted")


def test_it_says_who_did_not_trust_it(programs: Programs, tmp_path: Path) -> None:
    relay = programs.relay()
    stranger = programs.start(
        "moqt-sub",
        "--host",
        "127.0.0.1",
        "--port",
        relay.port,
        "--no-wait",
        "--output",
        tmp_path / "x",
        "--format",
        "framed",
    )
    assert stranger.exit_code() == 1
    relay.program.line(r"refused a client at 127\.0\.0\.1:\d+: .*(certificate|TLS)")


async def test_it_says_that_clients_speak_something_else(programs: Programs) -> None:
    import msquic.asyncio

    relay = programs.relay()
    with pytest.raises(msquic.QuicError):
        await msquic.asyncio.connect("127.0.0.1", relay.port, alpn="h3", verify=False)
    relay.program.line(r"refused 1 client that speak no protocol of this relay")


def test_a_port_in_use_is_named_with_what_can_be_done(programs: Programs) -> None:
    first = programs.relay()
    second = programs.start("moqt-relay", "--host", "127.0.0.1", "--port", first.port)
    assert second.exit_code() == 1
    second.line(f"UDP port {first.port} is in use")


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_an_address_of_another_machine_is_refused(programs: Programs, address: str) -> None:
    relay = programs.start("moqt-relay", "--host", address, "--port", 0)
    assert relay.exit_code() == 1
    relay.line(f"cannot listen on '{address}': no interface of this machine has that address")


def test_a_link_local_address_needs_its_interface(programs: Programs) -> None:
    relay = programs.start("moqt-relay", "--host", "fe80::1", "--port", 0)
    assert relay.exit_code() == 1
    relay.line("cannot listen on 'fe80::1': .*name the interface, as in 'fe80::1%eth0'")
    client = programs.start("moqt-sub", "--host", "fe80::1", "--port", 4433, "--insecure", "--output", "/dev/null")
    assert client.exit_code() == 1
    client.line("check --host .*cannot connect to 'fe80::1': .*name the interface")


def test_clients_of_a_relay_that_was_restarted_are_told_at_once(programs: Programs, tmp_path: Path) -> None:
    relay = OwnCertificate(programs, tmp_path)
    first, port = relay.start()
    client = programs.start(
        *("moqt-sub", "--host", "127.0.0.1", "--port", port, "--fingerprint", relay.fingerprint),
        *("--output", tmp_path / "out", "--format", "framed", "--log-level", "debug"),
    )
    client.line("waiting for")
    first.kill()
    relay.start(port)
    assert client.exit_code() != 0, client.text
    assert "idle" not in client.text, client.text


@pytest.mark.timeout(150)
def test_memory_of_clients_that_have_gone_is_given_back(programs: Programs, tmp_path: Path) -> None:
    relay = programs.relay("--max-queued-bytes", 200 << 20, "--cache-duration", 1)
    stream = HealthyStream(relay, tmp_path / "healthy")
    before = relay.program.resident_kib()
    publisher = relay.publisher("--format", "framed", "--no-pace", "-", standard_input=subprocess.PIPE)
    stopped = [relay.subscriber("--output", tmp_path / f"{number}", "--format", "framed") for number in range(2)]
    publisher.line(r"2 subscriber\(s\)|1 subscriber\(s\)")
    for each in stopped:
        each.line("subscribed|receiving|waiting")
    pipe = publisher.process.stdin
    assert pipe is not None
    for each in stopped:
        each.process.send_signal(signal.SIGSTOP)
    for _ in range(60):
        pipe.write(frame(b"") + frame(b"x" * (1 << 20)))
        pipe.flush()
    grown = before + 20 * 1024
    wait_until(lambda: relay.program.resident_kib() > grown, "what waits for the stopped subscribers")
    for each in stopped:
        each.kill()
    pipe.close()
    wait_until(lambda: relay.program.resident_kib() < before + 16 * 1024, "the memory is given back", 60)
    assert stream.finish() > 0
    relay.stop()


@pytest.mark.parametrize(("count", "size"), [(10, 3_500_000), (20, 1_000_000)])
def test_an_unpaced_publisher_loses_nothing_to_its_subscriber(
    programs: Programs, tmp_path: Path, count: int, size: int
) -> None:
    relay = programs.relay()
    output = tmp_path / "out.framed"
    subscriber = relay.subscriber("--output", output, "--format", "framed")
    subscriber.line("waiting for")
    source = tmp_path / "in.framed"
    source.write_bytes(b"".join(frame(b"") + frame(bytes([number]) * size) for number in range(count)))
    publisher = relay.publisher("--format", "framed", "--no-pace", source)
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text
    assert output.read_bytes() == source.read_bytes()
    relay.stop()


@pytest.mark.parametrize("option", ["--url", "--host"])
def test_a_url_says_where_the_relay_is(programs: Programs, tmp_path: Path, option: str) -> None:
    relay = programs.relay()
    output = tmp_path / "out.framed"
    url = f"moqt://127.0.0.1:{relay.port}/some/path?key=value"
    trust = ("--fingerprint", relay.fingerprint, "--format", "framed")
    subscriber = programs.start("moqt-sub", option, url, *trust, "--output", output)
    subscriber.line("waiting for")
    source = tmp_path / "in.framed"
    source.write_bytes(frame(b"") + frame(b"hello"))
    publisher = programs.start("moqt-pub", option, url, *trust, source)
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text
    assert output.read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://example.net/", "another scheme than moqt"),
        ("moqt://", "names no host"),
        ("moqt://host:0/", "port that is not 1 to 65535"),
        ("moqt://host:65536/", "port that is not 1 to 65535"),
        ("moqt://user@host/", "user's name"),
        ("moqt://host/a b", "percent-encoded"),
        ("moqt://host/#here", "fragment"),
    ],
)
def test_what_is_no_url_is_refused(programs: Programs, url: str, why: str) -> None:
    subscriber = programs.start("moqt-sub", "--url", url, "--output", "-")
    assert subscriber.exit_code() == 2
    subscriber.line(why)


def test_a_url_does_not_go_with_what_it_says(programs: Programs) -> None:
    subscriber = programs.start("moqt-sub", "--url", "moqt://localhost/", "--port", 4433, "--output", "-")
    assert subscriber.exit_code() == 2
    subscriber.line("--url.*--port|--port.*--url")


@pytest.mark.parametrize("number", ["-1", "99999999999999999999"])
@pytest.mark.parametrize(
    ("program", "option"),
    [
        *(
            ("moqt-relay", each)
            for each in (
                "--max-sessions",
                "--max-queued-bytes",
                "--cache-bytes",
                "--cache-bytes-per-track",
                "--max-memory",
            )
        ),
        *(("moqt-sub", each) for each in ("--join", "--objects")),
    ],
)
def test_a_number_that_is_none_is_refused(programs: Programs, program: str, option: str, number: str) -> None:
    running = programs.start(program, option, number)
    assert running.exit_code() == 2
    running.line(f"{option}: Value {number} not in range 0 to")
