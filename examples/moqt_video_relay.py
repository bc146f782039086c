"""A MOQT relay: publishers and subscribers connect to it, it forwards what is subscribed to.

    python examples/moqt_video_relay.py --port 4433 [--cert cert.pem --key key.pem]

Ctrl-C tells the sessions to go away (GOAWAY) and ends the relay.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

import endpoint
import moqt.asyncio as ma


async def relay(args: argparse.Namespace, stop: asyncio.Event) -> int:
    relay = await ma.relay(args.host, args.port, cert_file=args.cert, key_file=args.key)
    try:
        print(f"relay listening on {args.host}:{relay.port}")
        print(f"certificate SHA-256 {relay.certificate_sha256}")
        shown: ma.RelayStatistics | None = None
        while not stop.is_set():
            await endpoint.until_stopped(stop, asyncio.sleep(args.stats_interval))
            stats = relay.stats()
            if stats != shown:
                print("  ".join(f"{name} {value}" for name, value in stats.items()))
                shown = stats
    finally:
        await relay.drain(grace=args.drain)
    print("relay closed")
    return 0


def main() -> int:
    parser = endpoint.server_parser(__doc__)
    parser.add_argument("--stats-interval", type=float, default=5.0, help="seconds between lines of counters")
    parser.add_argument("--drain", type=float, default=2.0, help="seconds the sessions get to leave at the end")
    return endpoint.run(relay, endpoint.parse_server_args(parser))


if __name__ == "__main__":
    sys.exit(main())
