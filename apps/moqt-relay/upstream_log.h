#pragma once

#include <string>
#include <vector>

#include "runtime/upstream_link.h"

namespace msquic_py::apps {

/// Writes to the log what becomes of upstreams: each change, and the first of several failures in a row.
class UpstreamLog {
 public:
  /// `names` are the upstreams as the user gave them.
  explicit UpstreamLog(std::vector<std::string> names) : names_(std::move(names)), failed_(names_.size(), false) {}

  void operator()(const runtime::UpstreamNotice& notice);

 private:
  std::vector<std::string> names_;
  std::vector<bool> failed_;
};

}  // namespace msquic_py::apps
