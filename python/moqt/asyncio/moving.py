"""Requests that the peer may want to be made elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol


class Owner(Protocol):
    """Whose request it is."""

    _hub: Any

    def _raise_if_closed(self) -> None: ...


class Movable:
    """A request of this endpoint, which its peer may ask to be made elsewhere: GOAWAY on the stream of that request
    (draft-18 section 10.4, draft-22 section 9.2). The session and its other requests go on."""

    def __init__(self, owner: Owner) -> None:
        self._asked_of = owner
        self._move_uri: str | None = None
        self._news = asyncio.Event()
        """Something has been told of it, or there is nothing to wait for any more."""
        owner._hub.waiting.add(self)

    @property
    def move_uri(self) -> str | None:
        """Where the peer wants this request to be made instead, ``""`` for the same session; None when it has not
        asked. From draft 18 on."""
        return self._move_uri

    async def wait_move(self) -> str:
        """Waits until the peer asks for this request to be made elsewhere, and gives the URI, ``""`` for the same
        session: make it again there, then end this one. What is still there when the peer's patience is over is reset.

        Cancelling it has no effect, and any number may wait. Raises :class:`SessionClosed`; of a track of one's own,
        :class:`SessionStateError` when that has ended.
        """
        await self._wait_news(lambda: self._move_uri is not None)
        assert self._move_uri is not None
        return self._move_uri

    async def _wait_news(self, condition: Callable[[], bool]) -> None:
        self._asked_of._hub.check()
        while not condition():
            self._raise_if_over()
            self._news.clear()
            await self._news.wait()

    def _raise_if_over(self) -> None:
        """Nothing more will be told of it."""
        self._asked_of._raise_if_closed()

    def _asked_to_move(self, uri: str) -> None:
        self._move_uri = uri
        self._news.set()
