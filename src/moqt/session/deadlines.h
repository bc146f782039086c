#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "moqt/session/time.h"

namespace msquic_py::moqt::session {

/// What a deadline is for. `subject` tells two of a kind apart, for example by request.
struct DeadlineKey {
  enum class Kind : std::uint8_t {
    kSetup,
    kGoaway,
    kRequest,
    kStreamSweep,
    kAuthorization,
    kExpiry,
    kMigration,
    kControlClosed
  };
  Kind kind = Kind::kSetup;
  std::uint64_t subject = 0;
  auto operator<=>(const DeadlineKey&) const = default;
};

/// Deadlines that are set without knowing the time: a call of the application has no clock, so its delay begins at
/// the next moment somebody tells the time.
class Deadlines {
 public:
  /// Due `delay` after the next settle(). Replaces an earlier one; a zero delay only removes it.
  void arm(DeadlineKey key, Duration delay) {
    disarm(key);
    if (delay > Duration::zero()) unsettled_.emplace_back(key, delay);
  }
  void disarm(DeadlineKey key) {
    std::erase_if(unsettled_, [&](const auto& entry) { return entry.first == key; });
    if (const auto found = due_.find(key); found != due_.end()) {
      order_.erase({found->second, key});
      due_.erase(found);
    }
  }
  void settle(Time now) {
    if (unsettled_.empty()) return;
    for (const auto& [key, delay] : unsettled_) {
      due_[key] = now + delay;
      order_.insert({now + delay, key});
    }
    unsettled_.clear();
  }
  /// When that one is due; nothing before the next settle(), or when it is not set.
  [[nodiscard]] std::optional<Time> due(DeadlineKey key) const {
    const auto found = due_.find(key);
    return found == due_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::optional<Time> next() const {
    return order_.empty() ? std::nullopt : std::optional(order_.begin()->first);
  }
  /// Takes one deadline that has passed.
  std::optional<DeadlineKey> take_expired(Time now) {
    if (order_.empty() || order_.begin()->first > now) return std::nullopt;
    const DeadlineKey key = order_.begin()->second;
    order_.erase(order_.begin());
    due_.erase(key);
    return key;
  }
  void clear() {
    unsettled_.clear();
    due_.clear();
    order_.clear();
  }

 private:
  std::vector<std::pair<DeadlineKey, Duration>> unsettled_;
  std::map<DeadlineKey, Time> due_;
  std::set<std::pair<Time, DeadlineKey>> order_;
};

}  // namespace msquic_py::moqt::session
