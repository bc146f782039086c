"""Forks: what only importing means for a child, and what was open in its parent.

Each program runs in a process of its own, and its child ends with code 0 when it made a connection. Both have an alarm:
a child that waits for a thread that it has not waits for ever.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import msquic

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

COMMON = """
import asyncio, os, signal, sys, threading, time, traceback
signal.alarm(100)
import msquic, msquic.asyncio, moqt, moqt.asyncio

def echo_by_asyncio():
    async def main():
        async def handler(connection):
            async for stream in connection:
                async with stream:
                    stream.write(await stream.read())
        identity = dict(cert_file=sys.argv[1], key_file=sys.argv[2])
        async with msquic.asyncio.serve(handler, "127.0.0.1", 0, alpn="x", **identity) as server:
            async with msquic.asyncio.connect("127.0.0.1", server.port, alpn="x", verify=False) as connection:
                stream = await connection.open_stream()
                stream.write(b"hello")
                stream.write_eof()
                assert await stream.read() == b"hello"
    asyncio.run(asyncio.wait_for(main(), 60))

def connect_by_callbacks():
    with msquic.Registration("fork") as registration:
        server = msquic.Configuration(registration, ["x"])
        server.load_credential_file(sys.argv[1], sys.argv[2])
        client = msquic.Configuration(registration, ["x"])
        client.load_credential_none(no_certificate_validation=True)
        listener = msquic.Listener(registration)
        listener.set_on_new_connection(lambda connection: None)
        listener.start(server, ["x"], 0)
        connection = msquic.Connection(registration)
        connected = threading.Event()
        connection.set_on_connected(connected.set)
        connection.start(client, "127.0.0.1", listener.port)
        assert connected.wait(60)
        connection.close()
        listener.close()

def talk_moqt():
    async def main():
        async def handler(session):
            await session.wait_closed()
        async with await moqt.asyncio.serve(handler) as server:
            async with moqt.asyncio.connect("127.0.0.1", server.port, verify=False):
                pass
    asyncio.run(asyncio.wait_for(main(), 60))

def all_of_it():
    connect_by_callbacks()
    echo_by_asyncio()
    talk_moqt()

def settle():
    # The last connections may still be ending, which takes as long as the machine is busy.
    deadline = time.monotonic() + 30
    while any(msquic.live_objects()[kind] for kind in ("listeners", "connections")):
        assert time.monotonic() < deadline, msquic.live_objects()
        time.sleep(0.01)

def in_child(work):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(100)
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def run(program: str, certificate) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(msquic.__file__).parents[1]), "PYTHONFAULTHANDLER": "1"}
    files = (str(certificate.certificate_file), str(certificate.private_key_file))
    done = subprocess.run(
        [sys.executable, "-c", COMMON + program, *files],
        env=environment,
        timeout=150,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_importing_is_not_in_the_way_of_a_child(certificate):
    run("in_child(all_of_it)\nin_child(all_of_it)\nall_of_it()\n", certificate)


def test_a_child_of_a_child(certificate):
    run("in_child(lambda: in_child(all_of_it))\n", certificate)


def test_asking_for_the_version_is_not_in_the_way(certificate):
    run("msquic.library_version()\nmsquic.performance_counters()\nin_child(all_of_it)\n", certificate)


def test_what_was_closed_before_the_fork_is_not_in_the_way(certificate):
    # The callback API's thread, and MsQuic's, are running; the child has none of them.
    run("connect_by_callbacks()\nmsquic.close_api(10)\nin_child(all_of_it)\nall_of_it()\n", certificate)


@pytest.mark.parametrize("work", ["connect_by_callbacks", "echo_by_asyncio", "talk_moqt"])
def test_closed_means_closed_without_unloading(work, certificate):
    run(
        f"{work}()\nsettle()\nin_child(all_of_it)\nall_of_it()\n",
        certificate,
    )


def test_a_closed_server_that_somebody_keeps_is_closed(certificate):
    # It is part of a cycle, which only the collector finds.
    run(
        "import gc\ngc.disable()\necho_by_asyncio()\nassert msquic.wait_until_idle(30), msquic.live_objects()\n",
        certificate,
    )


def test_what_is_garbage_at_the_fork_is_not_in_the_way(certificate):
    # Nothing is kept for later use any more, and what closes meanwhile is waited for.
    run(
        "def forget():\n"
        "    kept = [msquic.Registration('garbage')]\n"
        "    kept.append(kept)\n"
        "for _ in range(20):\n"
        "    forget()\n"
        "    in_child(lambda: msquic.Registration('child').close())\n",
        certificate,
    )


def test_multiprocessing_by_fork(certificate):
    run(
        "import multiprocessing\n"
        "process = multiprocessing.get_context('fork').Process(target=all_of_it)\n"
        "process.start()\nprocess.join(100)\nassert process.exitcode == 0\n",
        certificate,
    )


def test_configure_in_the_parent_holds_in_the_child(certificate):
    run(
        "msquic.configure(workers=1)\n"
        "def work():\n"
        "    with msquic.Registration('x'):\n"
        "        try:\n"
        "            msquic.configure(workers=2)\n"
        "        except msquic.LibraryInUse:\n"
        "            pass\n"
        "    all_of_it()\n"
        "in_child(work)\n",
        certificate,
    )


def test_only_what_was_open_makes_a_child_useless_and_the_message_says_so(certificate):
    run(
        "registration = msquic.Registration('parent')\n"
        "def work():\n"
        "    for use in (lambda: msquic.Registration('child'), msquic.library_version, connect_by_callbacks):\n"
        "        try:\n"
        "            use()\n"
        "        except msquic.ForkedProcess as error:\n"
        "            assert 'was in use when this process was forked' in str(error), error\n"
        "            assert 'fork before anything is opened' in str(error), error\n"
        "        else:\n"
        "            raise AssertionError('it went on')\n"
        "in_child(work)\n"
        "registration.close()\n"
        "assert msquic.wait_until_idle(20)\n"
        "in_child(all_of_it)\n"
        "connect_by_callbacks()\n",
        certificate,
    )
