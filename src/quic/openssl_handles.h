#pragma once

// Internal to this layer: owners of what OpenSSL allocates, and small readings of certificates. Only *_openssl.cpp
// files and development_certificate.cpp include it.

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace msquic_py::quic::openssl {

struct Free {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(PKCS12* container) const noexcept { PKCS12_free(container); }
  void operator()(PKCS7* container) const noexcept { PKCS7_free(container); }
  void operator()(X509_STORE* store) const noexcept { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const noexcept { X509_STORE_CTX_free(context); }
  void operator()(STACK_OF(X509) * certificates) const noexcept { sk_X509_pop_free(certificates, X509_free); }
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};
using Bio = std::unique_ptr<BIO, Free>;
using X509Ptr = std::unique_ptr<X509, Free>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free>;
using Pkcs12Ptr = std::unique_ptr<PKCS12, Free>;
using StorePtr = std::unique_ptr<X509_STORE, Free>;
using StackPtr = std::unique_ptr<STACK_OF(X509), Free>;

/// Leaves no error of this thread behind that the next TLS operation could take for its own.
class ErrorScope {
 public:
  ErrorScope() noexcept { ERR_clear_error(); }
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
  ~ErrorScope() { ERR_clear_error(); }
};

inline Bio memory(base::Bytes bytes) { return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))); }

inline base::ByteVector der_of(const X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return {};
  base::ByteVector der(static_cast<std::size_t>(size));
  unsigned char* position = der.data();
  i2d_X509(certificate, &position);
  return der;
}

inline X509Ptr from_der(base::Bytes der) {
  const unsigned char* position = der.data();
  return X509Ptr(d2i_X509(nullptr, &position, static_cast<long>(der.size())));
}

using Sha256 = std::array<std::uint8_t, 32>;

inline Sha256 sha256(base::Bytes bytes) {
  Sha256 digest{};
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

/// Of the SubjectPublicKeyInfo, as in RFC 7469.
inline Sha256 public_key_sha256(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return {};
  const Sha256 digest = sha256({der, static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return digest;
}

inline std::string hex(base::Bytes bytes, bool colons = false) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    if (colons && !text.empty()) text += ':';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace msquic_py::quic::openssl
