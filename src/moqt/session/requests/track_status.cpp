#include "moqt/session/requests/track_status.h"

#include "moqt/session/requests/arrival.h"

namespace msquic_py::moqt::session {

std::optional<SessionError> TrackStatusRequest::refusal(const RequestTable&, const FullTrackName& track,
                                                        const MessageParameters& parameters) {
  if (!track.valid()) return SessionError::kInvalidName;
  if (range_reversed(parameters)) return SessionError::kInvalidParameter;
  return std::nullopt;
}

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
  if (auto sent = send(wire::RequestOk{answer_to(parameters_, std::move(parameters))}); !sent.ok()) return sent;
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
