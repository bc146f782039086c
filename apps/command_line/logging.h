#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace msquic_py::apps {

/// Adds --log-level (trace … off; default info). Log lines go to standard error.
void add_logging_option(CLI::App& app, std::string& level);
void start_logging(const std::string& program, const std::string& level);

// One line to standard error, when the level admits it. Plain text: the logging library stays behind this, because
// formatting with it costs every file that does so seconds to compile.
void log_info(std::string_view line);
void log_warning(std::string_view line);
void log_error(std::string_view line);
/// Whether log_info() shows anything.
bool log_admits_info();

}  // namespace msquic_py::apps
