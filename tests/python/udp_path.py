"""A path between one client and a server, in a thread, for tests of the callback API that look at packets or decide
what becomes of them. What loses, delays and reorders by a seed is in impaired_link.py."""

from __future__ import annotations

import select
import socket
import threading
from typing import Self

DEADLINE = 15.0


class UdpPath:
    """`with UdpPath(server.port) as path`: the client talks to `path.port`, the server to the socket `path.outside`."""

    def __init__(self, port: int) -> None:
        self.inside, self.outside = self.new_socket(), self.new_socket()
        self.port: int = self.inside.getsockname()[1]
        self.retired: list[socket.socket] = []
        """Sockets that were `outside` before; the thread may still be reading one."""
        self._server = ("127.0.0.1", port)
        self._client: tuple[str, int] | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def new_socket(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
        return made

    def receive(self, source: socket.socket) -> tuple[bytes, tuple[str, int]]:
        """A packet that has come to one of the two sockets, and its sender."""
        return source.recvfrom(65536)

    def passes(self, data: bytes, from_client: bool) -> bool:
        """Whether a packet goes on."""
        return True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(DEADLINE)
        for each in (self.inside, self.outside, *self.retired):
            each.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            for each in select.select([self.inside, self.outside], [], [], 0.05)[0]:
                data, sender = self.receive(each)
                from_client = each is self.inside
                if from_client:
                    self._client = sender
                if not self.passes(data, from_client):
                    continue
                if from_client:
                    self.outside.sendto(data, self._server)
                elif self._client is not None:
                    self.inside.sendto(data, self._client)
