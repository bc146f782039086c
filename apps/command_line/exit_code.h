#pragma once

namespace msquic_py::apps {

/// What the programs return.
enum ExitCode : int {
  kSuccess = 0,
  kFailure = 1,      ///< the work failed: no connection, a refused request, a broken input
  kUsage = 2,        ///< the command line can't be used
  kInterrupted = 3,  ///< a second signal, or the drain period ended with work left
  kIncomplete = 4,   ///< the work began, then the connection or the publisher was lost, or objects are missing
};

}  // namespace msquic_py::apps
