#include "moqt/session/requests/request.h"

#include <algorithm>
#include <string>

#include "moqt/model/object_filter.h"
#include "moqt/session/requests/request_table.h"

namespace msquic_py::moqt::session {

Duration Request::patience() const { return patience_.limit.value_or(context_.config().timeouts.control_message); }

void Request::asked() const {
  if (patience_.since == Patience::Since::kAsked) context_.arm(handle_, patience());
}

void Request::begin(wire::RequestReference reference) {
  reference_ = reference;
  (void)send(first_message());  // proved to be encodable when the application asked
  if (patience_.since == Patience::Since::kSent) context_.arm(handle_, patience());
}

void Request::unexpected(std::string_view message) {
  context_.close(SessionErrorCode::kProtocolViolation, std::string(message) + " does not fit the request it names");
}

bool Request::take_answer(std::string_view message) {  // [d15 §5.1-3]
  if (!ours_ || answered_) {
    context_.close(SessionErrorCode::kProtocolViolation, std::string(message) + " is a second answer to its request");
    return false;
  }
  answered_ = true;
  context_.disarm(handle_);
  return true;
}

bool Request::take_refusal(const wire::RequestError& message) {
  if (!take_answer("REQUEST_ERROR")) return false;
  const bool elsewhere = message.redirect && !message.redirect->connect_uri.empty();
  if (!elsewhere || context_.config().perspective != Perspective::kServer) return true;
  context_.close(SessionErrorCode::kProtocolViolation, "a client redirects its server to a URI (draft-18, 10.6.1)");
  return false;
}

RequestResult Request::may_answer() const {  // [d15 §5.1-1, §5.1-2]
  if (ours_) return base::Failure{SessionError::kWrongRole};
  if (answered_) return base::Failure{SessionError::kWrongState};
  return {};
}

// [d15 §9.7-1]
void Request::on_request_ok(const wire::RequestOk&) { unexpected("REQUEST_OK"); }
void Request::on_subscribe_ok(const wire::SubscribeOk&) { unexpected("SUBSCRIBE_OK"); }
void Request::on_publish_ok(const wire::PublishOk&) { unexpected("PUBLISH_OK"); }
void Request::on_publish_done(const wire::PublishDone&) { unexpected("PUBLISH_DONE"); }
void Request::on_fetch_ok(const wire::FetchOk&) { unexpected("FETCH_OK"); }
void Request::on_namespace(const TrackNamespace&, bool published) {
  unexpected(published ? "NAMESPACE" : "NAMESPACE_DONE");
}
void Request::on_publish_skipped(const wire::PublishSkipped&) { unexpected("PUBLISH_BLOCKED"); }
void Request::on_publish_state(const wire::PublishStateNotify&) { unexpected("PUBLISH_STATE_NOTIFY"); }
void Request::on_cancelled(const Cancellation&) { unexpected("what cancels a request"); }

void Request::on_request_error(const wire::RequestError& message) {
  if (!take_refusal(message)) return;
  tell_rejected(message);
  context_.end(handle_);
}

void Request::tell_rejected(const wire::RequestError& message) const {
  RequestRejected event{handle_, static_cast<std::uint64_t>(message.error_code), message.error_reason};
  if (message.retry_interval > 0) event.retry_after_ms = message.retry_interval - 1;
  event.redirect = message.redirect;
  context_.emit(std::move(event));
}

void Request::on_deadline() {  // [d15 §9.8-1]
  // A peer that does not answer one request may serve all others well: that request ends, not the session.
  context_.emit(RequestRejected{handle_, static_cast<std::uint64_t>(RequestErrorCode::kTimeout),
                                reference_ ? "no answer in time" : "the peer grants no credit for requests"});
  withdraw();
}

void Request::on_stop_sending(StreamHandle stream, std::uint64_t code) {
  context_.emit(OutgoingStreamStopped{handle_, stream, code, OutgoingStreamStopped::Cause::kStopSending});
}

void Request::withdraw() { context_.end(handle_, Cancellation{}); }

// What overrides these keeps the parameters.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
RequestResult Request::accept(MessageParameters) { return base::Failure{SessionError::kWrongRole}; }

RequestResult Request::reject(RequestErrorCode code, std::string_view reason) {
  if (auto allowed = may_answer(); !allowed.ok()) return allowed;
  auto sent = send(wire::RequestError{code, cut_reason(reason)});
  // A later draft has larger codes than this one can carry; whoever asked has to get an answer all the same.
  if (!sent.ok() && sent.error() == SessionError::kInvalidParameter)
    sent = send(wire::RequestError{RequestErrorCode::kInternalError, cut_reason(reason)});
  if (!sent.ok()) return sent;
  answered_ = true;
  context_.end(handle_);
  return {};
}

RequestResult Request::cancel() { return base::Failure{SessionError::kWrongRole}; }
// NOLINTNEXTLINE(performance-unnecessary-value-param)
RequestResult Request::accept_fetch(const FetchAnswer&, MessageParameters) {
  return base::Failure{SessionError::kWrongRole};
}
base::Result<StreamHandle, SessionError> Request::open_fetch() { return base::Failure{SessionError::kWrongRole}; }
RequestResult Request::publish_done(PublishDoneCode, std::string_view) {
  return base::Failure{SessionError::kWrongRole};
}
// NOLINTNEXTLINE(performance-unnecessary-value-param): what overrides it keeps it
base::Result<RequestHandle, SessionError> Request::announce(TrackNamespace, Patience) {
  return base::Failure{SessionError::kWrongRole};
}
RequestResult Request::skip_publish(const FullTrackName&) { return base::Failure{SessionError::kWrongRole}; }
// NOLINTNEXTLINE(performance-unnecessary-value-param): what overrides it keeps them
RequestResult Request::notify_state(MessageParameters) { return base::Failure{SessionError::kWrongRole}; }
RequestResult Request::revoke(RequestErrorCode, std::string_view) { return base::Failure{SessionError::kWrongRole}; }

bool demands_understanding(const MessageParameters& parameters, const RequestRules& rules) noexcept {
  return rules.mandatory_properties &&
         std::any_of(parameters.items().begin(), parameters.items().end(), [](const Parameter& each) {
           return each.scope == ParameterScope::kTrack && each.type >= 0x4000 && each.type <= 0x7FFF;
         });
}

bool too_many_ranges(const MessageParameters& parameters, const RequestTable& requests) {
  if (!RangeFilterSet::any(parameters.items())) return false;
  return !requests.peer_filter_ranges || RangeFilterSet::ranges(parameters.items()) > *requests.peer_filter_ranges ||
         RangeFilterSet::fault(parameters.items());
}

bool range_reversed(const MessageParameters& parameters) noexcept {
  const auto filter = parameters.filter();
  return filter && !filter->valid();
}

MessageParameters answer_to(const MessageParameters& asked, MessageParameters given) {
  if (asked.include_properties().value_or(true)) return given;
  MessageParameters rest;
  for (const Parameter& parameter : given.items()) {
    if (parameter.scope != ParameterScope::kTrack) rest.append(parameter);
  }
  return rest;
}

std::string cut_reason(std::string_view text, std::size_t limit) {
  if (text.size() > limit) {
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
    text = text.substr(0, limit);
  }
  return std::string(text);
}

}  // namespace msquic_py::moqt::session
