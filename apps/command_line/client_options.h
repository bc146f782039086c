#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "moqt/model/full_track_name.h"
#include "runtime/endpoint.h"

namespace CLI {
class App;
}

namespace msquic_py::apps {

/// How moqt-pub and moqt-sub reach a server, and which track they mean.
struct ClientOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 4433;
  std::string path = "/moqt";
  std::string ca_file;
  std::vector<std::string> fingerprints;
  bool insecure = false;
  bool allow_empty_prefix = false;
  std::string track_namespace = "live/demo";
  std::string track_name = "video";

  void add_to(CLI::App& app);
  [[nodiscard]] runtime::Endpoint::DialOptions dial_options() const;
  /// The namespace is cut at '/'. An error when the name is outside the limits of section 2.4.1.
  [[nodiscard]] base::Result<moqt::FullTrackName, std::string> track() const;
};

}  // namespace msquic_py::apps
