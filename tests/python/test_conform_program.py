"""The program moqt-conform: its command line, its outputs, its exit codes, and clients that come to it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from moqt.conform import catalogue
from moqt.conform.arguments import make_parser
from moqt.conform.cli import main
from relay_programs import Programs, Relay, program


@pytest.fixture
def relay(programs: Programs) -> Relay:
    return programs.relay("--log-level", "error")


def url(relay: Relay) -> str:
    return f"moqt://127.0.0.1:{relay.port}/"


def test_tap(relay: Relay, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(
        ["client", url(relay), "--fingerprint", relay.fingerprint, "--only", "setup/unknown-*", "--draft", "15"]
    )
    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert lines[0] == "TAP version 14"
    assert lines[1] == f"# moqt-conform: relay at {url(relay)}"
    assert lines[2:] == [
        "1..3",
        "ok 1 - draft-15 setup/unknown-even-parameter",
        "ok 2 - draft-15 setup/unknown-odd-parameter",
        "ok 3 - draft-15 setup/unknown-alpn",
        "# 3 ok, 0 not ok, 0 todo, 0 skipped",
    ]


def test_failures(relay: Relay, capsys: pytest.CaptureFixture[str]) -> None:
    """A publisher is asked for a track that this one does not have."""
    code = main([
        "client", url(relay), "--insecure", "--namespace", "no/where", "--track", "nothing",
        "--only", "subscribe/established", "--draft", "15",
    ])  # fmt: skip
    out = capsys.readouterr().out
    assert code == 1
    assert "not ok 1 - draft-15 subscribe/established\n  ---\n" in out
    assert '  section: "9.10"\n' in out
    assert "DOES_NOT_EXIST" in out


def test_json(relay: Relay, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["client", url(relay), "--insecure", "--only", "goaway/twice", "--json", "--draft", "15", "--draft", "18"])
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert found["counts"] == {"ok": 2, "not ok": 0, "todo": 0, "skip": 0}
    assert [each["draft"] for each in found["results"]] == [15, 18]
    first = found["results"][0]
    assert (first["name"], first["section"], first["level"], first["outcome"]) == ("goaway/twice", "9.4", "MUST", "ok")


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["client", "--list", "--draft", "22", "--only", "subscribe/several-to-a-track"]) == 0
    assert re.fullmatch(r"draft-22 subscribe/several-to-a-track \[MUST, section 3.1\] .*\n", capsys.readouterr().out)


@pytest.mark.parametrize("arguments", [
    ["client"],
    ["client", "https:"],
    ["client", "moqt://127.0.0.1:1/", "--track", "x"],
    ["client", "moqt://127.0.0.1:1/", "--timeout", "0"],
    ["client", "moqt://127.0.0.1:1/", "--only", "no-such-case"],
    ["server", "--draft", "14"],
    ["somebody"],
])  # fmt: skip
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["client", "moqt://127.0.0.1:9/", "--timeout", "2"]) == 1
    found = capsys.readouterr()
    assert found.out.startswith("Bail out! 127.0.0.1:9: ")
    assert "is the server running" in found.err


def test_another_draft(programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
    relay = programs.relay("--draft", "15")
    assert main(["client", url(relay), "--insecure", "--draft", "18"]) == 1
    assert "does not speak draft-18" in capsys.readouterr().out


def test_certificate(relay: Relay, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["client", url(relay)]) == 1
    assert "--insecure" in capsys.readouterr().out


def test_clients(capsys: pytest.CaptureFixture[str]) -> None:
    """Our subscriber is judged as a client, started anew for each case."""
    command = (
        f"{program('moqt-sub')} --host 127.0.0.1 --port {{port}} --fingerprint {{fingerprint}} --draft {{draft}} "
        "--namespace live --format framed --output /dev/null"
    )
    only = ("setup/client-*", "setup/server-*", "data/status-5", "data/unknown-property", "goaway/twice")
    arguments = [word for name in only for word in ("--only", name)]
    code = main([
        "server", "--host", "127.0.0.1", "--port", "0", "--draft", "15", "--draft", "18", "--run", command, *arguments
    ])  # fmt: skip
    found = capsys.readouterr()
    assert code == 0, found.out
    assert found.out.splitlines()[-1] == "# 14 ok, 0 not ok, 0 todo, 0 skipped"
    assert re.search(r"listening on port \d+\n", found.err)


def test_no_client_comes(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["server", "--host", "127.0.0.1", "--port", "0", "--draft", "18", "--only", "setup/exchange"]
    assert main([*arguments, "--wait", "0.1"]) == 1
    assert "no client that speaks moqt-18 came within 0.1 seconds" in capsys.readouterr().out


def test_the_page_names_every_option() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "moqt-conform.md").read_text(encoding="utf-8")
    text = "".join(
        each.format_help()
        for each in make_parser()._subparsers._group_actions[0].choices.values()  # type: ignore[union-attr]
    )
    assert sorted(set(re.findall(r"--[a-z][a-z-]+", text)) - set(re.findall(r"--[a-z-]+", page)) - {"--help"}) == []
    assert f"{len(catalogue())} cases" in page
    assert all(f"`{area}`" in page for area in {case.area for case in catalogue()})
