"""Two network namespaces with a link between them, made without a name and gone with the test.

Each namespace is held by a process of its own. Root is not needed where users may make user namespaces; where neither
is permitted, or unshare, nsenter or ip is missing, `namespaces()` skips the test and says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator

import pytest

CLIENT, OTHER_CLIENT, SERVER = "10.53.0.1", "10.53.0.3", "10.53.0.2"
DEADLINE = 10.0


class Namespace:
    """A network namespace; `prefix` is what to put before a command to run it inside."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.prefix = ("nsenter", "--target", str(process.pid), "--user", "--net", "--preserve-credentials", "--")

    async def run(self, *command: str) -> None:
        code, output = await _output(*self.prefix, *command)
        assert code == 0, f"{' '.join(command)}: {output}"

    async def can(self, *command: str) -> str | None:
        """None when the command succeeds, else what it said."""
        code, output = await _output(*self.prefix, *command)
        return None if code == 0 else output.strip()


async def _output(*command: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(DEADLINE):
        output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(errors="replace")


def _skip_unless_permitted() -> None:
    for program in ("unshare", "nsenter", "ip"):
        if shutil.which(program) is None:
            pytest.skip(f"no network namespaces here: {program} is not installed")
    tried = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "ip", "link", "set", "lo", "up"],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    if tried.returncode != 0:
        pytest.skip(f"network namespaces are not permitted here: {tried.stderr.strip()}")


@contextlib.asynccontextmanager
async def _held(*command: str) -> AsyncIterator[Namespace]:
    """A namespace, as long as the process that the command starts lives: until its standard input is closed."""
    process = await asyncio.create_subprocess_exec(
        *command, "sh", "-c", "echo made; exec cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(DEADLINE):
            assert await process.stdout.readline() == b"made\n"
        yield Namespace(process)
    finally:
        process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def namespaces(mtu: int = 1500) -> AsyncIterator[tuple[Namespace, Namespace]]:
    """The client's namespace, with CLIENT and OTHER_CLIENT, and the server's, with SERVER; the link is `veth`."""
    _skip_unless_permitted()
    async with _held("unshare", "--user", "--map-root-user", "--net") as client:
        inside = ("nsenter", "--target", str(client.process.pid), "--user", "--preserve-credentials", "--")
        async with _held(*inside, "unshare", "--net") as server:
            refusal = await client.can(
                *("ip", "link", "add", "veth", "type", "veth", "peer", "name", "veth", "netns", str(server.process.pid))
            )
            if refusal is not None:
                pytest.skip(f"no virtual links here: {refusal}")
            # Prefixes of two lengths, or the second address would go with the first.
            for namespace, addresses in ((client, (f"{CLIENT}/24", f"{OTHER_CLIENT}/25")), (server, (f"{SERVER}/24",))):
                for address in addresses:
                    await namespace.run("ip", "address", "add", address, "dev", "veth")
                await namespace.run("ip", "link", "set", "veth", "mtu", str(mtu))
                await namespace.run("ip", "link", "set", "veth", "up")
                await namespace.run("ip", "link", "set", "lo", "up")
            yield client, server


async def shape(namespace: Namespace, *discipline: str) -> None:
    """Puts a queueing discipline on the link; skips the test where the kernel does not have it."""
    refusal = await namespace.can("tc", "qdisc", "add", "dev", "veth", "root", *discipline)
    if refusal is not None:
        pytest.skip(f"the kernel has no tc {discipline[0]}: {refusal.splitlines()[0] if refusal else 'refused'}")
