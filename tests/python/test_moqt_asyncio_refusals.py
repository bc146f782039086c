"""moqt.asyncio.connect(): each way in which a server can say no, and what it raises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

import moqt
import moqt.asyncio as ma
import msquic
import msquic.asyncio as qa
from moqt_sessions import idle, to


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(40):
        yield


def quic_server(certificate: Any, handler: Callable[[qa.Connection], Awaitable[object]], alpn: str = "moqt-15") -> Any:
    files = {"cert_file": certificate.certificate_file, "key_file": certificate.private_key_file}
    return qa.serve(handler, "127.0.0.1", 0, alpn=alpn, peer_bidi_stream_count=1, **files)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (0x0, "NO_ERROR"),
        (0x1, "INTERNAL_ERROR"),
        (0x2, "UNAUTHORIZED"),
        (0x3, "PROTOCOL_VIOLATION"),
        (0x4, "INVALID_REQUEST_ID"),
        (0x8, "INVALID_PATH"),
        (0x9, "MALFORMED_PATH"),
        (0x15, "VERSION_NEGOTIATION_FAILED"),
        (0x19, "INVALID_AUTHORITY"),
        (0x1A, "MALFORMED_AUTHORITY"),
        (0x1234, "UNKNOWN"),
        ((1 << 62) - 1, "UNKNOWN"),
    ],
)
@pytest.mark.parametrize("when", ["at once", "after CLIENT_SETUP"])
async def test_a_session_that_is_refused(certificate: Any, code: int, name: str, when: str) -> None:
    async def refuse(connection: qa.Connection) -> None:
        if when == "after CLIENT_SETUP":
            stream = await connection.accept_stream()
            assert await stream.read(1)
        connection.close(code, "not here")
        await connection.wait_closed()

    async with quic_server(certificate, refuse) as server:
        with pytest.raises(ma.SessionClosed) as refused:
            await to(server.port)
    assert (refused.value.code, refused.value.name, refused.value.remote) == (code, name, True)
    assert name in str(refused.value)


async def use(port: int, **options: Any) -> None:
    """From draft 17 on the server's SETUP does not wait for the client's: what it says to that may come later."""
    async with to(port, **options) as session:
        await session.subscribe("live", "video")


@pytest.mark.parametrize("draft", [15, 16, 18, 22])
async def test_a_malformed_authority_at_our_own_servers(draft: int) -> None:
    for opening in (ma.serve(idle), ma.relay(port=0)):
        async with opening as server:
            for option, value in (("authority", "exa mple%"), ("path", "no-slash")):
                with pytest.raises(ma.SessionClosed) as refused:
                    await use(server.port, drafts=(draft,), **{option: value})
                assert refused.value.name == f"MALFORMED_{option.upper()}"


async def test_an_answer_that_is_no_server_setup(certificate: Any) -> None:
    async def answer(connection: qa.Connection) -> None:
        stream = await connection.accept_stream()
        stream.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await connection.wait_closed()

    async with quic_server(certificate, answer) as server:
        with pytest.raises(ma.SessionClosed) as refused:
            await to(server.port)
    assert not refused.value.remote
    assert refused.value.code == moqt.ErrorCode.PROTOCOL_VIOLATION


async def test_no_answer_at_all(certificate: Any) -> None:
    async def silence(connection: qa.Connection) -> None:
        await connection.wait_closed()

    async with quic_server(certificate, silence) as server:
        for _ in range(3):
            with pytest.raises(msquic.ConnectionTimeout, match=r"within 0\.3 s"):
                await to(server.port, timeout=0.3)


async def test_what_is_no_session_at_all(certificate: Any) -> None:
    async def nothing(connection: qa.Connection) -> None:
        await connection.wait_closed()

    async with quic_server(certificate, nothing, alpn="h3") as server:
        with pytest.raises(msquic.AlpnError):
            await to(server.port)
    async with ma.serve(idle, max_sessions=1) as moqt_server, to(moqt_server.port):
        with pytest.raises(msquic.ConnectionRefused):
            await to(moqt_server.port)
    async with ma.serve(idle) as moqt_server:
        with pytest.raises(msquic.CertificateError):
            await ma.connect("127.0.0.1", moqt_server.port)
    with pytest.raises(msquic.NameResolutionFailed):
        await ma.connect("does-not-exist.invalid", 4433)
    with pytest.raises(msquic.ConnectionFailed):
        await to(9)


async def test_why_a_lost_connection_ended_is_the_cause(certificate: Any) -> None:
    async with ma.serve(idle) as server, to(server.port, idle_timeout_ms=300, keep_alive_interval_ms=0) as session:
        async with asyncio.timeout(20):
            await session.wait_closed()
        closed = session.closed_by
        assert closed is not None
        assert isinstance(closed.__cause__, msquic.IdleTimeout)
        with pytest.raises(ma.SessionClosed) as raised:
            await session.track_status("a", "b")
        assert isinstance(raised.value.__cause__, msquic.IdleTimeout)
