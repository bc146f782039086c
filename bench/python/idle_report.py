"""What connections cost that do nothing: memory of each, and how often the programs wake up.

One client process holds them, one server process has them; both are of the same library.
"""

from __future__ import annotations

import time
from typing import Any

from contestants import PARALLEL_HANDSHAKES, Field, Pair, Program
from endpoint import Endpoint, EndpointFailed

DEADLINE = 120.0
# After the handshakes there is still something to do: acknowledgements, probes of the path's MTU.
QUIET_SECONDS = 0.5
SETTLING_SECONDS = 10.0


def settle(endpoints: list[Endpoint]) -> None:
    """Until no event loop has been woken for a moment, or the patience is over: some never rest."""
    deadline = time.monotonic() + SETTLING_SECONDS
    while time.monotonic() < deadline:
        before = [endpoint.context_switches() for endpoint in endpoints]
        time.sleep(QUIET_SECONDS)
        after = [endpoint.context_switches() for endpoint in endpoints]
        if before == after:
            return


def wake_ups(before: dict[int, int], after: dict[int, int], loop: int, seconds: float) -> dict[str, float]:
    woken = {thread: switches - before.get(thread, 0) for thread, switches in after.items()}
    return {"event_loop": woken[loop] / seconds, "all_threads": sum(woken.values()) / seconds}


def measure_pair(pair: Pair, cert: str, key: str, connections: int, seconds: float) -> dict[str, Any]:
    with (
        Endpoint(pair.server.server_command(cert, key)) as server,
        Endpoint(pair.client.client_command(server.port())) as client,
    ):
        # What is loaded and pooled once is no connection's.
        client.ask(f"handshakes 20 {PARALLEL_HANDSHAKES}", DEADLINE)
        server.ask("usage", DEADLINE)
        sides = {"client": client, "server": server}
        memory = {side: endpoint.resident_bytes() for side, endpoint in sides.items()}
        client.ask(f"hold {connections} {PARALLEL_HANDSHAKES}", DEADLINE)
        settle([client, server])
        before = {side: endpoint.context_switches() for side, endpoint in sides.items()}
        started = time.monotonic()
        time.sleep(seconds)
        after = {side: endpoint.context_switches() for side, endpoint in sides.items()}
        taken = time.monotonic() - started
        return {
            side: {
                "bytes_per_connection": (endpoint.resident_bytes() - memory[side]) / connections,
                "wake_ups_per_second": wake_ups(before[side], after[side], endpoint.pid, taken),
            }
            for side, endpoint in sides.items()
        }


def both_sides(field: Field) -> list[Pair]:
    """A pair of its own kind for every program, the profiles of plain MsQuic aside."""
    programs: dict[str, Program] = {}
    for pair in field.pairs:
        for program in (pair.client, pair.server):
            if "MAX_THROUGHPUT" not in program.name and "callbacks" not in program.name:
                programs.setdefault(program.name, program)
    return [Pair(program, program, "both") for program in programs.values()]


def measure_idle(field: Field, cert: str, key: str, connections: int, seconds: float) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for pair in both_sides(field):
        try:
            rows.append({"name": pair.name, **measure_pair(pair, cert, key, connections, seconds)})
        except EndpointFailed as failure:
            rows.append({"name": pair.name, "failure": str(failure)})
    return {"connections": connections, "seconds": seconds, "rows": rows}


def print_idle(idle: dict[str, Any]) -> None:
    print(f"\n{idle['connections']} connections that do nothing, watched for {idle['seconds']:.0f} s")
    print(
        f"  {'':<20} {'KiB each, client':>17} {'server':>8}"
        f" {'event loop woken, client':>25} {'server':>8} {'all threads, client':>20} {'server':>8}   per second"
    )
    for row in idle["rows"]:
        if "failure" in row:
            print(f"  {row['name']:<20} -  {row['failure']}")
            continue
        client, server = row["client"], row["server"]
        print(
            f"  {row['name']:<20} {client['bytes_per_connection'] / 1024:>17.1f}"
            f" {server['bytes_per_connection'] / 1024:>8.1f}"
            f" {client['wake_ups_per_second']['event_loop']:>25.1f}"
            f" {server['wake_ups_per_second']['event_loop']:>8.1f}"
            f" {client['wake_ups_per_second']['all_threads']:>20.1f}"
            f" {server['wake_ups_per_second']['all_threads']:>8.1f}"
        )
