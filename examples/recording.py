"""Receiving the tracks of a catalog: what the video subscriber does on its session."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import moqt
import moqt.asyncio as ma
from media import catalog as catalogs
from media import loc
from media.frame import EncodedFrame, MediaError
from media.frame_log import FrameLog
from media.group_gaps import GroupGaps
from media.group_sorter import GroupSorter
from media.recorded_track import RecordedTrack
from moqt import msf
from transfer_report import TransferReport, TransferStatus

NEW_LIFE = 100
"""Group IDs that are further apart belong to a publisher that was started again: they follow its clock."""
_LAST = moqt.Location((1 << 62) - 2, 0)
Received = tuple[ma.Object, bytes]


class Recorder:
    """Counts the objects of one track, measures their delay, and hands them to the recording in order."""

    def __init__(self, track: msf.Track, recorded: RecordedTrack, log: FrameLog | None, report: TransferReport) -> None:
        self.track, self._recorded, self._log, self._report = track, recorded, log, report
        self._gaps = None if catalogs.is_sound(track) else GroupGaps()  # each frame of sound stands by itself
        self._sorter: GroupSorter[Received] = GroupSorter()
        self._objects_of: dict[int, int] = {}  # group -> highest object ID + 1
        self._came: dict[int, set[int]] = {}  # group -> the objects that have come, of the latest groups
        self._looked_until: int | None = None
        """Nothing is asked for again of this group and those before."""
        self.fetched = 0
        """Objects that the subscription had left out, and that were fetched."""
        self.last_delay_us: int | None = None
        self.received = self.bytes = self._fetched_from = 0
        self.lost_publisher: str | None = None
        self.complete = False
        """The publisher said that the track is over."""
        self._ended: set[int] = set()  # groups whose end has come
        self.ends_are_told = False
        """This publisher marks the ends of its groups: a group without has lost its end."""

    @property
    def missing(self) -> int:
        """Objects skipped inside the groups that were received, and those that build on them."""
        left_out = self._gaps.left_out if self._gaps is not None else 0
        return sum(self._objects_of.values()) - self.received + left_out

    @property
    def skipped(self) -> int:
        """Groups of which nothing came, between others; a publisher that was started again leaves a wider gap."""
        gaps = (later - earlier - 1 for earlier, later in itertools.pairwise(sorted(self._objects_of)))
        return sum(gap for gap in gaps if gap < NEW_LIFE)

    @property
    def cut(self) -> int:
        """Groups whose end never came; those on their way when the recorder leaves are not counted."""
        if not (self.ends_are_told or self._ended) or not self._objects_of:
            return 0
        latest = max(self._objects_of)
        open_groups = self._objects_of.keys() - self._ended
        return sum(1 for group in open_groups if self.complete or group < latest - 1)

    @property
    def latest_group(self) -> int:
        return max(self._objects_of, default=-1)

    @property
    def groups(self) -> int:
        return len(self._objects_of)

    @property
    def written(self) -> int:
        return self._recorded.written

    def missing_before(self, item: ma.Object) -> tuple[moqt.Location, moqt.Location] | None:
        """Before `item` comes: what is missing of the groups that are closed with it, as a FETCH asks for it."""
        if item.group_id in self._objects_of or not self._objects_of:
            return None
        return self._missing_until(item.group_id - self._sorter.depth)

    def missing_at_the_end(self, whole: bool) -> tuple[moqt.Location, moqt.Location] | None:
        """When the publisher has said that the track is over. `whole`: it was subscribed to from its beginning."""
        if not self._objects_of:
            return (moqt.Location(0, 0), _LAST) if whole else None
        last = max(self._objects_of)
        missing = self._missing_until(last)
        if missing is not None:
            return missing[0], _LAST
        return moqt.Location(last + 1, 0), _LAST  # of an end that was left out nothing tells

    def _missing_until(self, last: int) -> tuple[moqt.Location, moqt.Location] | None:
        first = min(self._objects_of) if self._looked_until is None else self._looked_until + 1
        if not first <= last < first + NEW_LIFE:
            self._looked_until = max(last, first - 1)
            return None
        self._looked_until = last
        told = self.ends_are_told or bool(self._ended)
        for group in range(first, last + 1):
            came = self._came.get(group, set())
            gap = next((number for number in range(len(came)) if number not in came), None)
            if gap is not None or group not in self._objects_of or (told and group not in self._ended):
                return moqt.Location(group, len(came) if gap is None else gap), moqt.Location(last, 0)
        return None

    def receive_fetched(self, item: ma.Object) -> None:
        """An object of what missing_before() or missing_at_the_end() has named, or one of those in between."""
        self._ended.update(group for group in self._objects_of if self._fetched_from <= group < item.group_id)
        if item.status == moqt.ObjectStatus.NORMAL and item.object_id not in self._came.get(item.group_id, set()):
            self.fetched += 1
        self.receive(item)

    def fetch_begins(self, start: moqt.Location) -> None:
        self._fetched_from = start.group

    def fetch_ends(self, last: int) -> None:
        """All of it has come: up to this group nothing else exists."""
        self._ended.update(group for group in self._objects_of if self._fetched_from <= group <= last)

    def receive(self, item: ma.Object) -> None:
        if item.status in (moqt.ObjectStatus.END_OF_GROUP, moqt.ObjectStatus.END_OF_TRACK):
            self._ended.add(item.group_id)
        if item.status != moqt.ObjectStatus.NORMAL:
            return
        came = self._came.setdefault(item.group_id, set())
        if item.object_id in came:
            return  # it was fetched, or comes behind what was fetched
        came.add(item.object_id)
        for old in [group for group in self._came if group < item.group_id - NEW_LIFE]:
            del self._came[old]
        now_us = time.time_ns() // 1000
        if self._log is not None:
            self._log.add(item.group_id, item.object_id, now_us, _as_frame(self.received, item))
        delay_us = loc.delay_us_of(item.extensions, now_us)
        if delay_us is not None:
            self.last_delay_us = delay_us
            self._report.add_delay(delay_us)
        self._objects_of[item.group_id] = max(self._objects_of.get(item.group_id, 0), item.object_id + 1)
        self.received += 1
        self.bytes += len(item.payload)
        if item.object_id == 0:
            self._report.note_first_decodable()
        for ready in self._sorter.add(item.group_id, item.object_id, (item, bytes(item.payload))):
            self._write(*ready)

    def finish(self) -> None:
        """Write what is still being sorted."""
        for ready in self._sorter.drain():
            self._write(*ready)
        self._recorded.finish()

    def _write(self, item: ma.Object, payload: bytes) -> None:
        gaps = self._gaps
        if gaps is not None and not gaps.usable(item.group_id, item.object_id, item.subgroup_id):
            if gaps.left_out == 1:
                self._report.warn(
                    f"{self.track.name}: objects before object {item.object_id} of group {item.group_id} are missing; "
                    "what builds on them is left out until the next group"
                )
            return
        self._recorded.add(payload, item.extensions, item.object_id == 0)


def status_of(recorders: list[Recorder], seconds: float) -> TransferStatus:
    """All of them together; `seconds` is the length of the recording."""
    return TransferStatus(
        objects=sum(recorder.received for recorder in recorders),
        bytes=sum(recorder.bytes for recorder in recorders),
        groups=sum(recorder.groups for recorder in recorders),
        objects_missing=sum(recorder.missing for recorder in recorders),
        groups_skipped=sum(recorder.skipped + recorder.cut for recorder in recorders),
        media_time=seconds,
    )


def check_output(path: str) -> None:
    """`MediaError` when no file can be written there: better now than when the first frame has come."""
    file = Path(path)
    if file.is_dir():
        raise MediaError(f"cannot write '{path}': it is a directory; name a file in it")
    if not file.parent.is_dir():
        raise MediaError(f"cannot write '{path}': there is no folder '{file.parent}'")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise MediaError(f"cannot write '{path}': you may not write there")


def _as_frame(index: int, item: ma.Object) -> EncodedFrame:
    """An object as the log shows it."""
    try:
        return loc.frame_of(index, item.payload, item.extensions, item.object_id == 0)
    except MediaError:  # a CMAF chunk
        return EncodedFrame(index, 0, item.object_id == 0, item.payload)
