"""Session tickets and early data with quinn, in both directions."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

import msquic
from msquic import SendFlags, ServerResumptionLevel
from quinn_peer import quinn_client, quinn_server

# The first test may have to build the peer; every wait has its own, shorter deadline.
pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

SETTINGS: dict[str, Any] = {"peer_bidi_stream_count": 100, "peer_unidi_stream_count": 100, "idle_timeout_ms": 20000}


class OurServer:
    """Echoes, and gives every client a ticket. Counts handshakes by whether they resumed."""

    def __init__(self, registration: Any, certificate: Any, level: ServerResumptionLevel) -> None:
        self.resumed: list[bytes] = []
        self.handshakes = 0
        self.streams: list[tuple[int, bool]] = []  # handshakes completed before it; whether it is early data
        self._configuration = msquic.Configuration(registration, ["test"], server_resumption_level=level, **SETTINGS)
        self._configuration.load_credential_file(certificate.certificate_file, certificate.private_key_file)
        self.listener = msquic.Listener(registration)
        self.listener.set_on_new_connection(self._accept)
        self.listener.start(self._configuration, ["test"], 0)

    def _accept(self, connection: Any) -> None:
        def on_connected() -> None:
            self.handshakes += 1
            # A client that resumes needs no other, and with early data it may have left by now.
            with contextlib.suppress(msquic.ClosedHandle):
                connection.send_resumption_ticket(data=b"for later")

        def on_stream(stream: Any) -> None:
            self.streams.append((self.handshakes, stream.is_early_data))
            stream.set_on_receive(lambda data, fin: stream.send(data, SendFlags.FIN if fin else SendFlags.NONE))

        connection.set_on_connected(on_connected)
        connection.set_on_resumed(lambda data: self.resumed.append(data))
        connection.set_on_peer_stream_started(on_stream)


async def test_it_resumes_with_early_data(registration, issued_certificate):
    served = OurServer(registration, issued_certificate, ServerResumptionLevel.RESUME_AND_ZERORTT)
    async with quinn_client(issued_certificate) as peer:
        await peer.connect(served.listener.port)
        peer.tell("echo 10")  # its answer comes after the ticket
        await peer.event("echo")
        peer.tell("close 0")
        await peer.event("closed")
        assert served.resumed == []
        event = await peer.connect(served.listener.port, early=True)
        assert event["early_data_accepted"] is True
        assert (await peer.event("echo", bytes=1000))["equal"]
        assert served.resumed == [b"for later"]


async def test_it_resumes_without_early_data(registration, issued_certificate):
    served = OurServer(registration, issued_certificate, ServerResumptionLevel.RESUME_ONLY)
    async with quinn_client(issued_certificate) as peer:
        for _ in range(2):
            await peer.connect(served.listener.port)
            peer.tell("echo 10")
            assert (await peer.event("echo"))["equal"]
            peer.tell("close 0")
            await peer.event("closed")
    assert (served.handshakes, served.resumed) == (2, [b"for later"])


async def test_its_early_data_waits_for_the_handshake_on_a_server_that_asked_for_none(registration, issued_certificate):
    """MsQuic 2.5 with OpenSSL accepts it on either level, so what counts is when a handler sees it; docs/interop.md."""
    served = OurServer(registration, issued_certificate, ServerResumptionLevel.RESUME_ONLY)
    async with quinn_client(issued_certificate) as peer:
        await peer.connect(served.listener.port)
        peer.tell("echo 10")
        await peer.event("echo")
        await peer.connect(served.listener.port, early=True)
        assert (await peer.event("echo", bytes=1000))["equal"]
    assert (served.handshakes, served.resumed) == (2, [b"for later"])
    assert served.streams == [(1, False), (2, False)]


class OurClient:
    """Dials, sends what it has with the flags, and gives what comes back."""

    def __init__(self, registration: Any, certificate: Any, waiter: Any, collector: Any) -> None:
        self._registration, self._waiter, self._collector = registration, waiter, collector
        self._configuration = msquic.Configuration(registration, ["test"], **SETTINGS)
        self._configuration.load_credential_none(ca_file=certificate.ca_file)

    async def exchange(self, port: int, ticket: bytes | None, data: bytes, flags: SendFlags) -> tuple[bool, bytes]:
        """Whether the handshake resumed, and the newest ticket."""
        connected, tickets, answer, over = self._waiter(), self._waiter(), self._collector(), self._waiter()
        self.accepted = self._waiter()
        connection = msquic.Connection(self._registration)
        connection.set_on_early_data(self.accepted.set)
        connection.set_on_connected(lambda resumed: connected.set(resumed))
        connection.set_on_resumption_ticket_received(tickets.set)
        connection.set_on_shutdown_complete(over.set)
        if ticket is not None:
            connection.set_resumption_ticket(ticket)
        stream = connection.open_stream()
        stream.set_on_receive(answer)
        if flags & SendFlags.ALLOW_0_RTT:
            stream.send(data, flags | SendFlags.START | SendFlags.FIN)
        connection.start(self._configuration, "localhost", port, address="127.0.0.1")
        resumed = await asyncio.to_thread(connected.wait)
        if not flags & SendFlags.ALLOW_0_RTT:
            stream.send(data, flags | SendFlags.START | SendFlags.FIN)
        assert await asyncio.to_thread(answer.wait_fin) == data
        ticket = await asyncio.to_thread(tickets.wait)
        connection.shutdown()
        await asyncio.to_thread(over.wait)
        return resumed, ticket


@pytest.fixture
def our_client(registration, issued_certificate, waiter, collector) -> OurClient:
    return OurClient(registration, issued_certificate, waiter, collector)


@pytest.mark.parametrize("it_takes_early_data", [True, False])
async def test_we_resume_and_send_early_data(our_client, issued_certificate, it_takes_early_data):
    async with quinn_server(issued_certificate, *(["--early-data"] if it_takes_early_data else [])) as peer:
        resumed, ticket = await our_client.exchange(peer.port, None, b"first" * 100, SendFlags.NONE)
        assert not resumed
        assert (await peer.event("stream"))["early_data"] is False
        resumed, ticket = await our_client.exchange(peer.port, ticket, b"second" * 100, SendFlags.NONE)
        assert resumed
        assert (await peer.event("stream"))["early_data"] is False
        # When it takes none, the same bytes go out again after the handshake, and nobody notices.
        resumed, _ = await our_client.exchange(peer.port, ticket, b"third" * 100, SendFlags.ALLOW_0_RTT)
        assert resumed
        assert (await peer.event("stream", bytes=500))["early_data"] is it_takes_early_data
        assert await asyncio.to_thread(our_client.accepted.wait) is it_takes_early_data


async def test_a_server_that_lost_its_tickets_gets_a_whole_handshake(our_client, issued_certificate):
    async with quinn_server(issued_certificate, "--early-data") as peer:
        _, ticket = await our_client.exchange(peer.port, None, b"x", SendFlags.NONE)
    async with quinn_server(issued_certificate, "--early-data") as peer:
        resumed, _ = await our_client.exchange(peer.port, ticket, b"y" * 700, SendFlags.ALLOW_0_RTT)
        assert not resumed
        assert (await peer.event("stream"))["early_data"] is False
        assert await asyncio.to_thread(our_client.accepted.wait) is False


async def test_a_server_without_tickets_gives_none(registration, issued_certificate, waiter):
    configuration = msquic.Configuration(registration, ["test"], **SETTINGS)
    configuration.load_credential_none(ca_file=issued_certificate.ca_file)
    async with quinn_server(issued_certificate, "--no-tickets") as peer:
        connected, tickets, answer = waiter(), waiter(), waiter()
        connection = msquic.Connection(registration)
        connection.set_on_connected(connected.set)
        connection.set_on_resumption_ticket_received(tickets.set)
        connection.set_on_datagram_received(answer.set)
        connection.start(configuration, "localhost", peer.port, address="127.0.0.1")
        await asyncio.to_thread(connected.wait)
        stream = connection.open_stream()
        stream.set_on_receive(lambda data, fin: answer.set() if fin else None)
        stream.send(b"x", SendFlags.START | SendFlags.FIN)
        await asyncio.to_thread(answer.wait)
        assert not tickets.is_set()
