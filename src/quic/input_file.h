#pragma once

// Internal to this layer.

#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "quic/status.h"

namespace msquic_py::quic {

/// All of a regular file of at most 16 MiB. CertificateFileInvalid names it, with its `role` ("the private key"), and
/// says what is wrong: a FIFO or a device is refused, because reading it may never end.
Result<base::ByteVector> read_input_file(const std::filesystem::path& path, const std::string& role);

}  // namespace msquic_py::quic
