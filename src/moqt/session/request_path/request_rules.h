#pragma once

#include <cstdint>

namespace msquic_py::moqt::session {

/// What becomes of a subscription to a track that the same endpoint publishes, or receives, already.
enum class SecondSubscription : std::uint8_t {
  kViolates,  ///< a second SUBSCRIBE closes the session; PUBLISH beside SUBSCRIBE is allowed
  kRefused,   ///< whichever begins it gets DUPLICATE_SUBSCRIPTION
  kAllowed,
};

/// What the drafts say differently about the same requests. Each request path has one set of them.
struct RequestRules {
  SecondSubscription second_subscription = SecondSubscription::kViolates;
  /// A joining FETCH asks for a subscription with Forward State 1, whatever its filter; otherwise for one whose filter
  /// is Largest Object.
  bool joins_any_filter = false;
  /// An update of a subscription may ask for an earlier start.
  bool updates_may_widen = false;
  /// Namespaces may have no field at all.
  bool empty_namespaces = false;
  /// Whoever subscribed to namespaces is told of them by NAMESPACE, on the stream of that request; otherwise by
  /// PUBLISH_NAMESPACE, a request of its own.
  bool namespaces_are_told = false;
};

}  // namespace msquic_py::moqt::session
