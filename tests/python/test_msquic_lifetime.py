"""Nothing aborts, hangs or leaks: garbage collection, the end of the interpreter, forks."""

from __future__ import annotations

import gc
import itertools
import os
import subprocess
import sys
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import msquic
from msquic import SendFlags, StreamOpenFlags

PROGRAMS = Path(__file__).parent / "programs"


def run(program: str, *, directory: Path, timeout: float = 60, arguments: tuple[str, ...] = (), code: int = 0) -> str:
    """The output of a Python program that must end well and in time."""
    paths = [str(PROGRAMS), str(Path(msquic.__file__).parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONFAULTHANDLER": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, str(directory), *arguments],
        env=environment,
        timeout=timeout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "nanobind" not in done.stderr
    return done.stdout + done.stderr


DROP = """
import gc, itertools, sys, threading, time
import msquic
from msquic_traffic import Traffic

NAMES = ["registration", "server_configuration", "client_configuration", "listener", "connection", "stream"]
first, step = int(sys.argv[2]), int(sys.argv[3])
for order in list(itertools.permutations(NAMES))[first::step]:
    traffic = Traffic(sys.argv[1])
    traffic.wait()
    for name in order:
        setattr(traffic, name, None)
    del traffic
    # A handler that runs meanwhile holds what it uses, and what it raises holds its frame: garbage when it is through.
    deadline = time.monotonic() + 10
    gc.collect()
    while not msquic.wait_until_idle(0.2):
        assert time.monotonic() < deadline, (order, msquic.live_objects())
        gc.collect()
msquic.close_api(5)
print("done")
"""


@pytest.mark.timeout(180)
def test_references_dropped_in_any_order_with_live_traffic(tmp_path):
    step = int(os.environ.get("MSQUIC_TEST_DROP_STEP", "24"))  # every 24th of the 720 orders: 30 of them
    assert "done" in run(DROP, directory=tmp_path, arguments=("7", str(step)), timeout=150).splitlines()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", ["return", "sys.exit", "exception", "handler", "daemon thread"])
def test_leaving_the_interpreter_mid_transfer(tmp_path, way):
    ways = {
        "return": "",
        "sys.exit": "sys.exit(0)",
        "exception": "raise ValueError('on purpose')",
        "handler": "event = threading.Event()\n"
        "traffic.connection.set_on_datagram_state_changed(lambda a, b: (event.set(), time.sleep(100)))\n"
        "event.wait(5)",
        # It ends by the exception that sending raises once the interpreter is ending. Nothing may be printed of it: a
        # daemon thread that holds standard error when Python finalizes makes Python abort, whatever it printed.
        "daemon thread": "import contextlib\n"
        "def send():\n"
        "    with contextlib.suppress(Exception):\n"
        "        while True: traffic.stream.send(bytes(9))\n"
        "threading.Thread(target=send, daemon=True).start()",
    }
    program = (
        "import atexit, sys, threading, time\nfrom msquic_traffic import Traffic\n"
        "traffic = Traffic(sys.argv[1])\ntraffic.wait()\n" + ways[way]
    )
    count = int(os.environ.get("MSQUIC_TEST_EXITS", "40"))

    def one(number: int) -> float:
        directory = tmp_path / str(number)
        begin = time.monotonic()
        run(program, directory=directory, timeout=60, code=1 if way == "exception" else 0)
        return time.monotonic() - begin

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(count)))


FORK = """
import os, sys
import msquic
from msquic_traffic import Traffic

traffic = Traffic(sys.argv[1])
traffic.wait()
child = os.fork()
if child == 0:
    refused = 0
    for use in (lambda: msquic.Registration("x"), lambda: traffic.connection.open_stream(),
                lambda: traffic.stream.send(b"x"),
                lambda: msquic.Connection(traffic.registration), traffic.connection.close, traffic.listener.stop):
        try:
            use()
        except msquic.ForkedProcess:
            refused += 1
    del traffic
    sys.exit(0 if refused == 6 else refused + 10)
before = traffic.received
assert os.waitpid(child, 0)[1] == 0
traffic.flowing.clear()
traffic.wait()
assert traffic.received > before
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork_with_live_traffic(tmp_path):
    assert "done" in run(FORK, directory=tmp_path).splitlines()


SPAWN = """
import multiprocessing, sys

def child(queue):
    import msquic
    with msquic.Registration("child"):
        queue.put(msquic.library_version())

if __name__ == "__main__":
    import msquic
    kept = msquic.Registration("parent")
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=child, args=(queue,))
    process.start()
    print(queue.get(timeout=30))
    process.join(30)
    assert process.exitcode == 0
