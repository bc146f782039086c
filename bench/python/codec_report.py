"""Objects per second of the codec, in C++ and in Python."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from google_benchmark import medians

CPP_NAMES = {
    "decode_subgroup_stream": "decode, subgroup stream",
    "encode_subgroup_whole": "encode, subgroup object",
    "encode_subgroup_header_only": "encode, header only",
    "decode_datagram": "decode, datagram",
    "encode_datagram": "encode, datagram",
}


def measure_cpp(codec_bench: Path, quick: bool) -> list[dict[str, Any]]:
    rows = []
    for each, rate in medians(codec_bench, "items_per_second", quick, 0.3).items():
        name, size, draft = each.split("/")
        rows.append(
            {
                "operation": CPP_NAMES.get(name, name),
                "payload": int(size),
                "draft": int(draft),
                "objects_per_second": rate,
            }
        )
    return rows


def measure_codec(codec_bench: Path, python_codec: Path, quick: bool) -> dict[str, Any]:
    command = [sys.executable, str(python_codec), "--json", "--objects", "20000" if quick else "100000"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {"cpp": measure_cpp(codec_bench, quick), "python": json.loads(shown)}


def print_codec(codec: dict[str, Any]) -> None:
    print("\nCodec, objects with LOC extensions (capture timestamp, frame marking), per second of CPU time")
    drafts = sorted({row["draft"] for row in codec["cpp"]})
    print(f"  {'C++':<26} {'payload':>8}" + "".join(f" {f'draft-{draft}':>14}" for draft in drafts))
    rates = {(row["operation"], row["payload"], row["draft"]): row["objects_per_second"] for row in codec["cpp"]}
    for operation, payload in dict.fromkeys((row["operation"], row["payload"]) for row in codec["cpp"]):
        of_drafts = "".join(f" {rates[operation, payload, draft]:>14,.0f}" for draft in drafts)
        print(f"  {operation:<26} {payload:>6} B{of_drafts}")
    print(f"  {'Python, draft-15':<26} {'payload':>8} {'objects/s':>14} {'plain Python':>14} {'ratio':>7}")
    for row in codec["python"]:
        ratio = row["moqt"] / row["plain_python"]
        print(
            f"  {row['operation']:<26} {row['payload']:>6} B {row['moqt']:>14,.0f} {row['plain_python']:>14,.0f}"
            f" {ratio:>6.1f}x"
        )
