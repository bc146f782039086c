"""A MOQT server with a clock to subscribe to.

    python examples/moqt_server.py --cert cert.pem --key key.pem

It speaks MOQT (ALPN moqt-22 to moqt-15) and serves the track demo/clock: an object every 100 ms, a group
every second. Beside it, on the same port, plain QUIC connections of ALPN h3 are accepted, for a
first try of the `msquic` package. Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import sys
import tempfile
import time

import endpoint
import moqt.asyncio as ma
import msquic
from plain_quic import accept_quic

OBJECTS_PER_GROUP = 10


async def serve_clock(session: ma.Session, interval: float) -> None:
    """Offer the clock on a new session, until it ends."""
    print(f"session opened: {session.peer_setup!r}")
    try:
        track = session.create_track("demo", "clock")
        await session.publish_namespace("demo")
        await track.wait_subscriber()
        print("clock subscribed")
        while True:
            group = track.begin_group(time.time_ns() // 1_000_000)
            for _ in range(OBJECTS_PER_GROUP):
                group.write(datetime.datetime.now().isoformat(timespec="milliseconds").encode())
                await asyncio.sleep(interval)
            group.end()
            await track.drain()
    except ma.SessionClosed as closed:
        print(f"session closed: {closed}")
    except ma.RequestRefused as refusal:
        print(f"the peer refused the clock: {refusal}")


async def server(args: argparse.Namespace, stop: asyncio.Event) -> int:
    async def on_session(session: ma.Session) -> None:
        await serve_clock(session, args.interval)

    with tempfile.TemporaryDirectory() as folder:
        cert, key = args.cert, args.key
        if cert is None:
            cert, key, _ = msquic.generate_development_certificate(folder)
        server = await ma.serve(on_session, args.host, args.port, cert_file=cert, key_file=key)
        async with server:
            with accept_quic("h3", args.host, server.port, cert, key):
                print(f"server listening on {args.host}:{server.port}")
                print(f"certificate SHA-256 {server.certificate_sha256}")
                await endpoint.until_stopped(stop, server.serve_forever())
    print("server closed")
    return 0


def main() -> int:
    parser = endpoint.server_parser(__doc__)
    parser.add_argument(
        "--interval",
        type=endpoint.number("number of seconds", 0.001),
        default=0.1,
        help="seconds between the objects of the clock",
    )
    return endpoint.run(server, endpoint.parse_server_args(parser))


if __name__ == "__main__":
    sys.exit(main())
