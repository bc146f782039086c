#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace msquic_py::moqt::session {

/// What the two ends say of one of the delivery timeouts of a subscription, OBJECT_DELIVERY_TIMEOUT or
/// SUBGROUP_DELIVERY_TIMEOUT (draft-22 section 5.2; draft-15 has the first alone, [d15 §9.2.1.2]). Milliseconds;
/// 0: none.
struct DeliveryTimeout {
  std::uint64_t publisher = 0;
  std::uint64_t subscriber = 0;

  /// What counts: the smaller one of those that are not 0. `own`: what the first object of a subgroup says of it, which
  /// takes the place of the publisher's.
  [[nodiscard]] constexpr std::uint64_t in_effect(std::optional<std::uint64_t> own = std::nullopt) const noexcept {
    const std::uint64_t said = own.value_or(publisher);
    if (said == 0 || subscriber == 0) return std::max(said, subscriber);
    return std::min(said, subscriber);
  }
};

/// Both of them.
struct DeliveryTimeouts {
  DeliveryTimeout object;
  DeliveryTimeout subgroup;

  /// Of an object that travels as a datagram, for which both mean the same.
  [[nodiscard]] constexpr std::uint64_t of_datagrams() const noexcept {
    return DeliveryTimeout{object.in_effect(), subgroup.in_effect()}.in_effect();
  }
};

}  // namespace msquic_py::moqt::session
