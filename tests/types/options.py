"""What type checkers make of options that are kept and passed on. Checked by `make lint`, never run."""

from typing import Unpack

import moqt.asyncio
import msquic
import msquic.asyncio


async def echo(connection: msquic.asyncio.Connection) -> None:
    await connection.wait_closed()


async def watch(session: moqt.asyncio.Session) -> None:
    await session.wait_closed()


def reach(
    host: str, **options: Unpack[msquic.asyncio.ConnectOptions]
) -> msquic.asyncio.Opening[msquic.asyncio.Connection]:
    return msquic.asyncio.connect(host, 4433, **options)


def listen(**options: Unpack[msquic.asyncio.ServeOptions]) -> msquic.asyncio.Opening[msquic.asyncio.Server]:
    return msquic.asyncio.serve(echo, "127.0.0.1", 0, **options)


def subscribe(
    host: str, **options: Unpack[moqt.asyncio.ConnectOptions]
) -> msquic.asyncio.Opening[moqt.asyncio.Session]:
    return moqt.asyncio.connect(host, 4433, **options)


def publish(**options: Unpack[moqt.asyncio.ServeOptions]) -> msquic.asyncio.Opening[moqt.asyncio.Server]:
    return moqt.asyncio.serve(watch, **options)


def forward(**options: Unpack[moqt.asyncio.RelayOptions]) -> msquic.asyncio.Opening[moqt.asyncio.Relay]:
    return moqt.asyncio.relay(**options)


async def kept() -> None:
    options: msquic.asyncio.ConnectOptions = {"alpn": "echo", "ca_data": b"", "idle_timeout_ms": 1000}
    await msquic.asyncio.connect("localhost", 4433, **options)
    await reach("localhost", **options)
    await reach("localhost", alpn="echo", verify=False, keep_alive_interval_ms=1000)
    await listen(alpn="echo", cert_file="cert.pem", key_file="key.pem")
    await subscribe("localhost", path="/live", registration=msquic.Registration("app"), timeout=3.0)
    await publish(max_sessions=3, client_certificates="required", peer_bidi_stream_count=1)
    await forward(max_tracks=10, cert_file="cert.pem", key_file="key.pem")


async def wrong() -> None:
    """Each of these is an error, and a type checker that sees none is told of a comment without use."""
    await reach("localhost", alpn=1)  # type: ignore[arg-type]
    await reach("localhost", idle_timeout=5)  # type: ignore[call-arg]
    await publish(client_certificates="maybe")  # type: ignore[arg-type]
    await subscribe("localhost", early_data=True)  # type: ignore[call-arg]
