#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/ledger/account.h"
#include "base/shared_bytes.h"

namespace msquic_py::moqt::pubsub {

/// Bytes on their way to an application that may be slow to take them. What shares its slab with other things that came
/// on the connection is copied, or a few bytes that nobody reads would hold on to all of those.
class KeptPieces {
 public:
  /// The slabs of what is kept are charged to `account`; null: to whom they are.
  explicit KeptPieces(std::shared_ptr<base::Account> account) noexcept
      : account_(std::move(account)), arena_(base::SlabArena::kCapacity, account_) {}

  [[nodiscard]] base::SharedBytes keep(base::SharedBytes bytes) {
    if (!bytes.fills_slab()) return arena_.copy(bytes);
    if (account_) bytes.charge_to(account_);
    return bytes;
  }
  void add(std::vector<base::SharedBytes>& pieces, base::SharedBytes bytes) {
    if (bytes.empty()) return;
    base::SharedBytes kept = keep(std::move(bytes));
    if (pieces.empty() || !pieces.back().append(kept)) pieces.push_back(std::move(kept));
  }

 private:
  std::shared_ptr<base::Account> account_;
  base::SlabArena arena_;
};

}  // namespace msquic_py::moqt::pubsub
