#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

#include "quic/credential_files.h"

namespace msquic_py::quic {
namespace {

struct Free {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};

base::Failure<Error> bad_file(const std::string& path, const std::string& why) {
  return base::Failure{Error::own(Status::CertificateFileInvalid, "'" + path + "' " + why)};
}

Result<std::string> read_file(const std::string& path, const char* role) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return bad_file(path, std::string("(") + role + ") cannot be opened: " + std::strerror(errno));
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad() || text.empty()) return bad_file(path, std::string("(") + role + ") is empty or cannot be read");
  return text;
}

std::unique_ptr<BIO, Free> memory(const std::string& text) {
  return std::unique_ptr<BIO, Free>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Without it OpenSSL would ask on the terminal for the password of an encrypted key.
int give_password(char* buffer, int size, int, void* password) {
  const auto& text = *static_cast<const std::string*>(password);
  if (text.size() > static_cast<std::size_t>(size)) return -1;
  std::memcpy(buffer, text.data(), text.size());
  return static_cast<int>(text.size());
}

Result<void> check_pair(const Credentials& credentials) {
  auto certificate_text = read_file(credentials.certificate_file, "the certificate");
  if (!certificate_text) return base::Failure{certificate_text.error()};
  const std::unique_ptr<X509, Free> certificate(
      PEM_read_bio_X509(memory(*certificate_text).get(), nullptr, nullptr, nullptr));
  if (!certificate) return bad_file(credentials.certificate_file, "is not a PEM certificate");
  auto key_text = read_file(credentials.private_key_file, "the private key");
  if (!key_text) return base::Failure{key_text.error()};
  std::string password = credentials.private_key_password;
  const std::unique_ptr<EVP_PKEY, Free> key(
      PEM_read_bio_PrivateKey(memory(*key_text).get(), nullptr, give_password, &password));
  if (!key) return bad_file(credentials.private_key_file, "is not a PEM private key, or its password is wrong");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return bad_file(credentials.private_key_file,
                    "is not the key of the certificate '" + credentials.certificate_file + "'");
  }
  return {};
}

}  // namespace

Result<void> check_credential_files(const Credentials& credentials) {
  const bool has_certificate = !credentials.certificate_file.empty();
  if (has_certificate != !credentials.private_key_file.empty() ||
      (credentials.role == Credentials::Role::Server && !has_certificate)) {
    return base::Failure{Error::own(Status::InvalidParameter,
                                    "give certificate_file and private_key_file together; a server needs both")};
  }
  Result<void> result;
  if (has_certificate) result = check_pair(credentials);
  if (result && !credentials.ca_file.empty()) {
    auto text = read_file(credentials.ca_file, "the trusted roots");
    if (!text) return base::Failure{text.error()};
    const std::unique_ptr<X509, Free> root(PEM_read_bio_X509(memory(*text).get(), nullptr, nullptr, nullptr));
    if (!root) result = bad_file(credentials.ca_file, "holds no PEM certificate");
  }
  // What failed here must not look like an error of the next TLS operation on this thread.
  ERR_clear_error();
  return result;
}

}  // namespace msquic_py::quic
