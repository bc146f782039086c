#include "command_line/congestion_control.h"

#include <CLI/CLI.hpp>
#include <string>

namespace msquic_py::apps {

void add_congestion_control(CLI::App& app, std::optional<quic::CongestionControl>& chosen) {
  app.add_option_function<std::string>(
         "--congestion-control",
         [&chosen](const std::string& name) {
           chosen = name == "bbr" ? quic::CongestionControl::Bbr : quic::CongestionControl::Cubic;
         },
         "How much is sent at a time: cubic takes a lost packet for a sign of congestion, bbr measures")
      ->check(CLI::IsMember({"cubic", "bbr"}));
}

}  // namespace msquic_py::apps
