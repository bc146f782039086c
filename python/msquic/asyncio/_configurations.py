"""The native configurations behind ``connect()`` and ``serve()``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msquic
from msquic._library import released_before_closing
from msquic.settings import Settings

Path = str | bytes | os.PathLike[str]

DEFAULTS: dict[str, Any] = {
    "peer_bidi_stream_count": 100,
    "peer_unidi_stream_count": 100,
    "datagram_receive_enabled": True,
    "send_buffering_enabled": False,
}
"""Where asyncio programs want something else than MsQuic's defaults."""

_KEPT = 32

# Loops in several threads share these; every step is one that a dict does at once.
_registrations: dict[None, msquic.Registration] = {}
_configurations: dict[tuple[Any, ...], msquic.Configuration] = {}


def default_registration() -> msquic.Registration:
    """The one that the whole process shares."""
    registration = _registrations.get(None)
    if registration is None:
        registration = _registrations.setdefault(None, msquic.Registration("msquic.asyncio"))
    return registration


def _release() -> int:
    count = len(_registrations)
    _registrations.clear()
    _configurations.clear()
    return count


released_before_closing.append(_release)


def alpn_list(alpn: str | bytes | Sequence[str | bytes]) -> list[str | bytes]:
    return [alpn] if isinstance(alpn, str | bytes) else list(alpn)


def check_options(options: Mapping[str, Any], known: type) -> None:
    """Raises TypeError for what the TypedDict ``known`` does not have."""
    for name in options:
        if name not in known.__optional_keys__:  # type: ignore[attr-defined]
            raise TypeError(f"there is no option {name!r}")


def settings_of(options: Mapping[str, Any], known: type) -> dict[str, Any]:
    """The transport settings among ``options``, which are checked."""
    check_options(options, known)
    return {name: value for name, value in options.items() if name in Settings.__optional_keys__}


async def loaded(
    registration: msquic.Registration,
    alpn: Sequence[str | bytes],
    settings: Mapping[str, Any],
    keylog: Path | None,
    load: Callable[[msquic.Configuration], None],
    key: tuple[Any, ...] | None,
) -> msquic.Configuration:
    """A configuration with credentials, which are read on another thread.

    A server farm that is dialled a thousand times needs its roots read once: what was asked for with the same ``key``
    is used again. None is never the same.
    """
    complete = dict(settings)
    if complete.get("quic_versions") is not None:
        complete["quic_versions"] = tuple(complete["quic_versions"])  # for the key
    if key is not None:
        key = (
            id(registration),
            tuple(alpn),
            keylog,
            os.environ.get("SSLKEYLOGFILE"),
            tuple(sorted(complete.items())),
            *key,
        )
        kept = _configurations.get(key)
        if kept is not None:
            _configurations.pop(key, None)
            _configurations[key] = kept
            return kept
    configuration = msquic.Configuration(registration, alpn, keylog=keylog, **complete)
    await asyncio.get_running_loop().run_in_executor(None, load, configuration)
    if key is not None:
        _configurations[key] = configuration
        for oldest in list(_configurations)[:-_KEPT]:
            _configurations.pop(oldest, None)
    return configuration


def state_of(path: Path | None) -> tuple[Any, ...] | None:
    """What changes when the file does."""
    if path is None:
        return None
    try:
        status = os.stat(path)
    except OSError:
        return (os.fspath(path), None)
    return (os.fspath(path), status.st_mtime_ns, status.st_size, status.st_ino)
