#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "moqt/model/group_order.h"
#include "moqt/model/parameter_list.h"

namespace msquic_py::moqt {

/// The version-specific parameters of a message [d15 §9.2.1]. Getters give nothing for what is absent; defaults
/// depend on the message and are the session's business. Durations are milliseconds.
class MessageParameters : public ParameterList {
 public:
  /// Nothing also for the value 0, which draft-15 leaves undefined.
  [[nodiscard]] std::optional<std::uint64_t> delivery_timeout() const noexcept;
  void set_delivery_timeout(std::uint64_t milliseconds);
  [[nodiscard]] std::optional<std::uint64_t> max_cache_duration() const noexcept;
  void set_max_cache_duration(std::uint64_t milliseconds);
  /// 0 means that no expiry is known.
  [[nodiscard]] std::optional<std::uint64_t> expires() const noexcept;
  void set_expires(std::uint64_t milliseconds);
  [[nodiscard]] std::optional<Location> largest_object() const noexcept;
  void set_largest_object(Location location);
  /// 0 is the most urgent.
  [[nodiscard]] std::optional<std::uint8_t> publisher_priority() const noexcept;
  void set_publisher_priority(std::uint8_t priority);
  [[nodiscard]] std::optional<std::uint8_t> subscriber_priority() const noexcept;
  void set_subscriber_priority(std::uint8_t priority);
  [[nodiscard]] std::optional<bool> forward() const noexcept;
  void set_forward(bool forward);
  [[nodiscard]] std::optional<SubscriptionFilter> filter() const noexcept;
  void set_filter(const SubscriptionFilter& filter);
  [[nodiscard]] std::optional<GroupOrder> group_order() const noexcept;
  void set_group_order(GroupOrder order);
  [[nodiscard]] std::optional<bool> dynamic_groups() const noexcept;
  void set_dynamic_groups(bool dynamic);
  /// The largest group known plus one; 0 when none is known.
  [[nodiscard]] std::optional<std::uint64_t> new_group_request() const noexcept;
  void set_new_group_request(std::uint64_t value);

  [[nodiscard]] std::vector<AuthorizationToken> authorization_tokens() const;
  void add_authorization_token(AuthorizationToken token);
};

}  // namespace msquic_py::moqt
