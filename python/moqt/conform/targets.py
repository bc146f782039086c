"""Peers to judge: servers that this side dials, and clients that it waits for."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shlex
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msquic
from moqt.conform.cases import Role
from moqt.conform.outcomes import NotOk
from moqt.conform.wire.values import Namespace
from moqt.conform.world import Target
from msquic.asyncio import Connection, connect, serve
from msquic.asyncio.options import DialOptions
from msquic.exceptions import ConnectionRefused

_ATTEMPTS = 10


@dataclass(frozen=True)
class Url:
    """``moqt://host:port/path?query``; the port is 443 when left out. ``https://`` is taken for the same."""

    host: str
    port: int
    authority: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Url:
        """Raises ValueError with a sentence."""
        try:
            parts = urlsplit(text)
            port = parts.port or 443
        except ValueError:
            raise ValueError(f"{text!r} is no URL: moqt://host:port/path") from None
        if parts.scheme not in ("moqt", "https") or not parts.hostname:
            raise ValueError(f"{text!r} is no URL of an MOQT server: moqt://host:port/path")
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return cls(parts.hostname, port, parts.netloc, path)


def server_target(
    url: Url, *, insecure: bool, ca: Path | None, timeout: float, prefix: Namespace, namespace: Namespace = (),
    track: bytes = b"", fingerprint: str | None = None,
) -> Target:  # fmt: skip
    """A relay; with a track, a publisher."""
    options: DialOptions = {"timeout": timeout}
    if insecure:
        options["verify"] = False
    if ca is not None:
        options["ca_file"] = ca
    if fingerprint is not None:
        options["pinned_sha256"] = [fingerprint]

    async def dial(alpn: str) -> Connection:
        for _ in range(_ATTEMPTS - 1):
            try:
                return await connect(url.host, url.port, alpn=alpn, **options)
            except ConnectionRefused:  # a server that is busy now; where nobody listens, it is Unreachable
                await asyncio.sleep(0.2)
        return await connect(url.host, url.port, alpn=alpn, **options)

    return Target(
        Role.PUBLISHER if namespace else Role.RELAY, dial, url.authority, url.path, namespace, track, prefix, timeout,
        secrets.token_hex(4),
    )  # fmt: skip


class Clients:
    """Clients come when they like; each case takes the next one."""

    def __init__(self, command: str | None, wait: float) -> None:
        self._command = command
        self._wait = wait
        self._waiting: asyncio.Queue[Connection] = asyncio.Queue()
        self._processes: list[asyncio.subprocess.Process] = []
        self.port = 0
        self.fingerprint = ""

    async def handle(self, connection: Connection) -> None:
        """The server's handler: the connection lives until it is over."""
        self._waiting.put_nowait(connection)
        await connection.wait_closed()

    async def next(self, alpn: str) -> Connection:
        """The next client that speaks that draft."""
        await self._start(alpn)
        try:
            async with asyncio.timeout(self._wait):
                while True:
                    connection = await self._waiting.get()
                    if connection.alpn == alpn and not connection.is_closed:
                        return connection
                    connection.abort(0)
        except TimeoutError:
            raise NotOk(f"no client that speaks {alpn} came within {self._wait:g} seconds") from None

    async def _start(self, alpn: str) -> None:
        await self.end()
        while not self._waiting.empty():
            self._waiting.get_nowait().abort(0)
        if self._command is None:
            return
        words = {"port": str(self.port), "draft": alpn.removeprefix("moqt-"), "fingerprint": self.fingerprint}
        arguments = [part.format(**words) for part in shlex.split(self._command)]
        devnull = asyncio.subprocess.DEVNULL
        self._processes.append(
            await asyncio.create_subprocess_exec(*arguments, stdin=devnull, stdout=devnull, stderr=devnull)
        )

    async def end(self) -> None:
        """Ends the clients that this side started."""
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        self._processes.clear()


@contextlib.asynccontextmanager
async def client_target(
    host: str, port: int, *, alpns: list[str], cert: Path | None, key: Path | None, command: str | None, wait: float,
    patience: float, prefix: Namespace,
) -> AsyncGenerator[tuple[Target, Clients], None]:  # fmt: skip
    """A server of this side, with a development certificate unless there is one."""
    clients = Clients(command, wait)
    with tempfile.TemporaryDirectory() as folder:
        if cert is None or key is None:
            made = msquic.generate_development_certificate(folder)
            cert, key = Path(made.certificate_file), Path(made.private_key_file)
            clients.fingerprint = made.sha256_fingerprint
        async with serve(clients.handle, host, port, alpn=alpns, cert_file=cert, key_file=key, grace=0) as server:
            clients.port = server.port
            target = Target(
                Role.CLIENT, clients.next, prefix=prefix, timeout=patience, run_id=secrets.token_hex(4),
                wait=wait,
            )  # fmt: skip
            try:
                yield target, clients
            finally:
                await clients.end()
