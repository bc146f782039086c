"""Settings of the whole process; each test is a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Right after the first Registration there are no other threads than the main one and MsQuic's workers.
THREADS = """
import os
def workers():
    return len(os.listdir("/proc/self/task")) - 1
"""

LOOPBACK = """
import msquic, tempfile, threading
certificate = msquic.generate_development_certificate(tempfile.mkdtemp())
def loopback(registration):
    server = msquic.Configuration(registration, ["test"], peer_bidi_stream_count=10)
    server.load_credential_file(certificate.certificate_file, certificate.private_key_file)
    client = msquic.Configuration(registration, ["test"])
    client.load_credential_none(ca_file=certificate.certificate_file)
    accepted = []
    listener = msquic.Listener(registration)
    listener.set_on_new_connection(accepted.append)
    listener.start(server, ["test"], 0)
    connection = msquic.Connection(registration)
    connected = threading.Event()
    connection.set_on_connected(connected.set)
    connection.start(client, "localhost", listener.port, address="127.0.0.1")
    assert connected.wait(15), connection.close_error
    return listener, connection, accepted
"""


def run(code: str, *prefix: str) -> str:
    done = subprocess.run(
        [*prefix, sys.executable, "-c", THREADS + LOOPBACK + code],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_one_worker_is_enough_and_can_be_asked_for() -> None:
    output = run("""
msquic.configure(workers=1)
with msquic.Registration("test") as registration:
    print(workers())
    kept = loopback(registration)
""")
    assert output == "1"


@pytest.mark.skipif(sys.platform != "linux", reason="affinity is Linux's")
def test_by_default_there_are_as_many_workers_as_the_affinity_admits() -> None:
    code = """
with msquic.Registration("test") as registration:
    print(workers())
    kept = loopback(registration)
"""
    usable = sorted(os.sched_getaffinity(0))
    assert run(code, "taskset", "-c", str(usable[0])) == "1"
    assert int(run(code)) <= min(len(usable), 8)


def test_too_late_and_out_of_range_are_said() -> None:
    output = run("""
import os
for bad in (0, os.cpu_count() + 1):
    try:
        msquic.configure(workers=bad)
    except msquic.InvalidArgument as error:
        assert f"workers must be from 1 to {os.cpu_count()}" in str(error), error
    else:
        raise AssertionError(bad)
for options, text in (({"load_balancing": 2}, "fixed_server_id"), ({"load_balancing": 3}, "load_balancing"),
                      ({"retry_memory_percent": 101}, "from 0 to 100"), ({"max_worker_queue_delay_ms": 0}, "from 1")):
    try:
        msquic.configure(**options)
    except msquic.InvalidArgument as error:
        assert text in str(error), error
    else:
        raise AssertionError(options)
with msquic.Registration("test") as registration:
    for options in ({"workers": 1}, {"load_balancing": msquic.LoadBalancing.SERVER_ID_IP}):
        try:
            msquic.configure(**options)
        except msquic.LibraryInUse as error:
            assert "before the first registration" in str(error), error
        else:
            raise AssertionError(options)
    msquic.configure(max_worker_queue_delay_ms=500, retry_memory_percent=0.1)
msquic.close_api()
before = workers()
msquic.configure(workers=1)
with msquic.Registration("test") as registration:
    print(workers() - before)
    kept = loopback(registration)
""")
    assert output == "1"


def test_retry_always() -> None:
    output = run("""
msquic.configure(retry_memory_percent=0)
with msquic.Registration("test") as registration:
    listener, connection, accepted = loopback(registration)
    print(connection.statistics().stateless_retry, msquic.performance_counters().stateless_retries_sent)
    served = threading.Event()
    accepted[0].set_on_connected(served.set)
    assert served.wait(15)
    assert connection.original_destination_cid == accepted[0].original_destination_cid
""")
    assert output == "True 1"


def test_a_fixed_server_id_is_in_the_connection_ids() -> None:
    # MsQuic's IDs: a random byte, then the server's ID in the byte order of the machine.
    output = run("""
import socket, sys
msquic.configure(load_balancing=msquic.LoadBalancing.SERVER_ID_FIXED, fixed_server_id=0x01020304)
registration = msquic.Registration("test")
listener, connection, accepted = loopback(registration)
proxy_to = ("127.0.0.1", listener.port)
proxy = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
proxy.bind(("127.0.0.1", 0))
proxy.settimeout(15)
client = msquic.Configuration(registration, ["test"])
client.load_credential_none(ca_file=certificate.certificate_file)
second = msquic.Connection(registration)
second.start(client, "localhost", proxy.getsockname()[1], address="127.0.0.1")
initial, _ = proxy.recvfrom(2000)
proxy.sendto(initial, proxy_to)
answer, _ = proxy.recvfrom(2000)
# RFC 9000 section 17.2: flags, version, the length of the destination's ID and it, then of the source's.
length = answer[5]
source = answer[7 + length : 7 + length + answer[6 + length]]
print(int.from_bytes(source[1:5], sys.byteorder) == 0x01020304)
""")
    assert output == "True"


def test_one_worker_closes_another_connection_in_a_handler() -> None:
    output = run("""
msquic.configure(workers=1)
registration = msquic.Registration("test")
first, second = loopback(registration), loopback(registration)
over = threading.Event()
second[1].set_on_shutdown_complete(lambda app_close_in_progress: over.set())
closed = threading.Event()
def on_stream(stream):
    second[1].shutdown()
    second[1].close()
    second[0].close()
    closed.set()
first[2][0].set_on_peer_stream_started(on_stream)
first[1].open_stream().send(b"x", msquic.SendFlags.START)
print(closed.wait(15), over.wait(15))
""")
    assert output == "True True"


def test_the_versions_that_servers_speak() -> None:
    """A client that knows the preferred one is moved to it (RFC 9368); one that knows none of them is told."""
    output = run("""
V1, V2 = 1, 0x6b3343cf
msquic.configure(quic_versions=[V2, V1])
with msquic.Registration("test") as registration:
    server = msquic.Configuration(registration, ["test"])
    server.load_credential_file(certificate.certificate_file, certificate.private_key_file)
    listener = msquic.Listener(registration)
    listener.set_on_new_connection(lambda connection: None)
    listener.start(server, ["test"], 0)

    def dial(versions):
        client = msquic.Configuration(registration, ["test"], quic_versions=versions)
        client.load_credential_none(ca_file=certificate.certificate_file)
        connection, done = msquic.Connection(registration), threading.Event()
        connection.set_on_connected(done.set)
        connection.set_on_shutdown_complete(lambda _: done.set())
        connection.start(client, "localhost", listener.port, address="127.0.0.1")
        assert done.wait(15)
        error = connection.close_error
        return connection.handshake.quic_version if error is None else type(error).__name__

    print(dial([V1, V2]), dial([V1]), dial([V2]))
    msquic.configure(quic_versions=[V2])
    print(dial([V1]), dial([V1, V2]), dial(None))
""")
    assert output.split() == ["QUICv2", "QUICv1", "QUICv2", "VersionNegotiationError", "QUICv2", "QUICv2"]
