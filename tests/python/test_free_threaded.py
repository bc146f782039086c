"""Threads that use the same objects, and loops that run side by side.

In a free-threaded Python nothing but the library's own locks keeps them apart; with the GIL these are ordinary tests of
threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import queue
import random
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import moqt
import msquic
from asyncio_pairs import client, pair, server, within
from moqt_sessions import publish_and_subscribe, publish_through_a_relay
from msquic import SendFlags, StreamShutdownFlags, StreamStartFlags

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
DEADLINE = 40.0
THREADS = 6


def at_once(*works: Callable[[], object]) -> None:
    """Calls each on a thread of its own, all beginning together. Raises the first error of any."""
    start = threading.Barrier(len(works))
    errors: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            start.wait(DEADLINE)
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + DEADLINE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
        assert not thread.is_alive(), f"a thread did not end; errors so far: {errors}"
    if errors:
        raise errors[0]


def idle() -> bool:
    """Whether everything is gone from MsQuic in time. What a handler raised, or holds just now, is garbage later."""
    deadline = time.monotonic() + DEADLINE
    gc.collect()
    while not msquic.wait_until_idle(0.1):
        if time.monotonic() > deadline:
            return False
        gc.collect()
    return True


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

    def replace() -> None:
        while working.is_set():
            connection.set_on_datagram_received(bytes)
            connection.set_on_streams_available(lambda both, one: None)
            connection.set_on_streams_available(None)
            connection.set_on_shutdown_complete(lambda closed: None)
            listener.set_on_new_connection(echo)

    def send_datagrams() -> None:
        while working.is_set():
            connection.send_datagram(b"x", on_state=lambda state: None)

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


@pytest.mark.timeout(90)
def test_loops_with_servers_and_clients_side_by_side(certificate: Any) -> None:
    async def answer(connection: Any) -> None:
        async for stream in connection:
            stream.write(await stream.read())
            stream.write_eof()

    async def exchange(number: int) -> None:
        async with server(certificate, answer) as made:

            async def ask(each: int) -> None:
                async with client(certificate, made) as connection:
                    for size in (1, 1000, 100_000):
                        data = bytes([number, each]) * size
                        async with await connection.open_stream() as stream:
                            stream.write(data)
                            stream.write_eof()
                            assert await stream.read() == data

            await asyncio.gather(*(ask(each) for each in range(4)))

    at_once(*(lambda number=number: asyncio.run(within(exchange(number), 30)) for number in range(4)))
    gc.collect()


@pytest.mark.timeout(90)
def test_sessions_in_loops_side_by_side() -> None:
    at_once(
        *[lambda: asyncio.run(within(publish_and_subscribe(), 30))] * 3,
        lambda: asyncio.run(within(publish_through_a_relay(), 30)),
    )


async def test_a_reader_that_another_thread_ends_makes_room_for_the_next(certificate: Any) -> None:
    """The garbage collector ends a coroutine on the thread where it runs, whosever the coroutine was."""
    async with pair(certificate) as both:
        stream, _ = await both.streams()
        reading = stream.read(10)
        reading.send(None)  # as a task does
        accepting = both.client.accept_stream()
        accepting.send(None)

        def end() -> None:
            reading.close()
            accepting.close()

        await asyncio.to_thread(end)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(stream.read(10), 0.1)


@pytest.mark.skipif(not FREE_THREADED, reason="with the GIL it is up to asyncio to notice")
async def test_a_wrong_thread_is_refused(certificate: Any) -> None:
    async with pair(certificate) as both:
        stream, _ = await both.streams()

        def start(coroutine: Any) -> None:
            try:
                coroutine.send(None)
            finally:
                coroutine.close()

        for use in (
            lambda: start(stream.read(1)),
            lambda: start(stream.readexactly(1)),
            lambda: start(stream.readuntil(b"x")),
            lambda: start(stream.wait_acked()),
            lambda: start(stream.wait_closed()),
            stream.at_eof,
            both.client._take_datagram,
            both.listener.close,
        ):
            with pytest.raises(RuntimeError, match="another asyncio loop"):
                await asyncio.to_thread(use)


def test_messages_and_objects_shared_by_threads() -> None:
    """What a thread reads or encodes is what some thread has set, whole."""
    names = [bytes([number]) * (number * 150 + 1) for number in range(26)]
    message = moqt.TrackStatus(6, ["a"], names[0])
    expected = [moqt.TrackStatus(6, ["a"], name).encode() for name in names]
    objects = [moqt.SubgroupObject(7, payload=name) for name in names]
    shared = moqt.SubgroupObject(7, payload=names[0])
    over = time.monotonic() + 1.0

    def change() -> None:
        while time.monotonic() < over:
            for name in names:
                message.track_name = name
                message.track_namespace = ["a"]
                message.parameters = []
                shared.payload = name
                shared.extensions = {}

    def look() -> None:
        while time.monotonic() < over:
            assert message.encode() in expected
            assert message.track_name in names
            repr(message), repr(shared)
            assert shared.payload in names
            shared in objects, objects[0] == shared  # it may be another one for each comparison

    def transcode() -> None:
        while time.monotonic() < over:
            for data in expected:
                decoded, size = moqt.decode_control_message(data)
                assert (decoded.encode(), size) == (data, len(data))

    at_once(change, change, look, look, transcode, transcode)


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
