#pragma once

#include <nanobind/nanobind.h>

#include <string>

#include "quic/settings.h"

namespace msquic_py::python {

/// The setting called `name` from a Python value; None keeps MsQuic's default. Raises InvalidArgumentType or
/// InvalidArgument, and InvalidArgumentType for a name that is not a setting.
void set_setting(quic::Settings& settings, const char* name, nanobind::handle value);

/// The settings that are set, by name.
nanobind::dict settings_dict(const quic::Settings& settings);

/// The first settings of Configuration(…) may be given by position, in this order.
inline constexpr const char* kPositionalSettings[] = {"idle_timeout_ms", "peer_bidi_stream_count",
                                                      "peer_unidi_stream_count", "datagram_receive_enabled",
                                                      "server_resumption_level"};

/// "idle_timeout_ms: int | None = None, …, *, handshake_idle_timeout_ms: …": the parameters of Configuration(…).
std::string settings_parameters();
/// The same for what a live connection can change, keywords only.
std::string live_settings_parameters();

}  // namespace msquic_py::python
