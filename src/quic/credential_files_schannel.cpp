// Windows: Schannel cannot load PEM files, which MsQuic reports as NotSupported. Only readability is checked here.
// Not built or run on Windows yet.
#include <fstream>

#include "quic/credential_files.h"

namespace msquic_py::quic {

Result<void> check_credential_files(const Credentials& credentials) {
  for (const std::string* path : {&credentials.certificate_file, &credentials.private_key_file, &credentials.ca_file}) {
    if (path->empty()) continue;
    if (!std::ifstream(*path, std::ios::binary)) {
      return base::Failure{Error::own(Status::CertificateFileInvalid, "'" + *path + "' cannot be opened")};
    }
  }
  return {};
}

}  // namespace msquic_py::quic
