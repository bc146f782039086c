"""Addresses that no connection can have, and those that the system forbids: errors that say what to do."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import moqt.asyncio as ma
import msquic
import msquic.asyncio as qa
from network_namespaces import namespaces
from running import start_program


async def nobody(session: Any) -> None:
    raise AssertionError("nobody can come")


@pytest.mark.parametrize("address", ["fe80::1", "ff02::1", "224.0.0.1", "255.255.255.255"])
async def test_such_a_server_does_not_listen(certificate: Any, address: str) -> None:
    what = "name the interface, as in 'fe80::1%eth0'" if address == "fe80::1" else "many machines"
    files = {"cert_file": certificate.certificate_file, "key_file": certificate.private_key_file}
    for opening in (qa.serve(nobody, address, alpn="test", **files), ma.serve(nobody, address), ma.relay(address, 0)):
        with pytest.raises(msquic.InvalidAddress, match=f"cannot listen on '{address}'.*{what}"):
            await opening


@pytest.mark.parametrize("address", ["fe80::1", "ff02::1", "224.0.0.1", "255.255.255.255"])
async def test_no_connection_is_made_to_one(address: str) -> None:
    for opening in (qa.connect(address, 4433, alpn="test"), ma.connect(address, 4433)):
        with pytest.raises(msquic.ConnectionFailed, match=f"cannot connect to '{address}'") as raised:
            await opening
        assert raised.value.name == "InvalidAddress"


async def test_none_is_made_from_one() -> None:
    with pytest.raises(msquic.ConnectionFailed, match=r"cannot connect from 'fe80::1'.*name the interface"):
        await qa.connect("127.0.0.1", 4433, alpn="test", local_address="fe80::1")


CLIENT = """
import asyncio, msquic.asyncio

async def main():
    try:
        await msquic.asyncio.connect("192.0.2.1", 4433, alpn="test")
    except msquic.Unreachable as error:
        print(error.name, error.status, error, flush=True)

asyncio.run(main())
"""


async def test_a_route_that_forbids_it_is_named() -> None:
    async with namespaces() as (client, _):
        await client.run("ip", "route", "add", "prohibit", "192.0.2.0/24")
        asked = await start_program(*client.prefix, sys.executable, "-c", CLIENT)
        assert await asked.exit_code(40) == 0, asked.text
        assert await asked.line(r"^Unreachable 13 Permission denied \(.*192\.0\.2\.1.*\) \[EACCES, status 13\]")
