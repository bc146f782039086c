#pragma once

#include <functional>
#include <string>

namespace msquic_py::apps {

/// The life of a program: starts logging under `name` at `log_level`, runs `work` and returns its ExitCode, which main
/// returns.
///
/// A log or an output whose reader has left ends in an error of the write, never in SIGPIPE. What `work` throws, memory
/// or threads that ran out above all, becomes a line in the log and kFailure; so does what is thrown where nothing can
/// catch it, on one of QUIC's threads. At the end it waits, a moment at most, until QUIC has closed what `work` let go:
/// the peers of a process that ends earlier may not have heard of its end.
int run_process(const std::string& name, const std::string& log_level, const std::function<int()>& work);

}  // namespace msquic_py::apps
