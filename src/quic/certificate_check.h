#pragma once

// Internal to this layer: what is demanded of a peer's certificate. MsQuic 2.5 verifies the chain but not the name,
// which would let anybody with some valid certificate pose as any server; it adds ca_file to the system's roots instead
// of replacing them, and takes roots from a file only. So the whole check is done here, in the certificate event.
// certificate_check_openssl.cpp is the implementation in use; certificate_check_schannel.cpp is for Windows.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "quic/credentials.h"
#include "quic/peer_certificate.h"
#include "quic/status.h"

namespace msquic_py::quic {

#if defined(MSQUIC_PY_SHARED_MSQUIC)
/// A shared MsQuic hides its OpenSSL, so it hands certificates over as DER.
inline constexpr bool kPortableCertificates = true;
#else
inline constexpr bool kPortableCertificates = false;
#endif

#if defined(_WIN32)
/// Schannel checks chain and name by itself.
inline constexpr bool kMsQuicVerifies = true;
#else
inline constexpr bool kMsQuicVerifies = false;
#endif

/// What MsQuic's PEER_CERTIFICATE_RECEIVED event carries; only valid during the event.
struct ReceivedCertificates {
  void* certificate = nullptr;
  void* chain = nullptr;
};

/// In DER, the leaf first; empty when the peer sent none.
std::vector<base::ByteVector> read_peer_chain(const ReceivedCertificates& received);

/// The check that some credentials ask for. Immutable: all threads use it at once.
class CertificateCheck {
 public:
  /// Reads ca_file now (blocking I/O). CertificateFileInvalid or InvalidParameter (a malformed pin) say what is wrong.
  static Result<std::shared_ptr<const CertificateCheck>> create(const Credentials& credentials);
  virtual ~CertificateCheck() = default;

  /// `host` is the dialled DNS name or IP literal; a server gives none.
  [[nodiscard]] virtual CertificateVerdict check(const ReceivedCertificates& received, std::string_view host) const = 0;
  /// Names whom it trusts, the same text for the same trust in every process. No certificate is shown when a session
  /// is resumed, so a ticket is only good under the same.
  [[nodiscard]] virtual const std::string& trust() const noexcept = 0;
};

/// The DNS name or IP literal `host` without the dot that marks it as complete.
constexpr std::string_view without_trailing_dot(std::string_view host) noexcept {
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
  return host;
}

}  // namespace msquic_py::quic
