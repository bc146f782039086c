"""Runs every benchmark and prints one report: codec, engine, objects, fan-out, weak links, QUIC, idle connections.

    python bench/run.py --build build/release [--quick] [--only codec,relay,…] [--output results.json]

Called by "make bench", which builds what it needs. Takes about fifteen minutes; --quick five, for a look. The results
also go to build/bench/results.json.
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

import msquic
from codec_report import measure_codec, print_codec
from contestants import LIBRARIES, field_of
from engine_report import measure_engine, print_engine
from idle_report import measure_idle, print_idle
from machine import describe_machine, print_machine
from objects_report import measure_objects, print_objects
from quic_report import measure_quic, print_quic
from relay_report import FanoutPrograms, measure_relay, print_relay
from weak_link_report import measure_weak_links, print_weak_links

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("codec", "engine", "objects", "relay", "weak", "quic", "idle")


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
    parser.add_argument("--contestants", default=",".join(LIBRARIES), help="whom the QUIC jobs compare, with commas")
    parser.add_argument("--rounds", type=int, help="rounds of the QUIC jobs")
    parser.add_argument("--scale", type=float, help="how much of the usual amount the QUIC jobs do in a round")
    parser.add_argument("--connections", type=int, help="idle connections")
    parser.add_argument("--idle-seconds", type=float, help="how long they are watched")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"--only knows {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")

    contestants = options.contestants.split(",")
    if unknown := set(contestants) - set(LIBRARIES):
        parser.error(f"--contestants knows {', '.join(LIBRARIES)}, not {', '.join(sorted(unknown))}")

    started = time.monotonic()
    results: dict[str, object] = {"machine": describe_machine(options.build)}
    print_machine(results["machine"])
    if "codec" in wanted:
        codec = measure_codec(
            program(options.build, "bench/codec/codec_bench"), ROOT / "bench/python_codec.py", options.quick
        )
        results["codec"] = codec
        print_codec(codec)
    if "engine" in wanted:
        engine = measure_engine(program(options.build, "bench/relay_engine/relay_engine"), options.quick)
        results["engine"] = engine
        print_engine(engine)
    if "objects" in wanted:
        objects = measure_objects(program(options.build, "apps/moqt-relay/moqt-relay"), options.quick)
        results["objects"] = objects
        print_objects(objects)
    if "relay" in wanted:
        programs = FanoutPrograms(
            fanout=program(options.build, "bench/relay_fanout/relay_fanout"),
            relay=program(options.build, "apps/moqt-relay/moqt-relay"),
            bare=program(options.build, "bench/bare_fanout/bare_fanout"),
        )
        relay = measure_relay(programs, options.quick)
        results["relay"] = relay
        print_relay(relay)
    if "weak" in wanted:
        weak = measure_weak_links(options.quick)
        results["weak"] = weak
        print_weak_links(weak)
    if "quic" in wanted or "idle" in wanted:
        field = field_of(
            program(options.build, "bench/quic_native/quic_native"), ROOT / "build/bench/aiopquic", contestants
        )
        with tempfile.TemporaryDirectory() as folder:
            cert, key, _ = map(str, msquic.generate_development_certificate(folder))
            if "quic" in wanted:
                rounds = options.rounds or (3 if options.quick else 5)
                quic = measure_quic(field, cert, key, rounds, options.scale or (0.3 if options.quick else 1.0))
                results["quic"] = quic
                print_quic(quic)
            if "idle" in wanted:
                connections = options.connections or (100 if options.quick else 1000)
                seconds = options.idle_seconds or (1.0 if options.quick else 3.0)
                idle = measure_idle(field, cert, key, connections, seconds)
                results["idle"] = idle
                print_idle(idle)

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
