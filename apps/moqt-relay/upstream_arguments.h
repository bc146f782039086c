#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "moqt/model/authorization_token.h"
#include "relay/relay_limits.h"
#include "runtime/upstream_link.h"

namespace CLI {
class App;
}

namespace msquic_py::apps {

/// Which relays stand above this one, and how it reaches them: the options of moqt-relay that begin with --upstream.
struct UpstreamArguments {
  std::vector<std::string> upstreams;  ///< each a URL, or PREFIX=URL
  std::string ca_file;
  std::vector<std::string> fingerprints;
  std::vector<moqt::AuthorizationToken> tokens;
  bool insecure = false;
  double idle_timeout = 5;  ///< seconds
  double loss_timeout = std::chrono::duration<double>(relay::RelayLimits{}.upstream_loss_timeout).count();
  double linger = std::chrono::duration<double>(relay::RelayLimits{}.upstream_linger).count();

  void add_to(CLI::App& app);
  void apply_to(relay::RelayLimits& limits) const;
  /// In their order; what is wrong with one of them.
  [[nodiscard]] base::Result<std::vector<runtime::UpstreamOptions>, std::string> read() const;
};

}  // namespace msquic_py::apps
