#pragma once

#include <nanobind/nanobind.h>

#include <optional>

#include "quic/connection_statistics.h"
#include "quic/handshake_info.h"
#include "quic/library.h"
#include "quic/listener.h"
#include "quic/stream_statistics.h"

namespace msquic_py::python {

// The dataclasses of msquic.statistics. All need the GIL.
nanobind::object statistics_object(const quic::ConnectionStatistics& statistics);
nanobind::object statistics_object(const quic::StreamStatistics& statistics);
nanobind::object statistics_object(const quic::ListenerStatistics& statistics);
nanobind::object statistics_object(const quic::PerformanceCounters& counters);
/// None before the handshake is complete.
nanobind::object handshake_object(const std::optional<quic::HandshakeInfo>& handshake);

}  // namespace msquic_py::python
