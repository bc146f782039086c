"""A line of JSON per frame, written by publisher and subscriber, compared by the demo and the tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from .frame import EncodedFrame


@dataclass(frozen=True)
class FrameRecord:
    """One frame as it was handed to MOQT, or came out of it. Times in microseconds since the Unix epoch."""

    group: int
    object: int
    capture_us: int
    time_us: int
    is_key: bool
    size: int
    sha256: str


class FrameLog:
    """Appends records to a file; with no path it does nothing."""

    def __init__(self, path: str | None) -> None:
        self._file: TextIO | None = open(path, "w", encoding="utf-8") if path else None  # noqa: SIM115

    def add(self, group: int, object_id: int, time_us: int, frame: EncodedFrame) -> None:
        if self._file is None:
            return
        digest = hashlib.sha256(frame.payload).hexdigest()
        record = FrameRecord(group, object_id, frame.capture_us, time_us, frame.is_key, len(frame.payload), digest)
        self._file.write(json.dumps(asdict(record)) + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def read_log(path: str | Path) -> Iterator[FrameRecord]:
    """The records of a closed log; `ValueError` or `TypeError` for a damaged line."""
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield FrameRecord(**json.loads(line))
