#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "quic/api.h"
#include "quic/credentials.h"
#include "quic/reference.h"

namespace msquic_py::quic {

/// Control block of a configuration. MsQuic counts its own uses, so the handle may close when the last handle object
/// and the last connection that was started with it let go.
class ConfigurationState {
 public:
  ConfigurationState(RegistrationState& registration, HQUIC handle, Credentials credentials) noexcept;
  ConfigurationState(const ConfigurationState&) = delete;
  ConfigurationState& operator=(const ConfigurationState&) = delete;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept;

  [[nodiscard]] HQUIC handle() const noexcept { return handle_; }
  [[nodiscard]] const Credentials& credentials() const noexcept { return credentials_; }
  /// Names whom a client trusts; a resumption ticket is only good for the same.
  [[nodiscard]] std::string trust() const;

 private:
  ~ConfigurationState() = default;

  RegistrationState& registration_;
  HQUIC handle_;
  Credentials credentials_;
  std::atomic<std::uint32_t> references_{1};
};

}  // namespace msquic_py::quic
