"""``moqt-conform interop``: options, environment, output and exit codes as the runner wants them."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping

from moqt.conform.explain import explain
from moqt.conform.interop.scenarios import BY_NAME, SCENARIOS, Scenario
from moqt.conform.outcomes import NotOk, Skip
from moqt.conform.targets import Url, server_target
from moqt.conform.wire.draft import DRAFTS, Draft
from moqt.conform.world import Target, World
from msquic.exceptions import ConnectionFailed, QuicError

UNSUPPORTED = 127
DEFAULT_RELAY = "moqt://localhost:4443"
_NEWEST_FIRST = (18, 22, 16, 15)
"""18 is the runner's target."""


def _is_true(text: str) -> bool:
    return text.lower() in ("1", "true", "yes", "on")


def interop(options: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> int:
    """Options come before the environment, which comes before the defaults."""
    if options.list:
        for each in SCENARIOS:
            print(each.name)
        return 0
    name = options.test or environment.get("TESTCASE") or None
    if name is not None and name not in BY_NAME:
        print(f"{name} is not a test of this client", file=sys.stderr)
        return UNSUPPORTED
    draft = options.draft or environment.get("MOQT_DRAFT", "").removeprefix("draft-")
    if draft and (not draft.isdecimal() or int(draft) not in DRAFTS):
        print(f"draft {draft} is not spoken by this client", file=sys.stderr)
        return UNSUPPORTED
    try:
        url = Url.parse(options.relay or environment.get("RELAY_URL") or DEFAULT_RELAY)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    insecure = options.tls_disable_verify or _is_true(environment.get("TLS_DISABLE_VERIFY", ""))
    verbose = options.verbose or _is_true(environment.get("VERBOSE", ""))
    chosen = [(BY_NAME[name], name)] if name is not None else [(each, each.name) for each in SCENARIOS]
    return asyncio.run(_run(url, chosen, int(draft) if draft else None, insecure, verbose))


async def _run(url: Url, chosen: list[tuple[Scenario, str]], wanted: int | None, insecure: bool, verbose: bool) -> int:
    target = server_target(url, insecure=insecure, ca=None, timeout=10.0, prefix=(b"moq-test",))
    print("TAP version 14")
    print("# moqt-conform")
    print(f"# Relay: moqt://{url.authority}{url.path}")
    try:
        draft = await _negotiated(target, wanted)
    except ConnectionFailed as error:
        print(f"1..{len(chosen)}")
        print(f"Bail out! {explain(error, url, trust='--tls-disable-verify accepts any')}", flush=True)
        return 1
    print(f"# Draft: {draft}")
    print(f"1..{len(chosen)}", flush=True)
    failed = 0
    for number, (scenario, name) in enumerate(chosen, 1):
        failed += not await _one(target, draft, number, scenario, name, verbose)
    return 1 if failed else 0


async def _negotiated(target: Target, wanted: int | None) -> Draft:
    """The draft to speak: the wanted one, else the first that the relay takes."""
    last: ConnectionFailed | None = None
    for number in (wanted,) if wanted is not None else _NEWEST_FIRST:
        try:
            (await target.connect(DRAFTS[number].alpn)).abort(0)
        except ConnectionFailed as error:
            last = error
            if error.name != "AlpnNegotiationFailure":
                break
        else:
            return DRAFTS[number]
    assert last is not None
    raise last


async def _one(target: Target, draft: Draft, number: int, scenario: Scenario, name: str, verbose: bool) -> bool:
    world = World(target, draft)
    begun = time.monotonic()
    message = ""
    try:
        async with asyncio.timeout(scenario.seconds):
            await scenario.run(world)
    except (NotOk, Skip, QuicError) as error:
        message = str(error)
    except TimeoutError:
        message = f"not done within {scenario.seconds:g} seconds"
    taken = round(1000 * (time.monotonic() - begun))
    cids = [peer.connection.original_destination_cid.hex() for peer in world.peers]
    await world.close()
    print(f"{'not ok' if message else 'ok'} {number} - {name}")
    print("  ---")
    print(f"  duration_ms: {taken}")
    for role, cid in zip(scenario.roles, cids, strict=False):
        print(f"  {role + '_' if role else ''}connection_id: {cid}")
    if message:
        print(f"  message: {json.dumps(message if verbose else message.splitlines()[0])}")
    print("  ...", flush=True)
    return not message
