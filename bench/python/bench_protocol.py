"""What the benchmark programs say to each other and to the driver; the same in C++ in bench/quic_native/protocol.h.

The ALPN of a connection names the job. Numbers on the wire are 8 bytes, little endian.

A server prints "listening on port N", answers each line of standard input with the CPU time it has used so far, and
ends with standard input. A client runs the jobs that the lines of standard input name ("bulk-send 268435456",
"requests 10000 100") and prints what each took as a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass

# The client sends on one stream and ends it; the server answers with the number of bytes that it counted.
BULK_SEND = "bulk-send"
# The client asks with a number, on one stream; the server sends that many bytes.
BULK_RECEIVE = "bulk-receive"
# A stream for each request of 64 bytes; the server answers on it with 64 bytes.
REQUESTS = "requests"
# On a stream the client says how many datagrams it will send, and after how many it wants to hear. The server answers
# with its count: 0 at once, then after each so many and after the last, and whenever the client ends the stream.
DATAGRAMS = "datagrams"
# Nothing but the handshake. "hold" uses this ALPN, too.
HANDSHAKES = "handshakes"
HOLD = "hold"
ALPNS = [BULK_SEND, BULK_RECEIVE, REQUESTS, DATAGRAMS, HANDSHAKES]

MIB = 1024 * 1024
PIECE = b"\x5a" * MIB
STREAM_WINDOW = 8 * MIB
CONNECTION_WINDOW = 32 * MIB
PARALLEL_STREAMS = 1000
IDLE_SECONDS = 60

REQUEST = bytes(64)
ANSWER = bytes(64)

DATAGRAM = bytes(1100)
# A sender lets as many datagrams be under way as the receiver's socket holds, and asks for the count this many times in
# each such window.
COUNTS_PER_WINDOW = 4
# When the server's count stands still for so many seconds, the rest counts as lost.
DATAGRAM_PATIENCE = 1.0


@dataclass
class Outcome:
    done: int
    seconds: float
    lost: int = 0


Job = Callable[[int, int], Awaitable[Outcome]]


def number(value: int) -> bytes:
    return value.to_bytes(8, "little")


def value_of(data: bytes | bytearray | memoryview) -> int:
    return int.from_bytes(data, "little")


def cpu_seconds() -> float:
    """User and system time of all threads of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def say(**values: object) -> None:
    print(json.dumps(values), flush=True)


def free_port() -> int:
    """For libraries that cannot tell which port they got."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def commands() -> asyncio.StreamReader:
    """Standard input, as the loop reads it."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def answer_commands(port: int) -> None:
    """What a server does besides serving."""
    print(f"listening on port {port}", flush=True)
    async for _ in await commands():
        say(cpu=cpu_seconds())


async def run_commands(jobs: Mapping[str, Job]) -> None:
    """What a client does; whoever gives a job that is not in `jobs` gets {"job": ..., "missing": true}."""
    async for line in await commands():
        name, count, *parallel = line.decode().split()
        if (job := jobs.get(name)) is None:
            say(job=name, missing=True)
            continue
        before = cpu_seconds()
        outcome = await job(int(count), int(parallel[0]) if parallel else 1)
        say(job=name, **asdict(outcome), cpu=cpu_seconds() - before)
