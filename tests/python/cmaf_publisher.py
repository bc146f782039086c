"""A publisher of CMAF tracks and their catalog, made of files of ffmpeg. Runs on a thread of its own."""

from __future__ import annotations

import asyncio
import itertools
import re
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import moqt
import moqt.asyncio as ma
from moqt import msf


def ffmpeg(*arguments: object) -> bytes:
    command = ["ffmpeg", "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout


def raw_frames(file: Path) -> list[str]:
    """Pictures in their own size, whatever comes before: the decoder's own output, not scaled to the first one."""
    text = subprocess.run(
        ["ffmpeg", "-v", "info", "-nostats", "-i", str(file), "-autoscale", "0", "-map", "0:v", "-vf", "showinfo",
         "-fps_mode", "passthrough", "-f", "null", "-"],
        check=True, capture_output=True, text=True, timeout=60,
    ).stderr  # fmt: skip
    return [f"{size} {checksum}" for size, checksum in re.findall(r" s:(\d+x\d+) .* checksum:(\w+)", text)]


def boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    """(type, whole box) of a file whose boxes have 32-bit sizes."""
    found: list[tuple[bytes, bytes]] = []
    while data:
        size = int.from_bytes(data[:4], "big")
        found.append((data[4:8], data[:size]))
        data = data[size:]
    return found


@dataclass
class Movie:
    """One track as an initialization segment and chunks; a group begins at each number in `starts`."""

    initialization: bytes
    chunks: list[bytes]
    starts: list[int] = field(default_factory=lambda: [0])
    lost: frozenset[int] = frozenset()
    """Chunks that are not published: their Object IDs are missing."""
    disposable: Callable[[int], bool] = lambda object_id: False
    """Objects of a group that no other builds on: they go into subgroup 1, on a stream of its own."""
    extensions: list[moqt.ObjectExtensions] | None = None
    """Of each chunk."""

    @property
    def groups(self) -> list[list[bytes]]:
        return [self.chunks[begin:end] for begin, end in itertools.pairwise([*self.starts, len(self.chunks)])]


def movie(file: Path, group: int) -> Movie:
    """A file of one track with a fragment per object, a group each `group` fragments."""
    parts = boxes(file.read_bytes())
    initialization = b"".join(box for kind, box in parts if kind in (b"ftyp", b"moov"))
    media = [box for kind, box in parts if kind in (b"moof", b"mdat")]
    chunks = [head + data for head, data in zip(media[::2], media[1::2], strict=True)]
    return Movie(initialization, chunks, list(range(0, len(chunks), group)))


def make_video(
    file: Path,
    *,
    seconds: float = 2,
    size: str = "320x240",
    gop: int = 15,
    codec: Sequence[object] = (),
    source: str = "testsrc2",
) -> Movie:
    """H.264 unless `codec` says otherwise, 30 frames a second, a fragment per frame."""
    coder = codec or ("-c:v", "libx264", "-preset", "ultrafast", "-bf", 0, "-sc_threshold", 0, "-keyint_min", gop)
    ffmpeg(
        "-f", "lavfi", "-i", f"{source}=size={size}:rate=30:duration={seconds}", *coder, "-g", gop,
        "-pix_fmt", "yuv420p", "-movflags", "+cmaf+frag_every_frame+delay_moov+default_base_moof", "-f", "mp4", file,
    )  # fmt: skip
    return movie(file, gop)


def make_sound(file: Path, *, seconds: float = 2, codec: Sequence[object] = ("-c:a", "aac")) -> Movie:
    """About ten fragments a second, a group each second."""
    ffmpeg(
        "-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={seconds}", *codec,
        "-frag_duration", 100_000, "-movflags", "+cmaf+delay_moov+default_base_moof", "-f", "mp4", file,
    )  # fmt: skip
    return movie(file, 10)


def video_track(name: str = "video", **fields: object) -> msf.Track:
    track = msf.Track(name, "cmaf", is_live=True, role="video", codec="avc1.42c01e", bitrate=1_000_000, render_group=1)
    for key, value in fields.items():
        setattr(track, key, value)
    return track


def sound_track(name: str = "audio") -> msf.Track:
    return msf.Track(
        name, "cmaf", is_live=True, role="audio", codec="mp4a.40.2", bitrate=96_000, render_group=1,
        samplerate=48_000, channel_config="1",
    )  # fmt: skip


class CmafPublisher:
    """Publishes the tracks once each of them is wanted, group by group, `interval` seconds apart."""

    def __init__(
        self, port: int, tracks: Sequence[tuple[msf.Track, Movie]], *, namespace: str = "live/demo",
        interval: float = 0.0, end: bool = True,
    ) -> None:  # fmt: skip
        self._port, self._tracks, self._namespace = port, tracks, namespace
        self._interval, self._end = interval, end
        self._stop = threading.Event()
        self.sent = threading.Event()
        """Every object was written."""
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def finish(self, seconds: float = 60.0) -> None:
        """Ends the tracks and the session, and waits for both."""
        self._stop.set()
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the publisher does not end"
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            asyncio.run(self._publish())
        except BaseException as error:
            self.failure = error
        finally:
            self.sent.set()

    async def _publish(self) -> None:
        catalog = msf.Catalog([track for track, _ in self._tracks])
        for track, media in self._tracks:
            if track.init_ref is None:
                catalog.set_initialization(track, media.initialization)
        async with ma.connect("127.0.0.1", self._port, verify=False) as session:
            names = session.create_track(self._namespace, "catalog")
            kept = ma.Retention(groups=1000)
            writers = [session.create_track(self._namespace, each.name, retention=kept) for each, _ in self._tracks]
            await session.publish_namespace(self._namespace)
            telling = asyncio.ensure_future(self._tell(names, catalog.encode()))
            try:
                sending = [
                    asyncio.ensure_future(self._send(writer, media))
                    for writer, (_, media) in zip(writers, self._tracks, strict=True)
                ]
                wanted = asyncio.ensure_future(asyncio.wait(sending))
                while not self._stop.is_set() and not wanted.done():  # noqa: ASYNC110  another thread sets it
                    await asyncio.sleep(0.02)
                if wanted.done():
                    for task in sending:
                        task.result()
                    self.sent.set()
                while not self._stop.is_set():  # noqa: ASYNC110  another thread sets it
                    await asyncio.sleep(0.02)
                for task in sending:
                    task.cancel()
                if self._end:
                    for writer in writers:
                        await writer.end()
                    await names.end()
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self, track: ma.TrackWriter, payload: bytes) -> None:
        number = time.time_ns() // 1_000_000
        while True:
            await track.wait_subscriber()
            group = track.begin_group(number)
            group.write(payload)
            group.end()
            number += 1
            await asyncio.sleep(0.1)

    async def _send(self, writer: ma.TrackWriter, media: Movie) -> None:
        await writer.wait_subscriber()
        number = time.time_ns() // 1_000_000
        chunk = -1
        for objects in media.groups:
            streams: dict[bool, ma.GroupWriter] = {}
            for object_id, payload in enumerate(objects):
                chunk += 1
                if chunk in media.lost:
                    continue
                layer = media.disposable(object_id)
                if layer not in streams:
                    last = media.disposable(len(objects) - 1) == layer
                    streams[layer] = writer.begin_group(number, subgroup_id=int(layer), end_of_group=last)
                extensions = media.extensions[chunk] if media.extensions is not None else None
                streams[layer].write(payload, object_id=object_id, extensions=extensions)
                await writer.drain()
                if self._interval:
                    await asyncio.sleep(self._interval)
            for stream in streams.values():
                stream.end()
            number += 1
