"""A track with past objects, for the tests of FETCH with moqt.asyncio."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

import moqt
import moqt.asyncio as ma
from moqt_sessions import NS, to


@pytest.fixture(autouse=True)
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(60):
        yield


def place(obj: moqt.Object) -> tuple[int, int]:
    return obj.group_id, obj.object_id


def expected(groups: range, objects: int) -> list[tuple[int, int]]:
    return [(group, number) for group in groups for number in range(objects)]


class Publisher:
    """A handler whose track has some groups; `ready` when they are written."""

    def __init__(self, groups: range, objects: int = 3, size: int = 100, **options: object) -> None:
        self.groups, self.objects, self.size, self.options = groups, objects, size, options
        self.ready = asyncio.Event()
        self.track: ma.TrackWriter

    def fill(self, session: ma.Session) -> None:
        self.track = session.create_track(NS, "video", **self.options)  # type: ignore[arg-type]
        for number in self.groups:
            with self.track.begin_group(number) as group:
                for _ in range(self.objects):
                    group.write(bytes([number % 256]) * self.size, extensions={0x46: number})
        self.ready.set()

    async def __call__(self, session: ma.Session) -> None:
        self.fill(session)
        await session.wait_closed()


KEEP = ma.Retention(groups=1000)


@contextlib.asynccontextmanager
async def published(publisher: Publisher) -> AsyncIterator[ma.Session]:
    """A client's session, when everything has been written: what comes before that is answered with what there is."""
    async with ma.serve(publisher) as server, to(server.port) as session:
        await publisher.ready.wait()
        yield session
