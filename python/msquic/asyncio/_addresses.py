"""Names to addresses, and the race between them (Happy Eyeballs, RFC 8305)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain, zip_longest
from typing import TypeVar

from msquic.exceptions import NameResolutionFailed, QuicError

Result = TypeVar("Result")


def is_literal(host: str) -> bool:
    """Whether ``host`` is an IP address, by the system's own parser, which is ten times faster than ipaddress."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):  # ValueError: a null byte or a surrogate
            continue
        return True
    return False


def without_scope(host: str) -> str:
    """An IPv6 literal without its scope (RFC 4007 section 11), which has a meaning on this machine only."""
    return host.partition("%")[0] if ":" in host else host


async def resolve(host: str, port: int, family: int) -> list[str]:
    """IP literals in the order in which they are to be tried: the families alternate (RFC 8305 section 4)."""
    if is_literal(host):
        return [host]
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_DGRAM)
    except (socket.gaierror, UnicodeError) as error:
        raise NameResolutionFailed(f"the name {host!r} could not be resolved: {error}") from error
    by_family: dict[int, list[str]] = {}
    for family_found, _, _, _, address in found:
        literals = by_family.setdefault(family_found, [])
        literal, scope = str(address[0]), address[3] if len(address) == 4 else 0
        if scope:
            literal = f"{literal}%{scope}"  # a link-local address means nothing without it
        if literal not in literals:
            literals.append(literal)
    rounds = zip_longest(*by_family.values())
    return [literal for literal in chain.from_iterable(rounds) if literal is not None]


async def first_success(attempts: Sequence[Callable[[], Awaitable[Result]]], delay: float | None) -> Result:
    """The result of the first attempt that succeeds; the others are cancelled.

    The next attempt starts when the one before failed, or after ``delay`` seconds (None: only when it failed). When
    all fail, the first one's error is raised, with those of the others as notes.
    """
    if len(attempts) == 1:
        return await attempts[0]()
    running: set[asyncio.Task[Result]] = set()
    errors: list[QuicError] = []
    left = list(attempts)
    try:
        while left or running:
            if left:
                running.add(asyncio.ensure_future(left.pop(0)()))
            done, running = await asyncio.wait(
                running, timeout=delay if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                try:
                    return task.result()
                except QuicError as error:
                    errors.append(error)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    for other in errors[1:]:
        errors[0].add_note(f"then: {other}")
    raise errors[0]
