#pragma once

#include <cstdint>

#include "job_connection.h"

namespace msquic_py::bench {

/// Each throws std::runtime_error when it fails; the time is from the connection being up to the last byte.
Outcome send_bulk(const MsQuicApi& api, std::uint16_t port, std::uint64_t bytes);
Outcome receive_bulk(const MsQuicApi& api, std::uint16_t port, std::uint64_t bytes);
/// `parallel` requests are under way at any time, each on a stream of its own.
Outcome send_requests(const MsQuicApi& api, std::uint16_t port, std::uint64_t count, std::uint64_t parallel);

}  // namespace msquic_py::bench
