#pragma once

#include <cstdint>
#include <string_view>

namespace msquic_py::moqt::session {

enum class SessionState : std::uint8_t {
  kIdle,       ///< start() has not been called
  kSettingUp,  ///< the peer's SETUP has not come
  kEstablished,
  kClosed,
};

/// "idle", "setting up", "established", "closed".
std::string_view name(SessionState state) noexcept;

}  // namespace msquic_py::moqt::session
