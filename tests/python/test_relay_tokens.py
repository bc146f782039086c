"""moqt-relay --require-token with moqt-pub and moqt-sub --token."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from relay_programs import Programs, frame, payloads, program

TOKENS = """\
# who may do what
viewer        subscribe,fetch  live
7:studio-key  publish          live
"""


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.write_text(TOKENS)
    return path


def test_tokens_let_publish_and_watch(programs: Programs, tokens: Path, tmp_path: Path) -> None:
    relay = programs.relay("--require-token", tokens)
    track = ("--namespace", "live/demo", "--name", "x", "--format", "framed")
    key = tmp_path / "key"
    key.write_text("7:studio-key\n")
    output = tmp_path / "output"
    subscriber = relay.subscriber(*track, "--token", "viewer", "--output", output)
    subscriber.line("waiting for live/demo")
    publisher = relay.publisher(*track, "--token", f"@{key}", standard_input=subprocess.PIPE)
    publisher.line(r"1 subscriber\(s\)")
    assert publisher.process.stdin is not None
    publisher.process.stdin.write(frame(b"") + frame(b"seen"))
    publisher.process.stdin.close()
    assert publisher.exit_code() == 0, publisher.text
    assert subscriber.exit_code() == 0, subscriber.text
    assert payloads(output.read_bytes()) == [b"seen"]


@pytest.mark.parametrize("token", [(), ("--token", "viewer")])
def test_without_the_right_token_a_publisher_is_refused(
    programs: Programs, tokens: Path, token: tuple[str, ...]
) -> None:
    relay = programs.relay("--require-token", tokens)
    publisher = relay.publisher(
        "--namespace", "live/demo", "--format", "framed", *token, standard_input=subprocess.PIPE
    )
    assert publisher.exit_code() == 1
    publisher.line("UNAUTHORIZED")


def test_a_token_that_nobody_knows_ends_the_session(programs: Programs, tokens: Path) -> None:
    relay = programs.relay("--require-token", tokens)
    subscriber = relay.subscriber("--name", "x", "--format", "framed", "--token", "guess")
    assert subscriber.exit_code() == 1
    subscriber.line("UNAUTHORIZED.*no known token|no known token.*UNAUTHORIZED")
    assert "guess" not in subscriber.text


def test_a_list_that_is_wrong_is_no_relay(programs: Programs, tokens: Path) -> None:
    tokens.write_text("viewer watch\n")
    relay = programs.start("moqt-relay", "--port", 0, "--require-token", tokens)
    assert relay.exit_code() == 1
    relay.line("line 1: what a token allows is publish, subscribe, fetch or \\*")
    absent = programs.start("moqt-relay", "--port", 0, "--require-token", tokens.parent / "absent")
    assert absent.exit_code() == 1
    absent.line("cannot read")


def test_an_empty_token_is_a_wrong_argument(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")
    for token in ("7:", f"@{empty}", f"@{tmp_path / 'absent'}"):
        run = subprocess.run([program("moqt-sub"), "--token", token], capture_output=True, text=True, timeout=40)
        assert run.returncode == 2, run
