#include "moqt/session/requests/subscription_as_publisher.h"

#include <algorithm>
#include <chrono>

#include "moqt/session/requests/arrival.h"
#include "moqt/session/requests/fetch_as_publisher.h"

namespace msquic_py::moqt::session {

namespace {

bool asks_for_largest(const MessageParameters& parameters) noexcept {
  const auto filter = parameters.filter();
  return filter && filter->type == FilterType::kLargestObject;
}

}  // namespace

SubscriptionAsPublisher::SubscriptionAsPublisher(RequestContext& context, RequestHandle handle, bool ours,
                                                 FullTrackName track, MessageParameters parameters)
    : Request(context, handle, ours), parameters_(std::move(parameters)) {
  view_.track = std::move(track);
  apply(parameters_);
  if (!ours) {
    take_timeouts(parameters_, std::nullopt, &DeliveryTimeout::subscriber);
    starts_at_largest_ = asks_for_largest(parameters_);
    view_.new_group_request = parameters_.new_group_request();
    return;
  }
  if (context_.rules().publish_ok_shapes) {
    take_timeouts(parameters_, std::nullopt, &DeliveryTimeout::publisher);
  } else {  // as parameters they are what the subscription begins with (draft-22 section 9.8)
    take_timeouts(parameters_, ParameterScope::kTrack, &DeliveryTimeout::publisher);
    take_timeouts(parameters_, ParameterScope::kMessage, &DeliveryTimeout::subscriber);
  }
  view_.track_alias = context_.next_track_alias();                                // [d15 §9.13-1]
  view_.publisher_priority = parameters_.publisher_priority().value_or(128);      // [d15 §7.3-3]
  view_.largest_at_establishment = view_.largest = parameters_.largest_object();  // [d15 §5.1-4]
  if (!context_.rules().publish_ok_shapes && filter_) {  // said in the PUBLISH, it counts at once (draft-22, 9.8)
    view_.apply(*filter_, view_.largest);
    filter_.reset();
  }
  // What SUBSCRIBE_TRACKS asks of the subscriptions that come of it, and a PUBLISH has no words for.
  parameters_ = answer_to(parameters_, parameters_);
  for (const MessageParameter local :
       {MessageParameter::kIncludeProperties, MessageParameter::kSubgroupFilter, MessageParameter::kObjectIdFilter,
        MessageParameter::kPriorityFilter, MessageParameter::kObjectPropertyFilter}) {
    if (context_.rules().range_filters) parameters_.remove(static_cast<std::uint64_t>(local));
  }
  context_.outgoing().add_lane(handle, view_, /*held=*/true);
}

std::optional<SessionError> SubscriptionAsPublisher::refusal(const RequestTable& requests, const FullTrackName& track,
                                                             const MessageParameters&) {
  if (!track.valid()) return SessionError::kInvalidName;
  if (requests.rules.second_subscription == SecondSubscription::kRefused) {
    const bool duplicate = requests.find_first<SubscriptionAsPublisher>(
        [&](const SubscriptionAsPublisher& each) { return !each.done_ && each.view().track == track; });
    if (duplicate) return SessionError::kDuplicate;
  }
  return std::nullopt;
}

void SubscriptionAsPublisher::admit(const Arrival& arrival, const wire::Subscribe& message) {
  switch (arrival.requests().rules.second_subscription) {
    case SecondSubscription::kViolates: {
      const bool duplicate = arrival.requests().find_first<SubscriptionAsPublisher>(
          [&](const SubscriptionAsPublisher& each) { return !each.ours() && each.view().track == message.track; });
      if (duplicate) return arrival.violate("a second SUBSCRIBE for a track (section 9.9)");  // [d15 §9.9-2]
      break;
    }
    case SecondSubscription::kRefused: {
      const bool duplicate = arrival.requests().find_first<SubscriptionAsPublisher>(
          [&](const SubscriptionAsPublisher& each) { return !each.done_ && each.view().track == message.track; });
      if (!duplicate) break;
      return arrival.refuse(RequestErrorCode::kDuplicateSubscription, "there is a subscription to this track");
    }
    case SecondSubscription::kAllowed: break;
  }
  if (range_reversed(message.parameters)) {
    // [d15 §9.9-4]
    return arrival.refuse(RequestErrorCode::kInvalidRange, "the range ends before it starts");
  }
  auto& request = arrival.make<SubscriptionAsPublisher>(message.track, message.parameters);
  arrival.context().announce(request, SubscribeReceived{request.handle(), message.track, message.parameters});
}

wire::MessageBody SubscriptionAsPublisher::first_message() const {
  return wire::Publish{view_.track, view_.track_alias, parameters_};
}

void SubscriptionAsPublisher::begin(wire::RequestReference reference) {
  Request::begin(reference);
  context_.outgoing().release_lane(handle());
  renew(parameters_.expires());
}

// [d15 §9.11-8]
/// What SUBSCRIBE, PUBLISH, PUBLISH_OK and SUBSCRIBE_UPDATE have in common. Absent parameters change nothing.
void SubscriptionAsPublisher::apply(const MessageParameters& parameters) {
  view_.forward = parameters.forward().value_or(view_.forward);
  view_.subscriber_priority = parameters.subscriber_priority().value_or(view_.subscriber_priority);
  view_.group_order = parameters.group_order().value_or(view_.group_order);
  if (const auto filter = parameters.filter()) filter_ = asked_filter_ = filter;
  view_.objects.take(parameters.items());
}

/// Both sides may set one; the shorter counts [d15 §9.2.1.2-2]. What is not given stays; 0 takes it back.
void SubscriptionAsPublisher::take_timeouts(const MessageParameters& parameters, std::optional<ParameterScope> scope,
                                            std::uint64_t DeliveryTimeout::*whose) noexcept {
  const auto take = [&](DeliveryTimeout& timeout, MessageParameter parameter) {
    timeout.*whose = parameters.number(parameter, scope).value_or(timeout.*whose);
  };
  take(view_.timeouts.object, MessageParameter::kDeliveryTimeout);
  if (context_.rules().subgroup_timeouts) take(view_.timeouts.subgroup, MessageParameter::kSubgroupDeliveryTimeout);
}

RequestResult SubscriptionAsPublisher::reject(RequestErrorCode code, std::string_view reason) {
  auto rejected = Request::reject(code, reason);
  if (!rejected.ok()) return rejected;
  refuse_pending_updates();
  release_joining_fetches();
  return rejected;
}

RequestResult SubscriptionAsPublisher::accept(MessageParameters parameters) {
  if (auto allowed = may_answer(); !allowed.ok()) return allowed;
  const auto largest = parameters.largest_object();
  const auto last = filter_ && context_.rules().past_ranges_refused ? filter_->last_group() : std::nullopt;
  if (last && largest && *last < largest->group) {
    (void)reject(RequestErrorCode::kInvalidRange, "the whole range has been published");  // [d15 §9.9-4]
    return base::Failure{SessionError::kInvalidRange};
  }
  expires_ms_ = parameters.expires().value_or(0);
  if (allowed_ms_) parameters.set_expires(time());
  const std::uint64_t alias = context_.next_track_alias();  // [d15 §9.10-1]
  if (auto sent = send(wire::SubscribeOk{alias, answer_to(parameters_, parameters)}); !sent.ok())
    return sent;  // [d15 §9.9-3]
  answered_ = true;
  view_.track_alias = alias;
  view_.established = true;
  view_.publisher_priority = parameters.publisher_priority().value_or(128);
  if (!parameters_.group_order()) view_.group_order = parameters.group_order().value_or(GroupOrder::kAscending);
  take_timeouts(parameters, std::nullopt, &DeliveryTimeout::publisher);
  renew(std::nullopt);
  view_.largest_at_establishment = view_.largest = largest;  // [d15 §5.1-4]
  if (filter_) view_.apply(*filter_, largest);
  filter_.reset();
  context_.outgoing().add_lane(handle(), view_, /*held=*/false);
  release_joining_fetches();
  begin_fill(parameters_, reference()->id);
  return {};
}

void SubscriptionAsPublisher::on_publish_ok(const wire::PublishOk& message) {  // [d15 §9.14-1]
  if (!take_answer("PUBLISH_OK")) return;
  view_.established = true;
  starts_at_largest_ = asks_for_largest(message.parameters);
  // Left out, FORWARD means 1 here, whatever PUBLISH said [d15 §9.2.1.10].
  MessageParameters parameters = message.parameters;
  // [d15 §9.2.1.10-2]
  if (!parameters.forward() && context_.rules().publish_ok_shapes) parameters.set_forward(true);
  // [d15 §5.1.2-3]
  // A relative filter counts from what PUBLISH told the subscriber. Objects were sent meanwhile; counted from those, it
  // would drop what the subscriber has just asked for, and leave a gap behind a Joining Fetch [d15 §9.16.2.1].
  apply_update(parameters, view_.largest_at_establishment);
  context_.emit(RequestAccepted{handle(), message.parameters});
  release_joining_fetches();
  on_drained();
}

void SubscriptionAsPublisher::on_request_error(const wire::RequestError& message) {  // [d15 §5.1.1-3]
  if (!take_refusal(message)) return;
  tell_rejected(message);
  abort();
}

void SubscriptionAsPublisher::on_cancelled(const Cancellation&) {
  if (!answered() && !ours()) {
    (void)send(wire::RequestError{RequestErrorCode::kInternalError, "unsubscribed before an answer"});
  }
  context_.emit(Unsubscribed{handle()});
  abort();
}

void SubscriptionAsPublisher::refuse_pending_updates() {  // [d15 §9.11-3]
  for (const RequestHandle update : std::exchange(pending_updates_, {})) {
    if (Request* request = context_.find(update)) {
      (void)request->Request::reject(RequestErrorCode::kDoesNotExist, "the subscription has ended");
    }
  }
}

void SubscriptionAsPublisher::release_joining_fetches() {
  for (const RequestHandle waiting : std::exchange(joining_fetches_, {})) {
    auto* fetch = as<FetchAsPublisher>(context_.find(waiting));
    if (fetch == nullptr) continue;  // cancelled meanwhile
    if (view_.established) {
      fetch->on_joined(*this);
    } else {
      fetch->on_joined_ended();
    }
  }
}

/// Nobody wants its objects any more: every stream that still has bytes to send is reset [d15 §5.1.1].
void SubscriptionAsPublisher::abort() {  // [d15 §5.1.1-1]
  refuse_pending_updates();
  release_joining_fetches();
  end_fills();
  context_.outgoing().abort_lane(handle(), StreamResetCode::kCancelled);
  context_.end(handle());
}

bool SubscriptionAsPublisher::allows(const MessageParameters& update) const noexcept {  // [d15 §9.11-2]
  if (context_.rules().updates_may_widen) return true;
  const auto filter = update.filter();
  if (!filter || (filter->type != FilterType::kAbsoluteStart && filter->type != FilterType::kAbsoluteRange))
    return true;
  if (filter->start < asked_start_) return false;
  if (!filter_) return filter->start >= view_.start;
  const bool absolute = filter_->type == FilterType::kAbsoluteStart || filter_->type == FilterType::kAbsoluteRange;
  return !absolute || filter->start >= filter_->start;
}

void SubscriptionAsPublisher::add_pending_update(RequestHandle update, const MessageParameters& parameters) {
  pending_updates_.push_back(update);
  if (const auto filter = parameters.filter()) asked_start_ = std::max(asked_start_, filter->start);
}

void SubscriptionAsPublisher::apply_update(const MessageParameters& update, std::optional<Location> largest) {
  const bool was_forward = view_.forward;
  apply(update);
  take_timeouts(update, std::nullopt, &DeliveryTimeout::subscriber);
  if (!answered()) return;
  bool narrowed = false;
  if (filter_) {
    // A relative start counts from an object that may be older than the present start.
    const Location before = view_.start;
    view_.apply(*filter_, largest);
    if (!context_.rules().updates_may_widen) view_.start = std::max(view_.start, before);
    filter_.reset();
    narrowed = true;
  }
  OutgoingData& outgoing = context_.outgoing();
  outgoing.reorder(handle());
  outgoing.retime(handle());
  if (was_forward && !view_.forward) {  // [d15 §10.4.3-7]
    outgoing.reset_streams(handle(), StreamResetCode::kCancelled, /*only_unwanted=*/false, &context_.events());
  } else if (narrowed) {
    outgoing.reset_streams(handle(), StreamResetCode::kCancelled, /*only_unwanted=*/true, &context_.events());
  }
}

void SubscriptionAsPublisher::begin_fill(const MessageParameters& parameters, std::uint64_t request_id) {
  const FillParameters* const fill = parameters.fill();
  if (fill == nullptr || !view_.forward || !view_.largest) return;
  MessageParameters inside;
  for (const Parameter& parameter : fill->items) inside.append(parameter);
  const auto filter = inside.filter() ? inside.filter() : asked_filter_;
  const Location start = filter ? filter->resolve_start(view_.largest) : Location{};
  Location last = *view_.largest;
  if (filter && filter->ends()) last = std::min(last, Location{filter->end_group, filter->last_object()});
  const FetchRange range = FetchRange::up_to(start, last);
  if (start > last) return;
  inside.remove(static_cast<std::uint64_t>(MessageParameter::kSubscriptionFilter));
  for (const auto& [type, range_filter] : view_.objects.filters()) {  // of a type that it has none of itself
    if (!RangeFilterSet::has(fill->items, type)) inside.add_range_filter(type, range_filter);
  }
  if (!inside.subscriber_priority()) inside.set_subscriber_priority(view_.subscriber_priority);
  if (!inside.group_order()) inside.set_group_order(view_.group_order);
  for (AuthorizationToken& token : parameters_.authorization_tokens()) inside.add_authorization_token(std::move(token));
  const RequestHandle added = context_.add_fill(
      handle(), request_id, wire::Fetch{wire::StandaloneFetch{view_.track, range.start, range.end}, std::move(inside)});
  if (context_.find(added) != nullptr) fills_.push_back(added);
}

void SubscriptionAsPublisher::on_fill_ended(RequestHandle fill, std::uint64_t streams) {
  std::erase(fills_, fill);
  view_.streams_opened += streams;
  context_.outgoing().check_drained(handle());
}

void SubscriptionAsPublisher::end_fills() {
  for (const RequestHandle each : std::exchange(fills_, {})) {
    if (auto* fill = as<FetchAsPublisher>(context_.find(each))) fill->abandon();
  }
}

std::uint64_t SubscriptionAsPublisher::time() const noexcept {
  if (!allowed_ms_) return expires_ms_;
  return expires_ms_ == 0 ? *allowed_ms_ : std::min(expires_ms_, *allowed_ms_);
}

void SubscriptionAsPublisher::renew(std::optional<std::uint64_t> expires_ms) {
  expires_ms_ = expires_ms.value_or(expires_ms_);
  constexpr std::uint64_t kYear = std::uint64_t{365} * 24 * 3600 * 1000;
  context_.expire_after(handle(), std::chrono::milliseconds(std::min(time(), kYear)));
}

void SubscriptionAsPublisher::on_expiry() {
  if (!done_) context_.emit(SubscriptionExpired{handle()});
}

RequestResult SubscriptionAsPublisher::publish_done(PublishDoneCode code, std::string_view reason) {
  if (done_ || (!ours() && !answered())) return base::Failure{SessionError::kWrongState};
  if (ours() && !reference()) {  // the peer never heard of it
    abort();
    return {};
  }
  done_ = wire::PublishDone{code, 0, cut_reason(reason)};
  view_.ending = true;
  context_.outgoing().check_drained(handle());
  return {};
}

RequestResult SubscriptionAsPublisher::notify_state(MessageParameters changes) {  // draft-22 section 9.10
  if (!context_.rules().state_is_told) return base::Failure{SessionError::kNotInDraft};
  if (!view_.established || done_) return base::Failure{SessionError::kWrongState};
  const bool said_here = std::ranges::all_of(changes.items(), [](const Parameter& each) {
    return each.type == static_cast<std::uint64_t>(MessageParameter::kForward) ||
           each.type == static_cast<std::uint64_t>(MessageParameter::kSubscriptionFilter) ||
           each.type == static_cast<std::uint64_t>(MessageParameter::kLargestObject);
  });
  if (!said_here || range_reversed(changes)) return base::Failure{SessionError::kInvalidParameter};
  const auto largest = changes.largest_object() ? changes.largest_object() : view_.largest;
  if (largest) changes.set_largest_object(*largest);
  if (auto sent = send(wire::PublishStateNotify{changes}); !sent.ok()) return sent;
  view_.largest = std::max(view_.largest, largest);
  apply_update(changes, largest);
  return {};
}

void SubscriptionAsPublisher::withdraw() {
  if (reference()) {
    if (!done_) done_ = wire::PublishDone{PublishDoneCode::kInternalError, 0, "no answer to PUBLISH in time"};
    done_->stream_count = view_.streams_opened;
    (void)send(*done_);
  }
  abort();
}

void SubscriptionAsPublisher::on_drained() {  // [d15 §9.15-2]
  // A PUBLISH without answer waits for it: the subscription is not established yet, and may still be refused.
  if (!done_ || !answered() || view_.open_streams > 0 || !fills_.empty()) return;  // [d15 §5.1.1-2, §9.15-1]
  done_->stream_count = view_.streams_opened;                                      // [d15 §9.15-5, §9.15-6]
  refuse_pending_updates();
  (void)send(*done_);
  context_.outgoing().remove_lane(handle());
  context_.end(handle());
}

}  // namespace msquic_py::moqt::session
