#include "moqt/session/requests/fetch_as_publisher.h"

#include "moqt/session/requests/arrival.h"
#include "moqt/session/requests/subscription_as_publisher.h"

namespace msquic_py::moqt::session {

void FetchAsPublisher::admit(const Arrival& arrival, const wire::Fetch& message) {
  if (arrival.requests().count(kKind, false) >= arrival.limits().max_fetches) {
    return arrival.refuse(RequestErrorCode::kInternalError, "too many fetches");  // [d15 §12.1-2]
  }
  const auto* joining = std::get_if<wire::JoiningFetch>(&message.range);
  arrival.make<FetchAsPublisher>(message).receive(
      joining == nullptr ? nullptr : as<SubscriptionAsPublisher>(arrival.named(joining->joined)));
}

void FetchAsPublisher::receive(SubscriptionAsPublisher* joined) {
  if (const auto* standalone = std::get_if<wire::StandaloneFetch>(&message_.range)) {
    const FetchRange range{standalone->start, standalone->end};
    if (!range.valid()) {
      (void)Request::reject(RequestErrorCode::kInvalidRange, "the range ends before it starts");  // [d15 §9.16.3-2]
      return;
    }
    return announce(standalone->track, range, {});
  }
  if (joined == nullptr) return on_joined_ended();
  if (joined->answered()) return on_joined(*joined);
  // What the subscriber asked for is known before SUBSCRIBE is answered; for a PUBLISH of ours only PUBLISH_OK tells.
  if (!joined->ours() && !joined->joinable()) return on_joined(*joined);
  joined->add_joining_fetch(handle());
}

void FetchAsPublisher::on_joined(const SubscriptionAsPublisher& subscription) {
  if (!subscription.joinable()) {
    if (context_.rules().joins_any_filter) {
      (void)Request::reject(RequestErrorCode::kInvalidRange, "the subscription has Forward State 0");
      return;
    }
    // A PUBLISH_OK without filter is no violation by itself, and the text speaks of SUBSCRIBE [d15 §9.16.2].
    if (subscription.ours()) {
      (void)Request::reject(RequestErrorCode::kInvalidJoiningRequestId, "its filter is not Largest Object");
      return;
    }
    // [d15 §9.16.2-3]
    return context_.close(SessionErrorCode::kProtocolViolation,
                          "a joining FETCH of a subscription whose filter is not Largest Object (section 9.16.2)");
  }
  const auto& largest = subscription.view().largest_at_establishment;
  if (!largest) {
    // [d15 §9.16.2-1]
    (void)Request::reject(RequestErrorCode::kInvalidRange, "the track had no object when the subscription began");
    return;
  }
  const auto& joining = std::get<wire::JoiningFetch>(message_.range);
  const auto start =
      joining.relative ? JoiningStart::relative(joining.joining_start) : JoiningStart::absolute(joining.joining_start);
  const FetchRange range = FetchRange::up_to({start.group(largest->group), 0}, *largest);  // [d15 §9.16.2.1-1]
  if (!range.valid()) {
    // [d15 §9.16.3-3]
    (void)Request::reject(RequestErrorCode::kInvalidRange, "it starts behind the largest object of the subscription");
    return;
  }
  announce(subscription.view().track, range, subscription.handle());
}

void FetchAsPublisher::on_joined_ended() {  // [d15 §9.16.2-2]
  (void)Request::reject(RequestErrorCode::kInvalidJoiningRequestId, "no such subscription");
}

void FetchAsPublisher::announce(const FullTrackName& track, FetchRange range, RequestHandle joined) {
  announced_ = true;
  range_ = range;
  view_.track = track;
  view_.group_order = message_.parameters.group_order().value_or(GroupOrder::kAscending);
  view_.subscriber_priority = message_.parameters.subscriber_priority().value_or(128);
  context_.outgoing().add_fetch_lane(handle(), view_, range);
  context_.announce(*this, FetchReceived{handle(), track, range, view_.group_order, view_.subscriber_priority, joined,
                                         message_.parameters});
}

std::optional<wire::RequestError> FetchAsPublisher::on_request_update(const MessageParameters& parameters) {
  if (const auto priority = parameters.subscriber_priority(); priority && announced_) {
    view_.subscriber_priority = *priority;
    context_.outgoing().reorder(handle());
  }
  return std::nullopt;
}

void FetchAsPublisher::on_cancelled(const Cancellation&) { end_by(FetchCancelled::Cause::kFetchCancel); }
void FetchAsPublisher::on_stop_sending(StreamHandle, std::uint64_t) { end_by(FetchCancelled::Cause::kStopSending); }

void FetchAsPublisher::end_by(FetchCancelled::Cause cause) {  // [d15 §5.2-3, §9.18-1]
  // Every FETCH gets its one answer, even a withdrawn one [d15 §5.2].
  if (!answered()) (void)send(wire::RequestError{RequestErrorCode::kInternalError, "cancelled"});
  if (announced_) context_.emit(FetchCancelled{handle(), cause});
  context_.outgoing().abort_lane(handle(), StreamResetCode::kCancelled);
  context_.end(handle());
}

void FetchAsPublisher::on_drained() {
  if (context_.outgoing().fetch_lost(handle())) return end_by(FetchCancelled::Cause::kNoRoom);
  if (answered()) forget();
}

void FetchAsPublisher::forget() {
  context_.outgoing().remove_lane(handle());
  context_.end(handle());
}

base::Result<StreamHandle, SessionError> FetchAsPublisher::open_fetch() {
  return context_.outgoing().open_fetch(handle(), reference()->id, context_.events());
}

RequestResult FetchAsPublisher::accept_fetch(const FetchAnswer& answer, MessageParameters parameters) {
  if (auto allowed = may_answer(); !allowed.ok()) return allowed;  // [d15 §5.2-1]
  const FetchRange given{range_.start, answer.end};
  if (!given.valid()) return base::Failure{SessionError::kEmptyRange};
  if (given.last() > range_.last()) return base::Failure{SessionError::kOutOfRange};
  const wire::FetchOk message{answer.end_of_track, answer.end, std::move(parameters)};
  if (auto sent = send(message); !sent.ok()) return sent;
  answered_ = true;
  context_.outgoing().check_drained(handle());
  return {};
}

RequestResult FetchAsPublisher::reject(RequestErrorCode code, std::string_view reason) {
  auto rejected = Request::reject(code, reason);
  if (rejected.ok()) context_.outgoing().abort_lane(handle(), StreamResetCode::kCancelled);
  return rejected;
}

}  // namespace msquic_py::moqt::session
