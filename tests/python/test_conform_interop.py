"""The contract of the public interop runner, and the entry points of its containers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conform_faults import Fault, answers, drops, loses
from conform_relay import scripted_relay
from moqt.conform.cli import main
from moqt.conform.interop.command import DEFAULT_RELAY
from moqt.conform.interop.scenarios import BY_NAME, SCENARIOS, Scenario
from moqt.conform.outcomes import NotOk
from moqt.conform.targets import Url, server_target
from moqt.conform.wire.draft import DRAFTS
from moqt.conform.world import World
from msquic.exceptions import QuicError
from relay_programs import Programs, program

CONTAINERS = Path(__file__).parents[2] / "containers"
NAMES = [
    "setup-only", "announce-only", "publish-namespace-done", "subscribe-error", "announce-subscribe",
    "subscribe-before-announce", "publish-track-only", "publish-track-subscribe",
]  # fmt: skip
OTHER_NAMES = ["publish-namespace-only", "publish-namespace-subscribe", "subscribe-before-publish-namespace"]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The entry point of the client's container."""
    return subprocess.run(
        ["sh", str(CONTAINERS / "client" / "entrypoint.sh"), *arguments],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


@pytest.fixture
def conform(tmp_path: Path) -> str:
    """A program that is ``moqt-conform``, whether or not it is installed."""
    path = tmp_path / "moqt-conform"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m moqt.conform "$@"\n')
    path.chmod(0o755)
    return str(path)


def test_containers(programs: Programs, conform: str, certificate: Any, tmp_path: Path) -> None:
    """Relay and client as the runner starts them, but for the container."""
    relay = subprocess.Popen(
        ["sh", str(CONTAINERS / "relay" / "entrypoint.sh"), "--host", "127.0.0.1"],
        env={**os.environ, "MOQT_RELAY": program("moqt-relay"), "MOQT_PORT": "0", "MOQT_DRAFT": "draft-18",
             "MOQT_CERT": certificate.certificate_file, "MOQT_KEY": certificate.private_key_file},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert relay.stdout is not None
        port = re.search(r"port (\d+)", relay.stdout.readline())
        assert port is not None
        whole = run(MOQT_CONFORM=conform, RELAY_URL=f"moqt://127.0.0.1:{port[1]}", TLS_DISABLE_VERIFY="1")
        one = run(
            "--test", "publish-namespace-subscribe", "-r", f"moqt://127.0.0.1:{port[1]}", "--tls-disable-verify",
            MOQT_CONFORM=conform, TESTCASE="setup-only", RELAY_URL="moqt://nowhere.invalid",
        )  # fmt: skip
    finally:
        relay.terminate()
        relay.wait(30)
        if relay.stdout is not None:
            relay.stdout.close()
    lines = whole.stdout.splitlines()
    assert whole.returncode == 0, whole.stdout
    assert lines[0] == "TAP version 14"
    assert "# Draft: draft-18" in lines
    assert "1..8" in lines
    assert [line for line in lines if line.startswith("ok")] == [f"ok {n} - {name}" for n, name in enumerate(NAMES, 1)]
    assert len(re.findall(r"^  duration_ms: \d+$", whole.stdout, re.MULTILINE)) == 8
    assert len(re.findall(r"^  publisher_connection_id: [0-9a-f]+$", whole.stdout, re.MULTILINE)) == 3
    assert one.returncode == 0
    assert "ok 1 - publish-namespace-subscribe" in one.stdout


def test_relay_of_another_role() -> None:
    result = subprocess.run(
        ["sh", str(CONTAINERS / "relay" / "entrypoint.sh")],
        env={**os.environ, "MOQT_ROLE": "publisher"}, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert result.returncode == 127
    assert "publisher" in result.stderr


def test_relay_without_certificates() -> None:
    result = subprocess.run(
        ["sh", str(CONTAINERS / "relay" / "entrypoint.sh")],
        env={**os.environ, "MOQT_CERT": "/nonexistent/cert.pem"},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert "/nonexistent/cert.pem" in result.stderr


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["interop", "--list"]) == 0
    assert capsys.readouterr().out.split() == NAMES


@pytest.mark.parametrize("arguments", [["-t", "no-such-test"], ["-t", "setup-only", "-r", "moqt://"]])
def test_what_cannot_run(arguments: list[str]) -> None:
    assert main(["interop", *arguments]) == (127 if "-r" not in arguments else 2)


def test_environment(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MOQT_DRAFT", "draft-99")
    assert main(["interop"]) == 127
    monkeypatch.delenv("MOQT_DRAFT")
    monkeypatch.setenv("TESTCASE", "no-such-test")
    assert main(["interop"]) == 127
    assert "no-such-test" in capsys.readouterr().err
    assert DEFAULT_RELAY == "moqt://localhost:4443"


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["interop", "-r", "moqt://127.0.0.1:9", "-t", "announce-only"]) == 1
    assert "Bail out! 127.0.0.1:9: " in capsys.readouterr().out


def test_both_sets_of_names() -> None:
    assert set(BY_NAME) == {*NAMES, *OTHER_NAMES}


_FAULTS: dict[str, Fault] = {
    "setup-only": drops("SETUP"),
    "announce-only": answers("REQUEST_OK", "REQUEST_ERROR", code=0x1),
    "publish-namespace-done": Fault(switches=frozenset({"dies-of-cancel"})),
    "subscribe-error": drops("REQUEST_ERROR"),
    "announce-subscribe": drops("SUBSCRIBE_OK"),
    "subscribe-before-announce": drops("REQUEST_ERROR", "SUBSCRIBE_OK"),
    "publish-track-only": drops("REQUEST_OK"),
    "publish-track-subscribe": loses(),
}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
async def test_each_case_can_fail(certificate: Any, scenario: Scenario) -> None:
    async with scripted_relay(certificate, _FAULTS[scenario.name]) as relay:
        url = Url.parse(f"moqt://127.0.0.1:{relay.port}")
        world = World(server_target(url, insecure=True, ca=None, timeout=0.6, prefix=(b"moq-test",)), DRAFTS[18])
        with pytest.raises((NotOk, QuicError)):
            await scenario.run(world)
        await world.close()
