#pragma once

#include <cstdint>

#include "moqt/model/draft.h"

namespace msquic_py::moqt::session {

/// What becomes of a subscription to a track that the same endpoint publishes, or receives, already.
enum class SecondSubscription : std::uint8_t {
  kViolates,  ///< a second SUBSCRIBE closes the session; PUBLISH beside SUBSCRIBE is allowed
  kRefused,   ///< whichever begins it gets DUPLICATE_SUBSCRIPTION
  kAllowed,
};

/// What a subscriber asks for that wants the objects ahead of its subscription, too.
enum class Joining : std::uint8_t {
  kAtLargestObject,  ///< a joining FETCH of a subscription whose filter is Largest Object
  kForwarding,       ///< a joining FETCH of a subscription with Forward State 1, whatever its filter
  kByRange,          ///< there is no joining FETCH: one for the range, which SUBSCRIBE_OK tells, and FILL_PARAMETERS
};

/// What the answer to a TRACK_STATUS says of the track besides its largest object.
enum class StatusTells : std::uint8_t {
  kSomeParameters,  ///< those that the draft allows in a REQUEST_OK
  kNothing,         ///< the answer has no place for properties
  kProperties,      ///< all that a SUBSCRIBE_OK says
};

/// What the drafts say differently about the same requests.
struct RequestRules {
  SecondSubscription second_subscription = SecondSubscription::kViolates;
  Joining joining = Joining::kAtLargestObject;
  /// An update of a subscription may ask for an earlier start.
  bool updates_may_widen = false;
  /// REQUEST_UPDATE is for requests of every kind; otherwise for subscriptions alone.
  bool updates_any_request = false;
  /// Namespaces may have no field at all; prefixes that are subscribed to may.
  bool empty_namespaces = false;
  bool empty_prefixes = false;
  /// Whoever subscribed to namespaces is told of them by NAMESPACE, on the stream of that request; otherwise by
  /// PUBLISH_NAMESPACE, a request of its own.
  bool namespaces_are_told = false;
  /// Tracks under a prefix are asked for with SUBSCRIBE_TRACKS; otherwise SUBSCRIBE_NAMESPACE asks for them, too.
  bool tracks_apart = false;
  /// Who accepts a PUBLISH says in PUBLISH_OK what it wants of the subscription; otherwise in a REQUEST_UPDATE, and
  /// what the PUBLISH said holds until then.
  bool publish_ok_shapes = true;
  /// Who does not understand a property of a track from a range of numbers does not take the track.
  bool mandatory_properties = false;
  StatusTells status = StatusTells::kSomeParameters;
  /// A subscription to what has been published completely is refused with INVALID_RANGE; otherwise it brings nothing.
  bool past_ranges_refused = true;
  /// Requests may have Range Filters, as many as MAX_FILTER_RANGES allows.
  bool range_filters = false;
  /// A publisher tells of what changes of a subscription without an update: PUBLISH_STATE_NOTIFY.
  bool state_is_told = false;
  /// A subscription has SUBGROUP_DELIVERY_TIMEOUT, too.
  bool subgroup_timeouts = false;
};

RequestRules rules_of(Draft draft) noexcept;

}  // namespace msquic_py::moqt::session
