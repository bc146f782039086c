#pragma once

#include <cstdint>
#include <string>

namespace msquic_py::quic {

/// What the two sides agreed on.
struct HandshakeInfo {
  std::uint32_t quic_version = 0;  ///< 1 (RFC 9000), 0x6b3343cf (RFC 9369)
  std::uint16_t tls_version = 0;   ///< 0x0304 is TLS 1.3; 0 when unknown
  std::uint16_t cipher_suite = 0;  ///< TLS registry: 0x1301 and so on; 0 when unknown
  std::uint16_t group = 0;         ///< TLS registry: 29 is x25519; 0 when the TLS library does not tell
};

/// "QUICv1", "QUICv2", "0xff00001d"
std::string quic_version_name(std::uint32_t version);
/// "TLS_AES_128_GCM_SHA256"; "" for 0
std::string cipher_suite_name(std::uint16_t suite);
/// "x25519"; "" for 0
std::string tls_group_name(std::uint16_t group);

}  // namespace msquic_py::quic
