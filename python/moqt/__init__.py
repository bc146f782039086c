"""Media over QUIC Transport, draft-ietf-moq-transport-15 and later ones: messages, objects and their bytes.

Everything here works on bytes alone; :mod:`msquic` carries them. Section numbers are those of the draft, or of
draft-ietf-moq-loc-01 and -04 where LOC is named. Decoding has three outcomes: a value with the number of bytes that it
occupied, :class:`NeedMoreData`, or :class:`ProtocolViolation` with the code to close the session with.

The same objects are in modules by topic: :mod:`moqt.varint`, :mod:`moqt.message`, :mod:`moqt.data_stream`,
:mod:`moqt.loc` and :mod:`moqt.session`. A program that wants sessions rather than bytes has :mod:`moqt.asyncio`.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING

from .data_stream import (
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
from .exceptions import (
    EncodeError,
    MalformedExtension,
    MoqtError,
    NeedMoreData,
    ProtocolViolation,
    SessionStateError,
)
from .loc import (
    AudioConfig,
    AudioLevel,
    CaptureTimestamp,
    LocExtensionType,
    LocPropertyType,
    LocVersion,
    MediaTime,
    ParsedLocExtensions,
    VideoConfig,
    VideoFrameMarking,
    create_loc_extensions,
    loc_version_for,
    parse_loc_extensions,
)
from .message import (
    AuthorizationToken,
    ClientSetup,
    ControlMessage,
    ErrorCode,
    Fetch,
    FetchCancel,
    FetchOk,
    FetchType,
    FilterType,
    Goaway,
    GroupOrder,
    Location,
    MaxRequestId,
    MessageParameterType,
    MessageType,
    Namespace,
    NamespaceDone,
    Parameter,
    ParameterType,
    Publish,
    PublishBlocked,
    PublishDone,
    PublishDoneCode,
    PublishNamespace,
    PublishNamespaceCancel,
    PublishNamespaceDone,
    PublishOk,
    PublishSkipped,
    PublishStateNotify,
    RangeFilter,
    Redirect,
    RequestError,
    RequestErrorCode,
    RequestOk,
    RequestsBlocked,
    RequestUpdate,
    ServerSetup,
    Setup,
    SetupParameterType,
    StreamType,
    Subscribe,
    SubscribeNamespace,
    SubscribeOk,
    SubscribeOptions,
    SubscribeTracks,
    SubscribeUpdate,
    SubscriptionFilter,
    TokenAliasType,
    TrackNamespace,
    TrackStatus,
    Unsubscribe,
    UnsubscribeNamespace,
    decode_control_message,
)
from .session import MoqtSession, Role, SessionState, TrackInfo
from .varint import decode_varint, encode_varint, varint_size
from .version import ALPN, CURRENT_VERSION, SUPPORTED_VERSIONS

__all__ = [
    "ALPN",
    "CURRENT_VERSION",
    "SUPPORTED_VERSIONS",
    "AudioConfig",
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
    "FetchGap",
    "FetchHeader",
    "FetchObject",
    "FetchOk",
    "FetchRangeEnd",
    "FetchSerializationFlags",
    "FetchType",
    "FilterType",
    "Goaway",
    "GroupOrder",
    "LocExtensionType",
    "LocPropertyType",
    "LocVersion",
    "Location",
    "MalformedExtension",
    "MaxRequestId",
    "MediaTime",
    "MessageParameterType",
    "MessageType",
    "MoqtError",
    "MoqtSession",
    "Namespace",
    "NamespaceDone",
    "NeedMoreData",
    "ObjectDatagram",
    "ObjectExtensions",
    "ObjectStatus",
    "Parameter",
    "ParameterType",
    "ParsedLocExtensions",
    "ProtocolViolation",
    "Publish",
    "PublishBlocked",
    "PublishDone",
    "PublishDoneCode",
    "PublishNamespace",
    "PublishNamespaceCancel",
    "PublishNamespaceDone",
    "PublishOk",
    "PublishSkipped",
    "PublishStateNotify",
    "RangeFilter",
    "Redirect",
    "RequestError",
    "RequestErrorCode",
    "RequestOk",
    "RequestUpdate",
    "RequestsBlocked",
    "Role",
    "ServerSetup",
    "SessionState",
    "SessionStateError",
    "Setup",
    "SetupParameterType",
    "StreamResetCode",
    "StreamType",
    "SubgroupHeader",
    "SubgroupHeaderType",
    "SubgroupObject",
    "Subscribe",
    "SubscribeNamespace",
    "SubscribeOk",
    "SubscribeOptions",
    "SubscribeTracks",
    "SubscribeUpdate",
    "SubscriptionFilter",
    "TokenAliasType",
    "TrackInfo",
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
    "loc_version_for",
    "parse_loc_extensions",
    "varint_size",
]


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
# Whether and where something is logged is the program's to say; without a word of it nothing is printed.
logging.getLogger("moqt").addHandler(logging.NullHandler())

if TYPE_CHECKING:
    from moqt import asyncio as asyncio
else:

    def __getattr__(name: str) -> object:
        """``moqt.asyncio`` is imported when it is first used, also by a program that imported ``moqt`` alone."""
        if name == "asyncio":
            return importlib.import_module("moqt.asyncio")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
