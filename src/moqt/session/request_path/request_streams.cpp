#include "moqt/session/request_path/request_streams.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "moqt/session/session_core.h"
#include "moqt/wire/code_numbers.h"

namespace msquic_py::moqt::session {

namespace {

/// What may wait on the streams of requests that come before they may be read: then later ones are reset, as section
/// 3.3 of draft-16 and of draft-18 allows.
constexpr std::size_t kMostEarlyBytes = 1024 * 1024;

/// What the reset of a stream says of why its request was given up; most reasons have no code there.
StreamResetCode reset_code_of(RequestErrorCode code) noexcept {
  switch (code) {
    case RequestErrorCode::kGoingAway: return StreamResetCode::kGoingAway;
    case RequestErrorCode::kExpiredAuthToken: return StreamResetCode::kExpiredAuthToken;
    case RequestErrorCode::kExcessiveLoad: return StreamResetCode::kExcessiveLoad;
    case RequestErrorCode::kMalformedTrack: return StreamResetCode::kMalformedTrack;
    default: return StreamResetCode::kCancelled;
  }
}

}  // namespace

RequestStream& RequestStreams::at(RequestStreamId id) {
  auto& slot = streams_[id];
  if (slot == nullptr) slot = std::make_unique<RequestStream>(id, core_.codec(), core_.config());
  return *slot;
}

RequestStream& RequestStreams::open() {
  const auto id = RequestStreamId::own(opened_++);
  core_.action_queue.push(OpenRequestStream{id});
  return at(id);
}

RequestStream* RequestStreams::find(RequestStreamId id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

RequestStream* RequestStreams::heard_of(RequestStreamId id) { return id.ours() ? find(id) : &at(id); }

Request* RequestStreams::request_of(const RequestStream& stream) const {
  return stream.request ? core_.requests.find(stream.request) : nullptr;
}

bool RequestStreams::may_read() const noexcept {
  return core_.state == SessionState::kEstablished && !core_.awaits_admission;
}

void RequestStreams::on_data(RequestStreamId id, base::Bytes bytes, bool fin) {
  RequestStream* const its = heard_of(id);
  if (its == nullptr || its->received_end) return;  // it was stopped
  its->fin |= fin;
  its->messages.feed(bytes);
  if (may_read()) return read(*its);
  its->messages.suspend();
  early_bytes_ += bytes.size();
  if (its->messages.kept() > wire::kMaxControlMessageSize || early_bytes_ > kMostEarlyBytes) {
    leave(*its, Cancellation{RequestErrorCode::kExcessiveLoad, {}});
  }
}

void RequestStreams::read(RequestStream& stream) {
  while (may_read() && !stream.received_end) {
    const auto message = stream.messages.next();
    if (message.violated()) return core_.close(message.violation().code, message.violation().what);
    if (message.needs_more()) {
      if (!stream.fin) return;
      if (stream.messages.kept() > 0) {
        return core_.close(SessionErrorCode::kProtocolViolation, "FIN within a message");
      }
      stream.received_end = true;
      reader_.on_finished(stream);
      break;
    }
    core_.requests.set_message_size(stream.messages.message_size());
    reader_.route(stream, *message);
    core_.requests.set_message_size(0);
    core_.requests.bury();
  }
}

void RequestStreams::read_all() {
  if (!may_read()) return;
  early_bytes_ = 0;
  std::vector<RequestStreamId> ids;
  for (const auto& [id, its] : streams_) {
    if (!id.ours()) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());  // the order in which the peer opened them
  for (const RequestStreamId id : ids) {
    RequestStream& its = at(id);
    its.messages.feed({});
    read(its);
  }
}

void RequestStreams::write(const RequestStream& stream, base::SharedBytes bytes) {
  if (stream.sent_end || core_.closed()) return;
  core_.action_queue.push(SendRequest{stream.id, std::move(bytes), false});
}

void RequestStreams::leave(RequestStream& stream, const std::optional<Cancellation>& cancellation) {
  if (core_.closed()) return;
  if (!cancellation) {
    if (!std::exchange(stream.sent_end, true)) core_.action_queue.push(SendRequest{stream.id, {}, true});
    return;
  }
  const std::uint64_t code = wire::number_of(core_.codec().codes, reset_code_of(cancellation->code));
  if (!std::exchange(stream.sent_end, true)) core_.action_queue.push(ResetRequest{stream.id, code});
  if (!std::exchange(stream.received_end, true)) core_.action_queue.push(StopRequest{stream.id, code});
}

}  // namespace msquic_py::moqt::session
