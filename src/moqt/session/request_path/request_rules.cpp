#include "moqt/session/request_path/request_rules.h"

namespace msquic_py::moqt::session {

RequestRules rules_of(Draft draft) noexcept {
  RequestRules rules;
  rules.subgroup_timeouts = has_subgroup_timeouts(draft);
  if (draft >= Draft::k16) {
    rules.second_subscription = SecondSubscription::kRefused;  // draft-16 section 5.1
    rules.updates_may_widen = true;
    rules.updates_any_request = true;
    rules.empty_prefixes = true;  // draft-16 section 9.25
    rules.namespaces_are_told = true;
    rules.status = StatusTells::kNothing;  // draft-16 sections 2.5 and 9.7
  }
  if (draft >= Draft::k18) {
    rules.joining = Joining::kForwarding;
    rules.empty_namespaces = true;
    rules.tracks_apart = true;
    rules.status = StatusTells::kProperties;  // draft-18 sections 10.5 and 10.14
    rules.mandatory_properties = true;        // draft-18 section 2.5.1
  }
  if (draft >= Draft::k22) {
    rules.second_subscription = SecondSubscription::kAllowed;  // draft-22 section 3.1
    rules.joining = Joining::kByRange;
    rules.publish_ok_shapes = false;    // draft-22 section 9.20
    rules.past_ranges_refused = false;  // draft-22 section 3.3.1
    rules.range_filters = true;         // draft-22 section 3.3.2
    rules.state_is_told = true;         // draft-22 section 9.10
  }
  return rules;
}

}  // namespace msquic_py::moqt::session
