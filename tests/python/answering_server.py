"""A server of drafts 18 and later that is written by hand, message by message: it answers requests as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import moqt
import msquic.asyncio as qa

Answer = Callable[[moqt.ControlMessage], moqt.ControlMessage]


class AnsweringServer:
    """Each request is on a stream of its own, and the first message of it gets what `answer` gives."""

    def __init__(self, certificate: Any, answer: Answer, draft: int) -> None:
        self._answer, self._draft = answer, draft
        self.requests: list[moqt.ControlMessage] = []
        self.arrivals: list[float] = []
        self._arrived = asyncio.Condition()
        files = {"cert_file": certificate.certificate_file, "key_file": certificate.private_key_file}
        self._opening = qa.serve(
            self._serve, "127.0.0.1", 0, alpn=f"moqt-{draft}", peer_bidi_stream_count=16, peer_unidi_stream_count=16,
            **files,
        )  # fmt: skip
        self.connections: list[qa.Connection] = []
        self.streams: list[qa.Stream] = []
        """Of the requests."""

    async def __aenter__(self) -> AnsweringServer:
        self._server = await self._opening.__aenter__()
        self.port = self._server.port
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await self._opening.__aexit__(*exc)

    async def _serve(self, connection: qa.Connection) -> None:
        self.connections.append(connection)
        control = await connection.open_uni_stream()
        control.write(moqt.Setup().encode(draft=self._draft))
        kept = []
        async with asyncio.TaskGroup() as group:
            while True:
                stream = await connection.accept_stream()
                kept.append(stream)  # one that is dropped is ended
                if stream.id & 2 == 0:  # bidirectional (RFC 9000 section 2.1)
                    group.create_task(self._answer_on(stream))

    async def _answer_on(self, stream: qa.Stream) -> None:
        data = b""
        while True:
            data += await stream.read(65536)
            try:
                request, _ = moqt.decode_control_message(data, draft=self._draft)
            except moqt.NeedMoreData:
                continue
            break
        self.requests.append(request)
        self.streams.append(stream)
        self.arrivals.append(asyncio.get_running_loop().time())
        async with self._arrived:
            self._arrived.notify_all()
        answer = self._answer(request)
        stream.write(answer.encode(draft=self._draft))
        if isinstance(answer, moqt.RequestError):
            stream.write_eof()

    async def wait_requests(self, count: int) -> None:
        """Until so many have come."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)
