"""Single-stream throughput: the Python package msquic beside plain MsQuic in C++ and beside aioquic.

Each is a server process and a client process on 127.0.0.1. The rounds are interleaved, so that what else happens on the
machine meets all of them; medians are compared.
"""

from __future__ import annotations

import datetime
import ipaddress
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MIB = 1024 * 1024


@dataclass
class Contestant:
    name: str
    command: list[str]
    profile: list[str]
    size: int


def make_certificate(folder: Path) -> tuple[str, str]:
    """A self-signed certificate for 127.0.0.1 in PEM files."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(cert_file), str(key_file)


@contextmanager
def server(contestant: Contestant, cert: str, key: str) -> Iterator[int]:
    command = [*contestant.command, "server", *contestant.profile, "--cert", cert, "--key", key]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        greeting = process.stdout.readline()
        if not greeting.startswith("listening on port "):
            raise subprocess.CalledProcessError(process.wait(10), command)
        yield int(greeting.rsplit(" ", 1)[1])
    finally:
        process.stdin.close()  # the servers end with their standard input
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def one_round(contestant: Contestant, port: int) -> float:
    """Bytes per second."""
    command = [*contestant.command, "client", *contestant.profile, "--port", str(port), "--bytes", str(contestant.size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=180)
    return contestant.size / float(done.stdout)


def contestants(quic_throughput: Path, quick: bool) -> list[Contestant]:
    large = (64 if quick else 256) * MIB
    plain = [str(quic_throughput)]
    ours = [sys.executable, str(HERE / "msquic_throughput.py")]
    theirs = [sys.executable, str(HERE / "aioquic_throughput.py")]
    latency = ["--profile", "low-latency"]
    throughput = ["--profile", "max-throughput"]
    return [
        Contestant("plain MsQuic, C++, LOW_LATENCY", plain, latency, large),
        Contestant("plain MsQuic, C++, MAX_THROUGHPUT", plain, throughput, large),
        Contestant("msquic, Python, LOW_LATENCY", ours, latency, large),
        Contestant("msquic, Python, MAX_THROUGHPUT", ours, throughput, large),
        Contestant("aioquic, Python", theirs, [], (4 if quick else 16) * MIB),
    ]


def measure_throughput(quic_throughput: Path, folder: Path, quick: bool) -> list[dict[str, Any]]:
    cert, key = make_certificate(folder)
    all_of_them = contestants(quic_throughput, quick)
    rates: dict[str, list[float]] = {each.name: [] for each in all_of_them}
    for number in range(3 if quick else 5):
        first = number % len(all_of_them)
        for each in all_of_them[first:] + all_of_them[:first]:  # nobody is always the first after a pause
            with server(each, cert, key) as port:
                rates[each.name].append(one_round(each, port))
    return [
        {"name": name, "median": statistics.median(values), "lowest": min(values), "highest": max(values)}
        for name, values in rates.items()
    ]


def print_throughput(rows: list[dict[str, Any]]) -> None:
    reference = max(row["median"] for row in rows if row["name"].startswith("plain"))
    print("\nOne stream, bulk, client process to server process on loopback; median of interleaved rounds")
    print(f"  {'':<36} {'MB/s':>8} {'lowest':>8} {'highest':>8} {'of plain MsQuic':>16}")
    for row in rows:
        print(
            f"  {row['name']:<36} {row['median'] / 1e6:>8.1f} {row['lowest'] / 1e6:>8.1f} {row['highest'] / 1e6:>8.1f}"
            f" {row['median'] / reference:>15.0%}"
        )
