"""What the example programs have in common: options, certificates, signals and exit codes."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import signal
import sys
import urllib.parse
from collections.abc import Awaitable, Callable
from typing import TypeVar

import moqt
import moqt.asyncio as ma
import msquic
from media.frame import MediaError

T = TypeVar("T")
Program = Callable[[argparse.Namespace, asyncio.Event], Awaitable[int]]
INCOMPLETE = 4
"""Exit code of a recording or a broadcast that lacks something."""


def client_parser(description: str | None) -> argparse.ArgumentParser:
    """The options of a program that connects somewhere; the first line of `description` is shown."""
    parser = _parser(description)
    parser.set_defaults(host="127.0.0.1", port=4433, path="/moqt")
    parser.add_argument("--host", action=_Host, help="host name, address or URL of the server or relay (127.0.0.1)")
    parser.add_argument("--port", type=_port, help="its UDP port (4433)")
    parser.add_argument("--path", help="PATH in CLIENT_SETUP (/moqt)")
    parser.add_argument("--url", action=_Url, metavar="moqt://HOST:PORT/PATH", help="all three of them in one")
    patience = number("number of seconds", 0.1, 3600)
    parser.add_argument(
        "--connect-timeout", type=patience, default=10.0, help="seconds that the server has until the session is there"
    )
    silence = number("number of seconds", 0.5, 3600)
    parser.add_argument(
        "--idle-timeout",
        type=silence,
        default=15.0,
        help="seconds without a sign of the server until it is dead",
    )
    parser.add_argument(
        "--resume", action="store_true", help="when the connection is lost, or the server asks to leave, come back"
    )
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("--ca-file", help="trust the certificates in this PEM file instead of the system's")
    trust.add_argument("--insecure", action="store_true", help="accept any certificate (a loopback address: always)")
    return parser


class _Url(argparse.Action):
    """Takes a moqt URI apart into host, port and path."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        try:
            url = urllib.parse.urlsplit(str(values))
            if url.scheme != "moqt" or not url.hostname or url.username is not None or url.fragment:
                raise ValueError("a URL is moqt://host:port/path")
            namespace.host, namespace.port = url.hostname, url.port or 443
            namespace.path = url.path + (f"?{url.query}" if url.query else "")
        except ValueError as error:
            raise argparse.ArgumentError(self, f"{values!r}: {error}") from None


class _Host(_Url):
    """A host's name or address, or a URL."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        if "://" in str(values):
            super().__call__(parser, namespace, values, option_string)
        else:
            host = str(values)
            # An IPv6 address as URLs have it.
            namespace.host = host[1:-1] if host.startswith("[") and host.endswith("]") else host


def server_parser(description: str | None) -> argparse.ArgumentParser:
    """The options of a program that listens; the first line of `description` is shown."""
    parser = _parser(description)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=_port, default=4433, help="UDP port to listen on; 0 takes a free one")
    parser.add_argument("--cert", help="certificate chain, PEM; without it a development certificate is made")
    parser.add_argument("--key", help="its private key, PEM")
    return parser


def parse_server_args(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options of `server_parser`; `--cert` and `--key` go together."""
    args = parser.parse_args()
    if (args.cert is None) != (args.key is None):
        parser.error("--cert and --key go together")
    return args


def connect(args: argparse.Namespace) -> ma.Opening[ma.Session]:
    """`async with connect(args) as session:` with the options of `client_parser`.

    A server on this very machine usually has a development certificate, so a loopback address is
    not verified unless `--ca-file` is given. Everything else is.
    """
    verify = args.ca_file is not None or not (args.insecure or _is_loopback(args.host))
    return ma.connect(
        args.host,
        args.port,
        path=args.path,
        verify=verify,
        ca_file=args.ca_file,
        resume=args.resume,
        timeout=args.connect_timeout,
        handshake_idle_timeout_ms=round(args.connect_timeout * 1000),
        idle_timeout_ms=round(args.idle_timeout * 1000),
        keep_alive_interval_ms=round(args.idle_timeout * 1000 / 3),
    )


