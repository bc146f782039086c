#include "moqt/session/requests/fetch_as_publisher.h"

#include <utility>

#include "moqt/session/requests/arrival.h"
#include "moqt/session/requests/subscription_as_publisher.h"

namespace msquic_py::moqt::session {

void FetchAsPublisher::admit(const Arrival& arrival, const wire::Fetch& message) {
  if (arrival.requests().count(kKind, false) >= arrival.limits().max_fetches) {
    return arrival.refuse(RequestErrorCode::kInternalError, "too many fetches");  // [d15 §12.1-2]
  }
  if (const auto* relative = std::get_if<wire::RelativeFetch>(&message.range)) {
    // Where it begins, the largest object says, which is known here of what the peer is subscribed to.
    const auto* known =
        arrival.requests().find_first<SubscriptionAsPublisher>([&](const SubscriptionAsPublisher& each) {
          return each.view().track == relative->track && each.view().largest;
        });
    if (known == nullptr) {
      const wire::StandaloneFetch whole{relative->track, {}, {~std::uint64_t{0}, 0}};
      return arrival.make<FetchAsPublisher>(wire::Fetch{whole, message.parameters}, relative->groups_back)
          .receive(nullptr);
    }
    const Location largest = *known->view().largest;
    const Location start = SubscriptionFilter::relative_group(relative->groups_back).resolve_start(largest);
    const FetchRange range = FetchRange::up_to(start, largest);
    if (!range.valid()) return arrival.refuse(RequestErrorCode::kInvalidRange, "it starts behind the largest object");
    const wire::StandaloneFetch resolved{relative->track, range.start, range.end};
    return arrival.make<FetchAsPublisher>(wire::Fetch{resolved, message.parameters}).receive(nullptr);
  }
  const auto* joining = std::get_if<wire::JoiningFetch>(&message.range);
  arrival.make<FetchAsPublisher>(message).receive(
      joining == nullptr ? nullptr : as<SubscriptionAsPublisher>(arrival.named(joining->joined)));
}

void FetchAsPublisher::receive(SubscriptionAsPublisher* joined) {
  if (const auto* standalone = std::get_if<wire::StandaloneFetch>(&message_.range)) {
    const FetchRange range = FetchRange{standalone->start, standalone->end}.closed();
    if (!range.valid()) {
      (void)Request::reject(RequestErrorCode::kInvalidRange, "the range ends before it starts");  // [d15 §9.16.3-2]
      return;
    }
    return report(standalone->track, range, {});
  }
  if (joined == nullptr) return on_joined_ended();
  if (joined->answered()) return on_joined(*joined);
  // What the subscriber asked for is known before SUBSCRIBE is answered; for a PUBLISH of ours only PUBLISH_OK tells.
  if (!joined->ours() && !joined->joinable()) return on_joined(*joined);
  joined->add_joining_fetch(handle());
}

void FetchAsPublisher::on_joined(const SubscriptionAsPublisher& subscription) {
  if (!subscription.joinable()) {
    if (context_.rules().joining != Joining::kAtLargestObject) {
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
  report(subscription.view().track, range, subscription.handle());
}

void FetchAsPublisher::on_joined_ended() {  // [d15 §9.16.2-2]
  (void)Request::reject(RequestErrorCode::kInvalidJoiningRequestId, "no such subscription");
}

void FetchAsPublisher::report(const FullTrackName& track, FetchRange range, RequestHandle joined) {
  announced_ = true;
  range_ = range;
  view_.track = track;
  view_.group_order = message_.parameters.group_order().value_or(GroupOrder::kAscending);
  view_.subscriber_priority = message_.parameters.subscriber_priority().value_or(128);
  context_.outgoing().add_fetch_lane(handle(), view_, range);
  context_.announce(*this, FetchReceived{handle(), track, range, view_.group_order, view_.subscriber_priority, joined,
                                         message_.parameters, groups_back_});
}

base::Result<FetchRange, SessionError> FetchAsPublisher::resolve(Location largest) {  // draft-22 section 9.20.9
  if (!groups_back_ || answered()) return base::Failure{SessionError::kWrongState};
  const Location start =
      SubscriptionFilter::relative_group(*std::exchange(groups_back_, std::nullopt)).resolve_start(largest);
  const FetchRange range = FetchRange::up_to(start, largest);
  if (!range.valid()) {
    (void)reject(RequestErrorCode::kInvalidRange, "it starts behind the largest object");
    return base::Failure{SessionError::kEmptyRange};
  }
  range_ = range;
  context_.outgoing().set_fetch_range(handle(), range);
  return range;
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
  if (!answered() && !filled_) (void)send(wire::RequestError{RequestErrorCode::kInternalError, "cancelled"});
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
  return context_.outgoing().open_fetch(handle(), filled_ ? id_ : reference()->id, context_.events());
}

RequestResult FetchAsPublisher::accept_fetch(const FetchAnswer& answer, MessageParameters parameters) {
  if (auto allowed = may_answer(); !allowed.ok()) return allowed;  // [d15 §5.2-1]
  if (groups_back_) return base::Failure{SessionError::kWrongState};
  const FetchRange given{range_.start, answer.end};
  if (!given.valid()) return base::Failure{SessionError::kEmptyRange};
  if (given.last() > range_.last()) return base::Failure{SessionError::kOutOfRange};
  const wire::FetchOk message{answer.end_of_track, answer.end, answer_to(message_.parameters, std::move(parameters))};
  if (!filled_) {
    if (auto sent = send(message); !sent.ok()) return sent;
  }
  answered_ = true;
  context_.outgoing().check_drained(handle());
  return {};
}

void FetchAsPublisher::begin_fill(bool room) {
  const auto& range = std::get<wire::StandaloneFetch>(message_.range);
  if (room) return report(range.track, {range.start, range.end}, filled_);
  view_.track = range.track;
  context_.outgoing().add_fetch_lane(handle(), view_, {range.start, range.end});
  fail_fill();
}

void FetchAsPublisher::fail_fill() {
  answered_ = true;
  // The header has to arrive: nothing else tells the subscriber that this fill has failed (draft-22 section 3.4.1).
  if (!context_.outgoing().fetch_stream(handle())) (void)open_fetch();
  const StreamHandle stream = context_.outgoing().fetch_stream(handle());
  if (context_.outgoing().give_up(stream, static_cast<std::uint64_t>(StreamResetCode::kInternalError)).ok()) return;
  context_.outgoing().abort_lane(handle(), StreamResetCode::kInternalError);  // the stream is gone
  context_.end(handle());
}

void FetchAsPublisher::on_end() {
  if (auto* subscription = as<SubscriptionAsPublisher>(context_.find(filled_))) {
    subscription->on_fill_ended(handle(), view_.streams_opened);
  }
}

RequestResult FetchAsPublisher::reject(RequestErrorCode code, std::string_view reason) {
  if (filled_) {
    if (auto allowed = may_answer(); !allowed.ok()) return allowed;
    fail_fill();
    return {};
  }
  auto rejected = Request::reject(code, reason);
  if (rejected.ok()) context_.outgoing().abort_lane(handle(), StreamResetCode::kCancelled);
  return rejected;
}

}  // namespace msquic_py::moqt::session
