#pragma once

// Internal to this layer.

#include <msquic.h>

#include <cstdint>
#include <vector>

#include "quic/settings.h"

namespace msquic_py::quic {

/// What MsQuic keeps in its settings. stream_scheduling and send_dscp are parameters of each connection instead, and
/// quic_versions is one of the configuration.
QUIC_SETTINGS to_msquic(const Settings& settings) noexcept;

/// Exactly these versions, the preferred first. Refers to `versions`.
inline QUIC_VERSION_SETTINGS to_msquic(const std::vector<std::uint32_t>& versions) noexcept {
  const auto count = static_cast<std::uint32_t>(versions.size());
  return {versions.data(), versions.data(), versions.data(), count, count, count};
}

}  // namespace msquic_py::quic
