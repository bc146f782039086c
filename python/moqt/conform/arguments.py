"""The command line of ``moqt-conform``."""

from __future__ import annotations

import argparse
from pathlib import Path

from moqt.conform.targets import Url
from moqt.conform.wire.draft import DRAFTS, TOLERANCES
from moqt.conform.wire.values import Namespace

_EXITS = """\
exit codes: 0 all cases are ok (TODO and SKIP count as such), 1 a case is not ok or there is no peer,
2 the command line cannot be used, 127 (interop) an unknown test
"""


def _namespace(text: str) -> Namespace:
    fields = tuple(part.encode() for part in text.split("/"))
    if not all(fields):
        raise argparse.ArgumentTypeError(f"{text!r} is no namespace: fields with / between them")
    return fields


def _url(text: str) -> Url:
    try:
        return Url.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.01 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not from 0.01 to 3600 seconds")
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is not from 1 to 256")
    return int(text)


def _common(parser: argparse.ArgumentParser) -> None:
    drafts = [str(number) for number in DRAFTS]
    parser.add_argument("--draft", action="append", choices=drafts, help="a draft to speak; may be repeated")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="names of cases, or patterns")
    parser.add_argument("--list", action="store_true", help="print the cases and their sections, and run none")
    parser.add_argument("--json", action="store_true", help="JSON instead of TAP 14")
    parser.add_argument("--verbose", "-v", action="store_true", help="tell of cases that are ok, too")
    parser.add_argument("--timeout", type=_seconds, default=5.0, help="seconds that the peer has for anything (5)")
    parser.add_argument(
        "--tolerate", action="append", default=[], choices=TOLERANCES,
        help="take this from the peer, so that it does not fail every case that it comes up in",
    )  # fmt: skip
    parser.add_argument(
        "--prefix", type=_namespace, default=(b"moqt-conform",), metavar="NAMESPACE",
        help="under which the cases publish (moqt-conform)",
    )  # fmt: skip


def make_parser() -> argparse.ArgumentParser:
    """The parser of the program."""
    parser = argparse.ArgumentParser(
        prog="moqt-conform", description="Conformance of MOQT endpoints.", epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    roles = parser.add_subparsers(dest="role", required=True, metavar="client|server|interop")
    client = roles.add_parser("client", help="judge a relay, or with --track a publisher that listens")
    client.add_argument("url", type=_url, nargs="?", metavar="moqt://host:port/path")
    client.add_argument("--namespace", type=_namespace, help="of the publisher's track, fields with / between them")
    client.add_argument("--track", help="the publisher's track")
    client.add_argument("--insecure", action="store_true", help="accept any certificate")
    client.add_argument("--ca", type=Path, metavar="FILE", help="roots in PEM, in place of the system's")
    client.add_argument("--fingerprint", metavar="SHA-256", help="accept exactly this certificate")
    client.add_argument("--jobs", type=_count, default=4, help="cases at a time (4)")
    _common(client)
    server = roles.add_parser("server", help="judge a client that connects")
    server.add_argument("--host", default="::", help="IP address to listen on (::)")
    server.add_argument("--port", type=int, default=4433, help="UDP port (4433); 0 takes a free one")
    server.add_argument("--cert", type=Path, help="PEM; a development certificate without")
    server.add_argument("--key", type=Path, help="PEM")
    server.add_argument("--wait", type=_seconds, default=30.0, help="seconds until a client has to come (30)")
    server.add_argument(
        "--run", metavar="COMMAND",
        help="start this client for each case; {port}, {draft} and {fingerprint} are replaced",
    )  # fmt: skip
    _common(server)
    interop = roles.add_parser("interop", help="the cases of the public interop runner, by its contract")
    interop.add_argument("-r", "--relay", metavar="URL", help="the relay; RELAY_URL without")
    interop.add_argument("-t", "--test", metavar="NAME", help="one test; TESTCASE without; all without either")
    interop.add_argument("-l", "--list", action="store_true", help="print the names of the tests")
    interop.add_argument("-v", "--verbose", action="store_true", help="or VERBOSE=1")
    interop.add_argument("--tls-disable-verify", action="store_true", help="or TLS_DISABLE_VERIFY=1")
    interop.add_argument("--draft", choices=drafts_of_interop(), help="or MOQT_DRAFT=draft-NN")
    return parser


def drafts_of_interop() -> list[str]:
    """As choices of the command line."""
    return [str(number) for number in DRAFTS]
