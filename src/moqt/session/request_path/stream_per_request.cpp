#include "moqt/session/request_path/stream_per_request.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "moqt/session/request_path/encode_refusal.h"
#include "moqt/session/requests/subscription_update.h"
#include "moqt/session/session_core.h"

namespace msquic_py::moqt::session {

namespace {

bool is_answer(const wire::MessageBody& body) noexcept {
  return std::holds_alternative<wire::RequestOk>(body) || std::holds_alternative<wire::RequestError>(body) ||
         std::holds_alternative<wire::SubscribeOk>(body) || std::holds_alternative<wire::PublishOk>(body) ||
         std::holds_alternative<wire::FetchOk>(body);
}

}  // namespace

StreamPerRequest::StreamPerRequest(SessionCore& core)
    : core_(core),
      router_(core, *this),
      control_(core.codec(), core.config(), /*may_begin_with_stream_type=*/false),
      parity_(core.config().perspective == Perspective::kClient ? 0 : 1),
      streams_(core, *this),
      arena_(16 * 1024, core.config().account) {}

void StreamPerRequest::violate(std::string_view what) { core_.close(SessionErrorCode::kProtocolViolation, what); }

// ---- writing ----

base::Result<base::SharedBytes, SessionError> StreamPerRequest::encode(const wire::ControlMessage& message) {
  scratch_.clear();
  if (const auto encoded = core_.codec().encode_control_message(message, scratch_); !encoded.ok()) {
    return base::Failure{refusal_of(encoded.error())};
  }
  return arena_.copy(scratch_);
}

base::Result<void, SessionError> StreamPerRequest::send_setup(SetupParameters parameters) {
  return send(wire::Setup{std::move(parameters)});
}

base::Result<void, SessionError> StreamPerRequest::send(const wire::MessageBody& body) {
  if (core_.closed()) return {};
  wire::ControlMessage message{{}, body};
  if (auto* goaway = std::get_if<wire::Goaway>(&message.body)) {
    goaway->timeout = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(core_.config().timeouts.goaway).count());
    goaway->request_id = received_.next() * 2 + (1 - parity_);
  }
  auto bytes = encode(message);
  if (!bytes.ok()) return base::Failure{bytes.error()};
  core_.action_queue.push(SendControl{std::move(*bytes)});
  return {};
}

void StreamPerRequest::write_answer(RequestStream& stream, Reference request, base::SharedBytes bytes) {
  by_reference_.erase(request);
  for (RequestStream::Owed& owed : stream.owed) {
    if (owed.request != request || owed.answered) continue;
    owed.answer = std::move(bytes);
    owed.answered = true;
    break;
  }
  while (!stream.owed.empty() && stream.owed.front().answered) {
    streams_.write(stream, std::move(stream.owed.front().answer));
    stream.owed.pop_front();
  }
}

RequestStream* StreamPerRequest::stream_of(const Request& request) const {
  const auto its = by_request_.find(request.handle());
  return its == by_request_.end() ? nullptr : streams_.find(its->second);
}

base::Result<void, SessionError> StreamPerRequest::send(const Request& request, const wire::MessageBody& body) {
  if (core_.closed()) return {};
  const auto completed = core_.outgoing_tokens.complete(body);
  const auto plain = OutgoingTokens::with_values(completed ? *completed : body);
  auto bytes = encode({request.reference().value_or(Reference{}), plain ? *plain : completed ? *completed : body});
  if (!bytes.ok()) return base::Failure{bytes.error()};
  RequestStream* const its = stream_of(request);
  if (its == nullptr) return {};  // the peer has given the request up, and nobody would read it
  if (!request.ours() && is_answer(body)) {
    write_answer(*its, *request.reference(), std::move(*bytes));
  } else {
    streams_.write(*its, std::move(*bytes));
  }
  return {};
}

base::Result<void, SessionError> StreamPerRequest::send_goaway(const Request& request,
                                                               std::string_view new_session_uri) {
  RequestStream* const its = stream_of(request);
  if (its == nullptr || its->request != request.handle() || its->sent_end || its->goaway_sent) {
    return base::Failure{SessionError::kWrongState};
  }
  const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(core_.config().timeouts.goaway);
  auto bytes = encode({{},
                       wire::Goaway{.new_session_uri = std::string(new_session_uri),
                                    .timeout = static_cast<std::uint64_t>(timeout.count())}});
  if (!bytes.ok()) return base::Failure{bytes.error()};
  its->goaway_sent = true;
  streams_.write(*its, std::move(*bytes));
  return {};
}

// ---- our requests ----

