#include "moqt/session/control_router.h"

#include <type_traits>

#include "moqt/session/authorization.h"
#include "moqt/session/requests/arrival.h"
#include "moqt/session/requests/fetch_as_publisher.h"
#include "moqt/session/requests/namespace_publication.h"
#include "moqt/session/requests/namespace_subscription.h"
#include "moqt/session/requests/subscription_as_publisher.h"
#include "moqt/session/requests/subscription_as_subscriber.h"
#include "moqt/session/requests/subscription_update.h"
#include "moqt/session/requests/track_status.h"

namespace msquic_py::moqt::session {

// ---- session ----

void ControlRouter::on(const wire::ClientSetup& message) {
  const SessionConfig& config = core_.config();
  if (config.perspective != Perspective::kServer || core_.state != SessionState::kSettingUp) {
    return violate("CLIENT_SETUP out of place (section 9.3)");
  }
  if (const auto violation = wire::validate_client_setup(message, config.transport)) {
    return core_.close(violation->code, violation->what);
  }
  if (const auto fault = check_distinct_tokens(message.parameters.authorization_tokens())) {  // [d15 §9.3.1.5-1]
    return core_.close(fault->code, fault->reason);
  }
  core_.send_setup();
  if (!core_.closed()) core_.establish(message.parameters);
}

void ControlRouter::on(const wire::ServerSetup& message) {
  if (core_.config().perspective != Perspective::kClient || core_.state != SessionState::kSettingUp) {
    return violate("SERVER_SETUP out of place (section 9.3)");
  }
  if (const auto violation = wire::validate_server_setup(message)) return core_.close(violation->code, violation->what);
  if (const auto fault = check_tokens(message.parameters.authorization_tokens()))
    return core_.close(fault->code, fault->reason);
  core_.establish(message.parameters);
}

void ControlRouter::on(const wire::Goaway& message) {
  if (core_.goaway_received) return violate("a second GOAWAY (section 9.4)");  // [d15 §9.4-2]
  if (const auto violation = wire::validate_goaway(message, core_.config().perspective)) {
    return core_.close(violation->code, violation->what);
  }
  core_.goaway_received = true;
  core_.emit(GoawayReceived{message.new_session_uri});
}

// ---- requests of the peer ----

template <class T, class Message>
void ControlRouter::admit(wire::RequestReference request, const Message& message) {
  if (const auto fault = check_tokens(message.parameters.authorization_tokens()))
    return core_.close(fault->code, fault->reason);
  // An update asks for no more than there is.
  if (!std::is_same_v<T, SubscriptionUpdate> && !core_.has_memory()) {
    return path_.answer(request,
                        wire::RequestError{RequestErrorCode::kInternalError, "no memory is left for another request"});
  }
  T::admit(Arrival(core_, core_.requests, path_, request), message);
}

void ControlRouter::on(wire::RequestReference request, const wire::Subscribe& message) {
  admit<SubscriptionAsPublisher>(request, message);
}

void ControlRouter::on(wire::RequestReference request, const wire::SubscribeUpdate& message) {
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

}  // namespace msquic_py::moqt::session
