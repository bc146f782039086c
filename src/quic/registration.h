#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "quic/reference.h"
#include "quic/status.h"

namespace msquic_py::quic {

/// How MsQuic schedules its work; LowLatency unless bulk throughput is all that matters.
enum class ExecutionProfile : std::uint8_t { LowLatency = 0, MaxThroughput = 1, Scavenger = 2, RealTime = 3 };

/// A set of MsQuic worker threads; one per process is enough. Copies share it. It closes in the background when the
/// last copy and every object made from it are gone, so objects may be dropped in any order.
class Registration {
 public:
  /// An empty handle: every use fails with ClosedHandle.
  Registration() noexcept = default;
  static Result<Registration> open(const std::string& app_name,
                                   ExecutionProfile profile = ExecutionProfile::LowLatency);

  /// Shuts every connection of this registration down with `code`; does not wait.
  void shutdown(std::uint64_t code) noexcept;
  /// Gives this handle up and waits until MsQuic closed the registration. Fails at the deadline, naming what is
  /// still open; the registration then still closes when that goes. Never call it inside a handler.
  Result<void> close(std::chrono::milliseconds timeout);

  explicit operator bool() const noexcept { return static_cast<bool>(state_); }
  [[nodiscard]] RegistrationState* state() const noexcept { return state_.get(); }

 private:
  UserReference<RegistrationState> state_;
};

}  // namespace msquic_py::quic
