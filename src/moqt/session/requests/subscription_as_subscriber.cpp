#include "moqt/session/requests/subscription_as_subscriber.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "moqt/session/requests/arrival.h"
#include "moqt/session/requests/subscription_update.h"

namespace msquic_py::moqt::session {

namespace {

/// As long as a deadline may be: a peer may name any number.
Duration given_time(std::uint64_t milliseconds) noexcept {
  constexpr std::uint64_t kYear = std::uint64_t{365} * 24 * 3600 * 1000;
  return std::chrono::milliseconds(std::min(milliseconds, kYear));
}

}  // namespace

std::optional<SessionError> SubscriptionAsSubscriber::refusal(const RequestTable& requests, const FullTrackName& track,
                                                              const MessageParameters& parameters) {
  if (!track.valid()) return SessionError::kInvalidName;
  if (range_reversed(parameters) || too_many_ranges(parameters, requests)) return SessionError::kInvalidParameter;
  if (parameters.fill() != nullptr) return SessionError::kInvalidParameter;  // join() brings what was before
  const SecondSubscription second = requests.rules.second_subscription;
  // [d15 §9.9-1]
  const bool duplicate = requests.find_first<SubscriptionAsSubscriber>([&](const SubscriptionAsSubscriber& each) {
    return (each.ours() || second == SecondSubscription::kRefused) && !each.draining() && each.track() == track;
  });
  if (duplicate && second != SecondSubscription::kAllowed) return SessionError::kDuplicate;
  return std::nullopt;
}

void SubscriptionAsSubscriber::admit(const Arrival& arrival, const wire::Publish& message) {
  if (arrival.requests().rules.second_subscription == SecondSubscription::kRefused) {
    // Our own SUBSCRIBE without an answer gives way when this one is accepted.
    const bool duplicate = arrival.requests().find_first<SubscriptionAsSubscriber>([&](const auto& each) {
      return (!each.ours() || each.answered()) && !each.draining() && each.track() == message.track;
    });
    if (duplicate) {
      return arrival.refuse(RequestErrorCode::kDuplicateSubscription, "there is a subscription to this track");
    }
  }
  if (demands_understanding(message.parameters, arrival.requests().rules)) {
    return arrival.refuse(RequestErrorCode::kUnsupportedExtension, kNotUnderstood);
  }
  arrival.make<SubscriptionAsSubscriber>(message.track, message.parameters).on_publish(message.track_alias);
}

wire::MessageBody SubscriptionAsSubscriber::first_message() const { return wire::Subscribe{track_, parameters_}; }

bool SubscriptionAsSubscriber::take_alias(std::uint64_t alias, const MessageParameters& parameters) {
  evict_ended(alias);
  largest_ = parameters.largest_object();
  dynamic_groups_ = parameters.dynamic_groups().value_or(false);
  if (filter_) start_ = filter_->resolve_start(largest_);
  note_timeouts(parameters_);
  note_timeouts(parameters);
  wanted_.forward = forward_;
  wanted_.objects.take(parameters_.items());
  if (const auto filter = parameters_.filter()) wanted_.locations.apply(*filter, largest_);
  // [d15 §9.2.1.4-2]
  if (context_.incoming().add_track(handle(), track_, alias, parameters.publisher_priority().value_or(128), wanted_)) {
    track_alias_ = alias;
    return true;
  }
  context_.close(SessionErrorCode::kDuplicateTrackAlias,
                 "a track alias is in use for another track (sections 9.10, 9.13)");
  return false;
}

void SubscriptionAsSubscriber::evict_ended(std::uint64_t alias) {
  // Only an Established subscription holds its alias; after PUBLISH_DONE the publisher may give it to any track.
  const ReceivedTrack* track = context_.incoming().track_with(alias);
  if (track == nullptr) return;
  std::vector<RequestHandle> holders;
  for (const ReceivedTrack::Receiver& each : track->receivers) holders.push_back(each.subscription);
  for (const RequestHandle holder : holders) {
    auto* subscription = as<SubscriptionAsSubscriber>(context_.find(holder));
    if (subscription != nullptr && subscription->draining() && subscription->answered()) subscription->report_done();
  }
}

void SubscriptionAsSubscriber::on_publish(std::uint64_t track_alias) {
  offered_alias_ = track_alias;
  if (context_.config().asks_authorization) {
    context_.incoming().reserve_alias(track_alias);
    context_.incoming().expect(handle(), track_, track_alias);
  }
  renewed(parameters_.expires());
  context_.announce(*this, PublishReceived{handle(), track_, parameters_});
}

void SubscriptionAsSubscriber::on_authorized(Event event) {
  const std::uint64_t alias = *std::exchange(offered_alias_, std::nullopt);
  context_.incoming().unreserve_alias(alias);
  if (!take_alias(alias, parameters_)) return;
  context_.emit(std::move(event));
  context_.incoming().release_held(handle());
}

void SubscriptionAsSubscriber::on_subscribe_ok(const wire::SubscribeOk& message) {
  if (!take_answer("SUBSCRIBE_OK")) return;
  if (demands_understanding(message.parameters, context_.rules())) {
    tell_rejected({RequestErrorCode::kUnsupportedExtension, std::string(kNotUnderstood)});
    context_.incoming().retire_alias(message.track_alias, track_);
    return withdraw();
  }
  if (!take_alias(message.track_alias, message.parameters)) return;
  renewed(message.parameters.expires());
  context_.emit(RequestAccepted{handle(), message.parameters});
  context_.incoming().release_held(handle());
}

void SubscriptionAsSubscriber::on_publish_done(const wire::PublishDone& message) {
  if (done_ || (ours() && !answered())) return unexpected("PUBLISH_DONE");  // [d15 §5.1-7]
  done_ = message;
  const Duration delivery = std::chrono::milliseconds(std::min<std::uint64_t>(delivery_timeout_ms_, 600'000));
  context_.arm(handle(), std::max(context_.config().timeouts.publish_done, delivery));  // [d15 §9.15-3]
  check_done();
}

void SubscriptionAsSubscriber::on_publish_state(const wire::PublishStateNotify& message) {  // draft-22 section 9.10
  if (done_ || !answered()) return unexpected("PUBLISH_STATE_NOTIFY");
  note_update(message.parameters);
  apply(message.parameters, message.parameters.largest_object());
  context_.emit(SubscriptionChanged{handle(), message.parameters});
}

void SubscriptionAsSubscriber::apply(const MessageParameters& change, std::optional<Location> largest) {
  wanted_.forward = change.forward().value_or(wanted_.forward);
  wanted_.objects.take(change.items());
  if (const auto filter = change.filter()) wanted_.locations.apply(*filter, largest ? largest : largest_);
  context_.incoming().set_wanted(handle(), wanted_);
}

void SubscriptionAsSubscriber::add_update(RequestHandle update) {
  updates_.push_back(update);
  wanted_.changing = true;
  context_.incoming().set_wanted(handle(), wanted_);
}

void SubscriptionAsSubscriber::remove_update(RequestHandle update) {
  std::erase(updates_, update);
  wanted_.changing = !updates_.empty();
  context_.incoming().set_wanted(handle(), wanted_);
}

void SubscriptionAsSubscriber::on_deadline() {
  if (!done_) return Request::on_deadline();
  done_timer_over_ = true;
  check_done();
}

void SubscriptionAsSubscriber::renewed(std::optional<std::uint64_t> expires_ms) {
  expires_ms_ = expires_ms.value_or(expires_ms_);
  expiring_ = false;
  if (!ends_itself_) context_.expire_after(handle(), given_time(expires_ms_) - after_expiry());
}

Duration SubscriptionAsSubscriber::after_expiry() const noexcept {
  return ends_itself_ || expiring_ ? Duration::zero() : given_time(expires_ms_) / 3;
}

void SubscriptionAsSubscriber::on_expiry() {
  if (done_) return;
  if (ends_itself_) {
    SubscriptionDone event;
    event.subscription = handle();
    event.code = static_cast<std::uint64_t>(PublishDoneCode::kExpired);
    event.reason = "the time of this endpoint's PUBLISH_OK is over";
    context_.emit(std::move(event));
    return withdraw();
  }
  if (std::exchange(expiring_, true)) return;  // the publisher ends it, now or a little later [d15 §9.2.1.8]
  context_.expire_after(handle(), given_time(expires_ms_) / 3);
  if (answered()) context_.emit(SubscriptionExpiring{handle()});
}

void SubscriptionAsSubscriber::check_done() {
  if (!done_ || !answered()) return;
  IncomingData& incoming = context_.incoming();
  if (done_timer_over_ && incoming.shares_alias(handle())) incoming.close_to_new_streams(handle());
  if (incoming.streams_open(handle()) > 0) return;
  const std::uint64_t seen = incoming.streams_seen(handle());
  // Datagrams are not counted, so late ones can only be waited for; nor can streams of which nobody knows whose they
  // are.
  const bool uncounted = incoming.uses_datagrams(handle()) || incoming.shares_alias(handle());
  const bool complete = seen >= done_->stream_count && !uncounted;
  if (complete || done_timer_over_) report_done();
}

SubscriptionDone SubscriptionAsSubscriber::over() const {
  const std::uint64_t seen = context_.incoming().streams_seen(handle());
  SubscriptionDone event;
  event.subscription = handle();
  event.code = static_cast<std::uint64_t>(done_->status_code);
  event.stream_count = done_->stream_count;
  event.reason = done_->error_reason;
  if (done_->stream_count != wire::kStreamCountUnknown && seen < done_->stream_count) {
    event.missing_streams = done_->stream_count - seen;
  }
  return event;
}

void SubscriptionAsSubscriber::report_done() {
  SubscriptionDone event = over();
  for (const RequestHandle each : updates_) {
    if (const auto* update = as<SubscriptionUpdate>(context_.find(each))) update->tell_unanswered();
  }
  context_.emit(std::move(event));
  context_.incoming().remove_track(handle());
  context_.end(handle());
}

void SubscriptionAsSubscriber::on_malformed(MalformedTrack reason) {
  context_.emit(TrackMalformed{handle(), reason});
  if (may_answer().ok()) {
    (void)reject(RequestErrorCode::kMalformedTrack, describe(reason));
  } else {
    (void)cancel();
  }
}

bool SubscriptionAsSubscriber::begins_earlier(const std::optional<SubscriptionFilter>& filter) const noexcept {
  if (context_.rules().updates_may_widen) return false;
  // Where a relative filter will lie, the publisher alone knows; it keeps the later start then.
  const bool absolute =
      filter && (filter->type == FilterType::kAbsoluteStart || filter->type == FilterType::kAbsoluteRange);
  return absolute && filter->start < start_;
}

void SubscriptionAsSubscriber::note_update(const MessageParameters& update) noexcept {
  if (const auto filter = update.filter()) start_ = std::max(start_, filter->start);
  forward_ = update.forward().value_or(forward_);
  note_timeouts(update);
}

void SubscriptionAsSubscriber::note_timeouts(const MessageParameters& parameters) noexcept {
  for (const ParameterScope scope : {ParameterScope::kMessage, ParameterScope::kTrack}) {
    for (const MessageParameter each :
         {MessageParameter::kDeliveryTimeout, MessageParameter::kSubgroupDeliveryTimeout}) {
      delivery_timeout_ms_ = std::max(delivery_timeout_ms_, parameters.number(each, scope).value_or(0));
    }
  }
}

RequestResult SubscriptionAsSubscriber::accept(MessageParameters parameters) {
  if (auto allowed = may_answer(); !allowed.ok()) return allowed;
  if (!may_ask(parameters)) return base::Failure{SessionError::kNoDynamicGroups};  // [d15 §9.2.1.12-1]
  const auto filter = parameters.filter();
  const std::uint64_t expires = parameters.expires().value_or(0);
  forward_ = parameters.forward().value_or(true);
  if (context_.rules().second_subscription == SecondSubscription::kRefused) context_.give_way(handle(), track_);
  MessageParameters wishes;
  if (!context_.rules().publish_ok_shapes) {
    // The answer has no words for it, and the update that follows would count from objects that are on their way.
    if (filter && !filter->absolute() && filter->type != FilterType::kUnfiltered) {
      parameters.set_filter(SubscriptionFilter::absolute_start(filter->resolve_start(largest_)));
    }
    wishes = take_wishes(parameters);
  }
  if (auto sent = send(wire::PublishOk{std::move(parameters)}); !sent.ok()) return sent;
  answered_ = true;
  if (!wishes.empty()) context_.update_quietly(handle(), std::move(wishes));
  filter_ = filter;
  if (filter_) start_ = filter_->resolve_start(largest_);
  if (context_.rules().publish_ok_shapes) {
    wanted_.forward = forward_;
    if (filter_) wanted_.locations.apply(*filter_, largest_);
    context_.incoming().set_wanted(handle(), wanted_);
  }
  ends_itself_ = expires > 0 && (expires_ms_ == 0 || expires < expires_ms_);
  if (ends_itself_) context_.expire_after(handle(), given_time(expires));
  check_done();
  return {};
}

MessageParameters SubscriptionAsSubscriber::take_wishes(MessageParameters& parameters) const {
  MessageParameters answer, wishes;
  for (const Parameter& parameter : parameters.items()) {
    const bool expires = parameter.type == static_cast<std::uint64_t>(MessageParameter::kExpires);
    // The order of groups is what the PUBLISH says; nothing changes it (draft-22 section 9.20.8).
    const bool order = parameter.type == static_cast<std::uint64_t>(MessageParameter::kGroupOrder);
    if (!order) (expires ? answer : wishes).append(parameter);
  }
  parameters = std::move(answer);
  const bool forward = wishes.forward().value_or(true);
  wishes.remove(static_cast<std::uint64_t>(MessageParameter::kForward));
  if (forward != parameters_.forward().value_or(true)) wishes.set_forward(forward);
  return wishes;
}

RequestResult SubscriptionAsSubscriber::reject(RequestErrorCode code, std::string_view reason) {  // [d15 §9.13-3]
  auto rejected = Request::reject(code, reason);
  if (!rejected.ok()) return rejected;
  if (const auto offered = std::exchange(offered_alias_, std::nullopt))
    context_.incoming().refuse_alias(*offered, track_);
  context_.incoming().remove_track(handle());
  return rejected;
}

RequestResult SubscriptionAsSubscriber::cancel() {
  if (!ours() && !answered()) return base::Failure{SessionError::kWrongState};
  withdraw();
  return {};
}

void SubscriptionAsSubscriber::on_end() {
  // The publisher has forgotten the subscription and need not answer its updates any more.
  for (const RequestHandle update : std::exchange(updates_, {})) context_.end(update);
  context_.incoming().unexpect(handle());
}

void SubscriptionAsSubscriber::withdraw() {
  // After PUBLISH_DONE the publisher has forgotten it.
  context_.end(handle(), done_ ? std::nullopt : std::optional(Cancellation{}));
  context_.incoming().remove_track(handle());
}

}  // namespace msquic_py::moqt::session
