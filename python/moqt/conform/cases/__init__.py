"""The catalogue. Importing :func:`catalogue` reads every case."""

from __future__ import annotations

from moqt.conform.cases import (
    control,
    data,
    delivery,
    fetches,
    fills,
    filters,
    malformed,
    malformed_tracks,
    namespaces,
    publications,
    request_ids,
    setup,
    setup_violations,
    subscriptions,
    track_status,
    tracks,
    updates,
)
from moqt.conform.cases.case import CATALOGUE, Case, Level, Role

__all__ = ["Case", "Level", "Role", "catalogue"]

_READ = (
    setup, setup_violations, control, request_ids, malformed, subscriptions, publications, namespaces, fetches, data,
    delivery, malformed_tracks, fills, updates, track_status, tracks, filters,
)  # fmt: skip


_AREAS = (
    "setup", "control", "streams", "goaway", "request-id", "names", "parameters", "subscribe", "update", "track-status",
    "publish", "answers", "publish-namespace", "subscribe-namespace", "subscribe-tracks", "fetch", "fill", "data",
    "delivery", "filter", "forward", "malformed-track",
)  # fmt: skip


def catalogue() -> list[Case]:
    """Every case, in the order in which they run."""
    return sorted(CATALOGUE, key=lambda case: _AREAS.index(case.area))
