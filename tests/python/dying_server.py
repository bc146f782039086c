"""A server that dies in the middle of a handshake, and another one in its place."""

from __future__ import annotations

from impaired_link import Address, ImpairedLink


class DyingServer(ImpairedLink):
    """A link to a server that `doomed` new clients lose when it has sent them its first packet: by then they talk to
    that server alone, and whatever stands in its place knows nothing of them."""

    def __init__(self, server: Address, *, doomed: int = 0) -> None:
        super().__init__(server)
        self.doomed = doomed
        self._begun: set[Address] = set()
        self._lost: set[Address] = set()

    @property
    def lost(self) -> int:
        """How many clients have lost it so."""
        return len(self._lost)

    def _from_client(self, data: bytes, client: Address) -> None:
        if client not in self._upstream and self.doomed > 0:
            self.doomed -= 1
            self._begun.add(client)
        if client not in self._lost:
            super()._from_client(data, client)

    def _to_client(self, data: bytes, client: Address) -> None:
        if client in self._lost:
            return
        if client in self._begun:
            self._lost.add(client)
        super()._to_client(data, client)
