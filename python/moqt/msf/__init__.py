"""Catalogs of the MOQT Streaming Format, draft-ietf-moq-msf-01: the tracks of a publisher, as JSON.

A publisher writes a :class:`Catalog` to the track :data:`CATALOG_TRACK_NAME`, first in a group; a subscriber gives the
objects of that track to :func:`decode_catalog`. Section numbers are those of the draft::

    video = msf.Track("video", "cmaf", is_live=True, role="video", codec="avc1.42c01e", bitrate=1_500_000)
    catalog = msf.Catalog([video])
    catalog.set_initialization(video, init_segment)
    payload = catalog.encode()
"""

from __future__ import annotations

from .catalog import (
    CATALOG_TRACK_NAME,
    DRAFT_VERSION,
    Catalog,
    DeltaOperation,
    DeltaUpdate,
)
from .decoding import decode_catalog
from .track import Accessibility, Buffers, CatalogError, InitData, Track

__all__ = [
    "CATALOG_TRACK_NAME",
    "DRAFT_VERSION",
    "Accessibility",
    "Buffers",
    "Catalog",
    "CatalogError",
    "DeltaOperation",
    "DeltaUpdate",
    "InitData",
    "Track",
    "decode_catalog",
]
