"""What the draft demands of a catalog besides the types of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .track import CatalogError, Track

if TYPE_CHECKING:
    from .catalog import Catalog, DeltaUpdate


def _check_combination(track: Track, where: str, *, in_clone: bool) -> None:
    if not track.name:
        raise CatalogError(f"{where} has no name")
    if not in_clone and (track.parent_name is not None or track.parent_namespace is not None):
        raise CatalogError(f"{where} has a parent, which only a clone operation may have (section 5.2.33)")
    if track.target_latency is not None and track.buffers is not None:
        raise CatalogError(f"{where} has both targetLatency and buffers (section 5.2.9)")
    if track.track_duration is not None and track.is_live:
        raise CatalogError(f"{where} is live and has a trackDuration (section 5.2.35)")


def _faults(track: Track, *, own: bool) -> Iterator[str]:
    if not track.packaging:
        yield "has no packaging"
    events = track.packaging == "eventtimeline"
    if events and track.event_type is None:
        yield "is an event timeline without eventType (section 5.2.5)"
    if not events and track.event_type is not None:
        yield "has an eventType and is no event timeline (section 5.2.5)"
    if track.encryption_scheme is not None and track.cipher_suite is None:
        yield "is encrypted and has no cipherSuite"
    # The draft's own examples leave isLive out of timelines, and codecs out of a template.
    if track.is_live is None and (
        own or track.packaging not in ("mediatimeline", "eventtimeline", "moqlog", "moqmetrics")
    ):
        yield "has no isLive"
    if not own or track.role not in ("audio", "video"):
        return
    if track.codec is None:
        yield "has no codec"
    if track.bitrate is None:
        yield "has no bitrate"
    if track.role == "audio" and track.samplerate is None:
        yield "has no samplerate"
    if track.role == "audio" and track.channel_config is None:
        yield "has no channelConfig"


def check_catalog(catalog: Catalog, *, own: bool) -> None:
    names: set[tuple[str | None, str]] = set()
    for index, track in enumerate(catalog.tracks):
        where = f"tracks[{index}]"
        _check_combination(track, where, in_clone=False)
        if (fault := next(_faults(track, own=own), None)) is not None:
            raise CatalogError(f"{where} {fault}")
        if (track.namespace, track.name) in names:
            raise CatalogError(f"{where} has the name {track.name!r}, as an earlier track has")
        names.add((track.namespace, track.name))
    ids = [entry.id for entry in catalog.init_data_list]
    for identifier in ids:
        if ids.count(identifier) > 1:
            raise CatalogError(f"initDataList has the id {identifier!r} twice")
    for index, track in enumerate(catalog.tracks):
        if track.init_ref is not None and track.init_ref not in ids:
            raise CatalogError(f"tracks[{index}].initRef is {track.init_ref!r}, which initDataList does not have")
    if own:
        _check_latencies(catalog.tracks)


def _check_latencies(tracks: list[Track]) -> None:
    """Tracks that are rendered together, or stand for each other, wait equally long (sections 5.2.8 and 5.2.9)."""
    for group in ("render_group", "alt_group"):
        first: dict[int, Track] = {}
        for track in tracks:
            number: int | None = getattr(track, group)
            if number is None:
                continue
            other = first.setdefault(number, track)
            if (other.target_latency, other.buffers) != (track.target_latency, track.buffers):
                raise CatalogError(f"tracks {other.name!r} and {track.name!r} of one group have different latencies")


def check_delta(update: DeltaUpdate) -> None:
    if not update.operations:
        raise CatalogError("a delta update has no operation (section 5.3)")
    for number, operation in enumerate(update.operations):
        if operation.op not in ("add", "remove", "clone"):
            raise CatalogError(f"deltaUpdate[{number}].op is {operation.op!r}, not add, remove or clone")
        for index, track in enumerate(operation.tracks):
            where = f"deltaUpdate[{number}].tracks[{index}]"
            _check_combination(track, where, in_clone=operation.op == "clone")
            if operation.op == "clone" and track.parent_name is None:
                raise CatalogError(f"{where} has no parentName")
            if operation.op == "remove" and track != Track(track.name, namespace=track.namespace):
                raise CatalogError(f"{where} is removed and has more than name and namespace (section 5.1.6)")
