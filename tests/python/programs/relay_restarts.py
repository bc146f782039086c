"""A relay that is killed and started again and again under subscribers and a publisher that come back.

    python tests/python/programs/relay_restarts.py --restarts 50 --subscribers 20

Every second time it is asked to leave (SIGTERM) in place of being killed. Nothing may be lost that the publisher
still keeps, and nothing may come twice.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import moqt.asyncio as ma
import msquic
from moqt_sessions import NS
from resuming_sessions import QUICK, Broadcast, Viewer, subscribed

APPS = Path(os.environ.get("MSQUIC_PY_APPS", Path(__file__).resolve().parents[3] / "build" / "dev" / "apps"))


class RestartedRelay:
    """moqt-relay as a process, always on the same port and with the same key."""

    def __init__(self, folder: Path) -> None:
        certificate = msquic.generate_development_certificate(folder)
        self._certificate = certificate
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    async def start(self) -> None:
        arguments = ["--host", "127.0.0.1", "--port", str(self.port), "--drain-seconds", "0.5", "--log-level", "error"]
        files = ["--cert", str(self._certificate.certificate_file), "--key", str(self._certificate.private_key_file)]
        while True:
            process = await asyncio.create_subprocess_exec(
                APPS / "moqt-relay" / "moqt-relay", *arguments, *files, stdout=asyncio.subprocess.PIPE
            )
            assert process.stdout is not None
            line = (await process.stdout.readline()).decode()
            if line.startswith("listening on port"):
                self._process, self.port = process, int(line.split()[-1])
                return
            await process.wait()  # the port is not free yet
            await asyncio.sleep(0.05)

    async def stop(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        await self._process.wait()


async def run(restarts: int, subscribers: int, seed: int, interval: float) -> dict[str, float]:
    """What became of it; raises AssertionError for anything lost or doubled."""
    chance = random.Random(seed)
    resume = ma.Resume(first_delay=0.05, longest_delay=0.5, give_up_after=60)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        relay = RestartedRelay(Path(folder))
        await relay.start()

        def client() -> ma.Opening[ma.Session]:
            return ma.connect("127.0.0.1", relay.port, verify=False, resume=resume, **QUICK)

        source = await client()
        await source.publish_namespace(NS)
        broadcast = Broadcast(source.create_track(NS, "video"), per_group=10, interval=0.01)
        sessions = [await client() for _ in range(subscribers)]
        viewers: list[Viewer] = list(await asyncio.gather(*(subscribed(each, join=0) for each in sessions)))
        try:
            for number in range(restarts):
                await asyncio.gather(*(each.beyond(broadcast.sent[-1]) for each in viewers))
                await asyncio.sleep(chance.random() * interval)
                await relay.stop(signal.SIGKILL if number % 2 else signal.SIGTERM)
                await asyncio.sleep(chance.random() * interval)
                await relay.start()
            await asyncio.gather(*(each.beyond(broadcast.sent[-1]) for each in viewers))
            await broadcast.end()
            await asyncio.gather(*(each.task for each in viewers))
            for viewer in viewers:
                assert viewer.subscription.gaps == (), viewer.subscription.gaps
                viewer.check(broadcast.sent)
        finally:
            for each in (*viewers, broadcast):
                each.task.cancel()
            for session in (*sessions, source):
                session._begin_close()
            await asyncio.gather(*(session.wait_closed() for session in (*sessions, source)))
            await relay.stop(signal.SIGKILL)
    return {
        "restarts": restarts,
        "subscribers": subscribers,
        "written": len(broadcast.sent),
        "received": sum(len(each.got) for each in viewers),
        "resumptions": sum(each.subscription.statistics().resumptions for each in viewers),
        "repeated": sum(each.subscription.statistics().objects_repeated for each in viewers),
        "seconds": round(time.monotonic() - began, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--restarts", type=int, default=50)
    parser.add_argument("--subscribers", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--interval", type=float, default=1.0, help="seconds, at most, between what is done to the relay"
    )
    options = parser.parse_args()
    print(asyncio.run(run(options.restarts, options.subscribers, options.seed, options.interval)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
