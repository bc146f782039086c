#pragma once

#include <optional>

#include "quic/settings.h"

namespace CLI {
class App;
}

namespace msquic_py::apps {

/// The option --congestion-control; nothing when it is not given.
void add_congestion_control(CLI::App& app, std::optional<quic::CongestionControl>& chosen);

}  // namespace msquic_py::apps
