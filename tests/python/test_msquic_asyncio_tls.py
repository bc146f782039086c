"""Certificates, verification, resumption, early data and the key log through msquic.asyncio."""

from __future__ import annotations

import asyncio

import pytest

import msquic
from asyncio_pairs import ALPN, until, within
from msquic.asyncio import connect, serve
from tls_certificates import make_root

ROOT = make_root()
SERVER = ROOT.issue(["localhost"])
OTHER = ROOT.issue(["other.example"])
CLIENT = ROOT.issue(["client.example"])
STRANGER = make_root("another root").issue(["localhost"])


async def wait(connection):
    await connection.wait_closed()


async def echo(connection):
    async for stream in connection:
        stream.write(await stream.read())
        stream.write_eof()


def to(server, **options):
    return connect("localhost", server.port, **({"alpn": ALPN, "ca_data": ROOT.pem} | options))


def at(handler=wait, **options):
    return serve(handler, **({"alpn": ALPN, "certificate": SERVER.loaded()} | options))


async def test_certificates_from_memory_are_seen_by_the_client():
    async with at() as server, to(server) as connection:
        assert connection.peer_certificate == SERVER.der
        assert connection.peer_certificate_chain[0] == SERVER.der


async def test_a_verifier_is_told_what_the_library_thinks_and_decides():
    seen = []

    def verify(certificate):
        seen.append(certificate)
        return True

    async def verify_slowly(certificate):
        await asyncio.sleep(0.05)
        return verify(certificate)

    async with at(certificate=STRANGER.loaded()) as server:
        for verifier in (verify, verify_slowly):
            async with to(server, verify=verifier) as connection:
                assert seen[-1].der == connection.peer_certificate == STRANGER.der
                assert seen[-1].server_name == "localhost"
                assert isinstance(seen[-1].verdict, msquic.CertificateError)
                assert seen[-1].connection is connection
    async with at() as server, to(server, verify=verify):
        assert seen[-1].verdict is None
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("outcome", "expected"), [(False, []), (None, [TypeError]), (ZeroDivisionError, [ZeroDivisionError])]
)
async def test_a_verifier_refuses(outcome, expected):
    reported = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context["exception"]))

    async def verify(certificate):
        if outcome is ZeroDivisionError:
            raise ZeroDivisionError("on purpose")
        return outcome

    async with at() as server:
        with pytest.raises(msquic.CertificateError):
            await to(server, verify=verify)
    assert [type(error) for error in reported] == expected


async def test_a_verifier_that_takes_too_long_refuses():
    async def verify(certificate):
        await asyncio.sleep(30)
        return True

    async with at() as server:
        with pytest.raises(msquic.CertificateError):
            await within(_await(to(server, verify=verify, verify_timeout=0.2)))


async def test_a_verifier_that_outlives_its_connection_is_harmless():
    asked = asyncio.Event()

    async def verify(certificate):
        asked.set()
        await asyncio.sleep(0.3)
        return True

    async with at() as server:
        attempt = asyncio.ensure_future(_await(to(server, verify=verify)))
        await within(asked.wait())
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        await asyncio.sleep(0.5)
        async with to(server):
            pass


async def _await(connector):
    return await connector


async def test_mutual_tls():
    names = []

    async def handler(connection):
        names.append(connection.peer_certificate)
        await connection.wait_closed()

    async with at(handler, client_certificates="required", ca_data=ROOT.pem) as server:
        async with to(server, certificate=CLIENT.loaded()):
            pass
        connection = await to(server)
        error = await within(connection.wait_closed())
        assert isinstance(error, msquic.TlsAlert)
        assert error.alert == 116
        connection = await to(server, certificate=STRANGER.loaded())
        assert isinstance(await within(connection.wait_closed()), msquic.TlsAlert)
    assert names == [CLIENT.der]
    async with at(handler, client_certificates="optional", ca_data=ROOT.pem) as server, to(server) as connection:
        await until(lambda: len(names) == 2)
        assert not connection.is_closed
    assert names == [CLIENT.der, None]


async def test_a_server_that_verifies_nothing_takes_any_certificate():
    seen = []

    async def handler(connection):
        seen.append(connection.peer_certificate)
        await connection.wait_closed()

    async with at(handler, client_certificates="required", verify=False) as server:
        for shown in (CLIENT, STRANGER):  # neither root is known to it
            async with to(server, certificate=shown.loaded()):
                await until(lambda shown=shown: seen and seen[-1] == shown.der)
        nobody = await to(server)
        error = await within(nobody.wait_closed())
        assert isinstance(error, msquic.TlsAlert)
        assert error.alert == 116
    async with at(handler, client_certificates="optional", verify=False) as server, to(server) as connection:
        await until(lambda: seen[-1] is None)
        assert not connection.is_closed
    assert seen == [CLIENT.der, STRANGER.der, None]
    with pytest.raises(msquic.InvalidArgument, match="pinned_sha256"):
        await at(handler, client_certificates="required", verify=False, pinned_sha256=["00" * 32])


async def test_a_server_verifies_clients_with_a_coroutine():
    seen = []

    async def verify(certificate):
        await asyncio.sleep(0.01)
        seen.append(certificate.der)
        return certificate.der == CLIENT.der

    async def handler(connection):
        seen.append(connection)
        await connection.wait_closed()

    async with at(handler, client_certificates="required", verify=verify, ca_data=ROOT.pem) as server:
        async with to(server, certificate=CLIENT.loaded()) as connection:
            stream = await connection.open_stream()
            stream.write_eof()
            await stream.wait_acked()
        refused = await to(server, certificate=OTHER.loaded())
        assert isinstance(await within(refused.wait_closed()), msquic.TlsAlert)
    assert seen[0] == CLIENT.der
    assert seen[1].peer_certificate == CLIENT.der
    assert seen[2:] == [OTHER.der]


