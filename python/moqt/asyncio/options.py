"""The options of ``connect()``, ``serve()`` and ``relay()``, as types for keyword arguments.

>>> async def watch(host: str, **options: Unpack[ConnectOptions]) -> None:
...     async with connect(host, 4433, **options) as session: ...

What each means is said where it is used. All may be left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from moqt.asyncio.authorization import Authorize, TokenLike
from moqt.asyncio.resume import Resume
from moqt.asyncio.session import NamespaceJudge
from moqt.asyncio.upstreams import UpstreamLike
from msquic.asyncio import DialOptions, ListenOptions

__all__ = ["ConnectOptions", "RelayOptions", "ServeOptions"]


class ConnectOptions(DialOptions, total=False):
    """The options of :func:`moqt.asyncio.connect`."""

    path: str
    authority: str | None
    authorization_tokens: Iterable[TokenLike]
    max_request_id: int
    authorize: Authorize | None
    authorize_timeout: float
    token_cache_size: int
    accept_namespace: NamespaceJudge | None
    drafts: Iterable[int] | None
    tolerances: Iterable[str]
    reader_queue_limit: int
    max_object_size: int
    receive_limit: int
    fetch_queue_limit: int
    resume: Resume | bool


class ServeOptions(ListenOptions, total=False):
    """The options of :func:`moqt.asyncio.serve`."""

    max_request_id: int
    accept_namespace: NamespaceJudge | None
    max_sessions: int
    timeout: float
    grace: float | None
    authorize: Authorize | None
    authorize_timeout: float
    token_cache_size: int
    drafts: Iterable[int] | None
    tolerances: Iterable[str]
    reader_queue_limit: int
    max_object_size: int
    receive_limit: int
    fetch_queue_limit: int


class RelayOptions(ListenOptions, total=False):
    """The options of :func:`moqt.asyncio.relay`."""

    authorize: Authorize | None
    authorize_timeout: float
    token_cache_size: int
    drafts: Iterable[int] | None
    publisher_tokens: Iterable[TokenLike]
    tolerances: Iterable[str]
    max_sessions: int | None
    max_tracks: int | None
    max_namespaces: int | None
    min_prefix_fields: int | None
    max_queued_bytes_per_subscription: int | None
    max_queued_time: float | None
    max_consecutive_skips: int | None
    cache_duration: float | None
    cache_bytes: int | None
    cache_bytes_per_track: int | None
    max_memory_bytes: int | None
    upstream: Iterable[UpstreamLike]
    upstream_loss_timeout: float | None
    upstream_linger: float | None
    rendezvous_timeout: float | None
    loops: int | None
