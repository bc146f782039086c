"""Runs every benchmark and prints one report: codec, relay fan-out, single-stream throughput.

    python bench/run.py --build build/release [--quick] [--only codec,relay,quic] [--output results.json]

Called by "make bench", which builds what it needs. Takes about four minutes; --quick one, for a look. The results also
go to build/bench/results.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "python"))

from codec_report import measure_codec, print_codec
from machine import describe_machine, print_machine
from relay_report import measure_relay, print_relay
from throughput_report import measure_throughput, print_throughput

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("codec", "relay", "quic")


def program(build: Path, path: str) -> Path:
    found = build / path
    if not found.exists():
        raise SystemExit(f'{found} is missing: run "make bench", or build the preset "release" into {build}')
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--build", type=Path, default=ROOT / "build/release", help="a build with the preset release")
    parser.add_argument("--output", type=Path, default=ROOT / "build/bench/results.json")
    parser.add_argument("--only", default=",".join(PARTS), help="parts to run, separated by commas")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds; the numbers are rough")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"--only knows {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")

    started = time.monotonic()
    results: dict[str, object] = {"machine": describe_machine(options.build)}
    print_machine(results["machine"])
    if "codec" in wanted:
        codec = measure_codec(
            program(options.build, "bench/codec/codec_bench"), ROOT / "bench/python_codec.py", options.quick
        )
        results["codec"] = codec
        print_codec(codec)
    if "relay" in wanted:
        relay = measure_relay(
            program(options.build, "bench/relay_fanout/relay_fanout"),
            program(options.build, "apps/moqt-relay/moqt-relay"),
            options.quick,
        )
        results["relay"] = relay
        print_relay(relay)
    if "quic" in wanted:
        with tempfile.TemporaryDirectory() as folder:
            throughput = measure_throughput(
                program(options.build, "bench/quic_throughput/quic_throughput"), Path(folder), options.quick
            )
        results["quic"] = throughput
        print_throughput(throughput)

    results["load_at_the_end"] = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\n{time.monotonic() - started:.0f} s in all; results in {options.output}")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as failure:
        print(failure.stderr or "", file=sys.stderr)
        raise SystemExit(f"{Path(str(failure.cmd[0])).name} failed with code {failure.returncode}") from None
