#pragma once

#include <cstdint>
#include <optional>

#include "quic/api.h"

namespace msquic_py::quic {

/// What MsQuic told about a stream while it was held back. The bytes are not here: they wait in MsQuic, within the flow
/// control windows.
struct HeldEvents {
  std::optional<std::uint64_t> fin_at;  ///< a fin without bytes, at this offset: MsQuic does not offer it again (B4)
  bool peer_send_shutdown = false;
  std::optional<std::uint64_t> reset_code;
  std::optional<std::uint64_t> stop_code;
  std::optional<bool> send_shutdown;  ///< our direction is over; whether gracefully
  std::optional<std::uint64_t> ideal_send_buffer;
  std::optional<QUIC_STREAM_EVENT> shutdown_complete;
};

}  // namespace msquic_py::quic
