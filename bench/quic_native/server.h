#pragma once

#include <string>

#include "msquic_api.h"

namespace msquic_py::bench {

/// Serves every job on a port of 127.0.0.1, printed as "listening on port N". Answers each line of standard input with
/// the CPU time used so far, as JSON: {"cpu": 1.25}; ends with standard input.
void serve(MsQuicApi& api, const std::string& certificate, const std::string& key);

}  // namespace msquic_py::bench
