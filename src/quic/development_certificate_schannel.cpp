// Windows has no OpenSSL in MsQuic, and Schannel cannot load PEM files: a certificate of the certificate store is
// needed instead. Not built or run on Windows yet.
#include "quic/development_certificate.h"

namespace msquic_py::quic {

Result<DevelopmentCertificate> DevelopmentCertificate::create(const std::filesystem::path&,
                                                              const DevelopmentCertificateOptions&) {
  return base::Failure{Error::own(Status::NotSupported,
                                  "development certificates need OpenSSL; on Windows use New-SelfSignedCertificate")};
}

}  // namespace msquic_py::quic
