"""``MoqtSession`` on a connection of the callback API, with the asyncio server of this package at the other end."""

from __future__ import annotations

import asyncio
from typing import Any

import moqt
import moqt.asyncio
import msquic
from moqt.session import MoqtSession, Role, SessionState

DEADLINE = 20


async def test_a_client_on_a_real_connection(registration: Any, certificate: Any) -> None:
    async def handler(session: moqt.asyncio.Session) -> None:
        await session.wait_closed()

    server = await moqt.asyncio.serve(
        handler, cert_file=certificate.certificate_file, key_file=certificate.private_key_file
    )
    loop = asyncio.get_running_loop()
    connected, ready, over = asyncio.Event(), asyncio.Event(), asyncio.Event()
    configuration = msquic.Configuration(registration, [moqt.ALPN], peer_unidi_stream_count=10)
    configuration.load_credential_none(ca_file=certificate.certificate_file)
    connection = msquic.Connection(registration)
    connection.set_on_connected(lambda: loop.call_soon_threadsafe(connected.set))
    connection.set_on_shutdown_complete(lambda app_close_in_progress: loop.call_soon_threadsafe(over.set))
    connection.start(configuration, "localhost", server.port, address="127.0.0.1")
    await asyncio.wait_for(connected.wait(), DEADLINE)

    session = MoqtSession(role=Role.CLIENT, on_setup_complete=lambda session: ready.set())
    session.set_connection(connection)
    assert session.state is SessionState.CONNECTING
    await session.open_control_stream()
    session.send_client_setup(path="/moqt", authority="localhost")
    await asyncio.wait_for(ready.wait(), DEADLINE)
    assert session.peer_max_request_id == 512  # the server's default
    answer = await session.subscribe([b"live"], b"video", timeout=DEADLINE)
    assert isinstance(answer, moqt.RequestError)
    assert answer.error_code is moqt.RequestErrorCode.DOES_NOT_EXIST
    session.close(reason="done")
    await asyncio.wait_for(over.wait(), DEADLINE)
    server.close()
    await asyncio.wait_for(server.wait_closed(), DEADLINE)
