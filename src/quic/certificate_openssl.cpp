#include <algorithm>
#include <ctime>

#include "quic/address.h"
#include "quic/certificate.h"
#include "quic/input_file.h"
#include "quic/openssl_handles.h"

namespace msquic_py::quic {
namespace {

using openssl::Bio;
using openssl::KeyPtr;
using openssl::StackPtr;
using openssl::X509Ptr;

/// An input as messages call it: "'/etc/cert.pem'", or "the certificate (PEM)".
using Source = std::string;

base::Failure<Error> invalid(const Source& source, const std::string& why,
                             Status status = Status::CertificateFileInvalid) {
  return base::Failure{Error::own(status, source + " " + why)};
}

Source quoted(const std::filesystem::path& path) { return "'" + path.string() + "'"; }

struct Password {
  const std::optional<std::string>& text;
  bool asked = false;
};

/// Without it OpenSSL would ask on the terminal.
int give_password(char* buffer, int size, int, void* context) {
  auto& password = *static_cast<Password*>(context);
  password.asked = true;
  if (!password.text || password.text->size() > static_cast<std::size_t>(size)) return -1;
  std::copy(password.text->begin(), password.text->end(), buffer);  // OpenSSL takes the length that is returned
  return static_cast<int>(password.text->size());
}

struct Parts {
  X509Ptr leaf;
  KeyPtr key;
  StackPtr rest{sk_X509_new_null()};  ///< the chain without the leaf
};

Result<void> read_chain(Parts& parts, base::Bytes pem, const Source& source) {
  const Bio text = openssl::memory(pem);
  parts.leaf.reset(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  if (!parts.leaf) return invalid(source, "is not a PEM certificate");
  while (X509* const next = PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(parts.rest.get(), next);
  }
  const unsigned long error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    return invalid(source, "holds a malformed certificate after the first");
  }
  return {};
}

Result<void> read_key(Parts& parts, base::Bytes pem, const std::optional<std::string>& text, const Source& source) {
  Password password{text};
  parts.key.reset(PEM_read_bio_PrivateKey(openssl::memory(pem).get(), nullptr, give_password, &password));
  if (parts.key) return {};
  if (!password.asked) return invalid(source, "is not a PEM private key");
  return invalid(source,
                 text ? "is a private key with another password" : "is an encrypted private key: give its password",
                 Status::CertificatePasswordWrong);
}

std::int64_t seconds_since_1970(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
#if defined(_WIN32)
  return static_cast<std::int64_t>(_mkgmtime(&parts));
#else
  return static_cast<std::int64_t>(timegm(&parts));
#endif
}

std::string date_text(std::int64_t seconds) {
  const std::time_t time = static_cast<std::time_t>(seconds);
  std::tm parts{};
#if defined(_WIN32)
  gmtime_s(&parts, &time);
#else
  gmtime_r(&time, &parts);
#endif
  char text[32];
  return {text, std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

std::optional<openssl::Sha256> digest_of(const EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PrivateKey(key, &der);
  if (size <= 0) return std::nullopt;
  const openssl::Sha256 digest = openssl::sha256({der, static_cast<std::size_t>(size)});
  OPENSSL_clear_free(der, static_cast<std::size_t>(size));
  return digest;
}

std::vector<std::string> names_of(const X509* certificate) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, openssl::Free> found(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; found && i < sk_GENERAL_NAME_num(found.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(found.get(), i);
    if (name->type == GEN_DNS) {
      names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                         static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      const int size = ASN1_STRING_length(name->d.iPAddress);
      if (size != 4 && size != 16) continue;
      const auto family = size == 4 ? Address::Family::IPv4 : Address::Family::IPv6;
      names.push_back(Address::from_bytes(family, ASN1_STRING_get0_data(name->d.iPAddress), 0).host());
    }
  }
  return names;
}

std::string public_key_pin(const X509* certificate) {
  const openssl::Sha256 digest = openssl::public_key_sha256(certificate);
  unsigned char text[4 * ((32 + 2) / 3) + 1];
  const int size = EVP_EncodeBlock(text, digest.data(), static_cast<int>(digest.size()));
  return "sha256/" + std::string(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
}

/// The form that MsQuic takes from memory. Its password protects nothing: the container never leaves this process.
bool pack(Certificate::Content& content, const Parts& parts) {
  content.password = "msquic-py";
  // MsQuic takes the certificates after the leaf from the end of the list that OpenSSL gives it.
  const StackPtr reversed(sk_X509_new_null());
  for (int i = sk_X509_num(parts.rest.get()) - 1; i >= 0; --i) {
    X509* const each = sk_X509_value(parts.rest.get(), i);
    X509_up_ref(each);
    sk_X509_push(reversed.get(), each);
  }
  const openssl::Pkcs12Ptr container(PKCS12_create(content.password.c_str(), nullptr, parts.key.get(), parts.leaf.get(),
                                                   reversed.get(), 0, 0, 1, 1, 0));
  if (!container) return false;
  const int size = i2d_PKCS12(container.get(), nullptr);
  if (size <= 0) return false;
  content.pkcs12.resize(static_cast<std::size_t>(size));
  unsigned char* position = content.pkcs12.data();
  i2d_PKCS12(container.get(), &position);
  return true;
}

Result<std::shared_ptr<const Certificate::Content>> finish(Parts parts, const CertificateOptions& options,
                                                           const Source& certificate, const Source& key) {
  if (X509_check_private_key(parts.leaf.get(), parts.key.get()) != 1) {
    return invalid(key, "is not the key of the certificate in " + certificate);
  }
  auto content = std::make_shared<Certificate::Content>();
  content->key_digest = digest_of(parts.key.get());
  content->not_before = seconds_since_1970(X509_get0_notBefore(parts.leaf.get()));
  content->not_after = seconds_since_1970(X509_get0_notAfter(parts.leaf.get()));
  if (!options.allow_expired) {
    if (X509_cmp_current_time(X509_get0_notAfter(parts.leaf.get())) < 0) {
      return invalid(certificate, "holds a certificate that expired on " + date_text(content->not_after) + ": renew it",
                     Status::CertificateFileExpired);
    }
    if (X509_cmp_current_time(X509_get0_notBefore(parts.leaf.get())) > 0) {
      return invalid(certificate,
                     "holds a certificate that is not valid before " + date_text(content->not_before) +
                         ": check this machine's clock",
                     Status::CertificateFileExpired);
    }
  }
  content->chain.push_back(openssl::der_of(parts.leaf.get()));
  for (int i = 0; i < sk_X509_num(parts.rest.get()); ++i) {
    content->chain.push_back(openssl::der_of(sk_X509_value(parts.rest.get(), i)));
  }
  content->names = names_of(parts.leaf.get());
  content->fingerprint = openssl::hex(openssl::sha256(content->chain.front()), true);
  content->public_key = public_key_pin(parts.leaf.get());
  if (!pack(*content, parts)) return invalid(certificate, "and its key cannot be packed for TLS");
  return std::shared_ptr<const Certificate::Content>(std::move(content));
}

/// Containers keep the other certificates in any order; on the wire each is followed by its issuer.
void put_in_order(Parts& parts) {
  StackPtr ordered(sk_X509_new_null());
  const X509* last = parts.leaf.get();
  for (bool found = true; found;) {
    found = false;
    for (int i = 0; i < sk_X509_num(parts.rest.get()); ++i) {
      if (X509_check_issued(sk_X509_value(parts.rest.get(), i), const_cast<X509*>(last)) != X509_V_OK) continue;
      X509* const next = sk_X509_delete(parts.rest.get(), i);
      sk_X509_push(ordered.get(), next);
      last = next;
      found = true;
      break;
    }
  }
  while (X509* const unrelated = sk_X509_shift(parts.rest.get())) sk_X509_push(ordered.get(), unrelated);
  parts.rest = std::move(ordered);
}

Result<std::shared_ptr<const Certificate::Content>> parse_pem(base::Bytes certificate, base::Bytes key,
                                                              const CertificateOptions& options,
                                                              const Source& certificate_source,
                                                              const Source& key_source) {
  const openssl::ErrorScope errors;
  Parts parts;
  if (auto read = read_chain(parts, certificate, certificate_source); !read) return base::Failure{read.error()};
  if (auto read = read_key(parts, key, options.password, key_source); !read) return base::Failure{read.error()};
  return finish(std::move(parts), options, certificate_source, key_source);
}

Result<std::shared_ptr<const Certificate::Content>> parse_pkcs12(base::Bytes bytes, const CertificateOptions& options,
                                                                 const Source& source) {
  const openssl::ErrorScope errors;
  const openssl::Pkcs12Ptr container(d2i_PKCS12_bio(openssl::memory(bytes).get(), nullptr));
  if (!container) return invalid(source, "is not a PKCS#12 container");
  const std::string password = options.password.value_or(std::string());
  const bool opens = PKCS12_verify_mac(container.get(), password.c_str(), -1) == 1 ||
                     (password.empty() && PKCS12_verify_mac(container.get(), nullptr, 0) == 1);
  if (PKCS12_mac_present(container.get()) == 1 && !opens) {
    return invalid(source, options.password ? "has another password" : "is protected: give its password",
                   Status::CertificatePasswordWrong);
  }
  EVP_PKEY* key = nullptr;
  X509* leaf = nullptr;
  STACK_OF(X509)* rest = nullptr;
  const bool parsed = PKCS12_parse(container.get(), password.c_str(), &key, &leaf, &rest) == 1;
  Parts parts;
  parts.key.reset(key);
  parts.leaf.reset(leaf);
  if (rest != nullptr) parts.rest.reset(rest);
  if (!parsed)
    return invalid(source, "cannot be decrypted: its password is wrong, or its cipher is too old for OpenSSL 3");
  if (!parts.key || !parts.leaf) return invalid(source, "holds no private key with its certificate");
  put_in_order(parts);
  return finish(std::move(parts), options, source, source);
}

const Certificate::Content& nothing() {
  static const Certificate::Content empty;
  return empty;
}

}  // namespace

Certificate::Content::~Content() {
  if (!pkcs12.empty()) OPENSSL_cleanse(pkcs12.data(), pkcs12.size());
  if (key_digest) OPENSSL_cleanse(key_digest->data(), key_digest->size());
}

Result<Certificate> Certificate::from_files(const std::filesystem::path& certificate_file,
                                            const std::filesystem::path& private_key_file,
                                            const CertificateOptions& options) {
  auto certificate = read_input_file(certificate_file, "the certificate");
  if (!certificate) return base::Failure{certificate.error()};
  auto key = read_input_file(private_key_file, "the private key");
  if (!key) return base::Failure{key.error()};
  auto parsed = parse_pem(*certificate, *key, options, quoted(certificate_file), quoted(private_key_file));
  OPENSSL_cleanse(key->data(), key->size());
  if (!parsed) return base::Failure{parsed.error()};
  Certificate made;
  made.content_ = std::move(*parsed);
  return made;
}

Result<Certificate> Certificate::from_pem(base::Bytes certificate, base::Bytes private_key,
                                          const CertificateOptions& options) {
  auto parsed = parse_pem(certificate, private_key, options, "the certificate", "the private key");
  if (!parsed) return base::Failure{parsed.error()};
  Certificate made;
  made.content_ = std::move(*parsed);
  return made;
}

Result<Certificate> Certificate::from_pkcs12(base::Bytes container, const CertificateOptions& options) {
  auto parsed = parse_pkcs12(container, options, "the data");
  if (!parsed) return base::Failure{parsed.error()};
  Certificate made;
  made.content_ = std::move(*parsed);
  return made;
}

Result<Certificate> Certificate::from_pkcs12_file(const std::filesystem::path& file,
                                                  const CertificateOptions& options) {
  auto bytes = read_input_file(file, "the PKCS#12 container");
  if (!bytes) return base::Failure{bytes.error()};
  auto parsed = parse_pkcs12(*bytes, options, quoted(file));
  if (!parsed) return base::Failure{parsed.error()};
  Certificate made;
  made.content_ = std::move(*parsed);
  return made;
}

base::Bytes Certificate::der() const noexcept {
  return content_ ? base::Bytes(content_->chain.front()) : base::Bytes();
}
const std::vector<base::ByteVector>& Certificate::chain() const noexcept {
  return content_ ? content_->chain : nothing().chain;
}
std::string Certificate::sha256_fingerprint() const { return content_ ? content_->fingerprint : std::string(); }
std::string Certificate::public_key_sha256() const { return content_ ? content_->public_key : std::string(); }
const std::vector<std::string>& Certificate::names() const noexcept {
  return content_ ? content_->names : nothing().names;
}
std::int64_t Certificate::not_before() const noexcept { return content_ ? content_->not_before : 0; }
std::int64_t Certificate::not_after() const noexcept { return content_ ? content_->not_after : 0; }

std::optional<std::array<std::uint8_t, 32>> Certificate::derived_secret(std::string_view label) const {
  if (!content_ || !content_->key_digest) return std::nullopt;
  const auto& key = *content_->key_digest;
  std::array<std::uint8_t, 32> secret{};
  const auto text = base::as_bytes(label);
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), text.data(), text.size(), secret.data(), nullptr) ==
      nullptr) {
    return std::nullopt;
  }
  return secret;
}

std::string public_key_sha256(base::Bytes certificate_der) {
  const openssl::ErrorScope errors;
  const X509Ptr certificate = openssl::from_der(certificate_der);
  return certificate ? public_key_pin(certificate.get()) : std::string();
}

}  // namespace msquic_py::quic
