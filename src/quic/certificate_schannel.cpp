// Windows: MsQuic on Schannel takes PKCS#12 containers from memory, but no PEM. Containers are passed on as they are;
// what is in them is only known to MsQuic. Not built or run on Windows yet.
#include "quic/certificate.h"
#include "quic/input_file.h"

namespace msquic_py::quic {
namespace {

base::Failure<Error> no_pem() {
  return base::Failure{
      Error::own(Status::NotSupported, "Schannel cannot load PEM: convert certificate and key to PKCS#12 (.pfx)")};
}

const Certificate::Content& nothing() {
  static const Certificate::Content empty;
  return empty;
}

}  // namespace

Certificate::Content::~Content() {
  volatile std::uint8_t* const bytes = pkcs12.data();
  for (std::size_t i = 0; i < pkcs12.size(); ++i) bytes[i] = 0;
}

Result<Certificate> Certificate::from_files(const std::filesystem::path&, const std::filesystem::path&,
                                            const CertificateOptions&) {
  return no_pem();
}
Result<Certificate> Certificate::from_pem(base::Bytes, base::Bytes, const CertificateOptions&) { return no_pem(); }

Result<Certificate> Certificate::from_pkcs12(base::Bytes container, const CertificateOptions& options) {
  auto content = std::make_shared<Certificate::Content>();
  content->pkcs12.assign(container.begin(), container.end());
  content->password = options.password.value_or(std::string());
  Certificate made;
  made.content_ = std::move(content);
  return made;
}

Result<Certificate> Certificate::from_pkcs12_file(const std::filesystem::path& path,
                                                  const CertificateOptions& options) {
  auto bytes = read_input_file(path, "the PKCS#12 container");
  if (!bytes) return base::Failure{bytes.error()};
  return from_pkcs12(*bytes, options);
}

base::Bytes Certificate::der() const noexcept {
  return content_ && !content_->chain.empty() ? base::Bytes(content_->chain.front()) : base::Bytes();
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
std::optional<std::array<std::uint8_t, 32>> Certificate::derived_secret(std::string_view) const { return std::nullopt; }

std::string public_key_sha256(base::Bytes) { return {}; }

}  // namespace msquic_py::quic
