#pragma once

namespace msquic_py::bench {

/// Seconds of CPU time, user and system, that all threads of this process have used so far.
double cpu_seconds();

}  // namespace msquic_py::bench
