#pragma once

#include <cstdint>
#include <istream>

#include "msquic_api.h"

namespace msquic_py::bench {

/// Runs the jobs that `commands` names, one a line, against 127.0.0.1:`port`, and prints what each took as a line of
/// JSON: {"job": ..., "done": ..., "lost": ..., "seconds": ..., "cpu": ...}. A command is a job, a count and how many
/// are under way at a time:
///
///     bulk-send BYTES | bulk-receive BYTES | requests COUNT PARALLEL | datagrams COUNT WINDOW
///     handshakes COUNT PARALLEL | hold COUNT PARALLEL (connections, until the next command)
///
/// Throws std::runtime_error when a job fails or a command is none of these.
void run_commands(const MsQuicApi& api, std::uint16_t port, std::istream& commands);

}  // namespace msquic_py::bench
