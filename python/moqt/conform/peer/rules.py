"""What the messages of a peer must keep to among each other."""

from __future__ import annotations

from moqt.conform.wire.codes import INVALID_REQUEST_ID, MAX_REQUEST_ID, PROTOCOL_VIOLATION, TOO_MANY_REQUESTS
from moqt.conform.wire.draft import Draft
from moqt.conform.wire.messages import Message
from moqt.conform.wire.values import WireError

GRANTED = 1000
"""The Maximum Request ID that this side sends."""


class Rules:
    """Of one session, about what its peer sends."""

    def __init__(self, draft: Draft, *, is_client: bool) -> None:
        self._draft = draft
        self._peer_is_client = not is_client
        self._next_id = 0 if self._peer_is_client else 1
        self._used: set[int] = set()
        self._maximum = 0

    def setup(self, found: Message) -> None:
        """The peer's SETUP."""
        self._maximum = found.parameter(MAX_REQUEST_ID) or 0

    def request_id(self, number: int) -> None:
        """Of a new request (section 9.1 of draft-15, 10.1 of draft-18)."""
        if number % 2 != self._next_id % 2:
            raise WireError(INVALID_REQUEST_ID, f"Request ID {number} has the parity of the other side")
        if number in self._used:
            raise WireError(INVALID_REQUEST_ID, f"Request ID {number} twice")
        self._used.add(number)
        if self._draft.request_streams:
            return
        if number >= GRANTED:
            raise WireError(TOO_MANY_REQUESTS, f"Request ID {number} beyond the maximum of {GRANTED}")
        # The streams of SUBSCRIBE_NAMESPACE, which draft-16 has, overtake the control stream.
        if number != self._next_id and self._draft.number < 16:
            raise WireError(INVALID_REQUEST_ID, f"Request ID {number} instead of {self._next_id}")
        self._next_id = max(self._next_id, number) + 2

    def goaway(self, found: Message, before: int) -> None:
        """``before``: how many came before it on the same stream (section 9.4 of draft-15, 10.4 of draft-18)."""
        if before:
            raise WireError(PROTOCOL_VIOLATION, "a second GOAWAY")
        if self._peer_is_client and found.uri:
            raise WireError(PROTOCOL_VIOLATION, "GOAWAY of a client with a URI")
        number = found.fields.get("request_id")
        if number is not None and number % 2 == self._next_id % 2:
            raise WireError(INVALID_REQUEST_ID, f"GOAWAY with Request ID {number}, which is one of its sender's")

    def maximum(self, found: Message) -> None:
        """MAX_REQUEST_ID only increases (section 9.5 of draft-15)."""
        if found.max_request_id <= self._maximum:
            raise WireError(PROTOCOL_VIOLATION, f"MAX_REQUEST_ID {found.max_request_id} after {self._maximum}")
        self._maximum = found.max_request_id
