#pragma once

#include <cstdint>

#include "job_connection.h"

namespace msquic_py::bench {

/// Sends `count` datagrams, never more than `window` ahead of the server's count. `done` is what the server got.
/// When the count stands still for a second, the rest counts as lost and the time is that of the last count.
Outcome send_datagrams(const MsQuicApi& api, std::uint16_t port, std::uint64_t count, std::uint64_t window);

}  // namespace msquic_py::bench
