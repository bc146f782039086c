#pragma once

#include <msquic.h>

#include <cstdint>
#include <string>

namespace msquic_py::bench {

inline constexpr char kBulkAlpn[] = "bulk";
/// What the client sends at a time, and how many of those it keeps outstanding.
inline constexpr std::uint32_t kPieceSize = 1024 * 1024;
inline constexpr int kPiecesOutstanding = 8;

/// MsQuic's function table and a registration of `profile`, open for the life of the program.
class MsQuicApi {
 public:
  explicit MsQuicApi(QUIC_EXECUTION_PROFILE profile);
  MsQuicApi(const MsQuicApi&) = delete;
  MsQuicApi& operator=(const MsQuicApi&) = delete;
  ~MsQuicApi();

  const QUIC_API_TABLE* operator->() const noexcept { return table_; }
  [[nodiscard]] HQUIC registration() const noexcept { return registration_; }
  /// A server's configuration when `certificate` is given, else a client's that accepts any certificate.
  HQUIC configure(const std::string& certificate, const std::string& key) const;

 private:
  const QUIC_API_TABLE* table_ = nullptr;
  HQUIC registration_ = nullptr;
};

/// Throws std::runtime_error naming `what` when `status` is a failure.
void require(QUIC_STATUS status, const char* what);

}  // namespace msquic_py::bench
