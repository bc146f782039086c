"""Test clients of the public interop runner, against moqt-relay: they speak TAP."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

from cell import Cell, Failed, Place

DEADLINE = 300


def _cases(place: Place, command: Sequence[str]) -> str:
    """All of the client's cases; the exit code must agree with what it prints."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    (place.folder / "tap").write_text(done.stdout + done.stderr)
    points = re.findall(r"^(ok|not ok) \d+ - (\S+)(.*)$", done.stdout, re.MULTILINE)
    plan = re.search(r"^1\.\.(\d+)$", done.stdout, re.MULTILINE)
    if plan is None or int(plan[1]) != len(points):
        raise Failed(f"no whole report; exit code {done.returncode}: {done.stderr.strip()[-300:]}")
    skipped = [name for verdict, name, rest in points if verdict == "ok" and "# SKIP" in rest]
    bad = [f"{name}{_message(done.stdout, name)}" for verdict, name, _ in points if verdict == "not ok"]
    if bad or done.returncode != 0:
        raise Failed(f"{len(points) - len(bad)} of {len(points)} pass; not: {'; '.join(bad)}")
    return f"{len(points) - len(skipped)} of {len(points)} pass" + (
        f", {', '.join(skipped)} skipped" if skipped else ""
    )


def _message(report: str, name: str) -> str:
    found = re.search(rf'not ok \d+ - {re.escape(name)}.*?^\s*message: "?(.*?)"?$', report, re.MULTILINE | re.DOTALL)
    return f" ({found[1]})" if found else ""


def _moq_test_client(place: Place, of_moq_test: bool) -> str:
    """Its cases one by one: those of moq-test, or all others."""
    program = str(place.peers.crate("moq-test-client"))
    relay = place.programs.relay("--draft", place.draft)
    command = [program, "--relay", f"moqt://127.0.0.1:{relay.port}/", "--tls-disable-verify", "-v"]
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    names = [name for name in listed if name.startswith("moq-test-") == of_moq_test]
    failures = []
    for name in names:
        try:
            _cases(place, [*command, "--test", name])
        except Failed as failure:
            failures.append(str(failure).partition("not: ")[2] or str(failure))
    if failures:
        raise Failed(f"{len(names) - len(failures)} of {len(names)} pass; not: {'; '.join(failures)}")
    return f"{len(names)} of {len(names)} pass"


def moq_test_client(place: Place) -> str:
    return _moq_test_client(place, of_moq_test=False)


def moq_test_tuples(place: Place) -> str:
    return _moq_test_client(place, of_moq_test=True)


def _aiomoqt(place: Place, *arguments: str) -> str:
    program = place.peers.aiomoqt("moq-interop-client")
    relay = place.programs.relay("--draft", place.draft)
    command = [str(program), "-r", f"moqt://127.0.0.1:{relay.port}/", "--tls-disable-verify"]
    return _cases(place, [*command, "--draft", str(place.draft), *arguments])


def aiomoqt_client(place: Place) -> str:
    return _aiomoqt(place)


def aiomoqt_fetch(place: Place) -> str:
    """Two cases that are not among those it runs by itself."""
    return "; ".join(f"{name}: {_aiomoqt(place, '-t', name)}" for name in ("fetch", "join"))


CELLS = [
    Cell("moq-test-client", 18, "its cases of the runner against moqt-relay", moq_test_client),
    Cell("moq-test-client", 18, "its cases of moq-test against moqt-relay", moq_test_tuples),
    *(Cell("aiomoqt", draft, "its cases against moqt-relay", aiomoqt_client) for draft in (16, 18, 22)),
    *(Cell("aiomoqt", draft, "its fetch and join against moqt-relay", aiomoqt_fetch) for draft in (16, 18, 22)),
]
