#pragma once

#include <cstdint>

#include "moqt/session/time.h"

namespace msquic_py::moqt::session {

/// What the transport knows of its path when an acknowledgement has come.
struct TransportReport {
  std::uint64_t congestion_window = 0;  ///< bytes that may be on the way
  std::uint64_t bytes_in_flight = 0;    ///< bytes that are on the way
  /// Bytes that the transport had been given at that moment and that were not acknowledged, sent or not.
  std::uint64_t posted_bytes = 0;
  Duration round_trip{};  ///< smoothed
};

}  // namespace msquic_py::moqt::session
