#include "quic/development_certificate.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#if !defined(_WIN32)
#include <fcntl.h>
#include <unistd.h>
#endif

#include <cstdio>
#include <fstream>
#include <memory>
#include <system_error>

#include "quic/address.h"

namespace msquic_py::quic {
namespace {

struct Free {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(X509_EXTENSION* extension) const noexcept { X509_EXTENSION_free(extension); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;

Error failed(const std::string& what) {
  return Error::own(Status::TlsError, "making a development certificate: " + what);
}

bool add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Free> extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// "DNS:localhost,IP:127.0.0.1"; nothing when a name cannot be written in that syntax.
Result<std::string> subject_alternative_names(const DevelopmentCertificateOptions& options) {
  std::vector<std::string> names;
  if (options.default_names) names = {"localhost", "127.0.0.1", "::1"};
  names.insert(names.end(), options.extra_names.begin(), options.extra_names.end());
  std::string text;
  for (const std::string& name : names) {
    if (name.empty() || name.find_first_of(", \t\r\n") != std::string::npos) {
      return base::Failure{Error::own(Status::InvalidParameter, "'" + name + "' is not a host name or IP literal")};
    }
    const auto address = Address::parse(name, 0);
    text += (text.empty() ? "" : ",") + (address ? "IP:" + address->host() : "DNS:" + name);
  }
  if (text.empty()) return base::Failure{Error::own(Status::InvalidParameter, "a certificate needs at least one name")};
  return text;
}

Result<Certificate> make_certificate(EVP_PKEY* key, const DevelopmentCertificateOptions& options) {
  auto names = subject_alternative_names(options);
  if (!names) return base::Failure{names.error()};
  Certificate certificate(X509_new());
  std::uint64_t serial = 0;
  if (!certificate || RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial)) != 1) {
    return base::Failure{failed("no randomness")};
  }
  X509* const out = certificate.get();
  static constexpr long kSecondsPerDay = 24L * 60 * 60;
  X509_NAME* const subject = X509_get_subject_name(out);
  static constexpr unsigned char kName[] = "msquic-py development";
  const bool built =
      X509_set_version(out, 2) == 1 && ASN1_INTEGER_set_uint64(X509_get_serialNumber(out), serial >> 1) == 1 &&
      // A minute back, for peers whose clock is a little behind.
      X509_gmtime_adj(X509_getm_notBefore(out), -60) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(out), kSecondsPerDay * static_cast<long>(options.valid_days)) != nullptr &&
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, kName, -1, -1, 0) == 1 &&
      X509_set_issuer_name(out, subject) == 1 && X509_set_pubkey(out, key) == 1 &&
      add_extension(out, NID_basic_constraints, "critical,CA:TRUE") &&
      add_extension(out, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
      add_extension(out, NID_ext_key_usage, "serverAuth,clientAuth") &&
      add_extension(out, NID_subject_key_identifier, "hash") && add_extension(out, NID_subject_alt_name, *names) &&
      X509_sign(out, key, EVP_sha256()) != 0;
  if (!built) return base::Failure{failed("a name was not accepted (" + *names + ")")};
  return certificate;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

/// Writes a new file that the owner alone may read. It is created with these permissions: there is no moment at which
/// another user could open it.
Result<void> write_private(const std::filesystem::path& path, const std::string& text) {
  std::error_code error;
  std::filesystem::remove(path, error);
#if defined(_WIN32)
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  const bool written = static_cast<bool>(file);
#else
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  const bool written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (file >= 0) ::close(file);
#endif
  if (!written) return base::Failure{failed("cannot write '" + path.string() + "'")};
  return {};
}

}  // namespace

Result<DevelopmentCertificate> DevelopmentCertificate::create(const std::filesystem::path& directory,
                                                              const DevelopmentCertificateOptions& options) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return base::Failure{failed("cannot make a key")};
  auto certificate = make_certificate(key.get(), options);
  if (!certificate) return base::Failure{certificate.error()};

  const std::unique_ptr<BIO, Free> certificate_text(BIO_new(BIO_s_mem()));
  const std::unique_ptr<BIO, Free> key_text(BIO_new(BIO_s_mem()));
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (!certificate_text || !key_text || PEM_write_bio_X509(certificate_text.get(), certificate->get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      X509_digest(certificate->get(), EVP_sha256(), digest, &size) != 1) {
    return base::Failure{failed("cannot encode it")};
  }

  DevelopmentCertificate made;
  made.certificate_file = directory / "cert.pem";
  made.private_key_file = directory / "key.pem";
  for (unsigned int i = 0; i < size; ++i) {
    char pair[4];
    std::snprintf(pair, sizeof(pair), i == 0 ? "%02X" : ":%02X", digest[i]);
    made.sha256_fingerprint += pair;
  }
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return base::Failure{failed("cannot create '" + directory.string() + "': " + error.message())};
  if (auto written = write_private(made.private_key_file, text_of(key_text.get())); !written)
    return base::Failure{written.error()};
  if (auto written = write_private(made.certificate_file, text_of(certificate_text.get())); !written)
    return base::Failure{written.error()};
  return made;
}

}  // namespace msquic_py::quic
