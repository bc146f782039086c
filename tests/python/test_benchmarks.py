"""The benchmarks of QUIC run through, with little to do: the driver, plain MsQuic, the libraries of the test group."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# Fourteen seconds on two idle cores, and on busy ones several times as long.
pytestmark = pytest.mark.timeout(180)

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / "build/dev"
JOBS = {"bulk-send", "bulk-receive", "requests", "datagrams", "handshakes"}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if not (TREE / "bench/quic_native/quic_native").exists():
        pytest.skip('no quic_native in build/dev: run "make test"')
    output = tmp_path_factory.mktemp("bench") / "results.json"
    command = [sys.executable, str(ROOT / "bench/run.py"), "--build", str(TREE), "--output", str(output)]
    command += ["--only", "quic,idle", "--contestants", "msquic.asyncio,msquic callbacks,aioquic"]
    command += ["--rounds", "1", "--scale", "0.02", "--connections", "5", "--idle-seconds", "0.2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "crashed" not in done.stderr, done.stderr
    read: dict[str, Any] = json.loads(output.read_text())
    return read


def test_every_job_runs_through_in_every_pair(results: dict[str, Any]) -> None:
    jobs = results["quic"]["jobs"]
    assert set(jobs) == JOBS
    rows = [(job, row) for job in jobs for row in jobs[job]]
    assert [(job, row["name"], row["failure"]) for job, row in rows if "failure" in row] == []
    for job, row in rows:
        assert row["rate"]["lowest"] > 0, (job, row)
        assert row["of_native"]["median"] > 0, (job, row)
        assert row["client_cpu"]["median"] > 0, (job, row)
        assert row["server_cpu"]["median"] >= 0, (job, row)
        assert row["lost"] == 0, (job, row)


def test_idle_connections_have_a_row_for_each_library(results: dict[str, Any]) -> None:
    rows = {row["name"]: row for row in results["idle"]["rows"]}
    present = {"plain MsQuic", "msquic.asyncio", "aioquic"} - set(results["quic"]["absent"])
    assert set(rows) == present
    for row in rows.values():
        assert "failure" not in row, row
        for side in ("client", "server"):
            assert set(row[side]) == {"bytes_per_connection", "wake_ups_per_second"}
