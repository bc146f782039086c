"""Objects in datagrams and on the streams of subgroups and fetches (section 10)."""

from __future__ import annotations

from msquic._native.moqt import (
    DatagramType,
    ExtensionType,
    FetchGap,
    FetchHeader,
    FetchObject,
    FetchRangeEnd,
    FetchSerializationFlags,
    ObjectDatagram,
    ObjectExtensions,
    ObjectStatus,
    StreamResetCode,
    SubgroupHeader,
    SubgroupHeaderType,
    SubgroupObject,
    decode_datagram,
    decode_fetch_header,
    decode_fetch_object,
    decode_subgroup_header,
    decode_subgroup_object,
)

__all__ = [
    "DatagramType",
    "ExtensionType",
    "FetchGap",
    "FetchHeader",
    "FetchObject",
    "FetchRangeEnd",
    "FetchSerializationFlags",
    "ObjectDatagram",
    "ObjectExtensions",
    "ObjectStatus",
    "StreamResetCode",
    "SubgroupHeader",
    "SubgroupHeaderType",
    "SubgroupObject",
    "decode_datagram",
    "decode_fetch_header",
    "decode_fetch_object",
    "decode_subgroup_header",
    "decode_subgroup_object",
]
