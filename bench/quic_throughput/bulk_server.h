#pragma once

#include <cstdint>
#include <string>

#include "msquic_api.h"

namespace msquic_py::bench {

/// Counts what arrives on a stream and answers its end with the count, 8 bytes little endian. Serves on a port of
/// 127.0.0.1, printed as "listening on port N", until standard input ends.
void serve_bulk(const MsQuicApi& api, const std::string& certificate, const std::string& key);

}  // namespace msquic_py::bench
