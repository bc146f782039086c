// How a subscription gives up what it was to get, and how it ends.
#include <algorithm>
#include <utility>

#include "moqt/objects/subscription.h"
#include "moqt/objects/track_publisher.h"

namespace msquic_py::moqt::objects {

namespace {

StreamResetCode known_code(std::uint64_t code) noexcept {
  return code <= static_cast<std::uint64_t>(StreamResetCode::kSessionClosed) ? static_cast<StreamResetCode>(code)
                                                                             : StreamResetCode::kInternalError;
}

}  // namespace

void Subscription::give_up() {
  while (!behind_.empty()) {
    StoredSubgroup& subgroup = *behind_.back().subgroup;
    SubgroupDelivery& delivery = subgroup.deliveries[slot_];
    const session::StreamHandle stream = delivery.stream;
    abandon(subgroup, delivery, &DeliveryAccount::reset);
    delivery.stopped = true;
    delivery.stream = {};
    if (stream) (void)session_.reset_stream(stream, StreamResetCode::kCancelled);
  }
  // What is still arriving has no more to wait for.
  account_.reset += std::exchange(account_.waiting, 0);
  owed_bytes_ = 0;
}

void Subscription::leave_streams() {
  for (const auto& [id, group] : publisher_.store().groups()) {
    group.for_each([&](StoredSubgroup& subgroup) {
      SubgroupDelivery* const delivery = existing(subgroup);
      if (delivery != nullptr && delivery->open() && !delivery->behind) leave(*delivery, session::Time{});
    });
  }
}

bool Subscription::notify_state(const MessageParameters& changes) {
  if (ended_ || !session_.notify_state(request_, changes).ok()) return false;
  outlet_.make_ready();
  return true;
}

bool Subscription::move(std::string_view uri) {
  if (ended_ || session_.is_ours(request_) || !session_.goaway(request_, uri).ok()) return false;
  outlet_.make_ready();
  return true;
}

void Subscription::subgroup_cut(StoredSubgroup& subgroup) {
  SubgroupDelivery* const delivery = existing(subgroup);
  if (delivery == nullptr || delivery->stopped || delivery->ended) return;
  const session::StreamHandle stream = delivery->stream;
  abandon(subgroup, *delivery, &DeliveryAccount::reset);
  if (stream) (void)session_.reset_stream(stream, known_code(subgroup.reset_code()));
  delivery->leave_stream();
  delivery->has_gap = true;
  delivery->ended = true;
  outlet_.make_ready();
}

void Subscription::close(StoredSubgroup& subgroup, SubgroupDelivery& delivery, session::Time now) {
  if (subgroup.ended() == StoredSubgroup::End::kReset) {
    delivery.has_gap = true;
    if (delivery.begun) {  // nobody brings the rest of the object
      (void)session_.reset_stream(delivery.stream, known_code(subgroup.reset_code()));
      delivery.stream = {};
      delivery.begun = false;
      --account_.waiting;
      ++account_.reset;
      delivery.next = std::max(delivery.next, delivery.current + 1);
    } else if (delivery.open()) {
      // [d15 §10.4.3-5]
      retire(delivery, known_code(subgroup.reset_code()), now);  // what it has is whole, and still arrives
    }
  } else if (delivery.open()) {
    if (delivery.has_gap || !came_whole(subgroup)) {  // [d15 §10.4.3-2]
      retire(delivery, StreamResetCode::kCancelled, now);
    } else {
      (void)session_.finish_stream(delivery.stream);  // [d15 §10.4.3-1]
      gave_one_up_ = false;
    }
  }
  delivery.leave_stream();
  delivery.ended = true;
}

void Subscription::leave(SubgroupDelivery& delivery, session::Time now) {
  if (delivery.begun) {  // the rest of the object would come for others alone
    account_.waiting -= std::min<std::uint64_t>(account_.waiting, 1);
    ++account_.reset;
    delivery.begun = false;
    delivery.pass(delivery.current);
  }
  if (delivery.open()) retire(delivery, StreamResetCode::kCancelled, now);  // [d15 §10.4.3-2]
  delivery.leave_stream();
  delivery.ended = true;
}

bool Subscription::came_whole(const StoredSubgroup& subgroup) const noexcept {
  const std::uint64_t from = subgroup.whole_from.value_or(0);
  const auto* published = view();
  if (from == 0 || published == nullptr) return true;
  Location start = published->start;
  if (const auto& largest = published->largest_at_establishment) {
    start = std::max(start, Location{largest->group, largest->object + 1});
  }
  if (start.group > subgroup.group()) return true;
  const std::uint64_t first = start.group == subgroup.group() ? start.object : 0;
  if (from <= first) return true;
  // The publisher was lost, and the one that took its place began in the middle of the group.
  const StoredGroup* const group = publisher_.store().find(subgroup.group());
  return group != nullptr && group->all_came(subgroup, first, from);
}

void Subscription::retire(SubgroupDelivery& delivery, StreamResetCode code, session::Time now) {
  (void)session_.retire_stream(delivery.stream, code);
  retired_.push_back({delivery.stream, now});
  outlet_.settle_later();
  delivery.leave_stream();
  outlet_.make_ready();
}

void Subscription::abandon(StoredSubgroup& subgroup, SubgroupDelivery& delivery, Counter counter) {
  const auto give_up = [&](const StoredObject& object, std::uint64_t sent) {
    if (object.fetched) return;
    const std::size_t owed = static_cast<std::size_t>(object.payload_arrived - std::min(sent, object.payload_arrived));
    owed_bytes_ -= std::min(owed_bytes_, owed);
    account_.waiting -= std::min<std::uint64_t>(account_.waiting, 1);
    ++(account_.*counter);
  };
  if (delivery.begun) {
    give_up(subgroup.at(delivery.current), delivery.payload_sent);
    delivery.pass(delivery.current);
    delivery.begun = false;
  }
  for (const std::uint64_t id : delivery.late) {
    const auto place = subgroup.find(id);
    if (!place) continue;
    owed_bytes_ -= std::min<std::size_t>(owed_bytes_, subgroup.at(*place).header_size);
    give_up(subgroup.at(*place), 0);
  }
  delivery.late.clear();
  for (delivery.next = std::max(delivery.next, subgroup.first()); delivery.next < subgroup.end(); ++delivery.next) {
    if (delivery.take_left_out(subgroup.at(delivery.next).id)) continue;
    owed_bytes_ -= std::min<std::size_t>(owed_bytes_, subgroup.at(delivery.next).header_size);
    give_up(subgroup.at(delivery.next), 0);
  }
  set_behind(subgroup, delivery, false);
}

void Subscription::fall_behind() {
  ++consecutive_skips_;
  given_since_skip_ = 0;
  ++groups_skipped_;
  ++publisher_.counters().groups_skipped;
  // Every group under way is given up, as the reset takes a part of each. Those that begin later are not, whatever
  // their IDs.
  skipped_before_ = publisher_.store().next_serial();
  for (const auto& [id, group] : publisher_.store().groups()) {
    group.for_each([&](StoredSubgroup& subgroup) {
      SubgroupDelivery* const delivery = existing(subgroup);
      if (delivery == nullptr || delivery->stopped || delivery->ended) return;
      abandon(subgroup, *delivery, &DeliveryAccount::skipped);
      delivery->leave_stream();
      delivery->has_gap = true;
    });
  }
  if (consecutive_skips_ > publisher_.limits().consecutive_skips) {
    ++publisher_.counters().subscribers_too_far_behind;
    count_unsent_as(&DeliveryAccount::skipped, [&] {
      end(PublishDoneCode::kTooFarBehind, "the subscriber does not keep up with the track", true);
      return true;
    });
  } else {
    count_unsent_as(&DeliveryAccount::skipped,
                    [&] { return session_.reset_streams(request_, StreamResetCode::kDeliveryTimeout).ok(); });
  }
  retired_.clear();
  outlet_.make_ready();
}

void Subscription::on_stream_stopped(const session::OutgoingStreamStopped& event, session::Time now) {
  using Cause = session::OutgoingStreamStopped::Cause;
  for (const auto& [id, group] : publisher_.store().groups()) {
    group.for_each([&](StoredSubgroup& subgroup) {
      SubgroupDelivery* const delivery = existing(subgroup);
      if (delivery == nullptr || delivery->stream != event.stream) return;
      delivery->leave_stream();
      delivery->has_gap = true;
      if (event.cause == Cause::kDeliveryTimeout) {
        if (delivery->begun) {  // what was begun is lost; the rest of it would be late as well
          const StoredObject& object = subgroup.at(delivery->current);
          owed_bytes_ -=
              std::min(owed_bytes_, static_cast<std::size_t>(object.payload_arrived - delivery->payload_sent));
          account_.waiting -= std::min<std::uint64_t>(account_.waiting, 1);
          ++account_.timed_out;
          delivery->begun = false;
          delivery->pass(delivery->current);
        }
        advance(subgroup, *delivery, now);
        return;
      }
      const auto counter = event.cause == Cause::kUpdate            ? &DeliveryAccount::unforwarded
                           : event.cause == Cause::kNoRoom          ? &DeliveryAccount::no_stream
                           : event.cause == Cause::kSubgroupTimeout ? &DeliveryAccount::timed_out
                                                                    : &DeliveryAccount::stopped;
      abandon(subgroup, *delivery, counter);
      delivery->stopped = !event.resumable();  // [d15 §10.4.3-6]
    });
  }
}

void Subscription::on_unsent(std::uint64_t objects, session::UnsentCause cause) {
  using Cause = session::UnsentCause;
  const auto counter = [&]() -> Counter {
    switch (cause) {
      case Cause::kReset: return reset_counts_as_;
      case Cause::kStopSending: return &DeliveryAccount::stopped;
      case Cause::kNoRoom: return &DeliveryAccount::no_stream;
      case Cause::kUpdate: return &DeliveryAccount::unforwarded;
      case Cause::kDeliveryTimeout: return &DeliveryAccount::timed_out;
      case Cause::kOverflow: return &DeliveryAccount::dropped;
      case Cause::kTooLarge: return &DeliveryAccount::too_large;
    }
    return &DeliveryAccount::reset;
  }();
  account_.delivered -= objects;
  account_.*counter += objects;
  publisher_.counters().objects_delivered -= objects;
}

bool Subscription::settle(session::Time now) {
  std::erase_if(retired_, [&](Retired& retired) {
    if (retired.since == session::Time{}) retired.since = now;  // a writer without a clock has retired it
    if (now - retired.since < publisher_.limits().retired_stream_timeout) return false;
    (void)session_.reset_stream(retired.stream, StreamResetCode::kCancelled);
    return true;
  });
  return retired_.empty();
}

std::optional<session::Time> Subscription::next_deadline() const noexcept {
  if (retired_.empty()) return std::nullopt;
  return retired_.front().since + publisher_.limits().retired_stream_timeout;  // retired first, due first
}

void Subscription::end(PublishDoneCode code, std::string_view reason, bool abandon_streams) {
  if (ended_) return;
  ended_ = true;
  if (abandon_streams) {
    for (const auto& [id, group] : publisher_.store().groups()) {
      group.for_each([&](StoredSubgroup& subgroup) {
        SubgroupDelivery* const delivery = existing(subgroup);
        if (delivery == nullptr) return;
        abandon(subgroup, *delivery, &DeliveryAccount::reset);
        delivery->stream = {};
        delivery->stopped = true;
      });
    }
    (void)session_.reset_streams(request_, StreamResetCode::kCancelled);
  } else {
    for (const auto& [id, group] : publisher_.store().groups()) {
      group.for_each([&](StoredSubgroup& subgroup) {
        SubgroupDelivery* const delivery = existing(subgroup);
        if (delivery == nullptr || delivery->stopped || delivery->ended) return;
        if (subgroup.ended() != StoredSubgroup::End::kOpen) return;
        delivery->has_gap = true;  // whatever comes of it from now on is for others
        if (!delivery->behind) leave(*delivery, session::Time{});
      });
    }
  }
  (void)session_.publish_done(request_, code, reason);
  outlet_.settle_later();
  outlet_.make_ready();
}

}  // namespace msquic_py::moqt::objects
