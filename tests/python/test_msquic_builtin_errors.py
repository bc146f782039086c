"""Code that was written for sockets catches what it knows, and libraries print nothing of themselves."""

from __future__ import annotations

import asyncio
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import msquic
from asyncio_pairs import ALPN, pair, within
from msquic.asyncio import connect


@pytest.mark.parametrize(
    ("exception", "builtin"),
    [
        (msquic.StreamReset, ConnectionResetError),
        (msquic.StreamStopped, BrokenPipeError),
        (msquic.StreamAborted, BrokenPipeError),
        (msquic.ConnectionRefused, ConnectionRefusedError),
        (msquic.Unreachable, ConnectionRefusedError),
        (msquic.ConnectionAborted, ConnectionAbortedError),
        (msquic.ConnectionTimeout, TimeoutError),
        (msquic.IdleTimeout, TimeoutError),
        (msquic.HandshakeTimeout, TimeoutError),
    ],
)
def test_they_are_what_sockets_raise_and_keep_what_is_ours(exception, builtin):
    error = exception("what happened", status=113, name="Name", wire_code=2, app_code=7, remote=True)
    assert isinstance(error, builtin)
    assert isinstance(error, OSError)
    assert isinstance(error, msquic.QuicError)
    assert str(error) == "what happened"
    assert error.args == ("what happened",)
    assert (error.errno, error.strerror) == (None, None)  # no number of the system stands behind it
    for copy in (error, pickle.loads(pickle.dumps(error))):
        assert (copy.status, copy.name, copy.wire_code, copy.app_code, copy.remote) == (113, "Name", 2, 7, True)


async def test_a_reset_and_a_stopped_stream(certificate):
    async with pair(certificate) as both:
        stream, peer = await both.streams()
        peer.reset(5)
        peer.stop(5)
        with pytest.raises(ConnectionResetError) as reset:
            await within(stream.read())
        assert reset.value.app_code == 5

        async def write_on() -> None:
            while True:
                stream.write(bytes(1000))
                await stream.drain()

        with pytest.raises(BrokenPipeError) as stopped:
            await within(write_on())
        assert stopped.value.app_code == 5


def nobody() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


async def test_nobody_there_is_refused_and_named():
    port = nobody()
    with pytest.raises(ConnectionRefusedError, match=rf"^nothing listens at 127\.0\.0\.1 port {port}, or") as refused:
        await connect("127.0.0.1", port, alpn=ALPN, verify=False)
    assert isinstance(refused.value, msquic.Unreachable)
    with pytest.raises(ConnectionRefusedError, match=rf"localhost \(127\.0\.0\.1\) port {port}"):
        await connect("localhost", port, alpn=ALPN, verify=False, family=socket.AF_INET)


async def test_silence_is_a_timeout():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(TimeoutError):
            await connect("127.0.0.1", silent.getsockname()[1], alpn=ALPN, verify=False, timeout=0.2)


QUIET = """
import asyncio, sys
import moqt.asyncio, msquic
from msquic.asyncio import connect

async def main():
    port = int(sys.argv[1])
    for opening in (lambda: connect("127.0.0.1", port, alpn="x", verify=False),
                    lambda: moqt.asyncio.connect("127.0.0.1", port, verify=False)):
        try:
            await opening()
        except (msquic.QuicError, moqt.MoqtError):
            pass
        else:
            raise SystemExit("it connected")

asyncio.run(main())
"""


def test_a_connect_that_fails_raises_and_prints_nothing():
    done = subprocess.run(
        [sys.executable, "-c", QUIET, str(nobody())],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(Path(msquic.__file__).parents[1])},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


async def test_a_failing_handler_of_moqt_is_still_reported(certificate):
    import moqt.asyncio as ma

    told: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.done() or told.set_result(context))

    async def handler(session: ma.Session) -> None:
        raise LookupError("ours")

    async with await ma.serve(handler) as made:
        session = await ma.connect("127.0.0.1", made.port, verify=False)
        context = await within(told)
        assert isinstance(context["exception"], LookupError)
        await session.close()
