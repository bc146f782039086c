#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "moqt/model/authorization_token.h"
#include "moqt/model/full_track_name.h"
#include "quic/settings.h"
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
  std::vector<moqt::AuthorizationToken> tokens;             ///< shown with the session and with each request
  std::vector<moqt::Draft> drafts = runtime::all_drafts();  ///< the most preferred first
  bool insecure = false;
  bool allow_empty_prefix = false;
  std::string track_namespace = "live/demo";
  std::optional<std::string> track_name;  ///< nothing: what the catalog names
  double idle_timeout = 15;               ///< seconds
  double connect_timeout = 10;            ///< seconds
  std::optional<quic::CongestionControl> congestion_control;
  bool resume = false;        ///< a session that is lost is followed by another one
  double give_up_after = 60;  ///< seconds without one; 0: never

  void add_to(CLI::App& app);
  [[nodiscard]] runtime::Endpoint::DialOptions dial_options() const;
  /// The track `name` in the namespace, which is cut at '/'. An error when it is outside the limits of [d15 §2.4.1].
  [[nodiscard]] base::Result<moqt::FullTrackName, std::string> track(const std::string& name) const;
};

/// The track of that name; the namespace is cut at '/'.
moqt::FullTrackName track_called(std::string_view track_namespace, std::string_view track_name);

}  // namespace msquic_py::apps
