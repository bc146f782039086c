#pragma once

#include <cstdint>

#include "msquic_api.h"

namespace msquic_py::bench {

/// Sends `bytes` bytes on one stream to 127.0.0.1:`port` and waits for the server's count. Returns the seconds from
/// opening the stream, on a connection that was up already, to the count. Throws std::runtime_error on any failure.
double send_bulk(const MsQuicApi& api, std::uint16_t port, std::uint64_t bytes);

}  // namespace msquic_py::bench
