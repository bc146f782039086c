"""``config=`` is another name of ``configuration=`` wherever a call takes one."""

from __future__ import annotations

from typing import Any

import pytest

import msquic
from conftest import Waiter


def test_start_and_set_configuration_by_that_name(loopback: Any) -> None:
    shared = loopback.configuration(server=True)
    accepted = Waiter()

    def on_new_connection(connection: Any) -> None:
        connection.set_configuration(config=shared)
        accepted.set()

    listener = msquic.Listener(loopback.registration)
    listener.set_on_new_connection(on_new_connection)
    listener.start(config=shared, alpn_list=[loopback.ALPN], port=0, host="127.0.0.1")
    connection = msquic.Connection(loopback.registration)
    connected = Waiter()
    connection.set_on_connected(connected.set)
    configuration = loopback.configuration(server=False)
    connection.start(config=configuration, server_name="localhost", port=listener.port, address="127.0.0.1")
    accepted.wait("the connection at the listener")
    connected.wait("the handshake")
    with pytest.raises(msquic.InvalidState):
        connection.set_configuration(config=configuration)


def test_not_both_names(loopback: Any) -> None:
    configuration = loopback.configuration(server=False)
    connection = msquic.Connection(loopback.registration)
    with pytest.raises(TypeError, match="config"):
        connection.start(configuration, "localhost", 1, config=configuration)
    with pytest.raises(TypeError, match="config"):
        connection.set_configuration(configuration=configuration, config=configuration)
    with pytest.raises(msquic.InvalidArgumentType):
        connection.set_configuration(config=None)  # type: ignore[call-overload]
    listener = msquic.Listener(loopback.registration)
    with pytest.raises(TypeError, match="config"):
        listener.start(alpn_list=["x"], port=0)  # type: ignore[call-overload]
