#pragma once

#include <string>

namespace CLI {
class App;
}

namespace msquic_py::apps {

/// Adds --log-level (trace … off; default info). Log lines go to standard error.
void add_logging_option(CLI::App& app, std::string& level);
void start_logging(const std::string& program, const std::string& level);

}  // namespace msquic_py::apps
