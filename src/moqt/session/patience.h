#pragma once

#include <cstdint>
#include <optional>

#include "moqt/session/time.h"

namespace msquic_py::moqt::session {

/// How long a request of ours may stay without an answer. Then the session withdraws that request and reports
/// RequestRejected with TIMEOUT; nothing else of the session is concerned.
struct Patience {
  /// From when the time counts.
  enum class Since : std::uint8_t {
    kAsked,  ///< the call: waiting for the peer's credit takes part of the time
    kSent,   ///< the message: for credit the request waits as long as it takes
  };
  std::optional<Duration> limit = std::nullopt;  ///< nothing: Timeouts::control_message; zero: no limit
  Since since = Since::kAsked;
};

}  // namespace msquic_py::moqt::session