async def test_certificates_by_name_and_their_replacement():
    certificates = {"": SERVER.loaded(), "other.example": OTHER.loaded()}
    async with (
        at(certificate=certificates) as server,
        to(server) as first,
        to(server, server_name="other.example") as second,
    ):
        assert (first.peer_certificate, second.peer_certificate) == (SERVER.der, OTHER.der)
        renewed = ROOT.issue(["localhost"])
        server.replace_certificate(renewed.loaded())
        async with to(server) as third:
            assert third.peer_certificate == renewed.der
        stream = await first.open_stream()
        stream.write(b"still here")
        await stream.wait_acked()
    with pytest.raises(msquic.InvalidState):
        server.replace_certificate(SERVER.loaded())


async def test_sessions_are_resumed_and_early_data_arrives():
    arrived = []

    async def handler(connection):
        async for stream in connection:
            arrived.append((stream.is_early_data, connection.resumed, connection.alpn))
            stream.write(await stream.read())
            stream.write_eof()

    level = msquic.ServerResumptionLevel.RESUME_AND_ZERORTT
    async with at(handler, resumption=level) as server:
        async with to(server) as connection:
            assert not connection.resumed
            ticket = await within(connection.wait_ticket())
        assert ticket.server_name == "localhost"
        async with to(server, ticket=ticket) as connection:
            assert connection.resumed
        again = msquic.SessionTicket.from_bytes(bytes(ticket))
        async with to(server, ticket=again, early_data=True) as connection:
            stream = await connection.open_stream(early_data=True)  # and no turn of the loop before it is written
            stream.write(b"early")
            stream.write_eof()
            assert await within(stream.read()) == b"early"
            await within(connection.wait_connected())
            assert connection.resumed
            assert await within(connection.wait_early_data()) is True
            assert connection.early_data_accepted is True
        assert arrived == [(True, True, ALPN)]
        with pytest.raises(msquic.TicketMismatch):
            await to(server, ticket=ticket, server_name="other.example")
        with pytest.raises(msquic.InvalidArgument, match="ticket"):
            to(server, early_data=True)


@pytest.mark.parametrize("spoken", ["one", "two"])
async def test_a_handler_that_early_data_starts_knows_protocol_and_resumption(spoken):
    """The handler runs before the handshake is complete, which the client's first flight does not do."""
    known: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()

    async def handler(connection):
        known.put_nowait((connection.alpn, connection.resumed))
        await connection.wait_closed()

    level = msquic.ServerResumptionLevel.RESUME_AND_ZERORTT
    async with at(handler, alpn=["one", "two"], resumption=level) as server:
        async with to(server, alpn=spoken) as connection:
            ticket = await within(connection.wait_ticket())
            assert await within(known.get()) == (spoken, False)
            assert connection.early_data_accepted is None
        async with to(server, alpn=spoken, ticket=ticket, early_data=True) as connection:
            stream = await connection.open_stream(early_data=True)
            stream.write(b"early")
            assert await within(known.get()) == (spoken, True)


async def test_early_data_that_the_server_does_not_take_is_told():
    """Another server of the name, which cannot read the ticket."""
    level = msquic.ServerResumptionLevel.RESUME_AND_ZERORTT
    async with at(echo, resumption=level, ticket_keys=b"1" * 32) as first, to(first) as connection:
        ticket = await within(connection.wait_ticket())
    second = await at(echo, resumption=level, ticket_keys=b"2" * 32)
    async with second, to(second, ticket=ticket, early_data=True) as connection:
        stream = await connection.open_stream(early_data=True)
        stream.write(b"early")
        stream.write_eof()
        assert await within(stream.read()) == b"early"
        assert await within(connection.wait_early_data()) is False
        assert not connection.resumed


async def test_tickets_carry_data_of_the_server():
    carried = []

    async def handler(connection):
        carried.append(connection.resumption_data)
        if not connection.resumed:
            connection.send_ticket(b"remember me")
        await connection.wait_closed()

    async with at(handler, server_resumption_level=msquic.ServerResumptionLevel.RESUME_ONLY) as server:
        async with to(server) as connection:
            ticket = await within(connection.wait_ticket())
        async with to(server, ticket=ticket) as connection:
            assert connection.resumed
            await until(lambda: len(carried) == 2)
    assert carried == [b"", b"remember me"]


async def test_waiting_for_a_ticket_ends_with_the_connection():
    async with at() as server:
        connection = await to(server)
        waiting = asyncio.ensure_future(connection.wait_ticket())
        await asyncio.sleep(0)
        connection.close()
        with pytest.raises(msquic.ConnectionClosed):
            await within(waiting)


async def test_the_key_log(tmp_path):
    log = tmp_path / "keys.log"
    async with at() as server, to(server, keylog=log):
        pass
    labels = {line.split()[0] for line in log.read_text().splitlines()}
    assert {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"} <= labels
    assert log.stat().st_mode & 0o777 == 0o600


async def test_wrong_uses_say_so():
    with pytest.raises(msquic.InvalidArgument, match="certificate"):
        serve(wait, alpn=ALPN)
    with pytest.raises(msquic.InvalidArgument, match="cert_file and key_file"):
        connect("localhost", 1, alpn=ALPN, cert_file="cert.pem")
    with pytest.raises(msquic.InvalidArgumentType, match="pinned_sha256"):
        connect("localhost", 1, alpn=ALPN, pinned_sha256="00")
    with pytest.raises(msquic.InvalidArgument):
        await at(ticket_keys=b"short")
