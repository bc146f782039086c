// What the peer says on its control stream and on the streams of requests.
#include <utility>
#include <variant>

#include "moqt/session/request_path/stream_per_request.h"
#include "moqt/session/session_core.h"

namespace msquic_py::moqt::session {

// ---- control streams ----

void StreamPerRequest::on_control_data(base::Bytes) {}

void StreamPerRequest::on_control_closed() { core_.on_control_lost("a control stream was closed (section 3.3)"); }

void StreamPerRequest::on_peer_control_data(base::Bytes bytes) {
  control_.feed(bytes);
  while (!core_.closed() && !core_.awaits_admission) {
    const auto message = control_.next();
    if (message.needs_more()) return;
    if (message.violated()) return core_.close(message.violation().code, message.violation().what);
    route_control(*message);
    core_.requests.bury();
  }
  control_.suspend();
  if (control_.kept() > wire::kMaxControlMessageSize) {
    core_.close(SessionErrorCode::kInternalError, "too much before the session was authorized");
  }
}

void StreamPerRequest::route_control(const wire::ControlMessage& message) {
  if (const auto* setup = std::get_if<wire::Setup>(&message.body)) {
    if (std::exchange(set_up_, true)) return violate("a second SETUP");
    return router_.on(*setup);
  }
  if (!set_up_) return violate("the control stream does not begin with SETUP (section 3.3)");
  const auto* goaway = std::get_if<wire::Goaway>(&message.body);
  if (goaway == nullptr) return violate("a message on the control stream that belongs to a request");
  if (goaway->request_id && (*goaway->request_id & 1) != parity_) {
    return core_.close(SessionErrorCode::kInvalidRequestId, "GOAWAY names a request of its sender (section 10.4)");
  }
  router_.on(*goaway);
}

// ---- streams of requests ----

void StreamPerRequest::route(RequestStream& stream, const wire::ControlMessage& message) {
  if (!stream.begun && !wire::begins_request(wire::type_of(message.body))) {
    return violate("the stream of a request begins with another message (section 3.3)");
  }
  if (!stream.begun) stream.type = wire::type_of(message.body);
  const bool answers =
      std::holds_alternative<wire::RequestOk>(message.body) || std::holds_alternative<wire::RequestError>(message.body);
  std::optional<wire::MessageType> about;
  if (answers && !stream.awaited.empty()) about = stream.awaited.front().type;
  if (std::holds_alternative<wire::RequestUpdate>(message.body)) about = stream.type;
  if (about) {
    if (const auto violation = core_.codec().check_scope(message.body, *about)) {
      return core_.close(violation->code, violation->what);
    }
  }
  std::visit([&](const auto& body) { on(stream, message.request, body); }, message.body);
  flush_waiting();  // what joins a subscription waits for what is said of it
}

// ---- requests of the peer ----

bool StreamPerRequest::receive(RequestStream& stream, Reference request) {
  if ((request.id & 1) == parity_ || !received_.take(request.id / 2)) {
    core_.close(SessionErrorCode::kInvalidRequestId,
                "a Request ID of this endpoint, or one used before (section 10.1)");
    return false;
  }
  by_reference_[request] = stream.id;
  stream.owed.push_back({request, {}, false});
  return true;
}

bool StreamPerRequest::begin(RequestStream& stream, Reference request, bool reserved) {
  if (std::exchange(stream.begun, true)) return violate("a request on the stream of another one (section 3.3)"), false;
  stream.reference = request;
  if (!receive(stream, request)) return false;
  std::optional<wire::RequestError> refused;
  if (core_.goaway_sent) {
    refused = wire::RequestError{RequestErrorCode::kGoingAway, "this endpoint is about to leave"};
  } else if (reserved) {
    refused = wire::RequestError{RequestErrorCode::kDoesNotExist, "a reserved namespace"};
  } else if (peers_.size() >= core_.config().limits.max_request_streams()) {
    refused = wire::RequestError{RequestErrorCode::kExcessiveLoad, "too many requests are open"};
  }
  if (refused) answer(request, *refused);
  return !refused;
}

void StreamPerRequest::on(RequestStream& stream, Reference request, const wire::RequestUpdate& message) {
  if (!receive(stream, request)) return;
  Request* const updated = request_of(stream);
  if (updated == nullptr) {  // it has ended, and the peer will see that
    by_reference_.erase(request);
    return stream.owed.clear();
  }
  const bool subscription = updated->kind() == RequestKind::kSubscriptionAsPublisher;
  if ((updated->ours() && !subscription) || updated->kind() == RequestKind::kTrackStatus) {
    return violate("REQUEST_UPDATE from who may not update the request (section 10.9)");
  }
  wire::RequestUpdate whole = message;
  whole.existing = stream.reference;
  if (subscription) return router_.on(request, whole);
  if (updated->kind() == RequestKind::kNamespaceSubscription) return router_.update_namespaces(request, whole);
  update(stream, request, whole);
}

void StreamPerRequest::update(RequestStream& stream, Reference request, const wire::RequestUpdate& message) {
  Request& updated = *request_of(stream);
  const auto failed = router_.update(updated, message);
  if (core_.closed()) return;
  if (!failed) return answer(request, wire::RequestOk{});
  const Cancellation cause{failed->error_code, failed->error_reason};
  answer(request, *failed);
  updated.on_cancelled(cause);
}

// ---- answers ----

std::optional<StreamPerRequest::Answered> StreamPerRequest::answered(RequestStream& stream) {
  if (stream.awaited.empty()) {
    violate("an answer to no request (section 10.5)");
    return std::nullopt;
  }
  const RequestStream::Awaited oldest = stream.awaited.front();
  stream.awaited.pop_front();
  flush_updates(stream);
  return Answered{core_.requests.find(oldest.request), oldest.type};
}

void StreamPerRequest::on(RequestStream& stream, Reference, const wire::RequestOk& message) {
  const auto to = answered(stream);
  if (!to || to->request == nullptr) return;
  if (to->type == wire::MessageType::kPublish) {
    to->request->on_publish_ok(wire::PublishOk{message.parameters});
  } else {
    to->request->on_request_ok(message);
  }
}

void StreamPerRequest::on(RequestStream& stream, Reference, const wire::RequestError& message) {
  if (const auto to = answered(stream); to && to->request != nullptr) to->request->on_request_error(message);
}

void StreamPerRequest::on(RequestStream& stream, Reference, const wire::SubscribeOk& message) {
  const auto to = answered(stream);
  if (!to) return;
  if (to->request != nullptr) return to->request->on_subscribe_ok(message);
  core_.incoming_data.retire_unclaimed(message.track_alias);  // its subscription was cancelled meanwhile
}

void StreamPerRequest::on(RequestStream& stream, Reference, const wire::PublishOk& message) {
  if (const auto to = answered(stream); to && to->request != nullptr) to->request->on_publish_ok(message);
}

void StreamPerRequest::on(RequestStream& stream, Reference, const wire::FetchOk& message) {
  if (const auto to = answered(stream); to && to->request != nullptr) to->request->on_fetch_ok(message);
}

// ---- what else the publisher says ----

void StreamPerRequest::on(RequestStream& stream, Reference, const wire::PublishDone& message) {
  if (Request* request = request_of(stream)) request->on_publish_done(message);
}

void StreamPerRequest::on(RequestStream& stream, Reference, const wire::Namespace& message) {
  if (Request* request = request_of(stream)) request->on_namespace(message.track_namespace_suffix, true);
}

void StreamPerRequest::on(RequestStream& stream, Reference, const wire::NamespaceDone& message) {
  if (Request* request = request_of(stream)) request->on_namespace(message.track_namespace_suffix, false);
}

void StreamPerRequest::on(RequestStream& stream, Reference, const wire::PublishSkipped& message) {
  if (Request* request = request_of(stream)) request->on_publish_skipped(message);
}

void StreamPerRequest::on(RequestStream& stream, Reference, const wire::PublishStateNotify& message) {
  if (Request* request = request_of(stream)) request->on_publish_state(message);
}

void StreamPerRequest::on(RequestStream& stream, Reference, const wire::Goaway& message) {
  if (std::exchange(stream.goaway, true)) return violate("a second GOAWAY on one stream (section 10.4)");
  if (message.request_id) return violate("GOAWAY with a Request ID on the stream of a request (section 10.4)");
  if (const auto violation = wire::validate_goaway(message, core_.config().perspective)) {
    return core_.close(violation->code, violation->what);
  }
  if (stream.request) core_.emit(GoawayReceived{message.new_session_uri, message.timeout, stream.request});
}

}  // namespace msquic_py::moqt::session
