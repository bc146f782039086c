"""``moqt.session``: a session by its bytes alone, worked out by hand from draft-15."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

import moqt
import moqt.session
from moqt import ErrorCode, Location, RequestErrorCode, TrackNamespace
from moqt.session import MoqtSession, Role, SessionState, SubscriptionFilter, TrackInfo

CLIENT_SETUP = bytes.fromhex("20 000b 02 02 4064 01 05 2f6d6f7174")  # MAX_REQUEST_ID 100, PATH /moqt
SERVER_SETUP = bytes.fromhex("21 0004 01 02 4064")
SUBSCRIBE = bytes.fromhex("03 0007 00 01 0161 01 74 00")  # Request ID 0, namespace a, track t
SUBSCRIBE_OK = bytes.fromhex("04 0003 00 07 00")  # Request ID 0, track alias 7


def established(role: Role = Role.CLIENT) -> MoqtSession:
    session = MoqtSession(role=role)
    if role is Role.CLIENT:
        session.send_client_setup()
        session.receive_data(SERVER_SETUP)
    else:
        session.receive_data(CLIENT_SETUP)
        session.send_server_setup()
    assert session.state is SessionState.ESTABLISHED
    return session


def test_the_names() -> None:
    for name in moqt.session.__all__:
        assert getattr(moqt.session, name) is getattr(moqt, name)
        assert name in moqt.__all__
    names = ["IDLE", "CONNECTING", "SETUP", "ESTABLISHED", "GOAWAY", "CLOSED"]
    assert [state.name for state in SessionState] == names
    info = TrackInfo(request_id=0, track_alias=1, track_namespace=TrackNamespace(["a"]), track_name=b"t")
    assert (info.subscription_filter, info.group_order, info.delivery_timeout) == (None, None, None)


def test_setup_of_a_client() -> None:
    done: list[SessionState] = []
    session = MoqtSession(role=Role.CLIENT, on_setup_complete=lambda s: done.append(s.state))
    assert (session.state, session.role) == (SessionState.IDLE, Role.CLIENT)
    assert session.send_client_setup(path="/moqt", max_request_id=100) == CLIENT_SETUP
    assert (session.state, session.max_request_id) == (SessionState.SETUP, 100)
    assert session.receive_data(SERVER_SETUP[:3]) == []
    assert session.receive_data(SERVER_SETUP[3:]) == [moqt.ServerSetup([moqt.Parameter(2, 100)])]
    assert (session.state, session.peer_max_request_id) == (SessionState.ESTABLISHED, 100)
    assert done == [SessionState.ESTABLISHED]
    assert [session.allocate_request_id() for _ in range(3)] == [0, 2, 4]
    assert [session.allocate_track_alias() for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("leading", [b"", b"\0"])
def test_setup_of_a_server(leading: bytes) -> None:
    session = MoqtSession(Role.SERVER)
    session.receive_data(leading + CLIENT_SETUP)
    assert session.state is SessionState.SETUP
    with pytest.raises(moqt.SessionStateError, match="SETUP comes first"):
        session.send_goaway()
    assert session.send_server_setup(100) == SERVER_SETUP
    assert [session.allocate_request_id() for _ in range(2)] == [1, 3]


def test_a_subscriber() -> None:
    session = established()
    assert session.send_subscribe([b"a"], b"t") == SUBSCRIBE
    assert session.subscriptions == {}
    assert session.receive_data(SUBSCRIBE_OK) == [moqt.SubscribeOk(0, 7)]
    info = TrackInfo(0, 7, TrackNamespace(["a"]), b"t")
    assert session.subscriptions == {0: info}
    assert session.get_track_info_by_alias(7) == info
    assert session.get_track_info_by_request_id(0) == info
    assert session.unsubscribe(0).hex() == "0a000100"
    assert session.get_track_info_by_alias(7) is None
    # PUBLISH_DONE follows an UNSUBSCRIBE: code 3, no streams, no reason.
    assert len(session.receive_data(bytes.fromhex("0b 0004 00 03 00 00"))) == 1


def test_parameters_of_a_subscription() -> None:
    session = established()
    filtered = SubscriptionFilter(filter_type=moqt.FilterType.ABSOLUTE_START, start_group=3, start_object=0)
    data = session.send_subscribe(["a"], "t", filtered, moqt.GroupOrder.DESCENDING, 500)
    # SUBSCRIPTION_FILTER, GROUP_ORDER, DELIVERY_TIMEOUT.
    assert data.hex() == "0300110001016101740321030303002202024" + "1f4"
    session.receive_data(SUBSCRIBE_OK)
    info = session.subscriptions[0]
    assert (info.subscription_filter, info.group_order, info.delivery_timeout) == (filtered, 2, 500)


def test_a_publisher_answers_as_its_callback_says() -> None:
    session = established(Role.SERVER)
    answers: list[bool | None] = [True, False, None]
    session.on_subscribe = lambda s, message: answers[message.request_id // 2]
    session.receive_data(SUBSCRIBE)
    assert session.data_to_send() == bytes.fromhex("04 0003 00 00 00")
    assert session.get_track_info_by_alias(0) == session.subscriptions[0]
    session.receive_data(bytes.fromhex("03 0007 02 01 0161 01 75 00"))
    code, text = RequestErrorCode.DOES_NOT_EXIST, "refused by the application"
    assert session.data_to_send() == moqt.RequestError(2, code, text).encode()
    session.receive_data(bytes.fromhex("03 0007 04 01 0161 01 76 00"))
    assert session.data_to_send() == b""
    with pytest.raises(moqt.SessionStateError, match="in use"):
        session.send_subscribe_ok(4, track_alias=0)
    assert session.send_subscribe_ok(4, track_alias=9).hex() == "0400030" + "40900"
    with pytest.raises(moqt.SessionStateError, match="waits for an answer"):
        session.send_subscribe_ok(4)
    # TRACK_ENDED, 2**62 - 1 streams.
    assert session.send_publish_done(4).hex() == "0b000b0402ffffffffffffffff00"
    assert list(session.subscriptions) == [0]
    session.receive_data(bytes.fromhex("0a 0001 00"))
    assert session.subscriptions == {}


def test_publish_both_ways() -> None:
    session = established()
    # Request ID 0, namespace a, name t, alias 0.
    assert session.send_publish(["a"], "t").hex() == "1d0008000101610174" + "0000"
    session.receive_data(bytes.fromhex("1e 0002 00 00"))
    assert session.publications[0].track_alias == 0
    # The peer's aliases are numbers of its own.
    session.receive_data(bytes.fromhex("1d 0008 01 01 0162 01 74 00 00"))
    assert session.data_to_send().hex() == "1e00020100"
    info = session.get_track_info_by_alias(0)
    assert info is not None
    assert info.track_namespace == TrackNamespace(["b"])


def test_other_requests_and_their_answers() -> None:
    session = established(Role.SERVER)
    heard: list[moqt.ControlMessage] = []
    session.on_message = lambda s, message: heard.append(message)
    fetch = moqt.Fetch(0, ["a"], "t", Location(1, 0), Location(2, 0))
    requests = [
        fetch,
        moqt.TrackStatus(2, ["a"], "t"),
        moqt.PublishNamespace(4, ["a"]),
        moqt.SubscribeNamespace(6, ["a"]),
    ]
    for request in requests:
        session.receive_data(request.encode())
    assert heard == requests
    assert session.send_fetch_ok(0).hex() == "18000500000200" + "00"
    with pytest.raises(moqt.SessionStateError, match="RequestOk"):
        session.send_publish_ok(2)
    assert session.send_request_ok(2).hex() == "0700020200"
    assert session.send_publish_namespace_ok(4).hex() == "0700020400"
    assert session.send_request_error(6, RequestErrorCode.UNAUTHORIZED, "no").hex() == "05000506010" + "26e6f"
    # Namespace a, code 0, no reason.
    assert session.send_publish_namespace_cancel(4).hex() == "0c00050101610000"
    with pytest.raises(moqt.SessionStateError, match="PUBLISH_NAMESPACE"):
        session.send_publish_namespace_cancel(4)


VIOLATIONS: list[tuple[Role, str, ErrorCode]] = [
    (Role.CLIENT, "210004 01 02 4064", ErrorCode.PROTOCOL_VIOLATION),  # a second SETUP
    (Role.SERVER, "210004 01 02 4064", ErrorCode.PROTOCOL_VIOLATION),
    (Role.SERVER, "03 0007 02 01 0161 01 74 00", ErrorCode.INVALID_REQUEST_ID),  # 0 comes first
    (Role.SERVER, "03 0007 01 01 0161 01 74 00", ErrorCode.INVALID_REQUEST_ID),
    (Role.SERVER, "15 0002 4064", ErrorCode.PROTOCOL_VIOLATION),  # does not rise
    (Role.SERVER, "04 0003 00 07 00", ErrorCode.PROTOCOL_VIOLATION),  # to no request
    (Role.SERVER, "10 0002 01 61", ErrorCode.PROTOCOL_VIOLATION),  # a client's GOAWAY with a URI
    (Role.CLIENT, "10 0001 00 10 0001 00", ErrorCode.PROTOCOL_VIOLATION),  # twice
    (Role.CLIENT, "0a 0001 01", ErrorCode.PROTOCOL_VIOLATION),  # of a subscription that never was
    (Role.CLIENT, "02 0004 01 02 01 00", ErrorCode.PROTOCOL_VIOLATION),  # malformed
    (Role.CLIENT, "7f 0000", ErrorCode.PROTOCOL_VIOLATION),
]


@pytest.mark.parametrize(("role", "text", "code"), VIOLATIONS)
def test_violations_close_the_session(role: Role, text: str, code: ErrorCode) -> None:
    session = established(role)
    closed: list[MoqtSession] = []
    session.on_close = closed.append
    with pytest.raises(moqt.ProtocolViolation) as caught:
        session.receive_data(bytes.fromhex(text))
    assert caught.value.code is code
    assert (session.state, closed) == (SessionState.CLOSED, [session])
    assert session.receive_data(SUBSCRIBE, fin=True) == []
    with pytest.raises(moqt.SessionStateError, match="closed"):
        session.send_goaway()


def test_what_must_not_come_before_setup_or_at_the_end() -> None:
    for role in Role:
        session = MoqtSession(role)
        with pytest.raises(moqt.ProtocolViolation, match="SETUP"):
            session.receive_data(bytes.fromhex("10 0001 00"))
    with pytest.raises(moqt.ProtocolViolation, match="ended"):
        established().receive_data(b"", fin=True)


def test_limits_of_both_ends() -> None:
    session = MoqtSession(Role.CLIENT)
    with pytest.raises(moqt.SessionStateError, match="MAX_REQUEST_ID"):
        session.allocate_request_id()
    session.send_client_setup(max_request_id=1)
    session.receive_data(bytes.fromhex("21 0003 01 02 01"))
    session.send_subscribe(["a"], "t")
    with pytest.raises(moqt.SessionStateError, match="below 1"):
        session.send_subscribe(["a"], "u")
    assert session.send_requests_blocked().hex() == "1a000101"
    session.receive_data(bytes.fromhex("15 0001 03"))
    assert session.allocate_request_id() == 2
    with pytest.raises(moqt.EncodeError, match="request_id"):
        session.send_max_request_id(1)
    with pytest.raises(moqt.ProtocolViolation) as caught:
        session.receive_data(bytes.fromhex("03 0007 01 01 0161 01 74 00"))
    assert caught.value.code is ErrorCode.TOO_MANY_REQUESTS


def test_the_same_alias_for_two_tracks() -> None:
    session = established()
    session.send_subscribe(["a"], "t")
    session.send_subscribe(["a"], "u")
    session.receive_data(SUBSCRIBE_OK)
    with pytest.raises(moqt.ProtocolViolation) as caught:
        session.receive_data(bytes.fromhex("04 0003 02 07 00"))
    assert caught.value.code is ErrorCode.DUPLICATE_TRACK_ALIAS


def test_what_has_no_encoding_uses_no_request_id() -> None:
    session = established()
    with pytest.raises(moqt.EncodeError):
        session.send_subscribe([], "t")
    assert session.send_subscribe([b"a"], b"t") == SUBSCRIBE


def test_goaway() -> None:
    heard: list[str] = []
    session = established()
    session.on_goaway = lambda s, uri: heard.append(uri)
    session.receive_data(bytes.fromhex("10 0002 01 61"))
    assert (session.state, heard) == (SessionState.GOAWAY, ["a"])
    with pytest.raises(moqt.SessionStateError, match="GOAWAY"):
        session.send_subscribe(["a"], "t")
    with pytest.raises(moqt.SessionStateError, match="New Session URI"):
        session.send_goaway("x")
    assert session.send_goaway().hex() == "10000100"
    with pytest.raises(moqt.SessionStateError, match="already"):
        session.send_goaway()


class Pipe:
    """The control stream between two sessions, as the callback API has it."""

    def __init__(self) -> None:
        self.other: Pipe | None = None
        self.handler: Callable[[bytes, bool], object] | None = None

    def send(self, data: bytes, flags: int) -> None:
        assert self.other is not None
        assert self.other.handler is not None
        for byte in data:
            self.other.handler(bytes([byte]), False)

    def set_on_receive(self, handler: Callable[[bytes, bool], object]) -> None:
        self.handler = handler


async def test_awaiting_methods_on_a_control_stream() -> None:
    client, server = MoqtSession(Role.CLIENT), MoqtSession(Role.SERVER)
    ours, theirs = Pipe(), Pipe()
    ours.other, theirs.other = theirs, ours
    ready = asyncio.Event()
    client.on_setup_complete = lambda s: ready.set()
    server.on_subscribe = lambda s, message: message.track_name == b"t"
    server.on_message = lambda s, message: (
        s.send_message(moqt.RequestOk(message.request_id)) if isinstance(message, moqt.PublishNamespace) else None
    )
    client.set_control_stream(ours)
    server.set_control_stream(theirs)
    client.send_client_setup(path="/moqt")
    asyncio.get_running_loop().call_soon(server.send_server_setup)  # behind what was sent before
    await asyncio.wait_for(ready.wait(), 20)
    ok = await client.subscribe([b"a"], b"t", timeout=20)
    assert isinstance(ok, moqt.SubscribeOk)
    assert client.get_track_info_by_alias(ok.track_alias) == client.subscriptions[0]
    refused = await client.subscribe([b"a"], b"u", timeout=20)
    assert isinstance(refused, moqt.RequestError)
    assert isinstance(await client.publish([b"a"], b"v", timeout=20), moqt.PublishOk)
    assert isinstance(await client.publish_namespace([b"a"], timeout=20), moqt.RequestOk)
    assert server.data_to_send() == client.data_to_send() == b""
    with pytest.raises(TimeoutError):
        await client.fetch([b"a"], b"t", Location(), Location(1, 0), timeout=0.01)
    waiting = asyncio.ensure_future(client.track_status([b"a"], b"t", timeout=20))
    await asyncio.sleep(0)
    client.close(reason="done")
    with pytest.raises(moqt.SessionStateError, match="done"):
        await waiting


async def test_awaiting_methods_by_bytes() -> None:
    session = established()
    waiting = asyncio.ensure_future(session.subscribe([b"a"], b"t", timeout=20))
    await asyncio.sleep(0)
    assert session.data_to_send() == SUBSCRIBE
    session.receive_data(SUBSCRIBE_OK)
    assert await waiting == moqt.SubscribeOk(0, 7)


@pytest.mark.parametrize("role", list(Role))
def test_random_bytes_raise_nothing_unnamed(role: Role) -> None:
    chance = random.Random(f"{role.name} 15")
    seeds = [
        SUBSCRIBE,
        SUBSCRIBE_OK,
        SERVER_SETUP,
        CLIENT_SETUP,
        bytes.fromhex("1d 0008 01 01 0162 01 74 00 00"),
        moqt.Fetch(0, ["a"], "t", Location(1, 0), Location(2, 0)).encode(),
        moqt.PublishNamespace(0, ["a"]).encode(),
        bytes.fromhex("09 0003 01 0161"),
        moqt.RequestError(0, 0, "x").encode(),
    ]
    survived = 0
    for _ in range(3000):
        session = established(role) if chance.random() < 0.8 else MoqtSession(role)
        if session.state is SessionState.ESTABLISHED:
            session.send_subscribe(["a"], "t")
        for _ in range(4):
            data = bytearray(chance.choice(seeds) if chance.random() < 0.8 else chance.randbytes(chance.randrange(40)))
            for _ in range(chance.randrange(3)):
                if data:
                    data[chance.randrange(len(data))] = chance.randrange(256)
            try:
                session.receive_data(data, fin=chance.random() < 0.05)
            except moqt.ProtocolViolation:
                assert session.state is SessionState.CLOSED
                break
        else:
            survived += 1
    assert 0 < survived < 3000