def run(program: Program, args: argparse.Namespace) -> int:
    """Run the program to its end and give its exit code.

    SIGINT and SIGTERM set the event, once; the program then ends in order. A second signal
    ends the process at once. 1 stands for an error, whose text goes to standard error; 4 for a
    recording or a broadcast that lacks something.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        return asyncio.run(_supervise(program, args))
    except KeyboardInterrupt:
        return 130
    except (moqt.MoqtError, msquic.QuicError, MediaError, OSError) as error:
        print(f"error: {explain(error, args)}", file=sys.stderr)
        return 1


def explain(error: Exception, args: argparse.Namespace) -> str:
    """What went wrong, for people: with the host and port of a connection, and what to do next."""
    text = str(error) or type(error).__name__
    if not isinstance(error, msquic.QuicError) or not hasattr(args, "port"):
        return text
    server = f"{args.host}:{args.port}"
    running = "is the relay running, and are --host and --port right?"
    silent = (
        "is the relay running, are --host and --port right, does a firewall let UDP through? "
        "(--connect-timeout says how long it is waited for)"
    )
    advice = {
        "ConnectionRefused": running,
        "Unreachable": running,
        "ConnectionTimeout": silent,
        "ConnectionIdle": silent,
        "HandshakeTimeout": silent,
        "NameResolutionFailed": "check --host",
        "AlpnNegotiationFailure": "it speaks QUIC, but no draft of MOQT that is spoken here; is it the right port?",
        "CertificateNameMismatch": "give --host as the certificate has it",
    }
    hint = advice.get(error.name, "")
    if not hint and isinstance(error, msquic.CertificateError):
        hint = "give --ca-file, or --insecure for a test"
    return f"{server}: {text}" + (f"; {hint}" if hint else "")


async def until_stopped(stop: asyncio.Event, work: Awaitable[T]) -> T | None:
    """The result of `work`, or None when `stop` is set first; `work` is then cancelled and has ended."""
    task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        stopped.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait((task,))


async def within(seconds: float | None, work: Awaitable[T], otherwise: str) -> T:
    """The result of `work`; `TimeoutError` with the text `otherwise` when it takes longer."""
    try:
        return await asyncio.wait_for(work, seconds)
    except TimeoutError:
        raise TimeoutError(f"{otherwise} within {seconds} s") from None


async def _supervise(program: Program, args: argparse.Namespace) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def on_signal() -> None:
        stop.set()
        for number in signals:
            loop.remove_signal_handler(number)

    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
        for number in signals:
            loop.add_signal_handler(number, on_signal)
    return await program(args, stop)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parser(description: str | None) -> argparse.ArgumentParser:
    first_line = (description or "").partition("\n")[0]
    return argparse.ArgumentParser(description=first_line, formatter_class=argparse.ArgumentDefaultsHelpFormatter)


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")
    return port


def number(name: str, least: float, most: float = float("inf")) -> Callable[[str], float]:
    """For an option's `type`: a finite number in that range."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not (least <= value <= most and value != float("inf")):
            upper = f" to {most:g}" if most != float("inf") else " on"
            raise argparse.ArgumentTypeError(f"{text!r} is no {name}: give a number from {least:g}{upper}")
        return value

    return parse


def name_space(text: str) -> str:
    """For an option's `type`: a track namespace, none of whose fields is empty (drafts later than 15 forbid it)."""
    if not all(text.split("/")):
        raise argparse.ArgumentTypeError(f"{text!r} has an empty field: fields are separated by single '/'")
    return text


def integer(name: str, least: int, most: int) -> Callable[[str], int]:
    """For an option's `type`: a whole number in that range."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no {name}: give a whole number from {least} to {most}")
        return value

    return parse
