"""The QUIC jobs of bench_protocol: msquic.asyncio beside plain MsQuic and beside the other libraries for Python.

A client process and a server process on 127.0.0.1 for each pair. All pairs of a job run round after round, the order
rotating, so that what else happens on the machine meets all of them; medians are compared, and each ratio is taken
within its round.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bench_protocol import BULK_RECEIVE, BULK_SEND, DATAGRAMS, HANDSHAKES, REQUESTS
from contestants import PARALLEL_HANDSHAKES, PARALLEL_REQUESTS, Field, Pair
from endpoint import Endpoint, EndpointFailed, close_all

DEADLINE = 60.0


@dataclass(frozen=True)
class Table:
    title: str
    rate_unit: str
    rate_divisor: float
    cpu_unit: str
    cpu_factor: float


TABLES = {
    BULK_SEND: Table("Bulk on one stream, the client sends", "MB/s", 1e6, "s/GB", 1e9),
    BULK_RECEIVE: Table("Bulk on one stream, the server sends", "MB/s", 1e6, "s/GB", 1e9),
    REQUESTS: Table(f"Requests of 64 B, answers of 64 B, {PARALLEL_REQUESTS} in parallel", "1000/s", 1e3, "us", 1e6),
    DATAGRAMS: Table("Datagrams of 1100 B that the server receives, none lost", "1000/s", 1e3, "us", 1e6),
    HANDSHAKES: Table(f"Full handshakes and closing, {PARALLEL_HANDSHAKES} in parallel", "1/s", 1, "us", 1e6),
}  # fmt: skip


@dataclass
class Series:
    """What one pair did in a job; `rates` and the rest have a value for each round."""

    pair: Pair
    rates: list[float] = field(default_factory=list)
    client_cpu: list[float] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)
    lost: int = 0
    failure: str | None = None


class Running:
    """A pair whose two programs are up, once connect() was called."""

    def __init__(self, series: Series, cert: str, key: str) -> None:
        self.series = series
        self.server = Endpoint(series.pair.server.server_command(cert, key))
        self.client: Endpoint | None = None

    def connect(self) -> None:
        self.client = Endpoint(self.series.pair.client.client_command(self.server.port()))

    def run(self, job: str, scale: float, *, counts: bool = True) -> None:
        assert self.client is not None
        before = self.server.ask("usage", DEADLINE)["cpu"]
        outcome = self.client.ask(self.series.pair.command(job, scale), DEADLINE)
        after = self.server.ask("usage", DEADLINE)["cpu"]
        if outcome.get("missing") or not outcome["done"]:
            raise EndpointFailed(f"{self.client.name} cannot do {job}")
        if not counts:
            return
        done = outcome["done"]
        self.series.rates.append(done / outcome["seconds"])
        self.series.client_cpu.append(outcome["cpu"] / done)
        self.series.server_cpu.append((after - before) / done)
        self.series.lost += outcome["lost"]

    def endpoints(self) -> list[Endpoint]:
        return [self.server] if self.client is None else [self.client, self.server]


def trying(pair: Running, step: Callable[[], None]) -> None:
    """A pair that fails is out of the job, and its row says why."""
    if pair.series.failure is None:
        try:
            step()
        except EndpointFailed as failure:
            pair.series.failure = str(failure)


def measure_job(job: str, pairs: Sequence[Pair], cert: str, key: str, rounds: int, scale: float) -> list[Series]:
    running = [Running(Series(pair), cert, key) for pair in pairs if job in pair.sizes]
    try:
        for pair in running:
            trying(pair, pair.connect)
        for pair in running:
            # The first time is for loading and growing.
            trying(pair, partial(pair.run, job, scale / 10, counts=False))
        for number in range(rounds):
            first = number % len(running)
            for pair in running[first:] + running[:first]:  # nobody is always the first after a pause
                trying(pair, partial(pair.run, job, scale))
    finally:
        close_all([endpoint for pair in running for endpoint in pair.endpoints()])
    return [pair.series for pair in running]


def spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}


def measured_cpu(series: Series) -> list[float]:
    """CPU time of what is measured: the side that is not plain MsQuic, or both."""
    if series.pair.measured == "client":
        return series.client_cpu
    if series.pair.measured == "server":
        return series.server_cpu
    return [client + server for client, server in zip(series.client_cpu, series.server_cpu, strict=True)]


def same_side(reference: Series, side: str) -> list[float]:
    return {"client": reference.client_cpu, "server": reference.server_cpu}.get(side) or measured_cpu(reference)


def row(series: Series, reference: Series | None) -> dict[str, Any]:
    pair = series.pair
    described: dict[str, Any] = {
        "name": pair.name,
        "client": pair.client.name,
        "server": pair.server.name,
        "measured": pair.measured,
    }
    if series.failure is not None or reference is None or not series.rates:
        return described | {"failure": series.failure or "no reference to compare with"}
    ratios = [own / other for own, other in zip(series.rates, reference.rates, strict=True)]
    cpu_ratios = [
        own / other for own, other in zip(measured_cpu(series), same_side(reference, pair.measured), strict=True)
    ]
    return described | {
        "rate": spread(series.rates),
        "of_native": spread(ratios),
        "client_cpu": spread(series.client_cpu),
        "server_cpu": spread(series.server_cpu),
        "cpu_of_native": spread(cpu_ratios),
        "lost": series.lost,
    }


def measure_quic(field: Field, cert: str, key: str, rounds: int, scale: float) -> dict[str, Any]:
    jobs: dict[str, Any] = {}
    for job in TABLES:
        series = measure_job(job, field.pairs, cert, key, rounds, scale)
        native = [each for each in series if each.pair.measured == "none" and each.failure is None]
        # The better execution profile is the reference.
        reference = max(native, key=lambda each: statistics.median(each.rates), default=None)
        jobs[job] = [row(each, reference) for each in series]
    return {"rounds": rounds, "jobs": jobs, "absent": field.absent}


def print_job(job: str, rows: list[dict[str, Any]]) -> None:
    table = TABLES[job]
    print(f"\n{table.title}")
    print(
        f"  {'client to server':<38} {table.rate_unit:>8} {'(lowest-highest)':>17} {'of native':>10} {'':>11}"
        f" {'CPU ' + table.cpu_unit + ', client':>16} {'server':>8} {'of native':>10}"
    )
    for each in rows:
        if "failure" in each:
            print(f"  {each['name']:<38} -  {each['failure']}")
            continue
        rate, ratio = each["rate"], each["of_native"]
        low, high = rate["lowest"] / table.rate_divisor, rate["highest"] / table.rate_divisor
        between = f"({low:.0f}-{high:.0f})" if high >= 100 else f"({low:.1f}-{high:.1f})"
        between_ratios = f"({ratio['lowest']:.2f}-{ratio['highest']:.2f})"
        print(
            f"  {each['name']:<38} {rate['median'] / table.rate_divisor:>8.1f} {between:>17} {ratio['median']:>10.2f}"
            f" {between_ratios:>11}"
            f" {each['client_cpu']['median'] * table.cpu_factor:>16.2f}"
            f" {each['server_cpu']['median'] * table.cpu_factor:>8.2f} {each['cpu_of_native']['median']:>10.2f}"
            + (f"  LOST {each['lost']}" if each["lost"] else "")
        )


# What msquic.asyncio is to reach, against the better execution profile of plain MsQuic: the job, the side that is
# measured, the figure, and whether it has to be at least or at most so much.
TARGETS = (
    ("bulk, receiving at the server", BULK_SEND, "server", "of_native", "at least", 0.85),
    ("bulk, receiving at the client", BULK_RECEIVE, "client", "of_native", "at least", 0.85),
    ("bulk, sending at the client", BULK_SEND, "client", "of_native", "at least", 0.85),
    ("bulk, sending at the server", BULK_RECEIVE, "server", "of_native", "at least", 0.85),
    ("bulk, CPU per GB, receiving at the server", BULK_SEND, "server", "cpu_of_native", "at most", 1.25),
    ("bulk, CPU per GB, receiving at the client", BULK_RECEIVE, "client", "cpu_of_native", "at most", 1.25),
    ("bulk, CPU per GB, sending at the client", BULK_SEND, "client", "cpu_of_native", "at most", 1.25),
    ("bulk, CPU per GB, sending at the server", BULK_RECEIVE, "server", "cpu_of_native", "at most", 1.25),
    ("requests, at the client", REQUESTS, "client", "of_native", "at least", 0.45),
    ("requests, at the server", REQUESTS, "server", "of_native", "at least", 0.45),
    ("datagrams received, at the server", DATAGRAMS, "server", "of_native", "at least", 0.70),
    ("handshakes, at the client", HANDSHAKES, "client", "of_native", "at least", 0.85),
    ("handshakes, at the server", HANDSHAKES, "server", "of_native", "at least", 0.85),
)


def compare_with_targets(jobs: dict[str, Any]) -> list[dict[str, Any]]:
    compared = []
    for name, job, side, figure, bound, target in TARGETS:
        found = [
            each
            for each in jobs[job]
            if each["measured"] == side
            and "msquic.asyncio" in (each["client"], each["server"])
            and "failure" not in each
        ]
        if not found:
            continue
        value = found[0][figure]["median"]
        reached = (value >= target if bound == "at least" else value <= target) and not found[0]["lost"]
        compared.append({"name": name, "value": value, "bound": bound, "target": target, "reached": reached})
    return compared


def print_quic(quic: dict[str, Any]) -> None:
    print(
        f"\nQUIC, client process to server process on loopback: medians of {quic['rounds']} interleaved rounds."
        "\n'of native' is the ratio to plain MsQuic in its better execution profile, within each round; that of the CPU"
        "\ntime is about the side that is not plain MsQuic."
    )
    for job, rows in quic["jobs"].items():
        print_job(job, rows)
    for name, reason in quic["absent"].items():
        print(f"  {name} is left out: {reason}")
    if compared := compare_with_targets(quic["jobs"]):
        print("\nmsquic.asyncio, where only that side is Python")
        for each in compared:
            print(
                f"  {each['name']:<44} {each['value']:>6.2f}   {each['bound']} {each['target']:.2f}"
                f"   {'reached' if each['reached'] else 'MISSED'}"
            )
