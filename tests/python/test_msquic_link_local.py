"""Link-local addresses of IPv6, which mean something on one interface only: `fe80::1%eth0` (RFC 4007)."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from network_namespaces import Namespace, namespaces
from running import Running, start_program

PROGRAM = Path(__file__).parent / "programs" / "link_local.py"


async def link_local_address(namespace: Namespace) -> str:
    """The address that the system gave the link, without its zone."""
    command = (*namespace.prefix, "ip", "-json", "-6", "address", "show", "dev", "veth", "scope", "link")
    async with asyncio.timeout(20):
        while True:
            process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            output, _ = await process.communicate()
            for link in json.loads(output or "[]"):
                for address in link.get("addr_info", []):
                    # While it is being looked for on the link, nothing can be bound to it.
                    if address.get("local") and not address.get("tentative"):
                        return address["local"]
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("api", ["asyncio", "callbacks"])
async def test_an_address_with_its_interface(certificate, api):
    async with namespaces() as (client, server):
        files = (certificate.certificate_file, certificate.private_key_file)
        address = await link_local_address(server)
        await link_local_address(client)
        program: list[Running] = []
        try:
            program.append(await start_program(*server.prefix, sys.executable, PROGRAM, "server", *files))
            port = (await program[0].line(r"^port (\d+)"))[1]
            for zone in ("veth", None):
                target = f"{address}%{zone or await index_of(client)}"
                asked = await start_program(*client.prefix, sys.executable, PROGRAM, api, target, port)
                program.append(asked)
                assert await asked.exit_code(40) == 0, asked.text
                remote = json.loads((await asked.line(r"^(\[.*\])$"))[1])
                assert remote[0].partition("%")[0] == address
        finally:
            for each in program:
                await each.end()


async def index_of(namespace: Namespace) -> int:
    """The number of the link, which is as good as its name."""
    process = await asyncio.create_subprocess_exec(
        *namespace.prefix, "ip", "-json", "link", "show", "dev", "veth", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return int(json.loads(output)[0]["ifindex"])
