"""Connections and servers of msquic.asyncio."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

import msquic
from asyncio_pairs import ALPN, client, pair, server, until, within
from msquic.asyncio import connect, serve


async def nothing(connection):
    await connection.wait_closed()


async def test_what_a_connection_tells_about_itself(certificate):
    async with pair(certificate) as both:
        assert both.client.alpn == both.server.alpn == ALPN
        assert not both.client.is_server
        assert both.server.is_server
        assert both.client.remote_address == ("127.0.0.1", both.listener.port)
        assert both.client.local_address == both.server.remote_address
        assert both.client.server_name == "127.0.0.1"
        assert not both.client.is_closed
        assert both.client.close_error is None
        assert not both.client.resumed
        assert "connected" in repr(both.client)


async def test_names_are_resolved_and_verified(certificate, tmp_path):
    async with server(certificate, nothing) as made:
        async with connect("localhost", made.port, alpn=ALPN, ca_file=certificate.certificate_file) as connection:
            assert connection.server_name == "localhost"
        other = msquic.generate_development_certificate(tmp_path, names=["other.example"], default_names=False)
    async with server(other, nothing) as made:
        with pytest.raises(msquic.CertificateError):
            await connect("localhost", made.port, alpn=ALPN, ca_file=other.certificate_file)
        async with connect(
            "localhost", made.port, alpn=ALPN, ca_file=other.certificate_file, server_name="other.example"
        ):
            pass
        async with connect("localhost", made.port, alpn=ALPN, verify=False):
            pass
        async with connect("localhost", made.port, alpn=ALPN, pinned_sha256=[other.sha256_fingerprint]):
            pass


async def test_a_certificate_that_nobody_trusts_is_refused(certificate):
    async with server(certificate, nothing) as made:
        with pytest.raises(msquic.TlsError):
            await connect("127.0.0.1", made.port, alpn=ALPN)


async def test_connect_errors_have_names(certificate):
    async with server(certificate, nothing) as made:
        with pytest.raises(msquic.AlpnError):
            await connect("127.0.0.1", made.port, alpn="another", ca_file=certificate.certificate_file)
        port = made.port
    with pytest.raises(msquic.NameResolutionFailed):
        await connect("does-not-exist.invalid", port, alpn=ALPN)
    with pytest.raises(msquic.ConnectionFailed):
        await connect("127.0.0.1", port, alpn=ALPN, timeout=5)
    with pytest.raises(msquic.InvalidArgument, match="alpn"):
        connect("127.0.0.1", port)
    with pytest.raises(msquic.InvalidArgument, match="port"):
        connect("127.0.0.1", 0, alpn=ALPN)
    with pytest.raises(msquic.CertificateFileInvalid):
        await connect("127.0.0.1", port, alpn=ALPN, ca_file="/does/not/exist.pem")


async def test_the_timeout_is_wall_clock_time(certificate):
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # takes packets and never answers
    silent.bind(("127.0.0.1", 0))
    started = time.monotonic()
    with silent, pytest.raises(msquic.ConnectionTimeout, match="within"):
        await connect("127.0.0.1", silent.getsockname()[1], alpn=ALPN, timeout=0.4)
    assert 0.35 < time.monotonic() - started < 5


async def test_cancelling_connect_leaves_nothing_behind(certificate):
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    await until(lambda: msquic.live_objects()["connections"] == 0)  # those of the test before take leave
    with silent:
        task = asyncio.ensure_future(_await(connect("127.0.0.1", silent.getsockname()[1], alpn=ALPN)))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: msquic.live_objects()["connections"] == 0)


async def _await(connector):
    return await connector


async def test_the_second_address_is_tried_while_the_first_keeps_silent(certificate, monkeypatch):
    silent = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    async with server(certificate, nothing) as made:
        # The server's socket is a wildcard one: another port, so the silent address is one of its own.
        addresses = [
            (socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("127.0.0.9", made.port)),
            (socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("127.0.0.1", made.port)),
        ]
        loop = asyncio.get_running_loop()

        async def getaddrinfo(*args, **kwargs):
            return addresses

        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
        started = time.monotonic()
        async with connect("two.example", made.port, alpn=ALPN, verify=False, happy_eyeballs_delay=0.1) as connection:
            assert connection.remote_address == ("127.0.0.1", made.port)
        assert time.monotonic() - started < 8
    silent.close()


async def test_streams_wait_for_the_peers_limit_in_order(certificate):
    async with pair(certificate, server_options={"peer_bidi_stream_count": 2}) as both:
        first = [await both.client.open_stream() for _ in range(2)]
        with pytest.raises(msquic.StreamLimitReached):
            await both.client.open_stream(wait=False)
        waiting = [asyncio.ensure_future(both.client.open_stream()) for _ in range(4)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in waiting)
        waiting[1].cancel()
        for stream in first:
            stream.write_eof()
            peer = await within(both.server.accept_stream())
            peer.write_eof()
            await within(peer.read())
            await within(stream.read())
        opened = await within(asyncio.gather(waiting[0], waiting[2]))
        assert [stream.id for stream in opened] == [8, 12]
        assert not waiting[3].done()
        waiting[3].cancel()


async def test_three_times_the_limit(certificate):
    async def echo(connection):
        async for stream in connection:
            stream.write(await stream.read())
            stream.write_eof()

    async with server(certificate, echo, peer_bidi_stream_count=8) as made, client(certificate, made) as connection:

        async def request(number):
            stream = await connection.open_stream()
            stream.write(b"%d" % number)
            stream.write_eof()
            return await stream.read()

        answers = await within(asyncio.gather(*(request(number) for number in range(24))))
        assert answers == [b"%d" % number for number in range(24)]


async def test_datagrams_go_both_ways(certificate):
    async with pair(certificate) as both:
        both.client.send_datagram(b"to the server")
        assert await within(both.server.receive_datagram()) == b"to the server"
        both.server.send_datagram(memoryview(b"back"), priority=True)
        async for datagram in both.client.datagrams():
            assert datagram == b"back"
            break
        assert await within(both.client.send_datagram_tracked(b"x")) in (
            msquic.DatagramSendState.ACKNOWLEDGED,
            msquic.DatagramSendState.ACKNOWLEDGED_SPURIOUS,
        )
        size = both.client.max_datagram_size
        assert 1100 < size < 1500
        with pytest.raises(msquic.DatagramTooLarge):
            both.client.send_datagram(bytes(60_000))


async def test_datagrams_that_nobody_takes_are_dropped_oldest_first(certificate):
    async with pair(certificate) as both:
        total = 4096 + 500
        for number in range(total):
            both.client.send_datagram(number.to_bytes(4, "big"))
            if number % 64 == 0:
                await both.client.send_datagram_tracked(b"mark")
        await until(lambda: both.server.datagrams_dropped >= 500)
        first = await both.server.receive_datagram()
        assert first == b"mark" or int.from_bytes(first, "big") >= 400


async def test_datagrams_can_be_off(certificate):
    async with pair(certificate, server_options={"datagram_receive_enabled": False}) as both:
        assert both.client.max_datagram_size == 0
        with pytest.raises(msquic.DatagramUnavailable):
            both.client.send_datagram(b"x")


async def test_statistics_and_the_handshake(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        stream.write(bytes(100_000))
        stream.write_eof()
        await within(peer.read())
        sent, received = await both.client.stats(), await both.server.stats()
        assert sent.send_total_stream_bytes >= 100_000
        assert received.recv_total_stream_bytes >= 100_000
        assert sent.rtt_us > 0
        assert sent.send_congestion_window > 0
        assert 1200 <= sent.send_path_mtu <= 1500
        assert both.client.handshake.tls_version == "TLSv1.3"
        assert len(both.client.original_destination_cid) >= 8
        assert both.client.original_destination_cid == both.server.original_destination_cid
        both.client.update_settings(keep_alive_interval_ms=1000)
        with pytest.raises(msquic.InvalidArgument):
            both.client.update_settings(keep_alive_interval_ms=-1)


async def test_a_server_counts_and_closes_its_connections(certificate):
    async with server(certificate, nothing) as made:
        connections = [await connect("127.0.0.1", made.port, alpn=ALPN, verify=False) for _ in range(3)]
        await until(lambda: len(made.connections) == 3)
        port = made.port
        assert made.local_address[1] == port > 0
        made.stop_accepting()
        with pytest.raises(msquic.ConnectionRefused):
            await within(connect("127.0.0.1", port, alpn=ALPN, verify=False, timeout=None))
        assert not connections[0].is_closed
        made.close(17)
        for connection in connections:
            error = await within(connection.wait_closed())
            assert error.app_code == 17
        await within(made.wait_closed())
        assert made.port == 0
        assert "closed" in repr(made)


async def test_serve_forever_ends_when_it_is_cancelled(certificate):
    async with server(certificate, nothing) as made:
        task = asyncio.ensure_future(made.serve_forever())
        await asyncio.sleep(0)  # a task that is cancelled before it began does nothing
        connection = await connect("127.0.0.1", made.port, alpn=ALPN, verify=False)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await within(connection.wait_closed())).app_code == 0


async def test_a_port_in_use_is_refused(certificate):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))
        with pytest.raises(msquic.AddressInUse):
            await serve(
                nothing,
                None,
                taken.getsockname()[1],
                alpn=ALPN,
                cert_file=certificate.certificate_file,
                key_file=certificate.private_key_file,
            )


async def test_a_ready_configuration_can_be_used_again(certificate):
    async with server(certificate, nothing) as made:
        registration = msquic.Registration("mine")
        configuration = msquic.Configuration(registration, [ALPN])
        configuration.load_credential_none(True)
        for _ in range(2):
            async with connect(
                "127.0.0.1", made.port, configuration=configuration, registration=registration
            ) as connection:
                assert connection.alpn == ALPN
        with pytest.raises(msquic.InvalidArgument, match="configuration"):
            connect("127.0.0.1", made.port, configuration=configuration, verify=False)
        registration.close()


@pytest.mark.parametrize("given", [("127.0.0.2", 0), "127.0.0.2"])
async def test_a_client_sends_from_the_address_that_it_is_given(certificate, given):
    async with pair(certificate, {"local_address": given}) as both:
        assert both.client.local_address[0] == "127.0.0.2"
        assert both.server.remote_address == both.client.local_address


@pytest.mark.parametrize("given", [("127.0.0.1",), ("127.0.0.1", 65536), "nowhere"])
async def test_an_address_to_send_from_that_is_none(certificate, given):
    with pytest.raises(msquic.InvalidArgument, match="local_address"):
        async with pair(certificate, {"local_address": given}):
            pass


@pytest.mark.parametrize("host", [80, b"127.0.0.1"])
async def test_a_host_that_is_no_text(certificate, host):
    with pytest.raises(TypeError, match="host"):
        await serve(
            asyncio.sleep, host, alpn="x", cert_file=certificate.certificate_file, key_file=certificate.private_key_file
        )
