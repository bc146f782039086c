#pragma once

// Internal to this layer, OpenSSL only.

#include "base/bytes.h"
#include "quic/openssl_handles.h"
#include "quic/status.h"

namespace msquic_py::quic {

/// The certificates that the system trusts, read once per process: SSL_CERT_FILE and SSL_CERT_DIR from the
/// environment, else where Linux distributions, macOS and the BSDs keep them. A new reference.
openssl::StorePtr system_roots();

/// Exactly the certificates in `pem` as trust anchors. `source` names the input in errors.
Result<openssl::StorePtr> roots_from_pem(base::Bytes pem, const std::string& source);

}  // namespace msquic_py::quic
