"""Programs that are written with google-benchmark."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path


def medians(program: Path, measure: str, quick: bool, seconds: float, *, only: str = ".") -> dict[str, float]:
    """By name, the median of `measure` over several runs of each of its benchmarks; of CPU time, as all it counts."""
    command = [
        str(program),
        "--benchmark_format=json",
        f"--benchmark_filter={only}",
        f"--benchmark_min_time={0.1 if quick else seconds}",
        f"--benchmark_repetitions={1 if quick else 5}",
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    runs: dict[str, list[float]] = {}
    for run in json.loads(shown)["benchmarks"]:
        if run.get("run_type") != "aggregate":
            runs.setdefault(run["name"], []).append(run[measure])
    return {name: sorted(values)[len(values) // 2] for name, values in runs.items()}
