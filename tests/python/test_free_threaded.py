"""Threads that use the same objects of the callback API."""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import random
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

import msquic
from msquic import SendFlags, StreamShutdownFlags, StreamStartFlags
from threads_at_once import DEADLINE, FREE_THREADED, at_once, idle

THREADS = 6


def echo(connection: Any) -> None:
    def on_stream(stream: Any) -> None:
        def on_receive(data: bytes, fin: bool) -> None:
            with contextlib.suppress(msquic.QuicError):  # another thread ended it
                stream.send(data, SendFlags.FIN if fin else SendFlags.NONE)

        stream.set_on_receive(on_receive)

    connection.set_on_peer_stream_started(on_stream)
    connection.set_on_datagram_received(lambda data: None)


@pytest.mark.skipif(not FREE_THREADED, reason="this Python has a GIL")
def test_importing_both_packages_leaves_the_gil_off() -> None:
    """An extension that does not say that it can do without turns the GIL on, with a warning."""
    code = "import sys, msquic, moqt, msquic.asyncio, moqt.asyncio; print(sys._is_gil_enabled())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        timeout=30,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.timeout(90)
def test_one_connection_used_by_many_threads(loopback: Any, collector: Any) -> None:
    """Streams of several threads, while others read and replace everything else of the connection."""
    listener = loopback.listen(echo, datagram_receive_enabled=True, peer_bidi_stream_count=1000)
    connection = loopback.connect(listener, datagram_receive_enabled=True)
    working = threading.Event()
    working.set()
    left = [THREADS]
    count = threading.Lock()

    def request(number: int) -> None:
        try:
            for turn in range(8):
                data = random.Random(number * 100 + turn).randbytes(20_000)
                received = collector()
                stream = connection.open_stream()
                stream.set_on_receive(received)
                stream.start()
                for at in range(0, len(data), 5000):
                    stream.send(data[at : at + 5000])
                stream.shutdown(StreamShutdownFlags.GRACEFUL)
                assert received.wait_fin() == data
        finally:
            with count:
                left[0] -= 1
                if left[0] == 0:
                    working.clear()

    def observe() -> None:
        while working.is_set():
            repr(connection), connection.local_address, connection.remote_address, connection.negotiated_alpn
            connection.statistics(), connection.handshake, connection.close_error
            repr(loopback.accepted[0]), repr(listener), listener.statistics()

    # Events are handled one at a time: who caused them without waiting would keep all others waiting.
    def replace() -> None:
        while working.is_set():
            told = threading.Event()
            connection.set_on_datagram_received(bytes)
            connection.set_on_streams_available(lambda both, one, told=told: told.set())
            assert told.wait(DEADLINE)
            connection.set_on_streams_available(None)
            connection.set_on_shutdown_complete(lambda closed: None)
            listener.set_on_new_connection(echo)

    def send_datagrams() -> None:
        while working.is_set():
            told = threading.Event()
            connection.send_datagram(b"x", on_state=lambda state, told=told: told.set())
            assert told.wait(DEADLINE)

    at_once(*(lambda number=number: request(number) for number in range(THREADS)), observe, replace, send_datagrams)
    connection.close()


@pytest.mark.timeout(90)
def test_no_byte_is_lost_while_its_handler_is_replaced(loopback: Any) -> None:
    over = threading.Event()
    received = bytearray()
    data = random.Random(1).randbytes(3_000_000)

    def take(chunk: bytes, fin: bool) -> None:  # handlers are called one at a time
        received.extend(chunk)
        if fin:
            over.set()

    streams: queue.Queue[Any] = queue.Queue()
    listener = loopback.listen(lambda connection: connection.set_on_peer_stream_started(streams.put))
    connection = loopback.connect(listener)
    stream = connection.open_stream()
    stream.start(StreamStartFlags.IMMEDIATE)
    peer = streams.get(timeout=DEADLINE)

    def send() -> None:
        for at in range(0, len(data), 10_000):
            stream.send(data[at : at + 10_000])
        stream.send(b"", SendFlags.FIN)

    def replace() -> None:
        handlers = [lambda chunk, fin: take(chunk, fin), take]
        while not over.is_set():
            for handler in handlers:
                peer.set_on_receive(handler)
            peer.set_on_send_complete(None)

    at_once(send, replace, replace)
    assert over.wait(DEADLINE)
    assert bytes(received) == data


