"""SETUP that closes the session."""

from __future__ import annotations

from collections.abc import Callable

from moqt.conform.cases.case import SERVERS, Level
from moqt.conform.cases.setup import MESSAGE, setup_name
from moqt.conform.cases.violations import ANY_CODE, Act, Codes, connection_violation, violation
from moqt.conform.peer.session import Peer
from moqt.conform.wire import codes
from moqt.conform.wire.messages import message, message_type
from moqt.conform.wire.values import ParameterValue

PV = codes.PROTOCOL_VIOLATION
PATH = "15,16:9.3.1.2 18:10.3.1.2 22:9.1.2"
AUTHORITY = "15,16:9.3.1.1 18:10.3.1.1 22:9.1.1"
TOKEN = "15:9.2.1.1 16:9.2.2.1 18:10.2.2 22:9.20.2"


def _with(**change: ParameterValue) -> Act:
    """SETUP with such parameters; their names are those of the codes."""

    async def act(peer: Peer) -> None:
        said: dict[int, ParameterValue] = {} if peer.draft.request_streams else {codes.MAX_REQUEST_ID: 100}
        await peer.open(said | {getattr(codes, name): value for name, value in change.items()})

    return act


def _payload(make: Callable[[Peer], bytes], length: Callable[[bytes], int] = len) -> Act:
    """SETUP with bytes of the case's own. ``length``: what its Length says."""

    async def act(peer: Peer) -> None:
        data = make(peer)
        kind = message_type(peer.draft, setup_name(peer))
        await peer.open(raw=peer.draft.frame(kind, data, length(data)))

    return act


def _bytes(make: Callable[[Peer], bytes]) -> Act:
    async def act(peer: Peer) -> None:
        await peer.open(raw=make(peer))

    return act


def _counted(peer: Peer, count: int, pairs: bytes) -> bytes:
    """Key-Value-Pairs as SETUP has them: with their number up to draft-16."""
    return pairs if peer.draft.request_streams else peer.draft.integer(count) + pairs


def _token(*fields: int | bytes) -> Act:
    async def act(peer: Peer) -> None:
        said: dict[int, ParameterValue] = {} if peer.draft.request_streams else {codes.MAX_REQUEST_ID: 100}
        await peer.open(said | {codes.SETUP_TOKEN: peer.draft.integers(*fields)})

    return act


async def _again(peer: Peer) -> None:
    peer.send(setup_name(peer), parameters={})


_paths: tuple[tuple[str, str, str, Act, Codes, str], ...] = (
    (
        "path-without-slash",
        PATH,
        "A PATH that does not begin with a slash.",
        _with(PATH=b"no slash"),
        codes.MALFORMED_PATH,
        SERVERS,
    ),
    (
        "path-with-spaces",
        PATH,
        "A PATH with spaces, which no URI has.",
        _with(PATH=b"/a b"),
        codes.MALFORMED_PATH,
        SERVERS,
    ),
    (
        "path-bad-percent",
        PATH,
        "A PATH whose percent-encoding is broken.",
        _with(PATH=b"/%zz"),
        codes.MALFORMED_PATH,
        SERVERS,
    ),
    (
        "authority-with-spaces",
        AUTHORITY,
        "An AUTHORITY with spaces, which no URI has.",
        _with(AUTHORITY=b"a b:1"),
        codes.MALFORMED_AUTHORITY,
        SERVERS,
    ),
    (
        "authority-bad-port",
        AUTHORITY,
        "An AUTHORITY whose port is no number.",
        _with(AUTHORITY=b"host:port"),
        codes.MALFORMED_AUTHORITY,
        SERVERS,
    ),
    ("server-path", PATH, "PATH of a server.", _with(PATH=b"/"), codes.INVALID_PATH, "client"),
    (
        "server-authority",
        AUTHORITY,
        "AUTHORITY of a server.",
        _with(AUTHORITY=b"localhost"),
        codes.INVALID_AUTHORITY,
        "client",
    ),
    ("token-delete", TOKEN, "A client's token with alias type DELETE.", _token(0, 1), PV, SERVERS),
    ("token-use-alias", TOKEN, "A client's token with alias type USE_ALIAS.", _token(2, 1), PV, SERVERS),
    (
        "token-unknown-type",
        TOKEN,
        "A token with alias type 4.",
        _token(4, 1),
        codes.KEY_VALUE_FORMATTING_ERROR,
        SERVERS,
    ),
    ("token-empty", TOKEN, "A token of no bytes.", _token(), codes.KEY_VALUE_FORMATTING_ERROR, SERVERS),
)
for _name, _sections, _text, _act, _codes, _roles in _paths:
    connection_violation(f"setup/{_name}", _sections, _text, _act, _codes, roles=_roles)

connection_violation(
    "setup/truncated",
    "15,16:9 18:10 22:9",
    "SETUP whose Length cuts its last parameter short.",
    _payload(lambda p: _counted(p, 1, p.draft.key_values([(codes.IMPLEMENTATION, b"moqt-conform")])[:-4])),
    (PV, codes.KEY_VALUE_FORMATTING_ERROR),
)
connection_violation(
    "setup/trailing-bytes",
    "15,16:9",
    "SETUP with bytes behind its last parameter.",
    _payload(lambda p: _counted(p, 1, p.draft.key_values([(codes.MAX_REQUEST_ID, 100)]) + bytes(3))),
)
connection_violation(
    "setup/too-few-parameters",
    "15,16:9",
    "SETUP that has fewer parameters than it says.",
    _payload(lambda p: _counted(p, 3, p.draft.key_values([(codes.MAX_REQUEST_ID, 100)]))),
    (PV, codes.KEY_VALUE_FORMATTING_ERROR),
)
connection_violation(
    "setup/value-beyond-65535-bytes",
    "15,16:1.4.2 18:1.4.3 22:8.3",
    "A value that claims 65536 bytes.",
    _payload(lambda p: _counted(p, 1, p.draft.integers(0x40B5B, 65536) + bytes(100))),
)
connection_violation(
    "setup/type-delta-overflow",
    "16:1.4.2 18:1.4.3 22:8.3",
    "A Delta Type that leads beyond the largest type.",
    _payload(lambda p: _counted(p, *p.draft.overflowing_keys(0x40B5A))),
)
connection_violation(
    "setup/goaway-before-it",
    "15,16:9.3",
    "Another message than SETUP comes first.",
    _bytes(lambda p: message(p.draft, "GOAWAY", request_id=0 if p.is_client else 1)),
    ANY_CODE,
)
connection_violation(
    "setup/of-the-other-side",
    "15,16:9.3",
    "SERVER_SETUP of a client, CLIENT_SETUP of a server.",
    _bytes(lambda p: message(p.draft, "SERVER_SETUP" if p.is_client else "CLIENT_SETUP")),
    ANY_CODE,
)
connection_violation(
    "setup/of-draft-10",
    "15,16:9",
    "CLIENT_SETUP or SERVER_SETUP of the drafts up to 10, reserved since.",
    _bytes(lambda p: p.draft.frame(0x40 if p.is_client else 0x41, bytes(4))),
    ANY_CODE,
)
violation("setup/twice", MESSAGE, "A second SETUP on the control stream.", _again, ANY_CODE, level=Level.MUST)
