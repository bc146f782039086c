#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "quic/status.h"

namespace msquic_py::quic {

struct CertificateOptions {
  /// Of an encrypted private key or PKCS#12 container. Nothing is ever asked on a terminal.
  std::optional<std::string> password;
  /// Take a certificate outside its validity period. Peers that verify will still refuse it.
  bool allow_expired = false;
};

/// A certificate of this side: leaf, chain and private key, parsed and found to fit. Immutable; copies are cheap.
///
/// Every way to make one fails with CertificateFileInvalid (or one of its kinds: CertificatePasswordWrong,
/// CertificateFileExpired) and says which input cannot be used and why.
class Certificate {
 public:
  /// No certificate.
  Certificate() noexcept = default;

  /// PEM files: the chain with the leaf first, and the leaf's key. Both may be in one file. Blocking I/O.
  static Result<Certificate> from_files(const std::filesystem::path& certificate_file,
                                        const std::filesystem::path& private_key_file,
                                        const CertificateOptions& options = {});
  /// The same from memory.
  static Result<Certificate> from_pem(base::Bytes certificate, base::Bytes private_key,
                                      const CertificateOptions& options = {});
  /// A PKCS#12 container (.p12, .pfx) with one key.
  static Result<Certificate> from_pkcs12(base::Bytes container, const CertificateOptions& options = {});
  static Result<Certificate> from_pkcs12_file(const std::filesystem::path& file,
                                              const CertificateOptions& options = {});

  [[nodiscard]] base::Bytes der() const noexcept;  ///< of the leaf
  /// The certificates that a peer gets, in DER, the leaf first.
  [[nodiscard]] const std::vector<base::ByteVector>& chain() const noexcept;
  /// SHA-256 of der(): upper-case hex with colons.
  [[nodiscard]] std::string sha256_fingerprint() const;
  /// SHA-256 of the public key (SubjectPublicKeyInfo): "sha256/" and Base64, as pins are written.
  [[nodiscard]] std::string public_key_sha256() const;
  /// DNS names and IP addresses that it is for, as written in it.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept;
  [[nodiscard]] std::int64_t not_before() const noexcept;  ///< seconds since 1970, UTC
  [[nodiscard]] std::int64_t not_after() const noexcept;
  /// A secret that follows from the private key and `label` and tells nothing of the key: HMAC-SHA256 with the digest
  /// of the key. The same for every certificate of that key, now and after a restart. Nothing where the key is out of
  /// reach, as with Schannel.
  [[nodiscard]] std::optional<std::array<std::uint8_t, 32>> derived_secret(std::string_view label) const;

  explicit operator bool() const noexcept { return static_cast<bool>(content_); }

  /// Internal to this layer: everything in the one in-memory form that MsQuic takes.
  struct Content;
  [[nodiscard]] const Content& content() const noexcept { return *content_; }

 private:
  std::shared_ptr<const Content> content_;
};

/// Certificate::public_key_sha256() of any certificate in DER; empty when it is none.
std::string public_key_sha256(base::Bytes certificate_der);

/// Internal to this layer.
struct Certificate::Content {
  std::vector<base::ByteVector> chain;
  std::vector<std::string> names;
  std::string fingerprint;
  std::string public_key;
  std::int64_t not_before = 0;
  std::int64_t not_after = 0;
  base::ByteVector pkcs12;                                 ///< with the key
  std::string password;                                    ///< of pkcs12
  std::optional<std::array<std::uint8_t, 32>> key_digest;  ///< SHA-256 of the private key in DER

  Content() = default;
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  ~Content();  ///< wipes the key
};

}  // namespace msquic_py::quic
