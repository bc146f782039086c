"""The program ``moqt-conform``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import sys
from collections.abc import Sequence

from moqt.conform.arguments import make_parser
from moqt.conform.cases import Role
from moqt.conform.explain import explain
from moqt.conform.interop.command import interop
from moqt.conform.report import Json, Report, Tap
from moqt.conform.run import Outcome, run_all, select
from moqt.conform.targets import Url, client_target, server_target
from moqt.conform.wire.draft import DRAFTS
from moqt.conform.world import Target
from msquic.exceptions import ConnectionFailed, QuicError


class NoPeer(Exception):
    """There is nobody to judge."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program and returns its exit code."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.role == "interop":
        return interop(options)
    if options.role == "client":
        if bool(options.namespace) != bool(options.track):
            parser.error("--namespace and --track belong together: they name the track of a publisher")
        if options.url is None and not options.list:
            parser.error("whom shall it judge? moqt://host:port/path")
    role = Role.CLIENT if options.role == "server" else Role.PUBLISHER if options.track else Role.RELAY
    drafts = [int(each) for each in options.draft or map(str, DRAFTS)]
    chosen = select(role, drafts, options.only)
    if not chosen:
        parser.error(f"no case is called {' or '.join(options.only)}; --list tells what there is")
    if options.list:
        with contextlib.suppress(BrokenPipeError):
            for case, draft in chosen:
                where = f"{case.level.value}, section {case.sections[draft.number]}"
                print(f"draft-{draft.number} {case.name} [{where}] {case.text}")
            sys.stdout.flush()
        return 0
    try:
        return asyncio.run(_client(options) if options.role == "client" else _server(options))
    except (NoPeer, QuicError, OSError) as error:
        if not options.json:
            print(f"Bail out! {error}", flush=True)
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _report(options: argparse.Namespace) -> Report:
    return Json() if options.json else Tap(options.verbose)


async def _run(target: Target, name: str, drafts: Sequence[int], options: argparse.Namespace, jobs: int) -> int:
    report = _report(options)
    tolerates = frozenset(options.tolerate)
    chosen = [
        (case, dataclasses.replace(draft, tolerates=tolerates))
        for case, draft in select(target.role, drafts, options.only)
    ]
    report.begin(name, chosen)
    failed = False
    async for result in run_all(target, chosen, jobs):
        report.add(result)
        failed = failed or result.outcome is Outcome.NOT_OK
    report.end()
    return 1 if failed else 0


async def spoken(target: Target, url: Url, wanted: Sequence[str] | None) -> list[int]:
    """The drafts that a server speaks. Raises NoPeer when it does not speak one that is wanted, or none."""
    found: list[int] = []
    for number, draft in DRAFTS.items():
        if wanted and str(number) not in wanted:
            continue
        try:
            (await target.connect(draft.alpn)).abort(0)
        except ConnectionFailed as error:
            if error.name != "AlpnNegotiationFailure":
                raise NoPeer(explain(error, url)) from None
            if wanted:
                raise NoPeer(f"{url.host}:{url.port} does not speak {draft}") from None
            continue
        found.append(number)
    if not found:
        names = ", ".join(map(str, DRAFTS.values()))
        raise NoPeer(f"{url.host}:{url.port} speaks QUIC, but none of {names}; is it the right port?")
    return found


async def _client(options: argparse.Namespace) -> int:
    url: Url = options.url
    target = server_target(
        url, insecure=options.insecure, ca=options.ca, fingerprint=options.fingerprint, timeout=options.timeout,
        prefix=options.prefix, namespace=options.namespace or (), track=(options.track or "").encode(),
    )  # fmt: skip
    drafts = await spoken(target, url, options.draft)
    name = f"{target.role.value} at moqt://{url.authority}{url.path}"
    return await _run(target, name, drafts, options, options.jobs)


async def _server(options: argparse.Namespace) -> int:
    drafts = [int(each) for each in options.draft or map(str, DRAFTS)]
    async with client_target(
        options.host, options.port, alpns=[DRAFTS[each].alpn for each in drafts], cert=options.cert, key=options.key,
        command=options.run, wait=options.wait, patience=options.timeout, prefix=options.prefix,
    ) as (target, clients):  # fmt: skip
        print(f"listening on port {clients.port}", file=sys.stderr)
        if clients.fingerprint:
            print(f"development certificate SHA-256 {clients.fingerprint}", file=sys.stderr)
        return await _run(target, f"clients of port {clients.port}", drafts, options, 1)
