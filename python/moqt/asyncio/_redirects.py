"""Requests that the peer sends elsewhere (draft-18 section 10.6.1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from moqt.asyncio.exceptions import FetchRefused, RequestRefused
from msquic._native.moqt import TrackNamespace

MOST_REDIRECTS = 3
"""How often one request is sent elsewhere; then the refusal is the answer."""
Key = tuple[TrackNamespace, bytes]
T = TypeVar("T")


def followed(key: Key, refused: RequestRefused) -> Key | None:
    """The track to ask this session for instead. None when that is not what the peer wants: a redirect to another
    server is for the application, whose tokens and trust it would be shown to."""
    redirect = refused.redirect
    if redirect is None or redirect.connect_uri:
        return None
    if len(redirect.track_namespace) == 0 and not redirect.track_name:
        return None  # the same track in the same place
    return redirect.track_namespace, redirect.track_name


async def following(key: Key, ask: Callable[[Key], Awaitable[T]]) -> T:
    """What `ask` gives for the track, or for the one that the peer names in its place."""
    seen = {key}
    while True:
        try:
            return await ask(key)
        except FetchRefused:
            raise  # of a join, whose subscription stands
        except RequestRefused as refused:
            elsewhere = followed(key, refused)
            if elsewhere is None or elsewhere in seen or len(seen) > MOST_REDIRECTS:
                raise
            key = elsewhere
            seen.add(key)
