"""Namespaces that this endpoint announces."""

from __future__ import annotations

from moqt.asyncio._session_core import SessionCore
from moqt.asyncio.exceptions import RequestRefused
from moqt.asyncio.moving import Movable
from msquic._native.moqt import TrackNamespace


class NamespacePublication(Movable):
    """A namespace that was announced with PUBLISH_NAMESPACE and accepted (section 6.2)."""

    def __init__(self, session: SessionCore, namespace: TrackNamespace, ticket: int) -> None:
        super().__init__(session)
        self._session, self._ticket = session, ticket
        self.namespace = namespace
        """The namespace."""
        self.cancelled: RequestRefused | None = None
        """Why the peer took its acceptance back (PUBLISH_NAMESPACE_CANCEL); None while it stands."""

    async def done(self) -> None:
        """Takes the announcement back: PUBLISH_NAMESPACE_DONE. A second call does nothing. Nothing to cancel."""
        self._session._hub.check()
        if self._session._publications.pop(self._ticket, None) is not None:
            self._session._handle.cancel(self._ticket)
