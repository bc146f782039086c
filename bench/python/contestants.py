"""Who takes part in the QUIC benchmarks, in which pairs, and with how much to do."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench_protocol import BULK_RECEIVE, BULK_SEND, DATAGRAMS, HANDSHAKES, MIB, REQUESTS
from newer_python import aiopquic_python

HERE = Path(__file__).parent

PLAIN = "plain MsQuic"
PARALLEL_REQUESTS = 100
PARALLEL_HANDSHAKES = 16


@dataclass(frozen=True)
class Program:
    """One side: plain MsQuic, or a library in Python."""

    name: str
    client: tuple[str, ...]
    server: tuple[str, ...]

    def server_command(self, cert: str, key: str) -> list[str]:
        return [*self.server, "--cert", cert, "--key", key]

    def client_command(self, port: int) -> list[str]:
        return [*self.client, "--port", str(port)]


@dataclass(frozen=True)
class Pair:
    """A client and a server. `measured` is the side that is not plain MsQuic: client, server, both, or none."""

    client: Program
    server: Program
    measured: str
    # Of each job how much: enough for a few tenths of a second.
    sizes: dict[str, int] = field(default_factory=dict)
    # Datagrams under way: as many as the receiver's socket holds.
    datagram_window: int = 512

    @property
    def name(self) -> str:
        if self.client.name == self.server.name:
            return self.client.name
        return f"{self.client.name} to {self.server.name}"

    def command(self, job: str, scale: float) -> str:
        count = max(1, int(self.sizes[job] * scale))
        parallel = {
            REQUESTS: PARALLEL_REQUESTS,
            DATAGRAMS: self.datagram_window,
            HANDSHAKES: PARALLEL_HANDSHAKES,
        }.get(job, 1)
        return f"{job} {count} {parallel}"


def sizes(bulk_mib: int, requests: int, datagrams: int, handshakes: int) -> dict[str, int]:
    return {
        BULK_SEND: bulk_mib * MIB,
        BULK_RECEIVE: bulk_mib * MIB,
        REQUESTS: requests,
        DATAGRAMS: datagrams,
        HANDSHAKES: handshakes,
    }


def plain(quic_native: Path, profile: str, name: str) -> Program:
    command = (str(quic_native),)
    options = ("--profile", profile)
    return Program(name, (*command, "client", *options), (*command, "server", *options))


def in_python(name: str, python: str, module: str, *options: str) -> Program:
    return Program(
        name,
        (python, str(HERE / f"{module}_client.py"), *options),
        (python, str(HERE / f"{module}_server.py"), *options),
    )


@dataclass
class Field:
    """All pairs, and who is missing and why."""

    pairs: list[Pair]
    absent: dict[str, str]


LIBRARIES = ("msquic.asyncio", "msquic callbacks", "aioquic", "qh3", "aiopquic")


def interpreter_with(library: str, environment_folder: Path) -> tuple[str, str]:
    """The interpreter that has `library`, or why there is none."""
    if library == "aiopquic":
        return aiopquic_python(environment_folder)
    module = "msquic" if library == "msquic callbacks" else library
    try:
        found = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        found = False
    return (sys.executable, "") if found else ("", "not in this environment")


def pairs_of(library: str, python: str, native: Program) -> list[Pair]:
    """Where it can be, only one side is the library's and the other is plain MsQuic: the sides share the cores."""
    if library == "msquic.asyncio":
        ours = in_python(library, python, "asyncio")
        size = sizes(512, 20_000, 50_000, 500)
        return [
            Pair(ours, native, "client", size),
            Pair(native, ours, "server", size),
            Pair(ours, ours, "both", size),
        ]
    if library == "msquic callbacks":
        callbacks = in_python(library, python, "callbacks")
        return [Pair(callbacks, callbacks, "both", {BULK_SEND: 512 * MIB})]
    peer = in_python(library, python, "peer", "--library", library)
    if library == "aioquic":
        size = sizes(8, 4000, 4000, 60)
        # Its socket has the receive buffer that the system gives to all.
        return [Pair(peer, native, "client", size), Pair(native, peer, "server", size, 64)]
    if library == "qh3":
        # Its server does not finish a handshake with MsQuic's client, so where the server counts both are qh3. It drops
        # datagrams of its own when many wait.
        size = sizes(64, 20_000, 10_000, 100)
        own = {job: size[job] for job in (BULK_SEND, DATAGRAMS)}
        return [Pair(peer, native, "client", size, 32), Pair(peer, peer, "both", own, 32)]
    size = sizes(64, 10_000, 20_000, 100)
    return [Pair(peer, native, "client", size), Pair(native, peer, "server", size)]


def field_of(quic_native: Path, environment_folder: Path, wanted: Sequence[str] = LIBRARIES) -> Field:
    """Plain MsQuic in both execution profiles, and those of `wanted` that are there."""
    native = plain(quic_native, "low-latency", PLAIN)
    throughput = plain(quic_native, "max-throughput", f"{PLAIN}, MAX_THROUGHPUT")
    size = sizes(512, 100_000, 100_000, 500)
    pairs = [Pair(native, native, "none", size), Pair(throughput, throughput, "none", size)]
    absent: dict[str, str] = {}
    for library in wanted:
        python, reason = interpreter_with(library, environment_folder)
        if python:
            pairs += pairs_of(library, python, native)
        else:
            absent[library] = reason
    return Field(pairs, absent)
