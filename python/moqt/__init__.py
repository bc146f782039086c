"""Media over QUIC Transport, draft-ietf-moq-transport-15: messages, objects and their bytes.

Everything here works on bytes alone; :mod:`msquic` carries them. Section numbers are those of the draft, or of
draft-ietf-moq-loc-01 where LOC is named. Decoding has three outcomes: a value with the number of bytes that it
occupied, :class:`NeedMoreData`, or :class:`ProtocolViolation` with the code to close the session with.
"""

from __future__ import annotations

from typing import Final

from msquic._native.moqt import (
    AudioLevel,
    AuthorizationToken,
    CaptureTimestamp,
    ClientSetup,
    ControlMessage,
    DatagramType,
    ErrorCode,
    ExtensionType,
    Fetch,
    FetchCancel,
    FetchHeader,
    FetchObject,
    FetchOk,
    FetchSerializationFlags,
    FetchType,
    FilterType,
    Goaway,
    GroupOrder,
    Location,
    LocExtensionType,
    MaxRequestId,
    MessageParameterType,
    MessageType,
    ObjectDatagram,
    ObjectExtensions,
    ObjectStatus,
    Parameter,
    ParsedLocExtensions,
    Publish,
    PublishDone,
    PublishDoneCode,
    PublishNamespace,
    PublishNamespaceCancel,
    PublishNamespaceDone,
    PublishOk,
    RequestError,
    RequestErrorCode,
    RequestOk,
    RequestsBlocked,
    ServerSetup,
    SetupParameterType,
    StreamResetCode,
    SubgroupHeader,
    SubgroupHeaderType,
    SubgroupObject,
    Subscribe,
    SubscribeNamespace,
    SubscribeOk,
    SubscribeUpdate,
    SubscriptionFilter,
    TokenAliasType,
    TrackNamespace,
    TrackStatus,
    Unsubscribe,
    UnsubscribeNamespace,
    VideoConfig,
    VideoFrameMarking,
    create_loc_extensions,
    decode_control_message,
    decode_datagram,
    decode_fetch_header,
    decode_fetch_object,
    decode_subgroup_header,
    decode_subgroup_object,
    decode_varint,
    encode_varint,
    parse_loc_extensions,
    varint_size,
)

from .exceptions import EncodeError, MalformedExtension, MoqtError, NeedMoreData, ProtocolViolation
from .parameter_type import ParameterType
from .stream_type import StreamType

__all__ = [
    "ALPN",
    "CURRENT_VERSION",
    "SUPPORTED_VERSIONS",
    "AudioLevel",
    "AuthorizationToken",
    "CaptureTimestamp",
    "ClientSetup",
    "ControlMessage",
    "DatagramType",
    "EncodeError",
    "ErrorCode",
    "ExtensionType",
    "Fetch",
    "FetchCancel",
    "FetchHeader",
    "FetchObject",
    "FetchOk",
    "FetchSerializationFlags",
    "FetchType",
    "FilterType",
    "Goaway",
    "GroupOrder",
    "LocExtensionType",
    "Location",
    "MalformedExtension",
    "MaxRequestId",
    "MessageParameterType",
    "MessageType",
    "MoqtError",
    "NeedMoreData",
    "ObjectDatagram",
    "ObjectExtensions",
    "ObjectStatus",
    "Parameter",
    "ParameterType",
    "ParsedLocExtensions",
    "ProtocolViolation",
    "Publish",
    "PublishDone",
    "PublishDoneCode",
    "PublishNamespace",
    "PublishNamespaceCancel",
    "PublishNamespaceDone",
    "PublishOk",
    "RequestError",
    "RequestErrorCode",
    "RequestOk",
    "RequestsBlocked",
    "ServerSetup",
    "SetupParameterType",
    "StreamResetCode",
    "StreamType",
    "SubgroupHeader",
    "SubgroupHeaderType",
    "SubgroupObject",
    "Subscribe",
    "SubscribeNamespace",
    "SubscribeOk",
    "SubscribeUpdate",
    "SubscriptionFilter",
    "TokenAliasType",
    "TrackNamespace",
    "TrackStatus",
    "Unsubscribe",
    "UnsubscribeNamespace",
    "VideoConfig",
    "VideoFrameMarking",
    "create_loc_extensions",
    "decode_control_message",
    "decode_datagram",
    "decode_fetch_header",
    "decode_fetch_object",
    "decode_subgroup_header",
    "decode_subgroup_object",
    "decode_varint",
    "encode_varint",
    "parse_loc_extensions",
    "varint_size",
]

CURRENT_VERSION: Final = 0xFF00000F
"""Draft-15 as drafts before it wrote version numbers. Draft-15 itself negotiates by ALPN alone."""

SUPPORTED_VERSIONS: Final = (CURRENT_VERSION,)
"""Every version that this package speaks, most preferred first."""

ALPN: Final = "moqt-15"
"""What an endpoint offers for draft-15 over raw QUIC (section 3.1)."""


def _adopt_native_classes() -> None:
    for name in __all__:
        value = globals()[name]
        if not isinstance(value, type) or value.__module__ != "msquic._native.moqt":
            continue
        # Made in the native module, which nobody is to import: they say where users find them, in repr(), help()
        # and pickles.
        value.__module__ = __name__
        # As for a class statement: what is mutable and compared by value has no hash.
        if "__eq__" in vars(value) and "__hash__" not in vars(value):
            value.__hash__ = None  # type: ignore[assignment]


_adopt_native_classes()
