"""What Python's threads do does not hold QUIC up."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("datagram_clock_program.py")
HELD_MS = 2000


@pytest.mark.skipif(sys.platform == "win32", reason="the C library is found otherwise there")
def test_a_held_gil_does_not_hold_quic_up(loopback, certificate) -> None:
    """The other process has its datagrams acknowledged while this one's interpreter stands still for two seconds."""
    listener = loopback.listen(datagram_receive_enabled=True)
    command = [sys.executable, str(PROGRAM), str(listener.port), certificate.certificate_file]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        try:
            assert client.stdin is not None
            assert client.stdout is not None
            assert client.stdout.readline() == "begun\n"
            ctypes.PyDLL(None).usleep(HELD_MS * 1000)  # a call through PyDLL keeps the GIL
            output, _ = client.communicate(timeout=20)
        finally:
            client.kill()
    longest_ms, count = map(int, output.split())
    assert longest_ms < HELD_MS / 2
    assert count > 10
