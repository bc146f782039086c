#pragma once

// Internal to this layer. credential_files_openssl.cpp is the implementation in use; credential_files_schannel.cpp
// is for Windows.

#include "quic/credentials.h"
#include "quic/status.h"

namespace msquic_py::quic {

/// Reads the files that `credentials` names and says which of them cannot be used and why: MsQuic reports nothing
/// but "TLS error".
Result<void> check_credential_files(const Credentials& credentials);

}  // namespace msquic_py::quic
