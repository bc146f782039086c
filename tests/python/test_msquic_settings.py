"""Transport settings: that every one is offered everywhere under the same name and type, checked, and takes effect."""

from __future__ import annotations

import ast
import inspect
import re
import threading
import time
from pathlib import Path

import pytest

import msquic
from msquic import _native
from msquic.settings import Settings

STUB = Path(_native.__file__).parent / "_native" / "quic.pyi"
DEADLINE = 15.0
SOURCE = Path(inspect.getfile(Settings))


def method(owner: str, name: str) -> ast.arguments:
    """The parameters of a method in the stub of the extension."""
    for node in ast.parse(STUB.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name == owner:
            for member in node.body:
                if isinstance(member, ast.FunctionDef) and member.name == name:
                    return member.args
    raise AssertionError(f"{owner}.{name} is not in {STUB}")


def annotations(parameters: list[ast.arg]) -> dict[str, str]:
    return {
        parameter.arg: ast.unparse(parameter.annotation).replace("msquic.enums.", "")
        for parameter in parameters
        if parameter.annotation is not None
    }


def test_the_typed_dictionary_is_the_signature_of_configuration() -> None:
    parameters = method("Configuration", "__init__")
    settings = annotations(parameters.args[3:] + parameters.kwonlyargs)
    del settings["keylog"]  # not a setting of MsQuic
    fields = {name: annotation.__forward_arg__ for name, annotation in Settings.__annotations__.items()}
    assert list(settings.items()) == list(fields.items())


LIVE = {
    "idle_timeout_ms",
    "peer_bidi_stream_count",
    "peer_unidi_stream_count",
    "disconnect_timeout_ms",
    "keep_alive_interval_ms",
    "datagram_send_queue_bytes",
    "pacing_enabled",
    "stream_scheduling",
    "dest_cid_update_idle_timeout_ms",
    "mtu_discovery_search_complete_timeout_us",
    "mtu_discovery_missing_probe_count",
    "send_dscp",
}


def test_what_is_live_is_said_and_offered() -> None:
    assert {name for name, text in documented().items() if "*Live*" in text} == LIVE
    offered = annotations(method("Connection", "update_settings").kwonlyargs)
    assert set(offered) == LIVE
    assert (
        offered.items()
        <= annotations(
            method("Configuration", "__init__").args + method("Configuration", "__init__").kwonlyargs
        ).items()
    )


def documented() -> dict[str, str]:
    """The text below each field."""
    body = next(n for n in ast.parse(SOURCE.read_text(encoding="utf-8")).body if isinstance(n, ast.ClassDef)).body[1:]
    return {
        field.target.id: text.value.value
        for field, text in zip(body[::2], body[1::2], strict=True)
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr)
    }


