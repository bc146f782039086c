"""What is open when its loop is closed ends with the loop, and says so."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

import msquic
from asyncio_pairs import ALPN, DEADLINE, within
from msquic.asyncio import connect, serve

uvloop = pytest.importorskip("uvloop")
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


async def _wait(connection: Any) -> None:
    await connection.wait_closed()


def _run(new_loop: Any, main: Any) -> list[str]:
    """In a loop that is closed afterwards; gives the messages of the ResourceWarnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        loop = new_loop()
        try:
            loop.run_until_complete(main())
        finally:
            loop.close()
    return [str(each.message) for each in caught if "unclosed" in str(each.message)]


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("::", port))
        except OSError:
            return False
    return True


def _until(condition: Any, what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


@pytest.mark.parametrize("new_loop", LOOPS, ids=["asyncio", "uvloop"])
def test_a_server_ends_with_its_loop(certificate: Any, new_loop: Any) -> None:
    kept = []

    async def main() -> None:
        files = {"cert_file": certificate.certificate_file, "key_file": certificate.private_key_file}
        kept.append(await serve(_wait, "127.0.0.1", 0, alpn=ALPN, **files))
        kept.append(kept[0].port)

    told = _run(new_loop, main)
    assert [text for text in told if "server" in text] == told
    assert len(told) == 1
    assert str(kept[1]) in told[0]
    _until(lambda: _is_free(kept[1]), "the port stays in use")


@pytest.mark.parametrize("new_loop", LOOPS, ids=["asyncio", "uvloop"])
def test_connections_end_with_their_loop_and_their_peers_learn_of_it(certificate: Any, new_loop: Any) -> None:
    """The server lives in a loop of its own, in another thread."""
    ended: list[Any] = []
    port: list[int] = []
    listening, over, connected = threading.Event(), threading.Event(), threading.Event()

    async def handler(connection: Any) -> None:
        connected.set()
        ended.append(await connection.wait_closed())
        over.set()

    async def serving() -> None:
        files = {"cert_file": certificate.certificate_file, "key_file": certificate.private_key_file}
        async with serve(handler, "127.0.0.1", 0, alpn=ALPN, **files) as server:
            port.append(server.port)
            listening.set()
            await asyncio.to_thread(over.wait, DEADLINE)

    thread = threading.Thread(target=lambda: asyncio.run(serving()))
    thread.start()
    assert listening.wait(DEADLINE)
    kept = []

    async def main() -> None:
        kept.append(await connect("127.0.0.1", port[0], alpn=ALPN, ca_file=certificate.certificate_file))
        await asyncio.to_thread(connected.wait, DEADLINE)

    told = _run(new_loop, main)
    assert len(told) == 1
    assert "Connection to 127.0.0.1" in told[0]
    assert over.wait(DEADLINE)
    thread.join(DEADLINE)
    assert isinstance(ended[0], msquic.PeerClosed)
    assert kept[0].is_closed


def test_what_was_closed_is_not_complained_about(certificate: Any) -> None:
    async def main() -> None:
        files = {"cert_file": certificate.certificate_file, "key_file": certificate.private_key_file}
        async with serve(_wait, "127.0.0.1", 0, alpn=ALPN, **files) as server:
            connection = await connect("127.0.0.1", server.port, alpn=ALPN, ca_file=certificate.certificate_file)
            connection.close()
            await within(connection.wait_closed())

    assert _run(asyncio.new_event_loop, main) == []


def test_nothing_stays_open_after_many_loops(certificate: Any) -> None:
    """Neither descriptors nor ports, although nobody closes anything."""

    async def main() -> None:
        files = {"cert_file": certificate.certificate_file, "key_file": certificate.private_key_file}
        started = asyncio.Event()

        async def handler(connection: Any) -> None:
            started.set()
            await connection.wait_closed()

        server = await serve(handler, "127.0.0.1", 0, alpn=ALPN, **files)
        await connect("127.0.0.1", server.port, alpn=ALPN, ca_file=certificate.certificate_file)
        await within(started.wait())

    def descriptors() -> int:
        gc.collect()  # tasks that their loop left behind hold what they waited for
        return len(list(Path("/proc/self/fd").iterdir()))

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("counts descriptors where Linux lists them")
    for _ in range(3):
        _run(asyncio.new_event_loop, main)
    before = descriptors()
    for _ in range(10):
        _run(asyncio.new_event_loop, main)
    _until(lambda: descriptors() <= before + 2, "descriptors stay open")


def _on_another_loop(awaitable: Any) -> BaseException:
    """What awaiting it raises on a loop of its own, in a thread of its own."""
    raised: list[BaseException] = []

    async def main() -> None:
        try:
            async with asyncio.timeout(5):
                await awaitable()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    thread.join(DEADLINE)
    return raised[0]


AWAITABLES = {
    "Connection.wait_closed": lambda server, connection, stream: connection.wait_closed(),
    "Connection.wait_connected": lambda server, connection, stream: connection.wait_ticket(),
    "Connection.wait_early_data": lambda server, connection, stream: connection.wait_early_data(),
    "Connection.accept_stream": lambda server, connection, stream: connection.accept_stream(),
    "Connection.open_stream": lambda server, connection, stream: connection.open_stream(),
    "Connection.receive_datagram": lambda server, connection, stream: connection.receive_datagram(),
    "Connection.datagrams": lambda server, connection, stream: anext(connection.datagrams()),
    "Connection.send_datagram_tracked": lambda server, connection, stream: connection.send_datagram_tracked(b"x"),
    "Connection.stats": lambda server, connection, stream: connection.stats(),
    "Connection.serve_streams": lambda server, connection, stream: connection.serve_streams(_wait),
    "Connection.__aexit__": lambda server, connection, stream: connection.__aexit__(None, None, None),
    "Server.wait_closed": lambda server, connection, stream: server.wait_closed(),
    "Server.serve_forever": lambda server, connection, stream: server.serve_forever(),
    "Server.__aexit__": lambda server, connection, stream: server.__aexit__(None, None, None),
    "Stream.read": lambda server, connection, stream: stream.read(),
    "Stream.readexactly": lambda server, connection, stream: stream.readexactly(5),
    "Stream.readuntil": lambda server, connection, stream: stream.readuntil(b"x"),
    "Stream.readline": lambda server, connection, stream: stream.readline(),
    "Stream.__anext__": lambda server, connection, stream: anext(stream),
    "Stream.wait_acked": lambda server, connection, stream: stream.wait_acked(),
    "Stream.wait_closed": lambda server, connection, stream: stream.wait_closed(),
}


@pytest.mark.parametrize("name", AWAITABLES)
async def test_awaiting_on_another_loop_raises_at_once(certificate: Any, name: str) -> None:
    files = {"cert_file": certificate.certificate_file, "key_file": certificate.private_key_file}
    trust = {"alpn": ALPN, "ca_file": certificate.certificate_file}
    server = await serve(_wait, "127.0.0.1", 0, alpn=ALPN, **files)
    async with server, connect("127.0.0.1", server.port, **trust) as connection:
        stream = await connection.open_stream()
        stream.write(b"not acknowledged yet")
        error = await asyncio.to_thread(_on_another_loop, lambda: AWAITABLES[name](server, connection, stream))
        assert isinstance(error, RuntimeError), repr(error)
        # Nothing of it was harmed.
        assert not connection.is_closed
        assert server.port
        stream.write_eof()
        await within(stream.wait_acked())
