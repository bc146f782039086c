"""Tokens, an `authorize` that keeps what it is asked, and a request of each kind that shows a token."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from moqt.asyncio import AuthorizationRequest, Refused, Session, connect

VIEWER, STUDIO = b"viewer", (7, b"studio")
TRACK = ("live/demo", "video")


def client_of(server: Any, **options: Any) -> Any:
    return connect("127.0.0.1", server.port, pinned_sha256=[server.certificate_sha256], **options)


class Asked:
    """An `authorize` that keeps what it was asked, and refuses what its table says."""

    def __init__(self, **refused: Refused) -> None:
        self.refused = refused
        self.requests: list[AuthorizationRequest] = []

    async def __call__(self, request: AuthorizationRequest) -> None:
        self.requests.append(request)
        await asyncio.sleep(0)
        if (refusal := self.refused.get(request.operation)) is not None:
            raise refusal

    def only(self, operation: str) -> AuthorizationRequest:
        (found,) = [each for each in self.requests if each.operation == operation]
        return found


def values(request: AuthorizationRequest) -> list[tuple[int, bytes]]:
    return [(token.token_type, token.value) for token in request.tokens]


REQUESTS: dict[str, Callable[[Session], Awaitable[object]]] = {
    "SUBSCRIBE": lambda session: session.subscribe(*TRACK, authorization_tokens=[VIEWER]),
    "PUBLISH": lambda session: session.publish(*TRACK, authorization_tokens=[VIEWER]),
    "FETCH": lambda session: session.fetch(*TRACK, (0, 0), authorization_tokens=[VIEWER]).__aenter__(),
    "TRACK_STATUS": lambda session: session.track_status(*TRACK, authorization_tokens=[VIEWER]),
    "PUBLISH_NAMESPACE": lambda session: session.publish_namespace(TRACK[0], authorization_tokens=[VIEWER]),
    "SUBSCRIBE_NAMESPACE": lambda session: session.subscribe_namespace(
        TRACK[0], authorization_tokens=[VIEWER]
    ).__aenter__(),
}