@pytest.mark.timeout(120)
def test_closing_while_others_use_the_objects(registration: Any, loopback: Any) -> None:
    """Whoever comes too late gets an exception of the library, and every connection ends once."""
    listener = loopback.listen(echo)
    configuration = loopback.configuration(server=False)
    for turn in range(20):
        ended: queue.Queue[bool] = queue.Queue()
        connection = loopback.connect(listener, configuration, wait=turn % 2 == 0)
        connection.set_on_shutdown_complete(ended.put)

        def use(connection: Any = connection) -> None:
            with contextlib.suppress(msquic.QuicError):
                while not connection.is_closed:
                    stream = connection.open_stream()
                    stream.start()
                    stream.send(bytes(100))
                    stream.shutdown(StreamShutdownFlags.GRACEFUL)
                    repr(stream)

        def end(connection: Any = connection) -> None:
            time.sleep(0.005)  # in the middle of it
            connection.close()

        at_once(use, use, use, end, end)
        ended.get(timeout=DEADLINE)
        assert ended.empty()


def close_what_others_make_objects_from(certificate: Any) -> None:
    registration = msquic.Registration("closing")
    configuration = msquic.Configuration(registration, ["test"])
    configuration.load_credential_none(ca_file=certificate.certificate_file)

    def make() -> None:
        with contextlib.suppress(msquic.QuicError):
            while True:
                connection = msquic.Connection(registration)
                connection.set_on_shutdown_complete(lambda closed: None)
                connection.start(configuration, "localhost", 1, address="127.0.0.1")
                msquic.Listener(registration).set_on_new_connection(lambda connection: None)

    def change() -> None:
        with contextlib.suppress(msquic.QuicError):
            while True:
                configuration.set_certificate_verifier(lambda certificate: True, timeout=1)
                configuration.set_certificate_verifier(None)

    def end() -> None:
        time.sleep(0.02)  # in the middle of it
        configuration.close()
        deadline = time.monotonic() + DEADLINE
        while True:  # what was being made meanwhile is only seen the next time
            try:
                return registration.close(0.2)
            except msquic.LibraryInUse:
                assert time.monotonic() < deadline
                gc.collect()

    at_once(make, make, change, end)


@pytest.mark.timeout(120)
def test_closing_what_others_make_objects_from(certificate: Any) -> None:
    """A registration and a configuration that are closed while several threads make connections with them."""
    for _ in range(10):
        close_what_others_make_objects_from(certificate)
    assert idle(), msquic.live_objects()


def make_and_drop(certificate: Any) -> None:
    registration = msquic.Registration("dropping")
    server_side = msquic.Configuration(registration, ["test"], peer_bidi_stream_count=100)
    server_side.load_credential_file(certificate.certificate_file, certificate.private_key_file)
    client_side = msquic.Configuration(registration, ["test"])
    client_side.load_credential_none(ca_file=certificate.certificate_file)
    listener = msquic.Listener(registration)
    listener.set_on_new_connection(echo)
    listener.start(server_side, ["test"], 0)
    made: queue.Queue[Any] = queue.Queue(maxsize=50)

    def make() -> None:
        for _ in range(12):
            connection = msquic.Connection(registration)
            connection.start(client_side, "localhost", listener.port, address="127.0.0.1")
            objects = [connection]
            for _ in range(5):
                stream = connection.open_stream()
                stream.set_on_receive(lambda data, fin, stream=stream: None)  # a cycle
                stream.start()
                stream.send(bytes(2000), SendFlags.FIN)
                objects.append(stream)
            random.shuffle(objects)
            while objects:
                made.put(objects.pop(), timeout=DEADLINE)
            del connection, stream
        made.put(None, timeout=DEADLINE)

    def drop() -> None:
        held: list[Any] = []
        while (item := made.get(timeout=DEADLINE)) is not None:
            held.append(item)
            if len(held) > 10:
                del held[random.randrange(len(held))], item
                gc.collect(0)

    at_once(*[make] * 3, *[drop] * 3)
    listener.close()


@pytest.mark.timeout(120)
def test_objects_dropped_by_any_thread_in_any_order(certificate: Any) -> None:
    """Threads make connections and streams, others drop the last references to them, and collect garbage."""
    make_and_drop(certificate)
    assert idle(), msquic.live_objects()


def test_one_bytearray_sent_by_many_threads(loopback: Any) -> None:
    """Every send holds it, and when all are complete it is free again."""
    shared = bytearray(b"x" * 1000)
    sent = threading.Semaphore(0)
    listener = loopback.listen(echo, peer_bidi_stream_count=100)
    connection = loopback.connect(listener)

    def send() -> None:
        stream = connection.open_stream()
        stream.set_on_send_complete(lambda canceled: sent.release())
        stream.start()
        for _ in range(300):
            stream.send(shared)

    at_once(*[send] * THREADS)
    for _ in range(THREADS * 300):
        assert sent.acquire(timeout=DEADLINE)
    shared.extend(b"x")
