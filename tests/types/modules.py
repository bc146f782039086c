"""What type checkers make of programs that import little and use much. Checked by `make lint`, never run."""

from typing import assert_type

import moqt
import msquic
from moqt.asyncio import connect as moqt_connect
from msquic.asyncio import connect


def a_submodule_by_its_full_name() -> None:
    """With `import msquic` alone, the submodule is known as well."""
    opening: msquic.asyncio.Opening[msquic.asyncio.Connection] = connect("localhost", 4433, alpn="echo")
    assert_type(opening, msquic.asyncio.Opening[msquic.asyncio.Connection])
    session: msquic.asyncio.Opening[moqt.asyncio.Session] = moqt_connect("localhost", 4433)
    assert_type(session, msquic.asyncio.Opening[moqt.asyncio.Session])


async def awaited_and_entered() -> None:
    assert_type(await connect("localhost", 4433, alpn="echo"), msquic.asyncio.Connection)
    async with connect("localhost", 4433, alpn="echo") as connection:
        assert_type(connection, msquic.asyncio.Connection)
    assert_type(await moqt.asyncio.connect("localhost", 4433), moqt.asyncio.Session)
    async with moqt.asyncio.relay(port=0) as relay, moqt.asyncio.serve(handler) as server:
        assert_type(relay, moqt.asyncio.Relay)
        assert_type(server, moqt.asyncio.Server)


async def handler(session: moqt.asyncio.Session) -> None:
    assert_type(session.remote_address, tuple[str, int] | None)
    assert_type(session.peer_certificate, bytes | None)
    assert_type((await session.stats()).rtt_us, int)
