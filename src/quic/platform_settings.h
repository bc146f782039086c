#pragma once

// Internal to this layer.

#include <msquic.h>

#include "quic/settings.h"

namespace msquic_py::quic {

/// What MsQuic keeps in its settings; stream_scheduling is a parameter of each connection instead.
QUIC_SETTINGS to_msquic(const Settings& settings) noexcept;

}  // namespace msquic_py::quic
