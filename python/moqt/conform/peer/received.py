"""What has come from a peer, as cases ask for it."""

from __future__ import annotations

from moqt.conform.peer.inflow import DataStream
from moqt.conform.wire.codes import MAX_REQUEST_ID
from moqt.conform.wire.messages import Message
from moqt.conform.wire.objects import Object, Subgroup


class Received:
    """SETUP, the messages that belong to no request, data streams and datagrams."""

    def __init__(self) -> None:
        self.setup: Message | None = None
        self.messages: list[Message] = []
        """Those on control streams that belong to no request."""
        self.data: list[DataStream] = []
        self.datagrams: list[tuple[int, Object]] = []

    @property
    def credit(self) -> int:
        """The Maximum Request ID that the peer has granted so far (section 9.5 of draft-15)."""
        granted = self.setup.parameter(MAX_REQUEST_ID) if self.setup is not None else 0
        later: list[int] = [each.max_request_id for each in self.messages if each.name == "MAX_REQUEST_ID"]
        return max([int(granted or 0), *later])

    def streams_of(self, alias: int) -> list[DataStream]:
        """The subgroup streams of a track."""
        return [each for each in self.data if isinstance(each.header, Subgroup) and each.header.alias == alias]

    def fetched(self, request_id: int) -> DataStream | None:
        """The data stream of a FETCH."""
        return next((each for each in self.data if getattr(each.header, "request_id", None) == request_id), None)

    def objects_of(self, alias: int) -> list[Object]:
        """Those of a track, on streams and in datagrams, by streams."""
        streamed = [each for stream in self.streams_of(alias) for each in stream.objects]
        return streamed + [each for key, each in self.datagrams if key == alias]
