// What a subscription gives its session, as far as that has room.
#include <algorithm>
#include <chrono>

#include "moqt/objects/range_filters.h"
#include "moqt/objects/subscription.h"
#include "moqt/objects/track_publisher.h"
#include "moqt/session/data/object_encoding.h"

namespace msquic_py::moqt::objects {

void Subscription::count_given(std::size_t bytes) noexcept {
  given_since_skip_ += bytes;
  publisher_.counters().bytes_delivered += bytes;
}

void Subscription::count_delivered(SubgroupDelivery& delivery, const StoredObject& object) noexcept {
  delivery.begun = false;
  delivery.continued = true;
  delivery.last_id = object.id;
  --account_.waiting;
  ++account_.delivered;
  ++publisher_.counters().objects_delivered;
  delivery.pass(delivery.current);
}

bool Subscription::pass_on(const StoredGroup& group, StoredSubgroup& subgroup, std::uint64_t place) {
  SubgroupDelivery* const delivery = existing(subgroup);
  if (delivery == nullptr || !delivery->awaits(place) || ended_ || !behind_.empty()) return false;
  StoredObject& object = subgroup.at(place);
  // [d15 §10.4.3-3]: the next one of the subgroup for certain. What has just come is not too late for anybody.
  if (object.id != delivery->last_id + 1 || object.behind_first_piece() > 0) return false;
  if (object.draft != draft_ && !session::same_object_form(object.draft, draft_)) return false;
  if (subgroup.ended() != StoredSubgroup::End::kOpen || publisher_.store().holds(group.id())) return false;
  if (consecutive_skips_ > 0 || is_skipped(group)) return false;
  const auto* published = view();
  if (published == nullptr || !published->wants({group.id(), object.id}) || !published->objects.empty()) return false;
  if (owed_bytes_ + published->queued_bytes > publisher_.limits().queued_bytes) return false;
  if (!session_.backlog(delivery->stream).has_room()) return false;

  ++account_.published;
  ++account_.waiting;
  owe(object.wire.size());
  if (begin_object(subgroup, *delivery, object) != Begun::kYes) return true;  // on_stream_stopped() follows
  delivery->begun = true;
  delivery->current = place;
  if (object.complete()) count_delivered(*delivery, object);
  return true;
}

bool Subscription::expired(const StoredSubgroup& subgroup, StoredObject& object, session::Time now) const noexcept {
  if (now == session::Time{}) return false;
  if (object.since == session::Time{}) object.since = now;
  const session::Duration age = now - object.since;
  const auto* published = view();
  const std::uint64_t timeout =
      published == nullptr ? 0 : published->timeouts.object.in_effect(subgroup.properties().object_delivery_timeout);
  // In milliseconds, as the draft has it: what a peer says may be more than a duration holds.
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(age).count();
  if (timeout != 0 && milliseconds > 0 && static_cast<std::uint64_t>(milliseconds) >= timeout) return true;
  // [d15 §9.2.1.3-1]. A limit of 0 keeps objects out of caches. Taken by the letter it would forbid to forward them at
  // all.
  const TrackStore& store = publisher_.store();
  return store.age_limit() != session::Duration::zero() && store.too_old(object, now);
}

void Subscription::advance(StoredSubgroup& subgroup, SubgroupDelivery& delivery, session::Time now) {
  if (delivery.stopped || delivery.ended || publisher_.store().holds(subgroup.group())) return;
  for (;;) {
    std::uint64_t place = delivery.current;
    if (!delivery.begun) {
      if (!delivery.late.empty()) {
        const auto found = subgroup.find(delivery.late.front());
        if (!found) {  // dropped from the store
          delivery.late.erase(delivery.late.begin());
          continue;
        }
        place = *found;
      } else if (delivery.next < subgroup.end()) {
        place = delivery.next = std::max(delivery.next, subgroup.first());
      } else {
        break;
      }
    }
    const Give given = give_object(subgroup, delivery, place, now);
    if (given == Give::kStopped) return;
    if (given == Give::kNoRoom) return set_behind(subgroup, delivery, true);
    if (delivery.begun) break;  // the rest of the object has not come yet
  }
  set_behind(subgroup, delivery, false);
  if (subgroup.ended() != StoredSubgroup::End::kOpen) return close(subgroup, delivery, now);
  if (ended_) leave(delivery, now);
}

bool Subscription::nothing_between(const StoredSubgroup& subgroup, std::uint64_t before,
                                   std::uint64_t after) const noexcept {
  const StoredGroup* const group = publisher_.store().find(subgroup.group());
  return before < after && group != nullptr && group->nothing_between(subgroup, before, after);
}

void Subscription::lose(SubgroupDelivery& delivery, const StoredObject& object) {
  (void)session_.reset_stream(delivery.stream, StreamResetCode::kInternalError);
  owed_bytes_ -= std::min(owed_bytes_, static_cast<std::size_t>(object.payload_arrived - delivery.payload_sent));
  account_.waiting -= std::min<std::uint64_t>(account_.waiting, 1);
  ++account_.reset;
  delivery.leave_stream();
  delivery.has_gap = true;
  delivery.begun = false;
  delivery.pass(delivery.current);
}

bool Subscription::is_next(const StoredSubgroup& subgroup, const SubgroupDelivery& delivery,
                           std::uint64_t place) const noexcept {
  const StoredObject& object = subgroup.at(place);
  return object.id == delivery.last_id + 1 || (object.follows && subgroup.id_before(place) == delivery.last_id) ||
         nothing_between(subgroup, delivery.last_id, object.id);
}

void Subscription::note_published(const StoredSubgroup& subgroup, const SubgroupDelivery& delivery) {
  if (!delivery.open() || subgroup.ended() != StoredSubgroup::End::kFinished) return;
  const session::Time since = subgroup.finished_since();
  (void)session_.note_published(delivery.stream, since == session::Time{} ? std::nullopt : std::optional(since));
}

Subscription::Give Subscription::give_object(StoredSubgroup& subgroup, SubgroupDelivery& delivery, std::uint64_t place,
                                             session::Time now) {
  StoredObject& object = subgroup.at(place);
  if (!delivery.begun) {
    if (object.fetched || (place == delivery.next && delivery.take_left_out(object.id))) {
      delivery.pass(place);
      return Give::kDone;
    }
    const auto* published = view();
    if (published == nullptr) return Give::kStopped;
    const Location location{subgroup.group(), object.id};
    if (expired(subgroup, object, now)) return pass_late(subgroup, delivery, place) ? Give::kDone : Give::kStopped;
    if (!published->covers(location) || !passes(published->objects, subgroup, object)) {
      if (delivery.continued && is_next(subgroup, delivery, place)) delivery.last_id = object.id;
      --account_.waiting;
      owed_bytes_ -= std::min(owed_bytes_, object.wire.size() + object.behind_first_piece());
      ++account_.filtered;
      delivery.pass(place);
      return Give::kDone;
    }
    if (delivery.open() && delivery.continued) {
      // [d15 §10.4.3-3]
      // [d15 §10.4.3]: only what is known to be the next object of the subgroup may go on the same stream.
      if (!is_next(subgroup, delivery, place)) {
        // What comes on the new stream may arrive first: its FIN would say that all of the subgroup has.
        delivery.has_gap = true;
        retire(delivery, StreamResetCode::kCancelled, now);  // [d15 §10.4.3-4]
      }
    }
    if (delivery.open() && !session_.backlog(delivery.stream).has_room()) return Give::kNoRoom;
    switch (begin_object(subgroup, delivery, object)) {
      case Begun::kStopped: return Give::kStopped;
      case Begun::kUnsayable:
        --account_.waiting;
        owed_bytes_ -= std::min(owed_bytes_, object.wire.size() + object.behind_first_piece());
        ++account_.filtered;
        delivery.pass(place);
        return Give::kDone;
      case Begun::kYes: break;
    }
    delivery.begun = true;
    delivery.current = place;
  }
  while (delivery.payload_sent < object.payload_arrived) {
    if (!session_.backlog(delivery.stream).has_room()) return Give::kNoRoom;
    const base::SharedBytes piece = object.payload_at(delivery.payload_sent);
    if (piece.empty()) {  // the store counts bytes that it does not hold: nobody is going to bring them
      lose(delivery, object);
      return Give::kDone;
    }
    if (!session_.append_payload(delivery.stream, piece).ok()) return Give::kStopped;  // on_stream_stopped() follows
    delivery.payload_sent += piece.size();
    owed_bytes_ -= std::min(owed_bytes_, piece.size());
    count_given(piece.size());
  }
  if (object.complete()) count_delivered(delivery, object);
  return Give::kDone;
}

bool Subscription::pass_late(StoredSubgroup& subgroup, SubgroupDelivery& delivery, std::uint64_t place) {
  const StoredObject& object = subgroup.at(place);
  delivery.has_gap = true;
  if (delivery.open()) {  // [d15 §9.2.1.2-1]
    count_unsent_as(&DeliveryAccount::timed_out,
                    [&] { return session_.reset_stream(delivery.stream, StreamResetCode::kDeliveryTimeout).ok(); });
    delivery.leave_stream();
    if (has_subgroup_timeouts(draft_)) {  // draft-18 section 8: no new stream for the rest
      abandon(subgroup, delivery, &DeliveryAccount::timed_out);
      delivery.stopped = true;
      return false;
    }
  }
  --account_.waiting;
  ++account_.timed_out;
  owed_bytes_ -= std::min(owed_bytes_, object.wire.size() + object.behind_first_piece());
  delivery.pass(place);
  return true;
}

Subscription::Begun Subscription::begin_object(StoredSubgroup& subgroup, SubgroupDelivery& delivery,
                                               StoredObject& object) {
  const bool as_it_came = object.draft == draft_ || session::same_object_form(object.draft, draft_);
  const ObjectForm* form = nullptr;
  if (!as_it_came) {
    form = stream_form(object, draft_, subgroup.properties().extensions, publisher_.arena());
    if (form == nullptr) return Begun::kUnsayable;
  }
  if (!delivery.open()) {
    session::SubgroupProperties properties = subgroup.properties();  // [d15 §8.6-1]
    // Said explicitly: the first object that goes out here need not be the subgroup's first.
    properties.subgroup = subgroup.id();
    properties.first_object = properties.first_object && subgroup.first() == 0 && object.id == subgroup.at(0).id;
    const auto opened = session_.open_subgroup(request_, properties);  // [d15 §2.2-1]
    if (!opened.ok()) {
      // For want of a stream the session has reset one to say so; one for every object would say it again.
      delivery.has_gap = true;
      abandon(subgroup, delivery, &DeliveryAccount::no_stream);
      delivery.stopped = opened.error() == session::SessionError::kTooManyStreams;
      return Begun::kStopped;
    }
    delivery.stream = *opened;
    delivery.continued = false;
    note_published(subgroup, delivery);
  }
  // In the draft in which it came, what came of the payload with the header goes out with it.
  const base::SharedBytes& wire = as_it_came ? object.wire : form->wire;
  const std::uint64_t sent = as_it_came ? object.first_piece() : 0;
  const std::size_t delta_size = as_it_came ? object.delta_size : form->delta_size;
  // [d15 §9.2-4]
  if (!session_.append_object(delivery.stream, object.id, wire, delta_size, object.payload_length - sent).ok()) {
    return Begun::kStopped;
  }
  delivery.payload_sent = sent;
  owed_bytes_ -= std::min(owed_bytes_, as_it_came ? object.wire.size() : object.header_size);
  count_given(wire.size());
  return Begun::kYes;
}

void Subscription::set_behind(StoredSubgroup& subgroup, SubgroupDelivery& delivery, bool behind) {
  if (behind) {
    (void)session_.set_feeder(delivery.stream, this);
    (void)session_.request_feed(delivery.stream);
  }
  if (delivery.behind == behind) {
    if (!behind) return;
    for (Behind& each : behind_) {
      if (each.subgroup == &subgroup) each.stream = delivery.stream;
    }
    return;
  }
  delivery.behind = behind;
  if (behind) {
    behind_.push_back({delivery.stream, &subgroup});
  } else {
    std::erase_if(behind_, [&](const Behind& each) { return each.subgroup == &subgroup; });
    if (behind_.empty()) pace_.pause();
    if (delivery.open()) (void)session_.set_feeder(delivery.stream, nullptr);
  }
}

void Subscription::feed(session::StreamHandle stream, session::Time now) {
  const auto found =
      std::find_if(behind_.begin(), behind_.end(), [&](const Behind& each) { return each.stream == stream; });
  if (found == behind_.end()) return;
  StoredSubgroup& subgroup = *found->subgroup;
  if (SubgroupDelivery* delivery = existing(subgroup)) advance(subgroup, *delivery, now);
}

}  // namespace msquic_py::moqt::objects
