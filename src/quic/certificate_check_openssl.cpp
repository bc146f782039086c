#include <msquic.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "quic/address.h"
#include "quic/certificate_check.h"
#include "quic/input_file.h"
#include "quic/openssl_handles.h"
#include "quic/trust_roots_openssl.h"

namespace msquic_py::quic {
namespace {

#if !defined(MSQUIC_PY_SHARED_MSQUIC)
// MsQuic's threads run until the process ends, so its OpenSSL must last as long: by default exit() frees it under them.
// Said before anything else uses OpenSSL, because only the first word counts. A shared OpenSSL is not ours to tell.
[[maybe_unused]] const int kKeepOpenSsl = OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
#endif

using openssl::Sha256;
using openssl::X509Ptr;

constexpr int kLongestChain = 10;
/// At least 112 bits: RSA of 2048 bits, no SHA-1.
constexpr int kSecurityLevel = 2;

/// The leaf, and what the peer sent with it.
struct Received {
  X509Ptr leaf;
  openssl::StackPtr owned;
  STACK_OF(X509) * chain = nullptr;
};

Received open_received(const ReceivedCertificates& received) {
  Received opened;
  if (received.certificate == nullptr) return opened;
  if constexpr (kPortableCertificates) {
    const auto* const der = static_cast<const QUIC_BUFFER*>(received.certificate);
    opened.leaf = openssl::from_der({der->Buffer, der->Length});
    const auto* const container = static_cast<const QUIC_BUFFER*>(received.chain);
    if (container == nullptr || container->Buffer == nullptr) return opened;
    const unsigned char* position = container->Buffer;
    const std::unique_ptr<PKCS7, openssl::Free> signed_data(
        d2i_PKCS7(nullptr, &position, static_cast<long>(container->Length)));
    if (!signed_data || !PKCS7_type_is_signed(signed_data.get()) || signed_data->d.sign == nullptr) return opened;
    opened.owned.reset(X509_chain_up_ref(signed_data->d.sign->cert));
    opened.chain = opened.owned.get();
  } else {
    auto* const certificate = static_cast<X509*>(received.certificate);
    X509_up_ref(certificate);
    opened.leaf.reset(certificate);
    if (received.chain != nullptr)
      opened.chain = X509_STORE_CTX_get0_untrusted(static_cast<X509_STORE_CTX*>(received.chain));
  }
  return opened;
}

Status status_of(int error) noexcept {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: return Status::ExpiredCertificate;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED: return Status::UnknownCa;
    case X509_V_ERR_CERT_REVOKED: return Status::RevokedCertificate;
    case X509_V_ERR_INVALID_PURPOSE: return Status::UnsupportedCertificate;
    default: return Status::BadCertificate;
  }
}

/// 32 bytes in hexadecimal, with or without colons and spaces.
std::optional<Sha256> from_hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c == ':' || c == ' ') continue;
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return std::nullopt;
    digits += c;
  }
  Sha256 digest{};
  if (digits.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.size(); ++i)
    digest[i] = static_cast<std::uint8_t>(std::stoul(digits.substr(2 * i, 2), nullptr, 16));
  return digest;
}

/// "sha256/" and 32 bytes in Base64.
std::optional<Sha256> from_base64(std::string_view text) {
  static constexpr std::string_view kPrefix = "sha256/";
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  unsigned char bytes[33];
  if (text.size() != 44 || text.back() != '=' ||
      EVP_DecodeBlock(bytes, reinterpret_cast<const unsigned char*>(text.data()), 44) != 33) {
    return std::nullopt;
  }
  Sha256 digest{};
  std::copy_n(bytes, digest.size(), digest.begin());
  return digest;
}

std::string base64(const Sha256& digest) {
  unsigned char text[45];
  EVP_EncodeBlock(text, digest.data(), static_cast<int>(digest.size()));
  return reinterpret_cast<const char*>(text);
}

class OpenSslCheck final : public CertificateCheck {
 public:
  static Result<std::shared_ptr<const CertificateCheck>> create(const Credentials& credentials);

