#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/ledger/account.h"
#include "base/shared_bytes.h"
#include "base/slab.h"
#include "moqt/model/draft.h"
#include "moqt/session/data/object_encoding.h"

namespace msquic_py::moqt::pubsub {

/// Bytes on their way to an application that may be slow to take them. What shares its slab with other things that came
/// on the connection is copied, or a few bytes that nobody reads would hold on to all of those.
class KeptPieces {
 public:
  /// Of a session of that draft. The slabs of what is kept are charged to `account`; null: to whom they are.
  KeptPieces(Draft draft, std::shared_ptr<base::Account> account) noexcept
      : draft_(draft), account_(std::move(account)), arena_(base::SlabArena::kCapacity, account_) {}

  [[nodiscard]] base::SharedBytes keep(base::SharedBytes bytes) {
    if (!bytes.fills_slab()) return arena_.copy(bytes);
    if (account_) bytes.charge_to(account_);
    return bytes;
  }
  /// Extension pairs, as applications have them.
  [[nodiscard]] base::SharedBytes keep_extensions(base::SharedBytes pairs) {
    if (pairs.empty() || session::same_object_form(draft_, session::kApplicationForm)) return keep(std::move(pairs));
    const auto block = session::translate_extension_block(draft_, session::kApplicationForm, pairs.view());
    return block.ok() ? arena_.copy(*block) : base::SharedBytes{};
  }
  void add(std::vector<base::SharedBytes>& pieces, base::SharedBytes bytes) {
    if (bytes.empty()) return;
    base::SharedBytes kept = keep(std::move(bytes));
    if (pieces.empty() || !pieces.back().append(kept)) pieces.push_back(std::move(kept));
  }

 private:
  Draft draft_;
  std::shared_ptr<base::Account> account_;
  base::SlabArena arena_;
};

}  // namespace msquic_py::moqt::pubsub
