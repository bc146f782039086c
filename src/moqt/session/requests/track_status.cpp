#include "moqt/session/requests/track_status.h"

#include "moqt/session/requests/arrival.h"

namespace msquic_py::moqt::session {

std::optional<SessionError> TrackStatusRequest::refusal(const RequestTable&, const FullTrackName& track,
                                                        const MessageParameters& parameters) {
  if (!track.valid()) return SessionError::kInvalidName;
  if (range_reversed(parameters)) return SessionError::kInvalidParameter;
  return std::nullopt;
}

namespace {

/// Those of `given`, which a SUBSCRIBE_OK would have, that the draft has a place for in the answer.
MessageParameters told_of(const MessageParameters& given, StatusTells tells) {
  MessageParameters answer;
  if (const auto largest = given.largest_object()) answer.set_largest_object(*largest);
  switch (tells) {
    case StatusTells::kNothing: break;
    case StatusTells::kSomeParameters:  // [d15 §9.2.1]
      if (const auto value = given.track_delivery_timeout()) answer.set_track_delivery_timeout(*value);
      if (const auto value = given.max_cache_duration()) answer.set_max_cache_duration(*value);
      if (const auto value = given.track_group_order()) answer.set_track_group_order(*value);
      break;
    case StatusTells::kProperties:
      for (const Parameter& each : given.items()) {
        if (each.scope == ParameterScope::kTrack) answer.append(each);
      }
      break;
  }
  return answer;
}

}  // namespace

void TrackStatusRequest::admit(const Arrival& arrival, const wire::TrackStatus& message) {
  if (range_reversed(message.parameters)) {  // as for SUBSCRIBE [d15 §9.19]
    return arrival.refuse(RequestErrorCode::kInvalidRange, "the range ends before it starts");
  }
  auto& request = arrival.make<TrackStatusRequest>(message.track, message.parameters);
  arrival.context().announce(request, TrackStatusReceived{request.handle(), message.track, message.parameters});
}

wire::MessageBody TrackStatusRequest::first_message() const { return wire::TrackStatus{track_, parameters_}; }

void TrackStatusRequest::on_request_ok(const wire::RequestOk& message) {
  if (!take_answer("REQUEST_OK")) return;
  context_.emit(RequestAccepted{handle(), message.parameters});
  context_.end(handle());
}

RequestResult TrackStatusRequest::accept(MessageParameters parameters) {  // [d15 §9.19-1]
  if (auto allowed = may_answer(); !allowed.ok()) return allowed;
  // It is answered as a SUBSCRIBE would be (sections 9.9, 9.19).
  const auto filter = parameters_.filter();
  const auto last = filter && context_.rules().past_ranges_refused ? filter->last_group() : std::nullopt;
  if (const auto largest = parameters.largest_object(); last && largest && *last < largest->group) {
    (void)reject(RequestErrorCode::kInvalidRange, "the whole range has been published");
    return base::Failure{SessionError::kInvalidRange};
  }
  const MessageParameters told = told_of(parameters, context_.rules().status);
  if (auto sent = send(wire::RequestOk{answer_to(parameters_, told)}); !sent.ok()) return sent;
  answered_ = true;
  context_.end(handle());
  return {};
}

RequestResult TrackStatusRequest::cancel() {
  if (!ours()) return base::Failure{SessionError::kWrongRole};
  withdraw();
  return {};
}

}  // namespace msquic_py::moqt::session
