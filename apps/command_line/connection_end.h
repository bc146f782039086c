#pragma once

#include <string>

#include "command_line/client_options.h"
#include "transport/close_reason.h"

namespace msquic_py::apps {

/// Why the connection could not be made, or is over, and what the user can do about it: one sentence that names the
/// host, the port or the file.
std::string describe_connection_end(const ClientOptions& options, const transport::CloseReason& reason);

}  // namespace msquic_py::apps
