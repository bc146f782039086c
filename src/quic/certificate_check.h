#pragma once

// Internal to this layer: what a client demands of the server's certificate beyond what MsQuic checks. MsQuic 2.5
// verifies the chain but not the name, which would let anybody with some valid certificate pose as any server.
// certificate_check_openssl.cpp is the implementation in use; certificate_check_schannel.cpp is for Windows.

#include <string>
#include <string_view>
#include <vector>

#include "quic/status.h"

namespace msquic_py::quic {

#if defined(MSQUIC_PY_SHARED_MSQUIC)
/// A shared MsQuic hides its OpenSSL, so it hands certificates over as DER.
inline constexpr bool kPortableCertificates = true;
#else
inline constexpr bool kPortableCertificates = false;
#endif

struct CertificateVerdict {
  Status status = Status::Success;
  std::string message;
};

/// `certificate` is what MsQuic's PEER_CERTIFICATE_RECEIVED event carries. `host` is the dialled DNS name or IP
/// literal. With `pins`, exactly these fingerprints are good, and the name does not matter.
CertificateVerdict check_certificate(void* certificate, std::string_view host, const std::vector<std::string>& pins);

}  // namespace msquic_py::quic
