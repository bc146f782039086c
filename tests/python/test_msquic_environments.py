"""The same transfer where the system gives little: few file descriptors, one processor, no IPv6, no segmentation
offload, small socket buffers. What needs a network namespace is skipped where none can be made."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("transfer_program.py")
NAMESPACE = f"msquic-py-{os.getpid()}"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ulimit, taskset and network namespaces are Linux's")


def run(*prefix: str, host: str = "127.0.0.1") -> str:
    command = [*prefix, sys.executable, str(PROGRAM), host]
    done = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def namespace() -> Iterator[list[str]]:
    """The prefix of a command that runs in a network namespace of its own, whose loopback interface is up."""
    if shutil.which("ip") is None:
        pytest.skip("the program ip is missing")
    made = subprocess.run(["ip", "netns", "add", NAMESPACE], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"no network namespace can be made here: {made.stderr.strip()}")
    inside = ["ip", "netns", "exec", NAMESPACE]
    try:
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
        yield inside
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            subprocess.run(["ip", "netns", "delete", NAMESPACE], check=True)


def test_as_it_is() -> None:
    assert run().startswith("exact ")


def test_128_file_descriptors() -> None:
    assert run("bash", "-c", 'ulimit -n 128 && exec "$@"', "bash").startswith("exact ")


def test_one_processor() -> None:
    if shutil.which("taskset") is None:
        pytest.skip("the program taskset is missing")
    assert run("taskset", "-c", str(min(os.sched_getaffinity(0)))) == "exact 1\n"


def test_without_ipv6(namespace: list[str]) -> None:
    subprocess.run(
        [*namespace, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"],
        check=True,
    )
    assert run(*namespace).startswith("exact ")


def test_ipv6_alone(namespace: list[str]) -> None:
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("the kernel has no IPv6")
    subprocess.run([*namespace, "ip", "address", "delete", "127.0.0.1/8", "dev", "lo"], check=True)
    assert run(*namespace, host="::1").startswith("exact ")


# ETHTOOL_SGSO and ETHTOOL_GGSO of linux/ethtool.h, for which the program ethtool need not be there.
WITHOUT_SEGMENTATION = """
import array, fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    def ask(command, value):
        data = array.array("B", struct.pack("II", command, value))
        address, _ = data.buffer_info()
        fcntl.ioctl(control, 0x8946, struct.pack("16sP", b"lo", address))
        return struct.unpack("II", data.tobytes())[1]
    ask(0x24, 0)
    assert ask(0x23, 9) == 0, "generic segmentation offload is still on"
"""


def test_without_segmentation_offload(namespace: list[str]) -> None:
    switched = subprocess.run(
        [*namespace, sys.executable, "-c", WITHOUT_SEGMENTATION], capture_output=True, text=True, check=False
    )
    if switched.returncode != 0:
        pytest.skip(f"the offload of lo cannot be switched off here: {switched.stderr.strip().splitlines()[-1]}")
    assert run(*namespace).startswith("exact ")


def test_small_socket_buffers(namespace: list[str]) -> None:
    limited = subprocess.run(
        [*namespace, "sysctl", "-w", "net.core.rmem_max=212992"], capture_output=True, text=True, check=False
    )
    readable = Path("/proc/sys/net/core/rmem_max").read_text(encoding="ascii").strip()
    if limited.returncode != 0 or readable == "212992":
        pytest.skip("net.core.rmem_max belongs to the whole machine here, and is left alone")
    assert run(*namespace).startswith("exact ")


# Three of the four ports are another server's, whose sockets share, as MsQuic's do.
FREE_PORT = """
import socket, msquic
held = []
for port in (50000, 50001, 50003):
    each = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    each.bind(("::", port))
    held.append(each)
made = msquic.generate_development_certificate(".")
registration = msquic.Registration("ports")
configuration = msquic.Configuration(registration, ["test"])
configuration.load_credential_file(made.certificate_file, made.private_key_file)
listener = msquic.Listener(registration)
listener.start(configuration, ["test"], 0, "127.0.0.1")
print("port", listener.port)
"""


def test_a_free_port_is_nobody_elses(namespace: list[str], tmp_path: Path) -> None:
    subprocess.run([*namespace, "sysctl", "-qw", "net.ipv4.ip_local_port_range=50000 50003"], check=True)
    for _ in range(4):
        asked = subprocess.run(
            [*namespace, sys.executable, "-c", FREE_PORT],
            capture_output=True, text=True, timeout=55, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert asked.stdout == "port 50002\n", asked.stderr
