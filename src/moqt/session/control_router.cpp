#include "moqt/session/control_router.h"

#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "moqt/model/object_filter.h"
#include "moqt/session/requests/arrival.h"
#include "moqt/session/requests/fetch_as_publisher.h"
#include "moqt/session/requests/namespace_publication.h"
#include "moqt/session/requests/namespace_subscription.h"
#include "moqt/session/requests/namespace_update.h"
#include "moqt/session/requests/subscription_as_publisher.h"
#include "moqt/session/requests/subscription_as_subscriber.h"
#include "moqt/session/requests/subscription_update.h"
#include "moqt/session/requests/track_status.h"

namespace msquic_py::moqt::session {

// ---- session ----

void ControlRouter::on(const wire::ClientSetup& message) {
  const SessionConfig& config = core_.config();
  if (config.perspective != Perspective::kServer || core_.state != SessionState::kSettingUp || core_.peer_setup) {
    return violate("CLIENT_SETUP out of place (section 9.3)");
  }
  if (const auto violation = wire::validate_client_setup(message, config.transport)) {
    return core_.close(violation->code, violation->what);
  }
  SetupParameters parameters = message.parameters;
  if (!take_tokens(parameters, TokenCache::Carrier::kEarlySetup)) return;  // [d15 §9.3.1.5-1]
  core_.receive_client_setup(std::move(parameters));
}

void ControlRouter::on(const wire::ServerSetup& message) {
  if (core_.config().perspective != Perspective::kClient || core_.state != SessionState::kSettingUp) {
    return violate("SERVER_SETUP out of place (section 9.3)");
  }
  if (const auto violation = wire::validate_server_setup(message)) return core_.close(violation->code, violation->what);
  SetupParameters parameters = message.parameters;
  if (!take_tokens(parameters, TokenCache::Carrier::kOther)) return;
  core_.outgoing_tokens.set_peer_limit(parameters.max_auth_token_cache_size());
  core_.establish(std::move(parameters));
}

void ControlRouter::on(const wire::Setup& message) {
  const SessionConfig& config = core_.config();
  if (core_.state != SessionState::kSettingUp || core_.peer_setup) return violate("SETUP out of place (section 10.3)");
  if (const auto violation = wire::validate_setup(message, config.perspective, config.transport)) {
    return core_.close(violation->code, violation->what);
  }
  SetupParameters parameters = message.parameters;
  // Neither SETUP waits for the other, so that a token too many is no fault in either (section 10.3.1.4 of draft-18).
  if (!take_tokens(parameters, TokenCache::Carrier::kEarlySetup)) return;
  if (config.perspective == Perspective::kServer) return core_.receive_client_setup(std::move(parameters));
  core_.outgoing_tokens.set_peer_limit(parameters.max_auth_token_cache_size());
  core_.establish(std::move(parameters));
}

void ControlRouter::on(const wire::Goaway& message) {
  if (core_.goaway_received) return violate("a second GOAWAY (section 9.4)");  // [d15 §9.4-2]
  if (const auto violation = wire::validate_goaway(message, core_.config().perspective)) {
    return core_.close(violation->code, violation->what);
  }
  core_.goaway_received = true;
  core_.goaway_uri = message.new_session_uri;
  core_.emit(GoawayReceived{message.new_session_uri, message.timeout, {}});
}

bool ControlRouter::take_tokens(SetupParameters& parameters, TokenCache::Carrier carrier) {
  const auto fault = core_.token_cache.take(parameters, carrier);
  // No token has expired before the session begins, so that nothing but the session can be at fault.
  if (fault) core_.close(std::get<SessionErrorCode>(fault->code), fault->reason);
  return !fault;
}

// ---- requests of the peer ----

namespace {

/// What is wrong with the Range Filters of a message, if something is (draft-22 section 3.3.2).
std::optional<std::string_view> filter_fault(const std::vector<Parameter>& parameters, std::uint64_t limit) {
  if (limit == 0 && RangeFilterSet::any(parameters))
    return "Range Filters are not allowed here: MAX_FILTER_RANGES is 0";
  constexpr std::string_view kTooMany = "more ranges than MAX_FILTER_RANGES";
  if (RangeFilterSet::ranges(parameters) > limit) return kTooMany;
  for (const Parameter& each : parameters) {
    const auto* fill = std::get_if<FillParameters>(&each.value);
    if (fill != nullptr && RangeFilterSet::ranges(fill->items) > limit) return kTooMany;
  }
  return RangeFilterSet::fault(parameters);
}

}  // namespace

template <class T, class Message>
void ControlRouter::admit_resolved(const Arrival& arrival, const Message& message) {
  if (const auto reason = filter_fault(message.parameters.items(), core_.config().limits.max_filter_ranges)) {
    return refuse<T>(arrival, message, RequestErrorCode::kInvalidFilter, *reason);
  }
  // An update asks for no more than there is.
  constexpr bool kUpdate = std::is_same_v<T, SubscriptionUpdate> || std::is_same_v<T, NamespaceUpdate>;
  if (!kUpdate && !core_.has_memory()) {
    return arrival.refuse(RequestErrorCode::kInternalError, "no memory is left for another request");
  }
  T::admit(arrival, message);
}

template <class T, class Message>
void ControlRouter::admit(wire::RequestReference request, const Message& message) {
  const Arrival arrival(core_, core_.requests, path_, request);
  if (!message.parameters.contains(kTokenParameter)) return admit_resolved<T>(arrival, message);
  Message resolved = message;
  const auto fault = core_.token_cache.take(resolved.parameters);
  if (!fault) return admit_resolved<T>(arrival, resolved);
  if (const auto* code = std::get_if<SessionErrorCode>(&fault->code)) return core_.close(*code, fault->reason);
  refuse<T>(arrival, resolved, std::get<RequestErrorCode>(fault->code), fault->reason);
}

template <class T, class Message>
void ControlRouter::refuse(const Arrival& arrival, const Message& message, RequestErrorCode code,
                           std::string_view reason) {
  if constexpr (requires { T::refuse(arrival, message, code, reason); }) {
    T::refuse(arrival, message, code, reason);
  } else {
    arrival.refuse(code, reason);
  }
}

void ControlRouter::on(wire::RequestReference request, const wire::Subscribe& message) {
  admit<SubscriptionAsPublisher>(request, message);
}

void ControlRouter::on(wire::RequestReference request, const wire::RequestUpdate& message) {
  admit<SubscriptionUpdate>(request, message);
}

void ControlRouter::on(wire::RequestReference request, const wire::Publish& message) {
  admit<SubscriptionAsSubscriber>(request, message);
}

void ControlRouter::on(wire::RequestReference request, const wire::Fetch& message) {
  admit<FetchAsPublisher>(request, message);
}

void ControlRouter::on(wire::RequestReference request, const wire::TrackStatus& message) {
  admit<TrackStatusRequest>(request, message);
}

void ControlRouter::on(wire::RequestReference request, const wire::PublishNamespace& message) {
  admit<NamespacePublication>(request, message);
}

void ControlRouter::on(wire::RequestReference request, const wire::SubscribeNamespace& message) {
  admit<NamespaceSubscription>(request, message);
}

void ControlRouter::on(wire::RequestReference request, const wire::SubscribeTracks& message) {
  admit<NamespaceSubscription>(request, message);
}

void ControlRouter::update_namespaces(wire::RequestReference request, const wire::RequestUpdate& message) {
  admit<NamespaceUpdate>(request, message);
}

std::optional<wire::RequestError> ControlRouter::update(Request& updated, const wire::RequestUpdate& message) {
  MessageParameters parameters = message.parameters;
  const auto fault = core_.token_cache.take(parameters);
  if (!fault) {
    const auto reason = filter_fault(parameters.items(), core_.config().limits.max_filter_ranges);
    if (reason) return wire::RequestError{RequestErrorCode::kInvalidFilter, std::string(*reason)};
  }
  if (!fault) return updated.on_request_update(parameters);
  if (const auto* code = std::get_if<SessionErrorCode>(&fault->code)) {
    core_.close(*code, fault->reason);
    return std::nullopt;
  }
  return wire::RequestError{std::get<RequestErrorCode>(fault->code), std::string(fault->reason)};
}

}  // namespace msquic_py::moqt::session