"""


def test_spawned_process_works(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(SPAWN)
    assert "2." in run(
        f"import runpy, sys; sys.argv[:] = [{str(program)!r}]; runpy.run_path({str(program)!r}, run_name='__main__')",
        directory=tmp_path,
    )


def test_dropped_connection_is_shut_down(loopback, waiter):
    over = waiter()
    listener = loopback.listen(lambda c: c.set_on_shutdown_complete(over.set))
    connection = loopback.connect(listener)
    server = loopback.served()
    reference = weakref.ref(connection)
    del connection
    assert reference() is None
    over.wait("the end at the server")
    assert server.close_error.app_code == 0


def test_cycle_through_handlers_is_collected(loopback, waiter):
    over = waiter()
    listener = loopback.listen(lambda c: c.set_on_shutdown_complete(over.set))

    def make_cycle():
        connection = loopback.connect(listener)
        stream = connection.open_stream()
        connection.set_on_peer_stream_started(lambda s: connection)
        stream.set_on_receive(lambda data, fin: (connection, stream))
        stream.start()
        return weakref.ref(connection), weakref.ref(stream)

    references = make_cycle()
    assert all(reference() is not None for reference in references)
    gc.collect()
    assert [reference() for reference in references] == [None, None]
    over.wait("the end at the server")


def test_accepted_connection_that_nobody_stores_lives(registration, certificate, loopback, collector):
    def serve(connection):
        connection.set_on_peer_stream_started(lambda s: s.set_on_receive(lambda data, fin: s.send(data)))

    listener = loopback.listen(serve)
    connection = loopback.connect(listener)
    loopback.accepted.clear()
    gc.collect()
    received = collector()
    stream = connection.open_stream()
    stream.set_on_receive(received)
    stream.send(b"still there", SendFlags.START)
    assert received.wait_size(11) == b"still there"


def test_handles_and_counters_return_to_zero(certificate, loopback, registration, waiter):
    listener = loopback.listen(lambda c: c.set_on_peer_stream_started(lambda s: s.set_on_receive(lambda d, f: None)))
    before = msquic.performance_counters().connections_created
    for _ in range(20):
        connection = loopback.connect(listener)
        over = waiter()
        connection.set_on_shutdown_complete(over.set)
        last = waiter()
        for i in range(10):
            stream = connection.open_stream(StreamOpenFlags.UNIDIRECTIONAL)
            if i == 9:
                stream.set_on_shutdown_complete(last.set)
            stream.send(b"x", SendFlags.START | SendFlags.FIN)
        last.wait()
        connection.shutdown()
        over.wait()
    loopback.accepted.clear()
    listener.close()
    del connection, stream, listener
    gc.collect()
    registration.close()
    assert msquic.wait_until_idle(10), msquic.live_objects()
    counters = msquic.performance_counters()
    assert counters.connections_created - before >= 40
    assert counters.connections_active == 0
    assert counters.streams_active == 0


def test_close_in_every_order(certificate, tmp_path):
    # close() of each, in an order of its own, without live traffic: nothing waits for another.
    for order in itertools.permutations(range(4)):
        registration = msquic.Registration("order")
        configuration = msquic.Configuration(registration, ["test"])
        configuration.load_credential_none()
        things = [registration, configuration, msquic.Listener(registration), msquic.Connection(registration)]
        stream = things[3].open_stream()
        for index in order:
            things[index].close()
        stream.close()
    gc.collect()


def test_readme_client_block_runs_verbatim(tmp_path, readme_block):
    block = readme_block("connection.set_on_connected(on_connected)")
    server = """
import sys, threading, msquic
directory, block = sys.argv[1], sys.argv[2]
certificate = msquic.generate_development_certificate(directory)
server_registration = msquic.Registration("server")
server_configuration = msquic.Configuration(server_registration, ["h3"])
server_configuration.load_credential_file(certificate.certificate_file, certificate.private_key_file)
listener = msquic.Listener(server_registration)
connected = threading.Event()
listener.set_on_new_connection(lambda c: c.set_on_connected(connected.set))
listener.start(server_configuration, ["h3"], 0)
exec(compile(block.replace("4433", str(listener.port)), "readme", "exec"))
assert connected.wait(15)
client_over = threading.Event()
connection.set_on_shutdown_complete(lambda closing: (on_shutdown_complete(closing), client_over.set()))
connection.shutdown()
assert client_over.wait(15)
"""
    output = run(server, directory=tmp_path, arguments=(block,))
    assert "接続完了" in output
    assert "接続終了" in output
