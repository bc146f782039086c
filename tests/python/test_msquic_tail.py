"""The last bytes: what QUIC has acknowledged reaches the reader, also after the peer closed the connection."""

from __future__ import annotations

import asyncio
import queue
import threading
from typing import Any

import pytest

import msquic
from aioquic_peer import aioquic_client, aioquic_server
from asyncio_pairs import ALPN, client, pair, server, until, within
from msquic import SendFlags, StreamOpenFlags
from msquic.asyncio import Connection, connect
from scripted_client import Frame, scripted_client, stream_frame
from udp_path import UdpPath

MIB = 1024 * 1024
SIZES = [1, 65536, 65537, MIB, 3 * MIB + 17, 12 * MIB]
WHOLE_WINDOW = {"stream_recv_window": 16 * MIB}
"""The peer may send all of it although nobody reads."""


def _pattern(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


async def _send(stream: Any, data: bytes, fin_alone: bool = False) -> None:
    """Until the peer's QUIC has everything."""
    stream.write(data)
    if fin_alone:
        await within(stream.wait_acked(), 60)
    stream.write_eof()
    await within(stream.wait_acked(), 60)


@pytest.mark.parametrize("code", [0, 7])
@pytest.mark.parametrize("fin_alone", [False, True])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("sender", ["client", "server"])
def test_all_that_was_acknowledged_is_read_after_the_peer_closed(
    certificate: Any, sender: str, size: int, fin_alone: bool, code: int
) -> None:
    async def main() -> None:
        async with pair(certificate, dict(WHOLE_WINDOW), dict(WHOLE_WINDOW)) as both:
            sending, receiving = (both.client, both.server) if sender == "client" else (both.server, both.client)
            stream = await sending.open_uni_stream()
            await _send(stream, _pattern(size), fin_alone)
            sending.close(code)
            await within(receiving.wait_closed())
            received = await within(receiving.accept_stream())
            assert await within(received.read()) == _pattern(size)
            assert received.at_eof()

    asyncio.run(main())


def test_without_a_fin_the_bytes_are_read_and_then_the_close_is_told(certificate: Any) -> None:
    async def main() -> None:
        async with pair(certificate, dict(WHOLE_WINDOW), dict(WHOLE_WINDOW)) as both:
            stream = await both.client.open_stream()
            stream.write(_pattern(3 * MIB))
            await within(stream.wait_acked())
            both.client.close(9)
            await within(both.server.wait_closed())
            received = await within(both.server.accept_stream())
            assert await within(received.readexactly(3 * MIB)) == _pattern(3 * MIB)
            with pytest.raises(msquic.PeerClosed) as raised:
                await within(received.read())
            assert raised.value.app_code == 9

    asyncio.run(main())


def test_what_came_before_a_reset_is_read(certificate: Any) -> None:
    async def main() -> None:
        async with pair(certificate, dict(WHOLE_WINDOW), dict(WHOLE_WINDOW)) as both:
            stream = await both.client.open_uni_stream()
            stream.write(_pattern(3 * MIB))
            await within(stream.wait_acked())
            stream.reset(5)
            await within(stream.wait_closed())
            received = await within(both.server.accept_stream())
            assert await within(received.readexactly(3 * MIB)) == _pattern(3 * MIB)
            with pytest.raises(msquic.StreamReset):
                await within(received.read())

    asyncio.run(main())


async def _read_slowly(stream: Any) -> bytes:
    """As a reader does that has something else to do after each 64 KiB."""
    parts = []
    while part := await within(stream.read(64 * 1024)):
        parts.append(part)
        await asyncio.sleep(0.001)
    return b"".join(parts)


@pytest.mark.parametrize("size", [1, 8 * MIB, 64 * MIB])
@pytest.mark.parametrize("sender", ["client", "server"])
def test_a_slow_reader_gets_everything_after_an_orderly_end(certificate: Any, sender: str, size: int) -> None:
    """The sender's handler returns, or its ``async with`` ends, right after the last write."""
    data = _pattern(size)

    async def main() -> None:
        received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def send(connection: Any) -> None:
            stream = await connection.open_uni_stream()
            for at in range(0, size, MIB):
                stream.write(data[at : at + MIB])
                await within(stream.drain(), 60)
            stream.write_eof()

        async def receive(connection: Any) -> None:
            received.set_result(await _read_slowly(await within(connection.accept_stream())))

        async with server(certificate, send if sender == "server" else receive) as made:
            async with client(certificate, made) as connection:
                await (send if sender == "client" else receive)(connection)
            assert await within(received, 60) == data

    asyncio.run(main())


@pytest.mark.parametrize("size", SIZES)
def test_an_aioquic_server_that_closes_at_once_loses_nothing(certificate: Any, size: int) -> None:
    async def main() -> None:
        windows = dict(WHOLE_WINDOW, conn_flow_control_window=16 * MIB)
        async with aioquic_server(certificate, echoes=False) as made, client(certificate, made, **windows) as ours:
            peer = await within(made.accepted.get())
            stream_id = peer.send_stream(_pattern(size), unidirectional=True)
            sender = peer.quic._streams[stream_id].sender
            await until(lambda: sender.is_finished, 60)
            peer.close(error_code=0)
            await within(ours.wait_closed())
            assert await within((await ours.accept_stream()).read()) == _pattern(size)

    asyncio.run(main())


@pytest.mark.parametrize("size", SIZES)
def test_an_aioquic_client_that_closes_at_once_loses_nothing(certificate: Any, size: int) -> None:
    async def main() -> None:
        received: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def handler(connection: Any) -> None:
            await within(connection.wait_closed(), 60)
            received.set_result(await within((await connection.accept_stream()).read()))

        windows = dict(WHOLE_WINDOW, conn_flow_control_window=16 * MIB)
        async with server(certificate, handler, **windows) as made, aioquic_client(certificate, made.port) as peer:
            stream_id = peer.send_stream(_pattern(size))
            sender = peer.quic._streams[stream_id].sender
            await until(lambda: sender.is_finished, 60)
            peer.close(error_code=3)
            assert await within(received, 60) == _pattern(size)

    asyncio.run(main())


@pytest.mark.parametrize("fin_alone", [False, True])
@pytest.mark.parametrize("size", [1, 65537, 12 * MIB])
def test_the_callback_api_delivers_it_too(certificate: Any, size: int, fin_alone: bool) -> None:
    """Nobody wants the bytes before the server has closed the connection."""
    registration = msquic.Registration("tail")
    settings = {"peer_unidi_stream_count": 10, "send_buffering_enabled": False, **WHOLE_WINDOW}
    configuration = msquic.Configuration(registration, ["tail"], **settings)
    configuration.load_credential_file(certificate.certificate_file, certificate.private_key_file)
    trusting = msquic.Configuration(registration, ["tail"], **settings)
    trusting.load_credential_none(ca_file=certificate.certificate_file)
    kept = []

    def send(connection: Any) -> None:
        stream = connection.open_stream(StreamOpenFlags.UNIDIRECTIONAL)
        kept.append((connection, stream))
        if fin_alone:
            stream.set_on_send_complete(lambda canceled: None if canceled else stream.shutdown(GRACEFUL))
        stream.set_on_send_shutdown_complete(lambda graceful: connection.shutdown(error_code=4 if graceful else 5))
        stream.send(_pattern(size), SendFlags.START | (SendFlags.NONE if fin_alone else SendFlags.FIN))

    GRACEFUL = msquic.StreamShutdownFlags.GRACEFUL
    listener = msquic.Listener(registration)
    listener.set_on_new_connection(lambda each: each.set_on_connected(lambda: send(each)))
    listener.start(configuration, ["tail"], 0)

    received: queue.Queue[tuple[bytes, bool]] = queue.Queue()
    streams = []
    over = threading.Event()
    connection = msquic.Connection(registration)
    connection.set_on_peer_stream_started(streams.append)
    connection.set_on_shutdown_initiated(
        lambda error: streams[0].set_on_receive(lambda data, fin: received.put((data, fin)))
    )
    connection.set_on_shutdown_complete(lambda closed: over.set())
    connection.start(trusting, "localhost", listener.port, address="127.0.0.1")
    assert over.wait(60)
    parts, fin = [], False
    while not received.empty():
        data, fin = received.get_nowait()
        parts.append(data)
    assert b"".join(parts) == _pattern(size)
    assert fin
    assert connection.close_code == 4
    registration.close()


@pytest.mark.parametrize("resumes", [False, True])
def test_a_fin_behind_missing_bytes_is_no_end(certificate: Any, resumes: bool) -> None:
    """The packets of the last data are lost, the fin arrives, and the peer gives up at once."""
    lost = []

    class Path(UdpPath):
        dropping = False

        def passes(self, data: bytes, from_client: bool) -> bool:
            drop = self.dropping and not from_client and len(data) > 500
            if drop:
                lost.append(len(data))
            return not drop

    async def main() -> None:
        async with aioquic_server(certificate, echoes=False) as made:
            with Path(made.port) as path:
                async with connect(
                    "127.0.0.1", path.port, alpn=ALPN, ca_file=certificate.certificate_file, **WHOLE_WINDOW
                ) as ours:
                    peer = await within(made.accepted.get())
                    stream_id = peer.send_stream(_pattern(3 * MIB), fin=False, unidirectional=True)
                    sender = peer.quic._streams[stream_id].sender
                    await until(lambda: not sender._buffer, 60)
                    path.dropping = True
                    peer.quic.send_stream_data(stream_id, b"lost" * 300, False)
                    peer.transmit()
                    await until(lambda: lost)
                    peer.quic.send_stream_data(stream_id, b"", True)
                    peer.transmit()
                    stream = await within(ours.accept_stream())
                    got = b""
                    if resumes:  # what waited is taken, and MsQuic is asked for more, while the fin has come
                        got = await within(stream.readexactly(3 * MIB))
                    peer.close(error_code=0)
                    await within(ours.wait_closed())
                    got += await within(stream.readexactly(3 * MIB - len(got)))
                    assert got == _pattern(3 * MIB)
                    assert not stream.at_eof()
                    with pytest.raises(msquic.PeerClosed):
                        await within(stream.read())

    asyncio.run(main())


@pytest.mark.parametrize("opened_before", [False, True])
def test_what_comes_in_the_packet_of_the_close_is_read(certificate: Any, opened_before: bool) -> None:
    """Bytes, FIN and CONNECTION_CLOSE in one packet: whoever closes right behind the last words."""
    accepted: list[Connection] = []

    async def handler(connection: Connection) -> None:
        accepted.append(connection)
        await connection.wait_closed()

    async def main() -> None:
        async with server(certificate, handler) as made, scripted_client(certificate, made.port) as peer:
            if opened_before:
                peer.send(stream_frame(2, 0, b"first "), stream_frame(6, 0, b"other "))
                await peer.acknowledged()
            first, other = (b"", b"") if opened_before else (b"first ", b"other ")
            peer.send(
                stream_frame(2, 6 - len(first), first + b"words", fin=True),
                stream_frame(6, 6 - len(other), other + b"words"),
                Frame(0x1D, 0, 0),  # CONNECTION_CLOSE of an application
            )
            await until(lambda: accepted)
            connection = accepted[0]
            await within(connection.wait_closed())
            streams = [await within(connection.accept_stream()) for _ in range(2)]
            by_id = {stream.id: stream for stream in streams}
            assert await within(by_id[2].read()) == b"first words"
            assert by_id[2].at_eof()
            assert await within(by_id[6].readexactly(11)) == b"other words"
            with pytest.raises(msquic.PeerClosed):
                await within(by_id[6].read())

    asyncio.run(main())