base::Result<void, SessionError> StreamPerRequest::open(Request& request) {
  const bool update = static_cast<bool>(request.updated());
  if (!update && waiting_.size() >= core_.config().limits.max_waiting_requests) {
    refused_for_room_ = true;
    return base::Failure{SessionError::kTooManyRequests};
  }
  // The ID is not known yet; if the message fits with the longest one, it fits with every other.
  wire::MessageBody first = request.first_message();
  if (auto completed = core_.outgoing_tokens.complete(first)) first = std::move(*completed);
  if (!OutgoingTokens::sendable(first)) return base::Failure{SessionError::kInvalidParameter};
  if (auto plain = OutgoingTokens::with_values(first)) first = std::move(*plain);
  scratch_.clear();
  const auto trial = core_.codec().encode_control_message({wire::kLongestReference, std::move(first)}, scratch_);
  if (!trial.ok()) return base::Failure{refusal_of(trial.error())};
  if (update) return open_update(request);
  waiting_.push_back(request.handle());
  request.asked();
  flush_waiting();
  return {};
}

base::Result<void, SessionError> StreamPerRequest::open_update(Request& update) {
  const Request* const updated = core_.requests.find(update.updated());
  RequestStream* const on = updated == nullptr ? nullptr : stream_of(*updated);
  if (on == nullptr || on->sent_end) return base::Failure{SessionError::kWrongState};  // the publisher reads no more
  on->updates.push_back(update.handle());
  update.asked();
  flush_updates(*on);
  return {};
}

void StreamPerRequest::flush_updates(RequestStream& stream) {  // draft-22 section 9.1.7
  const auto outstanding = [&] {
    return static_cast<std::uint64_t>(std::count_if(stream.awaited.begin(), stream.awaited.end(), [](const auto& each) {
      return each.type == wire::MessageType::kRequestUpdate;
    }));
  };
  while (!stream.updates.empty() && (most_updates_ == 0 || outstanding() < most_updates_)) {
    Request* const update = core_.requests.find(stream.updates.front());
    stream.updates.pop_front();
    if (update == nullptr) continue;  // it has ended meanwhile
    const Reference reference{issued_++ * 2 + parity_};
    by_request_[update->handle()] = stream.id;
    ours_[reference] = update;
    stream.awaited.push_back({update->handle(), wire::MessageType::kRequestUpdate});
    update->begin(reference);
  }
}

void StreamPerRequest::flush_waiting() {
  if (core_.state != SessionState::kEstablished) return;
  for (std::size_t next = 0; next < waiting_.size() && !core_.closed();) {
    Request* request = core_.requests.find(waiting_[next]);
    if (request->obsolete()) {
      request->on_obsolete();
      core_.end(request->handle(), std::nullopt);  // which takes it out
      continue;
    }
    if (!request->ready()) {
      ++next;
      continue;
    }
    if (admitted_ && *admitted_ == 0) break;
    if (admitted_) --*admitted_;
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(next));
    RequestStream& its = streams_.open();
    its.request = request->handle();
    its.reference = {issued_++ * 2 + parity_};
    its.type = wire::type_of(request->first_message());
    its.awaited.push_back({request->handle(), its.type});
    by_request_[request->handle()] = its.id;
    ours_[its.reference] = request;
    request->begin(its.reference);
  }
  tell_of_room();
}

void StreamPerRequest::tell_of_room() {
  if (!refused_for_room_ || waiting_.size() > core_.config().limits.max_waiting_requests / 2) return;
  refused_for_room_ = false;
  core_.emit(RequestsPossible{});
}

void StreamPerRequest::on_request_streams_admitted(std::uint64_t count) {
  admitted_ = count;
  flush_waiting();
}

// ---- requests of the peer ----

void StreamPerRequest::adopt(Request& request) {
  const Reference reference = *request.reference();
  const RequestStreamId id = by_reference_.at(reference);
  peers_[reference] = &request;
  by_request_[request.handle()] = id;
  RequestStream& its = *streams_.find(id);
  if (its.reference == reference) its.request = request.handle();
}

void StreamPerRequest::answer(wire::RequestReference request, const wire::MessageBody& body) {
  const auto found = by_reference_.find(request);
  if (found == by_reference_.end()) return;
  RequestStream& its = *streams_.find(found->second);
  if (auto bytes = encode({request, body}); bytes.ok()) write_answer(its, request, std::move(*bytes));
  if (its.reference == request) leave(its, std::nullopt);
}

Request* StreamPerRequest::find(wire::RequestReference request) const {
  if (const auto ours = ours_.find(request); ours != ours_.end()) return ours->second;
  const auto peers = peers_.find(request);
  return peers == peers_.end() ? nullptr : peers->second;
}

// ---- the session ----

void StreamPerRequest::establish(const SetupParameters& peer) {
  most_updates_ = peer.max_request_updates();
  flush_waiting();
  streams_.read_all();
}

void StreamPerRequest::resume() {
  on_peer_control_data({});
  streams_.read_all();
}

void StreamPerRequest::clear() {
  ours_.clear();
  peers_.clear();
  streams_.clear();
  by_request_.clear();
  by_reference_.clear();
  waiting_.clear();
}

}  // namespace msquic_py::moqt::session
