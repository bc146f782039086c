// Windows, where MsQuic uses Schannel and validates the chain together with the dialled name by itself, so that only
// pinning is left to do. Written against the documentation of MsQuic and CryptoAPI; not built or run on Windows yet.
// wincrypt.h needs windows.h before it.
// clang-format off
#include <windows.h>
#include <wincrypt.h>
// clang-format on

#include <cctype>

#include "quic/certificate_check.h"

namespace msquic_py::quic {

CertificateVerdict check_certificate(void* from_msquic, std::string_view, const std::vector<std::string>& pins) {
  if (pins.empty()) return {};
  const auto* const certificate = static_cast<const CERT_CONTEXT*>(from_msquic);
  BYTE digest[32];
  DWORD size = sizeof(digest);
  if (certificate == nullptr || !CryptHashCertificate2(L"SHA256", 0, nullptr, certificate->pbCertEncoded,
                                                       certificate->cbCertEncoded, digest, &size)) {
    return {Status::NoCertificate, "the server sent no certificate"};
  }
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string actual;
  for (DWORD i = 0; i < size; ++i) {
    actual += kDigits[digest[i] >> 4];
    actual += kDigits[digest[i] & 15];
  }
  for (const std::string& pin : pins) {
    std::string wanted;
    for (const char c : pin) {
      if (std::isxdigit(static_cast<unsigned char>(c)) != 0)
        wanted += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    if (wanted == actual) return {};
  }
  return {Status::BadCertificate,
          "the server's certificate has the SHA-256 fingerprint " + actual + ", which is not among the pinned ones"};
}

}  // namespace msquic_py::quic