def test_the_table_of_the_reference_is_complete() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
    rows = [
        line.strip("|").split("|") for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    table = {row[0].strip().strip("`"): [cell.strip() for cell in row[1:]] for row in rows if len(row) == 5}
    assert list(table) == list(Settings.__annotations__)
    for name, text in documented().items():
        default, _, live, _ = table[name]
        assert live == ("yes" if name in LIVE else ""), name
        assert default.strip("`") in text.replace("``", "").replace("**none**", "0"), name


def test_every_setting_is_documented() -> None:
    texts = documented()
    assert set(texts) == set(Settings.__annotations__)
    for name, text in texts.items():
        assert "efault" in text, f"{name}: its default"
        for suffix, unit in (("_ms", "illiseconds"), ("_us", "icroseconds")):
            assert not name.endswith(suffix) or unit in text, f"{name}: its unit"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"stream_recv_buffer": 5000}, "stream_recv_buffer must be a power of two"),
        ({"stream_recv_buffer": 2048}, "stream_recv_buffer must be from 4096"),
        ({"stream_recv_buffer": 1 << 17}, "room for stream_recv_buffer, 131072 bytes"),
        ({"stream_recv_window": 1000}, "stream_recv_window must be a power of two, not 1000"),
        ({"stream_recv_window_unidi": 0}, "stream_recv_window_unidi must be a power of two"),
        ({"idle_timeout_ms": 2**41}, "idle_timeout_ms must be from 0 to 1099511627776"),
        ({"disconnect_timeout_ms": 0}, "disconnect_timeout_ms must be from 1 to 600000, not 0"),
        ({"max_ack_delay_ms": 16384}, "max_ack_delay_ms must be from 1 to 16383, not 16384"),
        ({"initial_rtt_ms": 0}, "initial_rtt_ms must be from 1 to"),
        ({"initial_window_packets": 0}, "initial_window_packets must be from 1 to"),
        ({"minimum_mtu": 1200}, "minimum_mtu must be from 1248 to 1500, not 1200"),
        ({"minimum_mtu": 1400, "maximum_mtu": 1300}, "minimum_mtu must not be larger than maximum_mtu"),
        ({"max_operations_per_drain": 0}, "max_operations_per_drain must be from 1 to 255"),
        ({"max_bytes_per_key": 2**38 + 1}, "max_bytes_per_key must be from 1 to 274877906944"),
        ({"congestion_control": 2}, "congestion_control must be from 0 to 1"),
        ({"stream_scheduling": 2}, "stream_scheduling must be from 0 to 1"),
        ({"send_dscp": 64}, "send_dscp must be from 0 to 63, not 64"),
        ({"quic_versions": [2]}, "quic_versions must be 1 (RFC 9000), 0x6b3343cf (RFC 9369), or both"),
    ],
)
def test_out_of_range_is_refused_with_the_limits(registration, settings, text) -> None:
    with pytest.raises(msquic.InvalidArgument, match=re.escape(text)):
        msquic.Configuration(registration, ["test"], **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"congestion_control": msquic.CongestionControl.BBR},
        {"congestion_control": 1, "hystart_enabled": True, "ecn_enabled": True},
        {"stream_scheduling": msquic.StreamScheduling.ROUND_ROBIN},
        {"grease_quic_bit_enabled": True, "dest_cid_update_idle_timeout_ms": 1},
        {"maximum_mtu": 1280},
        {"minimum_mtu": 1248, "maximum_mtu": 1248, "mtu_discovery_missing_probe_count": 1},
        {"stream_recv_window": 4096, "stream_recv_buffer": 4096, "conn_flow_control_window": 8192},
        {"max_bytes_per_key": 100_000, "mtu_discovery_search_complete_timeout_us": 1000},
        {"idle_timeout_ms": 0, "keep_alive_interval_ms": 50, "disconnect_timeout_ms": 600000},
        {"initial_rtt_ms": 1, "initial_window_packets": 1, "max_ack_delay_ms": 1, "pacing_enabled": False},
        dict.fromkeys(Settings.__annotations__),
    ],
    ids=lambda settings: " ".join(settings)[:60],
)
def test_a_transfer_is_byte_exact_under(loopback, collector, settings) -> None:
    settings = {**settings, "peer_bidi_stream_count": 100}
    payload = bytes(range(256)) * 1200
    echoed = collector()

    def serve(connection):
        def on_stream(stream):
            def on_receive(data, fin):
                if data or fin:
                    stream.send(data, msquic.SendFlags.FIN if fin else msquic.SendFlags.NONE)

            stream.set_on_receive(on_receive)

        connection.set_on_peer_stream_started(on_stream)

    listener = loopback.listen(serve, **settings)
    connection = loopback.connect(listener, **settings)
    stream = connection.open_stream()
    stream.set_on_receive(echoed)
    stream.send(payload, msquic.SendFlags.START | msquic.SendFlags.FIN)
    assert echoed.wait_fin() == payload
    connection.close()


def test_only_live_settings_change_on_a_connection(loopback) -> None:
    connection = loopback.connect(loopback.listen())
    for name in set(Settings.__annotations__) - LIVE:
        value = name.endswith("_enabled") or (65536 if name.startswith("stream_recv") else 1300 if "mtu" in name else 1)
        value = [1] if name == "quic_versions" else value
        with pytest.raises(msquic.InvalidArgument, match=f"{name} cannot change while a connection is open"):
            connection.update_settings(**{name: value})
    with pytest.raises(msquic.InvalidArgument, match="disconnect_timeout_ms must be from 1"):
        connection.update_settings(disconnect_timeout_ms=0)
    with pytest.raises(msquic.InvalidArgumentType, match="no setting called nonsense"):
        connection.update_settings(nonsense=1)
    connection.update_settings()
    connection.close()
    with pytest.raises(msquic.ClosedHandle):
        connection.update_settings(idle_timeout_ms=1)


def test_a_shorter_idle_timeout_ends_a_live_connection(loopback, waiter) -> None:
    connection, over = loopback.connect(loopback.listen()), waiter()
    connection.set_on_shutdown_complete(over.set)
    connection.update_settings(idle_timeout_ms=200)
    over.wait("the end of the idle connection")
    assert isinstance(connection.close_error, msquic.IdleTimeout)


def test_keep_alive_can_be_switched_on(loopback) -> None:
    connection = loopback.connect(loopback.listen())
    connection.update_settings(keep_alive_interval_ms=10, idle_timeout_ms=2000)
    before = connection.statistics().recv_valid_ack_frames
    deadline = time.monotonic() + DEADLINE
    while connection.statistics().recv_valid_ack_frames < before + 20:
        assert time.monotonic() < deadline, "nothing is sent to keep the connection alive"
        threading.Event().wait(0.01)


def test_the_peer_may_open_more_streams_once_the_limit_is_raised(loopback, waiter, collector) -> None:
    received = [collector(), collector()]

    def serve(connection):
        connection.set_on_peer_stream_started(lambda stream: stream.set_on_receive(received[stream.id // 4]))

    connection = loopback.connect(loopback.listen(serve, peer_bidi_stream_count=0))
    connection.update_settings(stream_scheduling=msquic.StreamScheduling.ROUND_ROBIN)
    for text in (b"first", b"second"):
        connection.open_stream().send(text, msquic.SendFlags.START | msquic.SendFlags.FIN)
    loopback.accepted[0].update_settings(peer_bidi_stream_count=2)
    assert [each.wait_fin() for each in received] == [b"first", b"second"]
