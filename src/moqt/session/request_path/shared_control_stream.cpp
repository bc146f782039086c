#include "moqt/session/request_path/shared_control_stream.h"

#include <utility>

#include "moqt/session/request_path/encode_refusal.h"
#include "moqt/session/session_core.h"

namespace msquic_py::moqt::session {

namespace {

/// Of 65535 bytes: room for the alias of one more token than any message of that size has, and for many DELETEs.
constexpr std::size_t kLongestWithAliases = 32 * 1024;

}  // namespace

SharedControlStream::SharedControlStream(SessionCore& core)
    : core_(core),
      router_(core, *this),
      messages_(core.codec(), core.config(),
                core.config().perspective == Perspective::kServer && core.config().tolerances.leading_stream_type),
      ids_(core.config().perspective, core.config().limits.max_open_requests,
           /*in_order=*/!has_request_streams(core.draft)),
      namespaces_have_streams_(has_request_streams(core.draft)),
      streams_(core, *this),
      arena_(16 * 1024, core.config().account) {}

// ---- what the transport brings ----

void SharedControlStream::on_control_data(base::Bytes bytes) {
  messages_.feed(bytes);
  while (!core_.closed() && !core_.awaits_admission) {
    const auto message = messages_.next();
    if (message.needs_more()) return;
    if (message.violated()) return core_.close(message.violation().code, message.violation().what);
    core_.requests.set_message_size(messages_.message_size());
    route(*message);
    core_.requests.set_message_size(0);
    core_.requests.bury();
  }
  messages_.suspend();
  // Before SERVER_SETUP a client has no credit for requests, and little else to say.
  if (messages_.kept() > wire::kMaxControlMessageSize) {
    core_.close(SessionErrorCode::kInternalError, "too much before the session was authorized");
  }
}

void SharedControlStream::on_control_closed() {
  core_.on_control_lost("the control stream was closed (section 3.3)");  // [d15 §3.3-1]
}

void SharedControlStream::on_bidi_stream_opened() {
  violate("a second bidirectional stream (section 3.3)");  // [d15 §3.3-2]
}

void SharedControlStream::route(const wire::ControlMessage& message) {
  const bool setup = std::holds_alternative<wire::ClientSetup>(message.body) ||
                     std::holds_alternative<wire::ServerSetup>(message.body);
  // [d15 §9.3-2]
  if (!setup && core_.state != SessionState::kEstablished) return violate("a message before SETUP (section 9.3)");
  std::visit([&](const auto& body) { on(message.request, body); }, message.body);
}

void SharedControlStream::violate(std::string_view what) { core_.close(SessionErrorCode::kProtocolViolation, what); }

// ---- the session ----

base::Result<void, SessionError> SharedControlStream::send_setup(SetupParameters parameters) {
  parameters.set_max_request_id(ids_.initial_limit());
  if (core_.config().perspective == Perspective::kClient) return send(wire::ClientSetup{std::move(parameters)});
  return send(wire::ServerSetup{std::move(parameters)});
}

base::Result<void, SessionError> SharedControlStream::encode(const wire::ControlMessage& message) {
  scratch_.clear();
  if (const auto encoded = core_.codec().encode_control_message(message, scratch_); !encoded.ok()) {
    return base::Failure{refusal_of(encoded.error())};
  }
  return {};
}

base::Result<void, SessionError> SharedControlStream::write(const wire::ControlMessage& message) {
  if (core_.closed()) return {};
  if (auto encoded = encode(message); !encoded.ok()) return encoded;
  // An alias and its REGISTER may make a message longer; one that is almost too long goes without.
  if (scratch_.size() < kLongestWithAliases) {
    if (auto changed = core_.outgoing_tokens.with_aliases(message.body)) {
      scratch_.clear();
      (void)core_.codec().encode_control_message({message.request, std::move(*changed)}, scratch_);
    }
  }
  core_.action_queue.push(SendControl{arena_.copy(scratch_)});
  return {};
}

base::Result<void, SessionError> SharedControlStream::write(const RequestStream& stream,
                                                            const wire::ControlMessage& message) {
  if (core_.closed()) return {};
  const auto plain = OutgoingTokens::with_values(message.body);
  if (auto encoded = encode({message.request, plain ? *plain : message.body}); !encoded.ok()) return encoded;
  streams_.write(stream, arena_.copy(scratch_));
  return {};
}

base::Result<void, SessionError> SharedControlStream::send(const wire::MessageBody& body) { return write({{}, body}); }

void SharedControlStream::establish(const SetupParameters& peer) {
  ids_.set_peer_limit(peer.max_request_id());
  flush_waiting();
  streams_.read_all();
}

void SharedControlStream::resume() {
  on_control_data({});
  streams_.read_all();
}

void SharedControlStream::clear() {
  ours_.clear();
  peers_.clear();
  waiting_.clear();
  late_responses_.clear();
  streams_.clear();
  by_request_.clear();
  by_reference_.clear();
}

void SharedControlStream::on(Reference, const wire::MaxRequestId& message) {
  if (!ids_.raise_peer_limit(message.max_request_id)) return violate("MAX_REQUEST_ID does not rise (section 9.5)");
  flush_waiting();
}

// Credit is replenished as requests end, asked or not [d15 §9.6].
void SharedControlStream::on(Reference, const wire::RequestsBlocked&) {}

// ---- our requests ----

base::Result<void, SessionError> SharedControlStream::open(Request& request) {
  if (waiting_.size() >= core_.config().limits.max_waiting_requests) {
    refused_for_room_ = true;
    return base::Failure{SessionError::kTooManyRequests};
  }
  // The ID is not known yet; if the message fits with the longest one, it fits with every other.
  scratch_.clear();
  wire::MessageBody first = request.first_message();
  if (auto completed = core_.outgoing_tokens.complete(first)) first = std::move(*completed);
  if (!OutgoingTokens::sendable(first)) return base::Failure{SessionError::kInvalidParameter};
  const auto trial = core_.codec().encode_control_message({wire::kLongestReference, std::move(first)}, scratch_);
  if (!trial.ok()) return base::Failure{refusal_of(trial.error())};
  waiting_.push_back(request.handle());
  request.asked();
  flush_waiting();
  return {};
}

void SharedControlStream::flush_waiting() {
  if (core_.state != SessionState::kEstablished) return;
  while (!waiting_.empty()) {
    Request* request = core_.requests.find(waiting_.front());
    if (request->obsolete()) {
      request->on_obsolete();
      core_.end(request->handle(), std::nullopt);  // which takes it out
      continue;
    }
    const auto id = ids_.take();
    if (!id) {
      if (const auto limit = ids_.report_blocked()) (void)send(wire::RequestsBlocked{*limit});
      break;
    }
    waiting_.pop_front();
    if (namespaces_have_streams_ && request->kind() == RequestKind::kNamespaceSubscription) {
      open_stream(*request, {*id});
    }
    request->begin({*id});
    ours_[{*id}] = request;
  }
  tell_of_room();
}

void SharedControlStream::tell_of_room() {
  if (!refused_for_room_ || waiting_.size() > core_.config().limits.max_waiting_requests / 2) return;
  refused_for_room_ = false;
  core_.emit(RequestsPossible{});
}

// ---- requests of the peer ----

bool SharedControlStream::receive(Reference request) {
  const auto error = ids_.receive(request.id);
  if (!error) return true;
  core_.close(*error, *error == SessionErrorCode::kTooManyRequests ? "Request ID beyond the maximum (section 9.5)"
                                                                   : "Request ID out of sequence (section 9.1)");
  return false;
}

void SharedControlStream::on(Reference request, const wire::SubscribeNamespace& message) {
  if (namespaces_have_streams_) return violate("SUBSCRIBE_NAMESPACE on the control stream (section 9.25)");
  if (receive(request)) router_.on(request, message);
}

void SharedControlStream::on(Reference request, const wire::RequestUpdate& message) {
  if (!receive(request)) return;
  Request* const updated = find(message.existing);
  if (!core_.rules().updates_any_request ||
      (updated != nullptr && updated->kind() == RequestKind::kSubscriptionAsPublisher)) {
    return router_.on(request, message);
  }
  if (updated == nullptr) {  // draft-16 section 9.11
    if (!ids_.received(message.existing.id)) return violate("REQUEST_UPDATE for a request that never was");
    return answer(request, wire::RequestError{RequestErrorCode::kDoesNotExist, "the request has ended"});
  }
  if (updated->ours() || updated->kind() == RequestKind::kSubscriptionUpdate) {
    return violate("REQUEST_UPDATE from who may not update the request");
  }
  const auto failed = router_.update(*updated, message);
  if (core_.closed()) return;
  if (failed) return answer(request, *failed);
  answer(request, wire::RequestOk{});
}

void SharedControlStream::adopt(Request& request) {
  const Reference reference = *request.reference();
  peers_[reference] = &request;
  const auto came_on = by_reference_.find(reference);
  if (came_on == by_reference_.end()) return;
  by_request_[request.handle()] = came_on->second;
  streams_.find(came_on->second)->request = request.handle();
  by_reference_.erase(came_on);
}

void SharedControlStream::answer(wire::RequestReference request, const wire::MessageBody& body) {
  const auto came_on = by_reference_.find(request);
  if (came_on == by_reference_.end()) {
    (void)write({request, body});
  } else {
    RequestStream& its = *streams_.find(came_on->second);
    by_reference_.erase(came_on);
    (void)write(its, {request, body});
    if (its.reference == request) streams_.leave(its, std::nullopt);
  }
  return_credit();
}

void SharedControlStream::return_credit() {
  if (const auto limit = ids_.ended()) (void)send(wire::MaxRequestId{*limit});
}

// ---- requests of either endpoint ----

base::Result<void, SessionError> SharedControlStream::send(const Request& request, const wire::MessageBody& body) {
  auto completed = core_.outgoing_tokens.complete(body);
  const wire::ControlMessage message{*request.reference(), std::move(completed).value_or(body)};
  if (const RequestStream* const its = stream_of(request)) return write(*its, message);
  auto written = write(message);
  if (written.ok() && std::holds_alternative<wire::PublishDone>(body)) done_.add(request.reference()->id);
  return written;
}

void SharedControlStream::end(Request& request, const std::optional<Cancellation>& cancellation) {
  const auto reference = request.reference();
  if (!reference) {  // the peer has never heard of it
    std::erase(waiting_, request.handle());
    return tell_of_room();
  }
  RequestStream* const its = stream_of(request);
  if (its != nullptr) {
    by_request_.erase(request.handle());
    its->request = {};
    streams_.leave(*its, cancellation);
  } else if (cancellation) {
    write_cancellation(request, *cancellation);
  }
  if (request.ours()) {
    if (its == nullptr && !request.answered()) late_responses_.insert(*reference);
    ours_.erase(*reference);
  } else {
    peers_.erase(*reference);
    return_credit();
  }
}

Request* SharedControlStream::find(wire::RequestReference request) const {
  if (const auto ours = ours_.find(request); ours != ours_.end()) return ours->second;
  const auto peers = peers_.find(request);
  return peers == peers_.end() ? nullptr : peers->second;
}

// ---- answers ----

Request* SharedControlStream::answered(Reference request) {
  if (const auto found = ours_.find(request); found != ours_.end()) return found->second;
  // [d15 §5.1-3, §5.1.1-4]
  if (late_responses_.erase(request) == 0) violate("an answer to no request (section 9.7)");
  return nullptr;
}

void SharedControlStream::on(Reference request, const wire::RequestOk& message) {
  if (Request* found = answered(request)) found->on_request_ok(message);
}

void SharedControlStream::on(Reference request, const wire::RequestError& message) {
  if (Request* found = answered(request)) found->on_request_error(message);
}

void SharedControlStream::on(Reference request, const wire::SubscribeOk& message) {
  if (Request* found = answered(request)) {
    found->on_subscribe_ok(message);
  } else {
    core_.incoming_data.retire_unclaimed(message.track_alias);  // its subscription was cancelled meanwhile
  }
}

void SharedControlStream::on(Reference request, const wire::PublishOk& message) {
  if (Request* found = answered(request)) found->on_publish_ok(message);
}

void SharedControlStream::on(Reference request, const wire::FetchOk& message) {
  if (Request* found = answered(request)) found->on_fetch_ok(message);
}

}  // namespace msquic_py::moqt::session
