"""Client sessions."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Iterable
from typing import Any

from moqt.asyncio._hub import Hub
from moqt.asyncio.session import Session
from msquic import ConnectionTimeout
from msquic._native.moqt import connect as native_connect
from msquic.asyncio import Opening


def connect(
    host: str,
    port: int,
    *,
    path: str = "/moqt",
    authority: str | None = None,
    verify: bool = True,
    ca_file: str | os.PathLike[str] | None = None,
    fingerprints: Iterable[str] = (),
    max_request_id: int = 100,
    timeout: float = 10.0,
    tolerances: Iterable[str] = (),
    reader_queue_limit: int = 64 * 1024 * 1024,
) -> Opening[Session]:
    """A session with a server over raw QUIC, ALPN ``moqt-15`` (section 3.1).

    Args:
        host: a name or an IP literal; names are resolved off the loop.
        port: UDP port, 1 to 65535.
        path: PATH of CLIENT_SETUP, with an optional query (section 9.3.1.2).
        authority: AUTHORITY of CLIENT_SETUP; `host` and `port` when not given.
        verify: False accepts any certificate, which invites a man in the middle: for tests.
        ca_file: PEM with roots to trust beside the system's.
        fingerprints: accept exactly the certificates with these SHA-256 fingerprints (hex, colons optional).
        max_request_id: MAX_REQUEST_ID of CLIENT_SETUP: half as many requests of the server may be open at once.
        timeout: seconds for everything until SERVER_SETUP, by the wall clock.
        tolerances: deviations to allow, by name: ``empty-namespace-prefix``.
        reader_queue_limit: bytes that may wait in one subscription that is not read.

    Raises :class:`msquic.ConnectionFailed` (its subclasses tell a refusal, a timeout and a
    :class:`msquic.CertificateError` apart) and :class:`SessionClosed` when the server says no to the session.
    Cancelled, the attempt is given up.
    """
    if not 1 <= port <= 65535:
        raise ValueError("port must be from 1 to 65535")
    if isinstance(tolerances, str) or isinstance(fingerprints, str):
        raise TypeError("tolerances and fingerprints are sets or lists of str")
    literal = f"[{host}]" if ":" in host else host
    options: dict[str, Any] = {
        "path": path,
        "authority": f"{literal}:{port}" if authority is None else authority,
        "max_request_id": max_request_id,
        "timeout": timeout,
        "tolerances": list(tolerances),
        "reader_queue_limit": reader_queue_limit,
        "verify": verify,
        "ca_file": "" if ca_file is None else os.fspath(ca_file),
        "fingerprints": list(fingerprints),
    }
    return Opening(functools.partial(_connect, host, port, options, timeout))


async def _connect(host: str, port: int, options: dict[str, Any], timeout: float) -> Session:  # noqa: ASYNC109 - of all of it
    hub = Hub.running()
    session = Session(hub)
    session._handle = native_connect(hub.channel, session._target, host, port, options)
    try:
        async with asyncio.timeout(timeout):
            await session._established
    except TimeoutError as error:
        session._begin_close()
        if isinstance(error, ConnectionTimeout):
            raise
        raise ConnectionTimeout(
            f"no MOQT session with {host} port {port} within {timeout} s: is it a MOQT server?"
        ) from None
    except BaseException:
        session._begin_close()
        raise
    return session
