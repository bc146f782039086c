#include "moqt_track_options.h"

#include <chrono>
#include <utility>

#include "moqt/model/subscription_filter.h"
#include "moqt_arguments.h"

namespace msquic_py::python {
namespace {

constexpr std::uint8_t kDefaultPriority = 128;

std::uint8_t priority(const nb::object& value) {
  return static_cast<std::uint8_t>(integer_argument(value, "priority").checked("priority", 255));
}

moqt::GroupOrder group_order(nb::handle value) {
  return named_argument<moqt::GroupOrder>(value, "group_order", "a GroupOrder");
}

void set_filter(moqt::MessageParameters& parameters, const nb::object& filter) {
  if (!filter.is_none()) parameters.set_filter(nb::cast<const moqt::SubscriptionFilter&>(filter));
}

void set_priority_and_order(moqt::MessageParameters& parameters, const nb::dict& options) {
  const std::uint8_t urgency = priority(options["priority"]);
  if (urgency != kDefaultPriority) parameters.set_subscriber_priority(urgency);
  const nb::object order = options["group_order"];
  if (!order.is_none()) parameters.set_group_order(group_order(order));
}

void set_delivery_timeouts(moqt::MessageParameters& parameters, const nb::dict& options) {
  const auto timeout = optional_number(nb::object(options["delivery_timeout_ms"]), "delivery_timeout");
  if (timeout) parameters.set_delivery_timeout(*timeout);
  const auto of_subgroups =
      optional_number(nb::object(options["subgroup_delivery_timeout_ms"]), "subgroup_delivery_timeout");
  if (of_subgroups) parameters.set_subgroup_delivery_timeout(*of_subgroups);
}

/// Pairs of a parameter's type and a filter.
void add_range_filters(moqt::MessageParameters& parameters, nb::handle filters) {
  for (nb::handle pair : filters) {
    parameters.add_range_filter(nb::cast<moqt::MessageParameter>(pair[0]), nb::cast<const moqt::RangeFilter&>(pair[1]));
  }
}

}  // namespace

moqt::pubsub::TrackOptions track_options(const nb::dict& options) {
  moqt::pubsub::TrackOptions result;
  result.publisher_priority = priority(options["priority"]);
  const auto bound = [&options](const char* key) {
    return static_cast<std::size_t>(integer_argument(nb::object(options[key]), key).checked(key));
  };
  result.queue_limit = bound("queue_limit");
  result.dynamic_groups = flag_argument(nb::object(options["dynamic_groups"]), "dynamic_groups");
  result.delivery_timeout_ms = optional_number(nb::object(options["delivery_timeout_ms"]), "delivery_timeout");
  result.subgroup_delivery_timeout_ms =
      optional_number(nb::object(options["subgroup_delivery_timeout_ms"]), "subgroup_delivery_timeout");
  result.max_cache_duration_ms = optional_number(nb::object(options["max_cache_duration_ms"]), "max_cache_duration");
  if (const nb::object order = options["group_order"]; !order.is_none()) {
    result.group_order = group_order(order);
  }
  result.retention.bytes = bound("retained_bytes");
  result.retention.groups = bound("retained_groups");
  result.retention.age = std::chrono::milliseconds(bound("retained_ms"));
  result.answers_fetch = nb::cast<bool>(options["answers_fetch"]);
  result.expires_ms = optional_number(nb::object(options["expires_ms"]), "expires");
  return result;
}

moqt::MessageParameters subscription_parameters(const nb::dict& options) {
  moqt::MessageParameters parameters;
  set_filter(parameters, options["filter"]);
  set_priority_and_order(parameters, options);
  if (!flag_argument(nb::object(options["forward"]), "forward")) parameters.set_forward(false);
  set_delivery_timeouts(parameters, options);
  if (const auto group = optional_number(nb::object(options["new_group"]), "new_group")) {
    parameters.set_new_group_request(*group);
  }
  if (const auto timeout = optional_number(nb::object(options["rendezvous_timeout_ms"]), "rendezvous_timeout")) {
    parameters.set_rendezvous_timeout(*timeout);
  }
  add_range_filters(parameters, options["range_filters"]);
  add_tokens(parameters, options["tokens"]);
  return parameters;
}

moqt::MessageParameters update_parameters(const nb::dict& options) {
  moqt::MessageParameters parameters;
  set_filter(parameters, options["filter"]);
  if (const nb::object forward = options["forward"]; !forward.is_none()) {
    parameters.set_forward(flag_argument(forward, "forward"));
  }
  if (const nb::object urgency = options["priority"]; !urgency.is_none()) {
    parameters.set_subscriber_priority(priority(urgency));
  }
  set_delivery_timeouts(parameters, options);
  add_range_filters(parameters, options["range_filters"]);
  add_tokens(parameters, options["tokens"]);
  return parameters;
}

moqt::MessageParameters fetch_parameters(const nb::dict& options) {
  moqt::MessageParameters parameters;
  set_priority_and_order(parameters, options);
  if (const auto timeout = optional_number(nb::object(options["fill_timeout_ms"]), "fill_timeout")) {
    parameters.set_fill_timeout(*timeout);
  }
  add_range_filters(parameters, options["range_filters"]);
  add_tokens(parameters, options["tokens"]);
  return parameters;
}

std::vector<moqt::AuthorizationToken> tokens_of(nb::handle tokens) {
  std::vector<moqt::AuthorizationToken> found;
  for (nb::handle each : tokens) found.push_back(nb::cast<const moqt::AuthorizationToken&>(each));
  return found;
}

void add_tokens(moqt::MessageParameters& parameters, nb::handle tokens) {
  for (auto& token : tokens_of(tokens)) parameters.add_authorization_token(std::move(token));
}

}  // namespace msquic_py::python
