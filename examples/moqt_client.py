"""Connect to a MOQT server, show its SERVER_SETUP, and read a few objects of a track.

    python examples/moqt_client.py --host 127.0.0.1 --port 4433

Without `--track` it looks for the clock of `moqt_server.py`, and is content when there is none.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

import endpoint
import moqt
import moqt.asyncio as ma

CLOCK = "demo/clock"


async def client(args: argparse.Namespace, stop: asyncio.Event) -> int:
    async with endpoint.connect(args) as session:
        print(f"connected to {args.host}:{args.port}")
        print(f"SERVER_SETUP received: {session.peer_setup!r}")
        namespace, _, name = (args.track or CLOCK).rpartition("/")
        try:
            subscription = await endpoint.within(
                args.timeout, session.subscribe(namespace, name), f"{namespace}/{name} was not answered"
            )
        except ma.RequestRefused as refusal:
            print(f"the server does not offer {namespace}/{name}: {refusal}")
            return 1 if args.track else 0
        print(f"subscribed to {namespace}/{name}")
        shown = show_objects(subscription, args.count)
        await endpoint.until_stopped(stop, endpoint.within(args.timeout, shown, "not enough objects came"))
    print("connection closed")
    return 0


async def show_objects(subscription: ma.Subscription, count: int) -> None:
    """Print `count` objects, or all until the track ends, then unsubscribe."""
    seen = 0
    async for item in subscription:
        if item.status != moqt.ObjectStatus.NORMAL:
            continue
        print(f"group {item.group_id} object {item.object_id}: {len(item.payload)} bytes {item.payload[:60]!r}")
        seen += 1
        if seen == count:
            await subscription.unsubscribe()
            return
    print("the track has ended")


def main() -> int:
    parser = endpoint.client_parser(__doc__)
    parser.add_argument("--track", help=f"namespace and name of a track to read; without it, {CLOCK} if it is there")
    parser.add_argument(
        "--count",
        type=endpoint.integer("number of objects", 0, 10**9),
        default=5,
        help="objects to read; 0 reads until the track ends",
    )
    seconds = endpoint.number("number of seconds", 0)
    parser.add_argument(
        "--timeout", type=seconds, default=30.0, help="seconds for the answer, and again for the objects"
    )
    return endpoint.run(client, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
