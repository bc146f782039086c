#pragma once

#include <msquic.h>

#include <cstdint>
#include <string>

namespace msquic_py::bench {

/// MsQuic's function table and a registration of `profile`, open for the life of the program.
class MsQuicApi {
 public:
  explicit MsQuicApi(QUIC_EXECUTION_PROFILE profile);
  MsQuicApi(const MsQuicApi&) = delete;
  MsQuicApi& operator=(const MsQuicApi&) = delete;
  ~MsQuicApi();

  /// Ends every connection, and waits until MsQuic calls nobody any more. Configurations have to be closed before.
  void close_registration() noexcept;

  const QUIC_API_TABLE* operator->() const noexcept { return table_; }
  [[nodiscard]] HQUIC registration() const noexcept { return registration_; }
  /// For every job, with the settings that all contestants have: send buffering off, large windows.
  HQUIC server_configuration(const std::string& certificate, const std::string& key) const;
  /// For the job `alpn`; accepts any certificate.
  HQUIC client_configuration(const char* alpn) const;

 private:
  const QUIC_API_TABLE* table_ = nullptr;
  HQUIC registration_ = nullptr;
};

/// MsQuic takes a name as bytes that it promises not to change.
QUIC_BUFFER as_buffer(const char* name) noexcept;

/// Ends the program and says why, without destroying what MsQuic may still call.
[[noreturn]] void give_up(const char* why);

/// Throws std::runtime_error naming `what` when `status` is a failure.
void require(QUIC_STATUS status, const char* what);

}  // namespace msquic_py::bench
