#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "moqt/model/group_order.h"
#include "moqt/model/parameter_list.h"

namespace msquic_py::moqt {

/// The version-specific parameters of a message [d15 §9.2.1], and the properties of its track that it carries. Getters
/// give nothing for what is absent; defaults depend on the message and are the session's business. Durations are
/// milliseconds.
class MessageParameters : public ParameterList {
 public:
  // ---- what the subscriber or the publisher may say, each of its own ----

  /// Whoever says it. Nothing also for the value 0, which draft-15 leaves undefined.
  [[nodiscard]] std::optional<std::uint64_t> delivery_timeout() const noexcept;
  /// The subscriber's.
  void set_delivery_timeout(std::uint64_t milliseconds);
  /// The publisher's, for every subscription of the track.
  [[nodiscard]] std::optional<std::uint64_t> track_delivery_timeout() const noexcept;
  void set_track_delivery_timeout(std::uint64_t milliseconds);
  /// From draft 18 on, as delivery_timeout().
  [[nodiscard]] std::optional<std::uint64_t> subgroup_delivery_timeout() const noexcept;
  void set_subgroup_delivery_timeout(std::uint64_t milliseconds);
  [[nodiscard]] std::optional<std::uint64_t> track_subgroup_delivery_timeout() const noexcept;
  void set_track_subgroup_delivery_timeout(std::uint64_t milliseconds);
  [[nodiscard]] std::optional<GroupOrder> group_order() const noexcept;
  void set_group_order(GroupOrder order);
  /// The publisher's preference.
  [[nodiscard]] std::optional<GroupOrder> track_group_order() const noexcept;
  void set_track_group_order(GroupOrder order);

  // ---- properties of the track ----

  [[nodiscard]] std::optional<std::uint64_t> max_cache_duration() const noexcept;
  void set_max_cache_duration(std::uint64_t milliseconds);
  /// 0 is the most urgent.
  [[nodiscard]] std::optional<std::uint8_t> publisher_priority() const noexcept;
  void set_publisher_priority(std::uint8_t priority);
  [[nodiscard]] std::optional<bool> dynamic_groups() const noexcept;
  void set_dynamic_groups(bool dynamic);

  // ---- parameters ----

  /// 0 means that no expiry is known.
  [[nodiscard]] std::optional<std::uint64_t> expires() const noexcept;
  void set_expires(std::uint64_t milliseconds);
  [[nodiscard]] std::optional<Location> largest_object() const noexcept;
  void set_largest_object(Location location);
  [[nodiscard]] std::optional<std::uint8_t> subscriber_priority() const noexcept;
  void set_subscriber_priority(std::uint8_t priority);
  [[nodiscard]] std::optional<bool> forward() const noexcept;
  void set_forward(bool forward);
  [[nodiscard]] std::optional<SubscriptionFilter> filter() const noexcept;
  void set_filter(const SubscriptionFilter& filter);
  /// The largest group known plus one; 0 when none is known.
  [[nodiscard]] std::optional<std::uint64_t> new_group_request() const noexcept;
  void set_new_group_request(std::uint64_t value);
  /// From draft 17 on: how long a relay is to wait for a publisher. 0: not at all.
  [[nodiscard]] std::optional<std::uint64_t> rendezvous_timeout() const noexcept;
  void set_rendezvous_timeout(std::uint64_t milliseconds);
  /// From draft 18 on: how long a relay may wait for others before it leaves a gap. 0: not at all.
  [[nodiscard]] std::optional<std::uint64_t> fill_timeout() const noexcept;
  void set_fill_timeout(std::uint64_t milliseconds);
  /// From draft 18 on: the new prefix of a namespace subscription.
  [[nodiscard]] const TrackNamespace* track_namespace_prefix() const noexcept;
  void set_track_namespace_prefix(TrackNamespace prefix);
  /// From draft 20 on: whether the answer is to carry the properties of the track.
  [[nodiscard]] std::optional<bool> include_properties() const noexcept;
  void set_include_properties(bool include);
  /// From draft 20 on: asks for a fill, with these parameters. Null: none asked for.
  [[nodiscard]] const FillParameters* fill() const noexcept;
  void set_fill(FillParameters parameters);

  /// A Range Filter of that type (draft-22 section 3.3.2), beside those that are there.
  void add_range_filter(MessageParameter type, RangeFilter filter);
  /// What the parameter says, of which the value is a number, as it is: 0, too. Of any scope without one.
  [[nodiscard]] std::optional<std::uint64_t> number(MessageParameter parameter,
                                                    std::optional<ParameterScope> scope = std::nullopt) const noexcept;
  [[nodiscard]] std::vector<AuthorizationToken> authorization_tokens() const;
  void add_authorization_token(AuthorizationToken token);
};

}  // namespace msquic_py::moqt
