#pragma once

#include "relay/namespace_directory.h"
#include "relay/sources.h"

namespace msquic_py::relay {

/// What listeners here want to hear of, asked of upstreams: one SUBSCRIBE_NAMESPACE there for all prefixes that lie
/// under it.
class UpwardInterests {
 public:
  UpwardInterests(const NamespaceDirectory& directory, Sources& sources) noexcept
      : directory_(directory), sources_(sources) {}

  /// Listeners have come or gone.
  void changed();
  void upstream_came(Upstream& upstream) { settle(upstream); }

 private:
  void settle(Upstream& upstream);

  const NamespaceDirectory& directory_;
  Sources& sources_;
};

}  // namespace msquic_py::relay
