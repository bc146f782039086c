#pragma once

#include <utility>
#include <vector>

#include "moqt/session/handles.h"
#include "relay/namespace_directory.h"
#include "relay/sources.h"

namespace msquic_py::relay {

/// What listeners here want to hear of, asked of upstreams: one SUBSCRIBE_NAMESPACE there for all prefixes that lie
/// under it.
class UpwardInterests {
 public:
  UpwardInterests(const NamespaceDirectory& directory, Sources& sources) noexcept
      : directory_(directory), sources_(sources) {}

  /// A request that this relay has given up.
  using Ended = std::pair<Peer*, moqt::session::RequestHandle>;

  /// Listeners have come or gone.
  std::vector<Ended> changed();
  /// It is told what is wanted. Nothing has been asked of it before.
  void upstream_came(Upstream& upstream) { (void)settle(upstream); }

 private:
  std::vector<Ended> settle(Upstream& upstream);

  const NamespaceDirectory& directory_;
  Sources& sources_;
};

}  // namespace msquic_py::relay
