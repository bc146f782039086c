"""What MsQuic counted: frozen dataclasses, each field with its unit."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ConnectionStatistics", "HandshakeInfo", "ListenerStatistics", "PerformanceCounters", "StreamStatistics"]


@dataclass(frozen=True, slots=True)
class ConnectionStatistics:
    """A connection's counters since it began, from :meth:`Connection.statistics`. Times are microseconds; the bytes of
    packets are those of UDP payloads."""

    rtt_us: int
    """The smoothed round-trip time."""
    min_rtt_us: int
    max_rtt_us: int
    rtt_variance_us: int
    handshake_us: int
    """From the start until the peer's handshake packets were processed; 0 before."""
    send_path_mtu: int
    """The largest IP packet that the path carries, as far as found out. Bytes."""
    send_congestion_window: int
    """How much may be on its way unacknowledged. Bytes."""
    send_congestion_count: int
    """How often the congestion window shrank."""
    send_persistent_congestion_count: int
    """How often it shrank to its minimum because everything was lost for a while."""
    send_ecn_congestion_count: int
    """How often it shrank because the path marked packets."""
    send_total_packets: int
    send_retransmittable_packets: int
    """Packets that the peer must acknowledge."""
    send_suspected_lost_packets: int
    send_spurious_lost_packets: int
    """Of the suspected ones, those that were acknowledged after all."""
    send_total_bytes: int
    send_total_stream_bytes: int
    """Payload of streams, retransmissions included. Bytes."""
    recv_total_packets: int
    recv_reordered_packets: int
    recv_dropped_packets: int
    """Packets that were of no use, duplicates included."""
    recv_duplicate_packets: int
    recv_total_bytes: int
    recv_total_stream_bytes: int
    """Payload of streams. Bytes."""
    recv_decryption_failures: int
    """Packets."""
    recv_valid_ack_frames: int
    key_update_count: int
    """How often the keys changed (RFC 9001 section 6)."""
    destination_cid_update_count: int
    """How often the peer's connection ID changed."""
    version_negotiation: bool
    """The server asked for another version of QUIC."""
    stateless_retry: bool
    """The server asked the client to prove its address."""
    resumption_attempted: bool
    resumption_succeeded: bool
    grease_bit_negotiated: bool
    ecn_capable: bool
    """Explicit congestion notification works on the path."""

    @property
    def send_lost_packets(self) -> int:
        """Packets that were lost: the suspected ones without those that were acknowledged after all."""
        return self.send_suspected_lost_packets - self.send_spurious_lost_packets


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """For how long a stream could not send, by what held it back, since it was started; from
    :meth:`Stream.statistics`. Microseconds."""

    blocked_by_scheduling_us: int
    """Other streams of the connection went first."""
    blocked_by_pacing_us: int
    """Packets are spread over the round-trip time."""
    blocked_by_amplification_protection_us: int
    """The client's address was not proved yet."""
    blocked_by_congestion_control_us: int
    """The congestion window was full."""
    blocked_by_connection_flow_control_us: int
    """The peer admitted no more bytes on the connection."""
    blocked_by_stream_limit_us: int
    """The peer admitted no more streams."""
    blocked_by_stream_flow_control_us: int
    """The peer admitted no more bytes on this stream."""
    blocked_by_application_us: int
    """There was nothing to send."""


@dataclass(frozen=True, slots=True)
class ListenerStatistics:
    """A listener's counters since it was started, from :meth:`Listener.statistics`."""

    accepted_connections: int
    rejected_connections: int
    """Clients that were refused, by MsQuic or because too many connections waited for the handler."""
    dropped_packets: int
    """Packets that were of no use, on the socket that the listeners of the port share."""


@dataclass(frozen=True, slots=True)
class HandshakeInfo:
    """What the two sides agreed on, from :attr:`Connection.handshake`."""

    quic_version: str
    """``"QUICv1"`` (RFC 9000), ``"QUICv2"`` (RFC 9369)."""
    tls_version: str
    """``"TLSv1.3"``; ``""`` when the TLS library does not tell."""
    cipher_suite: str
    """For example ``"TLS_AES_256_GCM_SHA384"``; ``""`` when the TLS library does not tell."""
    group: str
    """The group of the key exchange, for example ``"x25519"``; ``""`` when the TLS library does not tell."""


@dataclass(frozen=True, slots=True)
class PerformanceCounters:
    """MsQuic's counters of this process, from :func:`performance_counters`. What is not said to be of now is a total
    since MsQuic started."""

    connections_created: int
    connections_active: int
    """Allocated now."""
    connections_connected: int
    """Connected now."""
    handshake_failures: int
    connections_rejected_by_application: int
    connections_rejected_by_load: int
    """Refused because the workers were too busy."""
    connections_resumed: int
    connections_no_alpn: int
    """Clients without an ALPN in common."""
    protocol_errors: int
    """Connections that ended because one side broke the rules of QUIC."""
    connections_queued: int
    """Waiting for a worker now."""
    connection_operations_queued: int
    """Waiting now."""
    connection_operations_completed: int
    worker_operations_queued: int
    """Waiting now."""
    worker_operations_completed: int
    streams_active: int
    """Allocated now."""
    packets_suspected_lost: int
    packets_dropped: int
    packets_decryption_failed: int
    paths_validated: int
    paths_failed: int
    stateless_resets_sent: int
    stateless_retries_sent: int
    udp_received: int
    """Datagrams."""
    udp_sent: int
    """Datagrams."""
    udp_received_bytes: int
    udp_sent_bytes: int
    udp_receive_events: int
    """How often the socket had something; several datagrams may come at once."""
    udp_send_calls: int
    """How often the system was called; several datagrams may go at once."""
    application_sent_bytes: int
    application_received_bytes: int
