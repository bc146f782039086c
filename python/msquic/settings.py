"""The transport settings, as a type for keyword arguments.

>>> def connect(host: str, **settings: Unpack[Settings]) -> None: ...
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from msquic.enums import CongestionControl, ServerResumptionLevel, StreamScheduling

__all__ = ["Settings"]


class Settings(TypedDict, total=False):
    """The keyword settings of :class:`Configuration`. What is left out, or None, keeps MsQuic's default; 0 is a value
    like any other. What says *live* can also change while a connection is open, with
    :meth:`Connection.update_settings`.
    """

    idle_timeout_ms: int | None
    """Ends the connection when nothing came from the peer for so long. Milliseconds, 0 (never) to 2**40, default
    30000; the smaller value of the two sides counts. *Live*, within what was negotiated."""
    peer_bidi_stream_count: int | None
    """How many bidirectional streams the peer may have open at a time. 0 to 65535, default 0: **none**. *Live*."""
    peer_unidi_stream_count: int | None
    """How many unidirectional streams the peer may have open at a time. 0 to 65535, default 0: **none**. *Live*."""
    datagram_receive_enabled: bool | None
    """Whether the peer may send datagrams (RFC 9221). Default False."""
    server_resumption_level: ServerResumptionLevel | int | None
    """What a server lets returning clients do. Default ``NO_RESUME``."""

    handshake_idle_timeout_ms: int | None
    """Ends a handshake in which nothing came from the peer for so long. Milliseconds, 0 (never) to 2**40, default
    10000. It measures silence: a handshake may take longer altogether."""
    disconnect_timeout_ms: int | None
    """Ends the connection when the peer acknowledged nothing for so long. Milliseconds, 1 to 600000, default 16000.
    *Live*."""
    keep_alive_interval_ms: int | None
    """Sends a PING when nothing was sent for so long, so that neither side nor a NAT gives the connection up.
    Milliseconds, 0 to 2**32 - 1, default 0: never. *Live*."""

    datagram_send_queue_bytes: int | None
    """How many bytes of datagrams wait at most until they can be sent, each datagram counting at least 64; beyond that
    the oldest are dropped. 1 to 2**32 - 1, default 1048576 (1 MiB). One datagram is always taken. *Live*."""
    send_buffering_enabled: bool | None
    """True, the default: MsQuic copies what is sent, and a send completes at once. False: nothing is copied, and a send
    completes when the peer acknowledged it."""
    pacing_enabled: bool | None
    """Spreads packets over the round-trip time instead of sending them in bursts. Default True. *Live*."""
    migration_enabled: bool | None
    """False asks the peer not to move to another address (RFC 9000 section 18.2), and no more: one that moves all the
    same, or whose NAT forgets it, is followed. Default True."""
    ecn_enabled: bool | None
    """Explicit congestion notification (RFC 9000 section 13.4). Default False."""
    hystart_enabled: bool | None
    """HyStart++ (RFC 9406): leaves slow start before packets are lost; for CUBIC. Default False."""
    grease_quic_bit_enabled: bool | None
    """Sends an unpredictable fixed bit to peers that allow it (RFC 9287). Default False."""
    congestion_control: CongestionControl | int | None
    """Default ``CUBIC``."""
    stream_scheduling: StreamScheduling | int | None
    """Whose data goes out first among streams of one priority. Default ``FIFO``. *Live*."""

    stream_recv_window: int | None
    """How many bytes the peer may send on a stream before the application takes them. A power of two, default 65536;
    it doubles while the application keeps up, up to ``conn_flow_control_window``."""
    stream_recv_window_bidi_local: int | None
    """The same for bidirectional streams of this side. Default ``stream_recv_window``."""
    stream_recv_window_bidi_remote: int | None
    """The same for bidirectional streams of the peer. Default ``stream_recv_window``."""
    stream_recv_window_unidi: int | None
    """The same for unidirectional streams of the peer. Default ``stream_recv_window``."""
    stream_recv_buffer: int | None
    """How many bytes MsQuic allocates for a stream at first. A power of two from 4096, no larger than the stream
    windows, default 4096."""
    conn_flow_control_window: int | None
    """How many bytes the peer may send on all streams together before the application takes them. 0 to 2**32 - 1,
    default 16777216 (16 MiB)."""

    max_ack_delay_ms: int | None
    """The longest that an acknowledgement waits. Milliseconds, 1 to 16383, default 25."""
    initial_rtt_ms: int | None
    """The round-trip time that is assumed before one was measured. Milliseconds, 1 to 4294967, default 333."""
    initial_window_packets: int | None
    """The congestion window at first, in packets. 1 to 1000000, default 10."""
    send_idle_timeout_ms: int | None
    """The congestion window starts anew when nothing was sent for so long. Milliseconds, 0 (never) to 2**32 - 1,
    default 1000."""
    dest_cid_update_idle_timeout_ms: int | None
    """Changes the connection ID when nothing was sent for so long. Milliseconds, 0 (never) to 2**32 - 1, default 20000.
    *Live*."""

    minimum_mtu: int | None
    """The smallest IP packet that the path is known to carry. Bytes, 1248 to 1500, default 1288."""
    maximum_mtu: int | None
    """The largest IP packet that is tried. Bytes, ``minimum_mtu`` to 1500, default 1500. MsQuic does not notice when a
    size that once passed does no more: set this where the path's MTU may shrink."""
    mtu_discovery_search_complete_timeout_us: int | None
    """How long after finding the path's MTU a larger one is tried. Microseconds, 0 to 2**62 - 1, default 600000000 (ten
    minutes). *Live*."""
    mtu_discovery_missing_probe_count: int | None
    """How many probes of one size must be lost until it counts as too large. 1 to 255, default 3. *Live*."""

    max_bytes_per_key: int | None
    """The keys change after so many bytes. 1 to 2**38, default 2**38."""
    max_operations_per_drain: int | None
    """How many operations of a connection a worker does before it turns to the next one. 1 to 255, default 16."""

    send_dscp: int | None
    """The DiffServ code point that packets are sent with (RFC 2474). 0 to 63, default 0. Networks may ignore or
    replace it. *Live*."""
    quic_versions: Sequence[int] | None
    """Of clients: 1 (RFC 9000), 0x6b3343cf (QUIC version 2, RFC 9369), or both, the preferred first. The connection
    starts with the first one and takes no other than these. Default 1, unless :func:`msquic.configure` says otherwise,
    which also decides for servers."""
