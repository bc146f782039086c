"""One end of the benchmark of MOQT objects in Python: publishes a track as fast as it is taken, or receives batches.

python moqt_objects.py publish --size 1024 [--relay PORT] [--draft 15] prints its port, or "publishing"; ends with input
python moqt_objects.py receive --port PORT --seconds 3 [--draft 15]    prints a line of JSON
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
import time
from typing import Any

import moqt.asyncio as ma

NAMESPACE, NAME = "bench", "objects"
OBJECTS_PER_GROUP = 1000
BETWEEN_DRAINS = 32


async def write(track: ma.TrackWriter, size: int, counts: dict[str, float]) -> None:
    payload = bytes(size)
    await track.wait_subscriber()
    counts["begun"], counts["cpu"] = time.monotonic(), time.process_time()
    while True:
        with track.begin_group() as group:
            for number in range(OBJECTS_PER_GROUP):
                group.write(payload)
                counts["sent"] += 1
                if number % BETWEEN_DRAINS == 0:
                    await track.drain()


async def publish(args: argparse.Namespace) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(stop.set)), daemon=True).start()
    counts = {"sent": 0, "begun": 0.0, "cpu": 0.0}
    retention = ma.Retention(bytes=0, groups=0)

    async def run(track: ma.TrackWriter) -> None:
        writing = asyncio.ensure_future(write(track, args.size, counts))
        await stop.wait()
        writing.cancel()
        seconds, cpu = time.monotonic() - counts["begun"], time.process_time() - counts["cpu"]
        report = {"objects": counts["sent"], "seconds": seconds, "cpu": cpu, "groups_skipped": track.groups_skipped}
        print(json.dumps(report), flush=True)

    if args.relay:
        async with ma.connect("127.0.0.1", args.relay, verify=False, drafts=[args.draft]) as session:
            track = session.create_track(NAMESPACE, NAME, retention=retention)
            await session.publish_namespace(NAMESPACE)
            print("publishing", flush=True)
            await run(track)
        return

    async def handler(session: ma.Session) -> None:
        await stop.wait()

    async with ma.serve(handler, drafts=[args.draft]) as server:
        track = server.create_track(NAMESPACE, NAME, retention=retention)
        print(f"listening on port {server.port}", flush=True)
        await run(track)


async def receive(args: argparse.Namespace) -> None:
    async with ma.connect("127.0.0.1", args.port, verify=False, drafts=[args.draft]) as session:
        subscription = await session.subscribe(NAMESPACE, NAME)
        objects = batches = 0
        begun = cpu = 0.0
        async for batch in subscription.batches(args.batch):
            if not begun:  # the first comes with the connection's beginning
                begun, cpu = time.monotonic(), time.process_time()
                continue
            objects += len(batch)
            batches += 1
            if time.monotonic() - begun >= args.seconds:
                break
        report: dict[str, Any] = {
            "objects": objects,
            "batches": batches,
            "seconds": time.monotonic() - begun,
            "cpu": time.process_time() - cpu,
            "dropped": subscription.objects_dropped,
        }
        print(json.dumps(report), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=("publish", "receive"))
    parser.add_argument("--relay", type=int, help="the port of the relay to publish to; without it, listens itself")
    parser.add_argument("--port", type=int)
    parser.add_argument("--draft", type=int, default=15, choices=(15, 16, 18, 22))
    parser.add_argument("--size", type=int, default=1024, help="bytes of payload")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--batch", type=int, default=256, help="most objects of a batch")
    args = parser.parse_args()
    asyncio.run(publish(args) if args.role == "publish" else receive(args))


if __name__ == "__main__":
    main()
