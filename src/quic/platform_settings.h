#pragma once

// Internal to this layer.

#include <msquic.h>

#include "quic/settings.h"

namespace msquic_py::quic {

/// What MsQuic keeps in its settings. stream_scheduling and send_dscp are parameters of each connection instead, and
/// quic_versions is one of the configuration.
QUIC_SETTINGS to_msquic(const Settings& settings) noexcept;

}  // namespace msquic_py::quic
