"""Which messages a draft has, and their fields in order."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A message in some drafts. The layout has ``name:kind`` for each field; the kinds are those of ``fields``."""

    name: str
    type: int
    drafts: tuple[int, ...]
    layout: str
    opens: bool = False
    """It begins a request."""


_OLD, _NEW, _ALL = (15, 16), (18, 22), (15, 16, 18, 22)
_TRACK = "request_id:i namespace:n track:b"

ROWS = (
    Row("CLIENT_SETUP", 0x20, _OLD, "parameters:s"),
    Row("SERVER_SETUP", 0x21, _OLD, "parameters:s"),
    Row("SETUP", 0x2F00, _NEW, "parameters:o"),
    Row("GOAWAY", 0x10, _OLD, "uri:b"),
    Row("GOAWAY", 0x10, (18,), "uri:b timeout:i request_id:g"),
    Row("GOAWAY", 0x10, (22,), "uri:b timeout:i"),
    Row("MAX_REQUEST_ID", 0x15, _OLD, "max_request_id:i"),
    Row("REQUESTS_BLOCKED", 0x1A, _OLD, "max_request_id:i"),
    Row("REQUEST_OK", 0x7, _OLD, "request_id:i parameters:p"),
    Row("REQUEST_OK", 0x7, _NEW, "parameters:p properties:t"),
    Row("REQUEST_ERROR", 0x5, (15,), "request_id:i code:i reason:r"),
    Row("REQUEST_ERROR", 0x5, (16,), "request_id:i code:i retry:i reason:r"),
    Row("REQUEST_ERROR", 0x5, _NEW, "code:i retry:i reason:r redirect:d"),
    Row("SUBSCRIBE", 0x3, _ALL, f"{_TRACK} parameters:p", True),
    Row("SUBSCRIBE_OK", 0x4, (15,), "request_id:i alias:i parameters:p"),
    Row("SUBSCRIBE_OK", 0x4, (16,), "request_id:i alias:i parameters:p properties:t"),
    Row("SUBSCRIBE_OK", 0x4, _NEW, "alias:i parameters:p properties:t"),
    Row("REQUEST_UPDATE", 0x2, _OLD, "request_id:i existing_id:i parameters:p"),
    Row("REQUEST_UPDATE", 0x2, _NEW, "request_id:i parameters:p"),
    Row("UNSUBSCRIBE", 0xA, _OLD, "request_id:i"),
    Row("PUBLISH", 0x1D, (15,), f"{_TRACK} alias:i parameters:p", True),
    Row("PUBLISH", 0x1D, (16, 18, 22), f"{_TRACK} alias:i parameters:p properties:t", True),
    Row("PUBLISH_OK", 0x1E, _OLD, "request_id:i parameters:p"),
    Row("PUBLISH_DONE", 0xB, _OLD, "request_id:i code:i streams:i reason:r"),
    Row("PUBLISH_DONE", 0xB, _NEW, "code:i streams:i reason:r"),
    Row("FETCH", 0x16, (15, 16, 18), "request_id:i fetch:f parameters:p", True),
    Row("FETCH", 0x16, (22,), f"{_TRACK} parameters:p", True),
    Row("FETCH_OK", 0x18, (15,), "request_id:i end_of_track:u end:l parameters:p"),
    Row("FETCH_OK", 0x18, (16,), "request_id:i end_of_track:u end:l parameters:p properties:t"),
    Row("FETCH_OK", 0x18, _NEW, "end_of_track:u end:l parameters:p properties:t"),
    Row("FETCH_CANCEL", 0x17, _OLD, "request_id:i"),
    Row("TRACK_STATUS", 0xD, _ALL, f"{_TRACK} parameters:p", True),
    Row("PUBLISH_NAMESPACE", 0x6, _OLD, "request_id:i namespace:n parameters:p", True),
    Row("PUBLISH_NAMESPACE", 0x6, _NEW, "request_id:i namespace:x parameters:p", True),
    Row("PUBLISH_NAMESPACE_DONE", 0x9, (15,), "namespace:n"),
    Row("PUBLISH_NAMESPACE_DONE", 0x9, (16,), "request_id:i"),
    Row("PUBLISH_NAMESPACE_CANCEL", 0xC, (15,), "namespace:n code:i reason:r"),
    Row("PUBLISH_NAMESPACE_CANCEL", 0xC, (16,), "request_id:i code:i reason:r"),
    Row("SUBSCRIBE_NAMESPACE", 0x11, (15,), "request_id:i namespace:n parameters:p", True),
    Row("SUBSCRIBE_NAMESPACE", 0x11, (16,), "request_id:i namespace:x options:i parameters:p", True),
    Row("SUBSCRIBE_NAMESPACE", 0x50, _NEW, "request_id:i namespace:x parameters:p", True),
    Row("SUBSCRIBE_TRACKS", 0x51, _NEW, "request_id:i namespace:x parameters:p", True),
    Row("UNSUBSCRIBE_NAMESPACE", 0x14, (15,), "request_id:i"),
    Row("NAMESPACE", 0x8, (16, 18, 22), "namespace:x"),
    Row("NAMESPACE_DONE", 0xE, (16, 18, 22), "namespace:x"),
    Row("PUBLISH_BLOCKED", 0xF, _NEW, "namespace:x track:b"),
    Row("PUBLISH_STATE_NOTIFY", 0x22, (22,), "parameters:p"),
)