  [[nodiscard]] CertificateVerdict check(const ReceivedCertificates& received, std::string_view host) const override;
  [[nodiscard]] const std::string& trust() const noexcept override { return trust_; }

 private:
  [[nodiscard]] CertificateVerdict check_chain(const Received& received) const;
  [[nodiscard]] CertificateVerdict check_name(X509* certificate, std::string_view host) const;
  [[nodiscard]] CertificateVerdict check_pins(const X509* certificate) const;
  Result<void> read_pins(const Credentials& credentials);
  Result<void> read_roots(const Credentials& credentials);
  [[nodiscard]] bool pinned() const noexcept { return !certificates_.empty() || !keys_.empty(); }

  openssl::StorePtr roots_;  ///< nothing: issuer, validity and name do not matter
  bool own_anchors_ = false;
  bool server_ = false;
  std::string whose_;
  std::vector<Sha256> certificates_;
  std::vector<Sha256> keys_;
  std::string trust_;
};

Result<void> OpenSslCheck::read_pins(const Credentials& credentials) {
  for (const std::string& pin : credentials.pinned_sha256) {
    const auto digest = from_hex(pin);
    if (!digest) {
      return base::Failure{Error::own(Status::InvalidParameter,
                                      "the certificate pin '" + pin + "' is not a SHA-256 fingerprint: 64 hex digits")};
    }
    certificates_.push_back(*digest);
  }
  for (const std::string& pin : credentials.pinned_public_key_sha256) {
    auto digest = from_base64(pin);
    if (!digest) digest = from_hex(pin);
    if (!digest) {
      return base::Failure{Error::own(
          Status::InvalidParameter,
          "the public-key pin '" + pin + "' is neither 64 hex digits nor 'sha256/' and 44 Base64 characters")};
    }
    keys_.push_back(*digest);
  }
  return {};
}

Result<void> OpenSslCheck::read_roots(const Credentials& credentials) {
  own_anchors_ = !credentials.ca_file.empty() || !credentials.ca_data.empty();
  if (credentials.no_certificate_validation) {
    trust_ = "none";
    return {};
  }
  if (!own_anchors_) {
    if (pinned()) return {};
    roots_ = system_roots();
    trust_ = "system";
    return {};
  }
  base::ByteVector pem = credentials.ca_data;
  std::string source = "ca_data";
  if (!credentials.ca_file.empty()) {
    source = "'" + credentials.ca_file + "' (the trusted roots)";
    auto file = read_input_file(credentials.ca_file, "the trusted roots");
    if (!file) return base::Failure{file.error()};
    if (!pem.empty()) pem.push_back('\n');
    pem.insert(pem.end(), file->begin(), file->end());
  }
  auto roots = roots_from_pem(pem, source);
  if (!roots) return base::Failure{roots.error()};
  roots_ = std::move(*roots);
  trust_ = "ca:" + openssl::hex(openssl::sha256(pem));
  return {};
}

Result<std::shared_ptr<const CertificateCheck>> OpenSslCheck::create(const Credentials& credentials) {
  const openssl::ErrorScope errors;
  auto made = std::make_shared<OpenSslCheck>();
  made->server_ = credentials.role == Credentials::Role::Server;
  made->whose_ = made->server_ ? "the client's certificate" : "the server's certificate";
  if (auto read = made->read_pins(credentials); !read) return base::Failure{read.error()};
  if (auto read = made->read_roots(credentials); !read) return base::Failure{read.error()};
  if (made->pinned()) {
    base::ByteVector all;
    for (const auto* list : {&made->certificates_, &made->keys_}) {
      for (const Sha256& digest : *list) all.insert(all.end(), digest.begin(), digest.end());
      all.push_back(list == &made->keys_ ? 1 : 0);
    }
    made->trust_ += (made->trust_.empty() ? "pins:" : ",pins:") + openssl::hex(openssl::sha256(all));
  }
  if (credentials.custom_verification) made->trust_ += ",verifier";
  // A resumed session keeps the identity that the client had in the first one.
  if (credentials.certificate) made->trust_ += ",as:" + openssl::hex(openssl::sha256(credentials.certificate.der()));
  return std::shared_ptr<const CertificateCheck>(std::move(made));
}

