"""The settings that all contestants on MsQuic have; those of plain MsQuic are in bench/quic_native/msquic_api.cpp."""

from __future__ import annotations

from typing import Any

from bench_protocol import CONNECTION_WINDOW, IDLE_SECONDS, PARALLEL_STREAMS, STREAM_WINDOW
from msquic import ExecutionProfile

PROFILES = {"low-latency": ExecutionProfile.LOW_LATENCY, "max-throughput": ExecutionProfile.MAX_THROUGHPUT}

SETTINGS: dict[str, Any] = {
    "idle_timeout_ms": IDLE_SECONDS * 1000,
    "peer_bidi_stream_count": PARALLEL_STREAMS,
    "send_buffering_enabled": False,
    "stream_recv_window": STREAM_WINDOW,
    "conn_flow_control_window": CONNECTION_WINDOW,
    "datagram_receive_enabled": True,
}

# For msquic.asyncio, which has as much outstanding as plain MsQuic. What waits to be read is bounded by its default,
# 1 MiB, which stays in the processor's cache.
OPTIONS: dict[str, Any] = {**SETTINGS, "write_limit": STREAM_WINDOW}
