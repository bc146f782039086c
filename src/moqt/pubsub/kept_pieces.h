#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/shared_bytes.h"

namespace msquic_py::moqt::pubsub {

/// Bytes on their way to an application that may be slow to take them. What shares its slab with other things that came
/// on the connection is copied, or a few bytes that nobody reads would hold on to all of those.
class KeptPieces {
 public:
  [[nodiscard]] base::SharedBytes keep(base::SharedBytes bytes) {
    return bytes.fills_slab() ? std::move(bytes) : arena_.copy(bytes);
  }
  void add(std::vector<base::SharedBytes>& pieces, base::SharedBytes bytes) {
    if (bytes.empty()) return;
    base::SharedBytes kept = keep(std::move(bytes));
    if (pieces.empty() || !pieces.back().append(kept)) pieces.push_back(std::move(kept));
  }

 private:
  base::SlabArena arena_;
};

}  // namespace msquic_py::moqt::pubsub
