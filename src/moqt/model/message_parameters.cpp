#include "moqt/model/message_parameters.h"

#include <utility>

namespace msquic_py::moqt {
namespace {

constexpr std::uint64_t type_of(MessageParameter parameter) noexcept { return static_cast<std::uint64_t>(parameter); }

std::optional<std::uint64_t> copy(const std::uint64_t* value) noexcept {
  return value == nullptr ? std::nullopt : std::optional(*value);
}

// A parameter in a message that does not define it is kept unchecked, so a number may be out of its range.
std::optional<std::uint8_t> as_priority(const std::uint64_t* value) noexcept {
  if (value == nullptr || *value > 255) return std::nullopt;
  return static_cast<std::uint8_t>(*value);
}

std::optional<GroupOrder> as_order(const std::uint64_t* value) noexcept {
  if (value == nullptr || (*value != 1 && *value != 2)) return std::nullopt;
  return static_cast<GroupOrder>(*value);
}

/// A timeout of 0 is none.
std::optional<std::uint64_t> as_timeout(const std::uint64_t* value) noexcept {
  return value == nullptr || *value == 0 ? std::nullopt : std::optional(*value);
}

constexpr ParameterScope kTrack = ParameterScope::kTrack;

std::optional<bool> as_flag(const std::uint64_t* value) noexcept {
  if (value == nullptr || *value > 1) return std::nullopt;
  return *value == 1;
}

}  // namespace

std::optional<std::uint64_t> MessageParameters::delivery_timeout() const noexcept {
  return as_timeout(find_as<std::uint64_t>(type_of(MessageParameter::kDeliveryTimeout)));
}
void MessageParameters::set_delivery_timeout(std::uint64_t ms) { set(type_of(MessageParameter::kDeliveryTimeout), ms); }
std::optional<std::uint64_t> MessageParameters::track_delivery_timeout() const noexcept {
  return as_timeout(find_as<std::uint64_t>(type_of(MessageParameter::kDeliveryTimeout), kTrack));
}
void MessageParameters::set_track_delivery_timeout(std::uint64_t ms) {
  set(type_of(MessageParameter::kDeliveryTimeout), ms, kTrack);
}

std::optional<std::uint64_t> MessageParameters::subgroup_delivery_timeout() const noexcept {
  return as_timeout(find_as<std::uint64_t>(type_of(MessageParameter::kSubgroupDeliveryTimeout)));
}
void MessageParameters::set_subgroup_delivery_timeout(std::uint64_t ms) {
  set(type_of(MessageParameter::kSubgroupDeliveryTimeout), ms);
}
std::optional<std::uint64_t> MessageParameters::track_subgroup_delivery_timeout() const noexcept {
  return as_timeout(find_as<std::uint64_t>(type_of(MessageParameter::kSubgroupDeliveryTimeout), kTrack));
}
void MessageParameters::set_track_subgroup_delivery_timeout(std::uint64_t ms) {
  set(type_of(MessageParameter::kSubgroupDeliveryTimeout), ms, kTrack);
}

std::optional<GroupOrder> MessageParameters::group_order() const noexcept {
  return as_order(find_as<std::uint64_t>(type_of(MessageParameter::kGroupOrder)));
}
void MessageParameters::set_group_order(GroupOrder order) {
  set(type_of(MessageParameter::kGroupOrder), static_cast<std::uint64_t>(order));
}
std::optional<GroupOrder> MessageParameters::track_group_order() const noexcept {
  return as_order(find_as<std::uint64_t>(type_of(MessageParameter::kGroupOrder), kTrack));
}
void MessageParameters::set_track_group_order(GroupOrder order) {
  set(type_of(MessageParameter::kGroupOrder), static_cast<std::uint64_t>(order), kTrack);
}

std::optional<std::uint64_t> MessageParameters::max_cache_duration() const noexcept {
  return copy(find_as<std::uint64_t>(type_of(MessageParameter::kMaxCacheDuration), kTrack));
}
void MessageParameters::set_max_cache_duration(std::uint64_t ms) {
  set(type_of(MessageParameter::kMaxCacheDuration), ms, kTrack);
}

std::optional<std::uint8_t> MessageParameters::publisher_priority() const noexcept {
  return as_priority(find_as<std::uint64_t>(type_of(MessageParameter::kPublisherPriority), kTrack));
}
void MessageParameters::set_publisher_priority(std::uint8_t priority) {
  set(type_of(MessageParameter::kPublisherPriority), std::uint64_t{priority}, kTrack);
}

std::optional<bool> MessageParameters::dynamic_groups() const noexcept {
  return as_flag(find_as<std::uint64_t>(type_of(MessageParameter::kDynamicGroups), kTrack));
}
void MessageParameters::set_dynamic_groups(bool dynamic) {
  set(type_of(MessageParameter::kDynamicGroups), std::uint64_t{dynamic}, kTrack);
}

std::optional<std::uint64_t> MessageParameters::expires() const noexcept {
  return copy(find_as<std::uint64_t>(type_of(MessageParameter::kExpires)));
}
void MessageParameters::set_expires(std::uint64_t ms) { set(type_of(MessageParameter::kExpires), ms); }

std::optional<Location> MessageParameters::largest_object() const noexcept {
  const auto* value = find_as<Location>(type_of(MessageParameter::kLargestObject));
  return value == nullptr ? std::nullopt : std::optional(*value);
}
void MessageParameters::set_largest_object(Location location) {
  set(type_of(MessageParameter::kLargestObject), location);
}

std::optional<std::uint8_t> MessageParameters::subscriber_priority() const noexcept {
  return as_priority(find_as<std::uint64_t>(type_of(MessageParameter::kSubscriberPriority)));
}
void MessageParameters::set_subscriber_priority(std::uint8_t priority) {
  set(type_of(MessageParameter::kSubscriberPriority), std::uint64_t{priority});
}

std::optional<bool> MessageParameters::forward() const noexcept {
  return as_flag(find_as<std::uint64_t>(type_of(MessageParameter::kForward)));
}
void MessageParameters::set_forward(bool forward) { set(type_of(MessageParameter::kForward), std::uint64_t{forward}); }

std::optional<SubscriptionFilter> MessageParameters::filter() const noexcept {
  const auto* value = find_as<SubscriptionFilter>(type_of(MessageParameter::kSubscriptionFilter));
  return value == nullptr ? std::nullopt : std::optional(*value);
}
void MessageParameters::set_filter(const SubscriptionFilter& filter) {
  set(type_of(MessageParameter::kSubscriptionFilter), filter);
}

std::optional<std::uint64_t> MessageParameters::new_group_request() const noexcept {
  return copy(find_as<std::uint64_t>(type_of(MessageParameter::kNewGroupRequest)));
}
void MessageParameters::set_new_group_request(std::uint64_t value) {
  set(type_of(MessageParameter::kNewGroupRequest), value);
}

std::optional<std::uint64_t> MessageParameters::rendezvous_timeout() const noexcept {
  return copy(find_as<std::uint64_t>(type_of(kRendezvousTimeout), ParameterScope::kMessage));
}
void MessageParameters::set_rendezvous_timeout(std::uint64_t ms) { set(type_of(kRendezvousTimeout), ms); }

std::optional<std::uint64_t> MessageParameters::fill_timeout() const noexcept {
  return copy(find_as<std::uint64_t>(type_of(MessageParameter::kFillTimeout)));
}
void MessageParameters::set_fill_timeout(std::uint64_t ms) { set(type_of(MessageParameter::kFillTimeout), ms); }

const TrackNamespace* MessageParameters::track_namespace_prefix() const noexcept {
  return find_as<TrackNamespace>(type_of(MessageParameter::kTrackNamespacePrefix));
}
void MessageParameters::set_track_namespace_prefix(TrackNamespace prefix) {
  set(type_of(MessageParameter::kTrackNamespacePrefix), std::move(prefix));
}

std::optional<bool> MessageParameters::include_properties() const noexcept {
  return as_flag(find_as<std::uint64_t>(type_of(MessageParameter::kIncludeProperties)));
}
void MessageParameters::set_include_properties(bool include) {
  set(type_of(MessageParameter::kIncludeProperties), std::uint64_t{include});
}

const FillParameters* MessageParameters::fill() const noexcept {
  return find_as<FillParameters>(type_of(MessageParameter::kFillParameters));
}
void MessageParameters::set_fill(FillParameters parameters) {
  set(type_of(MessageParameter::kFillParameters), std::move(parameters));
}

void MessageParameters::add_range_filter(MessageParameter type, RangeFilter filter) {
  append({type_of(type), std::move(filter)});
}

std::optional<std::uint64_t> MessageParameters::number(MessageParameter parameter,
                                                       std::optional<ParameterScope> scope) const noexcept {
  return copy(scope ? find_as<std::uint64_t>(type_of(parameter), *scope) : find_as<std::uint64_t>(type_of(parameter)));
}

std::vector<AuthorizationToken> MessageParameters::authorization_tokens() const {
  return tokens(type_of(MessageParameter::kAuthorizationToken));
}
void MessageParameters::add_authorization_token(AuthorizationToken token) {
  append({type_of(MessageParameter::kAuthorizationToken), std::move(token)});
}

}  // namespace msquic_py::moqt