BY_NAME = {(draft, row.name): row for row in ROWS for draft in row.drafts}
BY_TYPE = {(draft, row.type): row for row in ROWS for draft in row.drafts}

# What may be in the parameters of which message from draft-17 on (section 10.2 of draft-18, digest of section 9.20 of
# draft-22). REQUEST_OK and REQUEST_UPDATE: whatever they may carry for any kind of request.
ALLOWED: dict[tuple[int, str], frozenset[int]] = {
    (18, "SUBSCRIBE"): frozenset({0x02, 0x03, 0x04, 0x06, 0x10, 0x20, 0x21, 0x22, 0x32}),
    (18, "SUBSCRIBE_OK"): frozenset({0x08, 0x09}),
    (18, "PUBLISH"): frozenset({0x03, 0x08, 0x09, 0x10}),
    (18, "REQUEST_OK"): frozenset({0x02, 0x06, 0x08, 0x09, 0x10, 0x20, 0x21, 0x22, 0x32}),
    (18, "REQUEST_UPDATE"): frozenset({0x02, 0x03, 0x06, 0x10, 0x20, 0x21, 0x32, 0x34}),
    (18, "FETCH"): frozenset({0x03, 0x0A, 0x20, 0x22}),
    (18, "FETCH_OK"): frozenset(),
    (18, "TRACK_STATUS"): frozenset({0x03}),
    (18, "PUBLISH_NAMESPACE"): frozenset({0x03}),
    (18, "SUBSCRIBE_NAMESPACE"): frozenset({0x03}),
    (18, "SUBSCRIBE_TRACKS"): frozenset({0x03, 0x10}),
    (22, "SUBSCRIBE"): frozenset(
        {0x02, 0x03, 0x04, 0x06, 0x10, 0x20, 0x21, 0x22, 0x23, 0x25, 0x26, 0x27, 0x28, 0x32, 0x35}
    ),
    (22, "SUBSCRIBE_OK"): frozenset({0x08, 0x09}),
    (22, "PUBLISH"): frozenset({0x02, 0x03, 0x06, 0x08, 0x09, 0x10, 0x20, 0x21, 0x22}),
    (22, "REQUEST_OK"): frozenset({0x08, 0x09}),
    (22, "REQUEST_UPDATE"): frozenset(
        {0x02, 0x03, 0x06, 0x10, 0x20, 0x21, 0x23, 0x25, 0x26, 0x27, 0x28, 0x29, 0x32, 0x34}
    ),
    (22, "PUBLISH_STATE_NOTIFY"): frozenset({0x09, 0x10, 0x21}),
    (22, "FETCH"): frozenset({0x03, 0x0A, 0x20, 0x21, 0x22, 0x25, 0x26, 0x27, 0x28, 0x35}),
    (22, "FETCH_OK"): frozenset(),
    (22, "TRACK_STATUS"): frozenset({0x03, 0x35}),
    (22, "PUBLISH_NAMESPACE"): frozenset({0x03}),
    (22, "SUBSCRIBE_NAMESPACE"): frozenset({0x03}),
    (22, "FILL_PARAMETERS"): frozenset({0x0A, 0x20, 0x21, 0x22, 0x25, 0x26, 0x27, 0x28}),
    (22, "SUBSCRIBE_TRACKS"): frozenset({0x03, 0x10, 0x21, 0x22, 0x23, 0x25, 0x26, 0x27, 0x28, 0x29, 0x35}),
}