CertificateVerdict OpenSslCheck::check_pins(const X509* certificate) const {
  const Sha256 actual = openssl::sha256(openssl::der_of(certificate));
  const Sha256 key = openssl::public_key_sha256(certificate);
  if (std::find(certificates_.begin(), certificates_.end(), actual) != certificates_.end()) return {};
  if (std::find(keys_.begin(), keys_.end(), key) != keys_.end()) return {};
  return {Status::BadCertificate, whose_ + " has the SHA-256 fingerprint " + openssl::hex(actual) +
                                      " and the public key sha256/" + base64(key) +
                                      ", neither of which is among the pinned ones"};
}

CertificateVerdict OpenSslCheck::check_chain(const Received& received) const {
  const std::unique_ptr<X509_STORE_CTX, openssl::Free> context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), roots_.get(), received.leaf.get(), received.chain) != 1) {
    return {Status::OutOfMemory, whose_ + " cannot be checked: out of memory"};
  }
  X509_STORE_CTX_set_default(context.get(), server_ ? "ssl_client" : "ssl_server");
  X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_depth(parameters, kLongestChain);
  X509_VERIFY_PARAM_set_auth_level(parameters, kSecurityLevel);
  if (own_anchors_) X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  if (X509_verify_cert(context.get()) == 1) return {};
  const int error = X509_STORE_CTX_get_error(context.get());
  const Status status = status_of(error);
  std::string message = whose_ + " is not accepted: " + X509_verify_cert_error_string(error);
  if (status == Status::UnknownCa) {
    message += own_anchors_ ? "; none of the given roots issued it, or an intermediate certificate is missing"
                            : "; if you trust its issuer, name it with ca_file or ca_data";
  }
  return {status, std::move(message)};
}

CertificateVerdict OpenSslCheck::check_name(X509* certificate, std::string_view host) const {
  bool matches = false;
  if (const auto address = Address::parse(host, 0)) {
    const std::size_t size = address->family() == Address::Family::IPv4 ? 4 : 16;
    matches = X509_check_ip(certificate, address->bytes().data(), size, 0) == 1;
  } else {
    // The subject is not a place for names (RFC 9525 section 2), and a wildcard is a whole label (section 6.3).
    static constexpr unsigned kFlags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    const std::string_view name = without_trailing_dot(host);
    matches = !name.empty() && X509_check_host(certificate, name.data(), name.size(), kFlags, nullptr) == 1;
  }
  if (matches) return {};
  return {Status::CertificateNameMismatch,
          whose_ + " is not for '" + std::string(host) +
              "'; dial a name that the certificate carries, or check who answers there"};
}

CertificateVerdict OpenSslCheck::check(const ReceivedCertificates& received, std::string_view host) const {
  const openssl::ErrorScope errors;
  const Received opened = open_received(received);
  if (!opened.leaf)
    return {Status::NoCertificate, server_ ? "the client sent no certificate" : "the server sent no certificate"};
  if (roots_) {
    if (auto verdict = check_chain(opened); !verdict.good()) return verdict;
    if (!server_) {
      if (auto verdict = check_name(opened.leaf.get(), host); !verdict.good()) return verdict;
    }
  }
  return pinned() ? check_pins(opened.leaf.get()) : CertificateVerdict();
}

}  // namespace

std::vector<base::ByteVector> read_peer_chain(const ReceivedCertificates& received) {
  const openssl::ErrorScope errors;
  const Received opened = open_received(received);
  std::vector<base::ByteVector> chain;
  if (!opened.leaf) return chain;
  chain.push_back(openssl::der_of(opened.leaf.get()));
  for (int i = 0; opened.chain != nullptr && i < sk_X509_num(opened.chain); ++i) {
    X509* const each = sk_X509_value(opened.chain, i);
    if (X509_cmp(each, opened.leaf.get()) != 0) chain.push_back(openssl::der_of(each));
  }
  return chain;
}

Result<std::shared_ptr<const CertificateCheck>> CertificateCheck::create(const Credentials& credentials) {
  return OpenSslCheck::create(credentials);
}

}  // namespace msquic_py::quic
