#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "quic/api.h"
#include "quic/certificate_check.h"
#include "quic/credentials.h"
#include "quic/key_log.h"
#include "quic/reference.h"
#include "quic/settings.h"

namespace msquic_py::quic {

/// Control block of a configuration. MsQuic counts its own uses, so the handle may close when the last handle object
/// and the last connection that was started with it let go.
class ConfigurationState {
 public:
  /// What a configuration is made from, so that another can be made with another certificate.
  struct Parts {
    std::vector<std::string> alpns;
    Settings settings;
    Credentials credentials;
    std::shared_ptr<const CertificateCheck> check;
    std::shared_ptr<KeyLog> key_log;
  };
  static Result<ConfigurationState*> open(RegistrationState& registration, Parts parts);

  ConfigurationState(const ConfigurationState&) = delete;
  ConfigurationState& operator=(const ConfigurationState&) = delete;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept;

  [[nodiscard]] HQUIC handle() const noexcept { return handle_; }
  [[nodiscard]] RegistrationState& registration() const noexcept { return registration_; }
  [[nodiscard]] const Parts& parts() const noexcept { return parts_; }
  [[nodiscard]] const Settings& settings() const noexcept { return parts_.settings; }
  [[nodiscard]] const Credentials& credentials() const noexcept { return parts_.credentials; }
  [[nodiscard]] const CertificateCheck& check() const noexcept { return *parts_.check; }
  /// Null without one.
  [[nodiscard]] const std::shared_ptr<KeyLog>& key_log() const noexcept { return parts_.key_log; }
  /// Names whom a client trusts; a resumption ticket is only good for the same.
  [[nodiscard]] const std::string& trust() const noexcept { return parts_.check->trust(); }
  [[nodiscard]] bool has_alpn(std::string_view alpn) const noexcept;
  /// A server that may be shown tickets of its own.
  [[nodiscard]] bool resumes_sessions() const noexcept { return !parts_.credentials.ticket_keys.empty(); }
  /// A server that asked for 0-RTT data. MsQuic 2.5 with OpenSSL takes such data from everybody who resumes.
  [[nodiscard]] bool takes_early_data() const noexcept {
    return parts_.settings.server_resumption_level == ServerResumption::ResumeAndZeroRtt;
  }
  /// How long a decision about a certificate may take.
  [[nodiscard]] std::chrono::milliseconds verification_timeout() const noexcept;

 private:
  ConfigurationState(RegistrationState& registration, HQUIC handle, Parts parts) noexcept;
  ~ConfigurationState() = default;

  RegistrationState& registration_;
  HQUIC handle_;
  const Parts parts_;
  std::atomic<std::uint32_t> references_{1};
};

}  // namespace msquic_py::quic
