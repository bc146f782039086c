"""The enumerations of the callback API. The numbers are MsQuic's; flags combine with ``|``."""

from __future__ import annotations

import enum

__all__ = [
    "CongestionControl",
    "ConnectionShutdownFlags",
    "DatagramSendState",
    "ExecutionProfile",
    "LoadBalancing",
    "SendFlags",
    "SendResumptionFlags",
    "ServerResumptionLevel",
    "StreamOpenFlags",
    "StreamScheduling",
    "StreamShutdownFlags",
    "StreamStartFlags",
]


class ExecutionProfile(enum.IntEnum):
    """How MsQuic schedules the work of a :class:`Registration`."""

    LOW_LATENCY = 0
    """The default, right for interactive media."""
    MAX_THROUGHPUT = 1
    """Bulk transfers: more threads, larger batches."""
    SCAVENGER = 2
    """Background work on one worker thread."""
    REAL_TIME = 3
    """Like ``LOW_LATENCY``, with raised thread priority where the system permits it."""


class CongestionControl(enum.IntEnum):
    """How a sender finds out how much the path carries."""

    CUBIC = 0
    """RFC 9438, the default: slows down when packets are lost."""
    BBR = 1
    """BBR version 1: measures bandwidth and round-trip time. A preview in MsQuic 2.5; for paths that lose packets
    without being congested."""


class LoadBalancing(enum.IntEnum):
    """What servers write into their connection IDs, so that a load balancer finds the server of a packet."""

    DISABLED = 0
    """Nothing, the default."""
    SERVER_ID_IP = 1
    """The last four bytes of the server's IP address."""
    SERVER_ID_FIXED = 2
    """``fixed_server_id`` of :func:`configure`."""


class StreamScheduling(enum.IntEnum):
    """Whose data goes out first among the streams of one priority; a higher priority always goes first."""

    FIFO = 0
    """The default: a stream that has data is drained before the next one."""
    ROUND_ROBIN = 1
    """Streams take turns."""


class ConnectionShutdownFlags(enum.IntFlag):
    """How :meth:`Connection.shutdown` ends a connection."""

    NONE = 0
    SILENT = 1
    """Without telling the peer, which notices at its idle timeout."""


class StreamOpenFlags(enum.IntFlag):
    """What kind of stream :meth:`Connection.open_stream` opens."""

    NONE = 0
    """Bidirectional."""
    UNIDIRECTIONAL = 1
    """Only this side sends."""
    ZERO_RTT = 2
    """Its data may go out as 0-RTT, which an attacker can replay."""


class StreamStartFlags(enum.IntFlag):
    """How :meth:`Stream.start` starts a stream."""

    NONE = 0
    """The peer learns of the stream with the first data."""
    IMMEDIATE = 1
    """Tell the peer now."""
    FAIL_BLOCKED = 2
    """Fail with ``StreamLimitReached`` instead of waiting until the peer admits one more stream."""
    SHUTDOWN_ON_FAIL = 4
    """``on_shutdown_complete`` follows a failed start. Always on."""


class StreamShutdownFlags(enum.IntFlag):
    """Which directions :meth:`Stream.shutdown` ends, and how."""

    NONE = 0
    """Ends nothing, and is refused."""
    GRACEFUL = 1
    """Finish the sending direction after what was sent. Does not combine with the others."""
    ABORT_SEND = 2
    """RESET_STREAM: drop what was not sent yet."""
    ABORT_RECEIVE = 4
    """STOP_SENDING: want no more data."""
    ABORT = 6
    """Both."""
    IMMEDIATE = 8
    """With ``ABORT``: do not wait for the peer's acknowledgement."""


class SendFlags(enum.IntFlag):
    """Options of :meth:`Stream.send` and :meth:`Connection.send_datagram`."""

    NONE = 0
    ALLOW_0_RTT = 1
    """May go out as 0-RTT data, which an attacker can replay."""
    START = 2
    """Start the stream with this send."""
    FIN = 4
    """These are the last bytes of this direction."""
    DGRAM_PRIORITY = 8
    """Datagrams only: ahead of the datagrams already queued."""
    DELAY_SEND = 16
    """More follows soon; the last send must not carry it."""
    CANCEL_ON_BLOCKED = 128
    """Datagrams only: canceled when it cannot be sent at once, instead of waiting."""


class DatagramSendState(enum.IntEnum):
    """What became of a datagram, in the order in which it may happen."""

    UNKNOWN = 0
    SENT = 1
    LOST_SUSPECT = 2
    """May still be acknowledged."""
    LOST_DISCARDED = 3
    """Final."""
    ACKNOWLEDGED = 4
    """Final."""
    ACKNOWLEDGED_SPURIOUS = 5
    """Final; it was suspected lost before."""
    CANCELED = 6
    """Final; it was never sent."""


class ServerResumptionLevel(enum.IntEnum):
    """What a server lets returning clients do."""

    NO_RESUME = 0
    RESUME_ONLY = 1
    """Shorter handshakes. MsQuic 2.5 with OpenSSL accepts data in the first flight on this level, too, but no handler
    sees it before the handshake is complete, which a replay never is: streams from the first flight follow right after
    the connected event, with :attr:`Stream.is_early_data` false, and datagrams from it are dropped."""
    RESUME_AND_ZERORTT = 2
    """Also data in the first flight, which an attacker can replay."""


class SendResumptionFlags(enum.IntFlag):
    """Options of :meth:`Connection.send_resumption_ticket`."""

    NONE = 0
    FINAL = 1
    """The last ticket of this connection."""
