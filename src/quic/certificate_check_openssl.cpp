#include <msquic.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <cctype>
#include <memory>

#include "quic/address.h"
#include "quic/certificate_check.h"

namespace msquic_py::quic {
namespace {

struct FreeX509 {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
using OwnedCertificate = std::unique_ptr<X509, FreeX509>;

OwnedCertificate own_certificate(void* from_msquic) {
  if (from_msquic == nullptr) return nullptr;
  if constexpr (kPortableCertificates) {
    const auto* const der = static_cast<const QUIC_BUFFER*>(from_msquic);
    const unsigned char* position = der->Buffer;
    return OwnedCertificate(d2i_X509(nullptr, &position, static_cast<long>(der->Length)));
  } else {
    auto* const certificate = static_cast<X509*>(from_msquic);
    X509_up_ref(certificate);
    return OwnedCertificate(certificate);
  }
}

std::string only_hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0) {
      digits += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
  }
  return digits;
}

std::string fingerprint(X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return {};
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

}  // namespace

CertificateVerdict check_certificate(void* from_msquic, std::string_view host, const std::vector<std::string>& pins) {
  const OwnedCertificate certificate = own_certificate(from_msquic);
  if (!certificate) return {Status::NoCertificate, "the server sent no certificate"};
  if (!pins.empty()) {
    const std::string actual = fingerprint(certificate.get());
    for (const std::string& pin : pins) {
      if (!actual.empty() && only_hex(pin) == actual) return {};
    }
    return {Status::BadCertificate,
            "the server's certificate has the SHA-256 fingerprint " + actual + ", which is not among the pinned ones"};
  }
  bool matches = false;
  if (const auto address = Address::parse(host, 0)) {
    const std::size_t size = address->family() == Address::Family::IPv4 ? 4 : 16;
    matches = X509_check_ip(certificate.get(), address->bytes().data(), size, 0) == 1;
  } else {
    while (!host.empty() && host.back() == '.') host.remove_suffix(1);
    matches = !host.empty() && X509_check_host(certificate.get(), host.data(), host.size(), 0, nullptr) == 1;
  }
  if (matches) return {};
  return {Status::CertificateNameMismatch,
          "the server's certificate is not for '" + std::string(host) +
              "'; dial a name that the certificate carries, or check who answers there"};
}

}  // namespace msquic_py::quic
