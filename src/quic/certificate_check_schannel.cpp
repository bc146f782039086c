// Windows, where MsQuic uses Schannel and validates the chain together with the dialled name by itself, against the
// certificate store of Windows. What is left to do here is pinning. Written against the documentation of MsQuic and
// CryptoAPI; not built or run on Windows yet.
// wincrypt.h needs windows.h before it.
// clang-format off
#include <windows.h>
#include <wincrypt.h>
// clang-format on

#include <algorithm>
#include <cctype>

#include "quic/certificate_check.h"

namespace msquic_py::quic {
namespace {

std::string only_hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0)
      digits += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return digits;
}

std::string fingerprint(const CERT_CONTEXT* certificate) {
  BYTE digest[32];
  DWORD size = sizeof(digest);
  if (!CryptHashCertificate2(L"SHA256", 0, nullptr, certificate->pbCertEncoded, certificate->cbCertEncoded, digest,
                             &size)) {
    return {};
  }
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (DWORD i = 0; i < size; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

class SchannelCheck final : public CertificateCheck {
 public:
  explicit SchannelCheck(const Credentials& credentials) {
    trust_ = credentials.no_certificate_validation ? "none" : "system";
    for (const std::string& pin : credentials.pinned_sha256) {
      pins_.push_back(only_hex(pin));
      trust_ += ",pin:" + pins_.back();
    }
    if (credentials.custom_verification) trust_ += ",verifier";
  }

  [[nodiscard]] CertificateVerdict check(const ReceivedCertificates& received, std::string_view) const override {
    const auto* const certificate = static_cast<const CERT_CONTEXT*>(received.certificate);
    if (certificate == nullptr) return {Status::NoCertificate, "the peer sent no certificate"};
    if (pins_.empty()) return {};
    const std::string actual = fingerprint(certificate);
    if (!actual.empty() && std::find(pins_.begin(), pins_.end(), actual) != pins_.end()) return {};
    return {Status::BadCertificate,
            "the server's certificate has the SHA-256 fingerprint " + actual + ", which is not among the pinned ones"};
  }
  [[nodiscard]] const std::string& trust() const noexcept override { return trust_; }

 private:
  std::vector<std::string> pins_;
  std::string trust_;
};

}  // namespace

std::vector<base::ByteVector> read_peer_chain(const ReceivedCertificates& received) {
  std::vector<base::ByteVector> chain;
  const auto* const leaf = static_cast<const CERT_CONTEXT*>(received.certificate);
  if (leaf == nullptr) return chain;
  chain.emplace_back(leaf->pbCertEncoded, leaf->pbCertEncoded + leaf->cbCertEncoded);
  const auto* const built = static_cast<const CERT_CHAIN_CONTEXT*>(received.chain);
  if (built == nullptr || built->cChain == 0) return chain;
  const CERT_SIMPLE_CHAIN& simple = *built->rgpChain[0];
  for (DWORD i = 1; i < simple.cElement; ++i) {
    const CERT_CONTEXT& each = *simple.rgpElement[i]->pCertContext;
    chain.emplace_back(each.pbCertEncoded, each.pbCertEncoded + each.cbCertEncoded);
  }
  return chain;
}

Result<std::shared_ptr<const CertificateCheck>> CertificateCheck::create(const Credentials& credentials) {
  if (!credentials.ca_file.empty() || !credentials.ca_data.empty() || !credentials.pinned_public_key_sha256.empty()) {
    return base::Failure{
        Error::own(Status::NotSupported,
                   "on Windows trust comes from the certificate store: ca_file, ca_data and public-key "
                   "pins need OpenSSL")};
  }
  return std::shared_ptr<const CertificateCheck>(std::make_shared<SchannelCheck>(credentials));
}

}  // namespace msquic_py::quic
