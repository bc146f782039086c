#include "moqt/objects/subscription.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "moqt/objects/range_filters.h"
#include "moqt/objects/track_publisher.h"

namespace msquic_py::moqt::objects {

Subscription::~Subscription() { assert(behind_.empty()); }

std::size_t Subscription::queued_bytes() const noexcept {
  const auto* published = view();
  return owed_bytes_ + (published == nullptr ? 0 : published->queued_bytes);
}

SubgroupDelivery* Subscription::existing(StoredSubgroup& subgroup) const noexcept {
  if (subgroup.deliveries.size() <= slot_) return nullptr;
  SubgroupDelivery& delivery = subgroup.deliveries[slot_];
  return delivery.serial == serial_ ? &delivery : nullptr;
}

SubgroupDelivery& Subscription::delivery_of(StoredSubgroup& subgroup, std::uint64_t place) {
  if (subgroup.deliveries.size() <= slot_) subgroup.deliveries.resize(publisher_.slots());
  SubgroupDelivery& delivery = subgroup.deliveries[slot_];
  if (delivery.serial != serial_) {
    delivery = SubgroupDelivery{};
    delivery.serial = serial_;
    delivery.next = place;
    // What came before the subscription began is not for it.
    for (std::uint64_t later = place + 1; later < subgroup.end(); ++later) delivery.leave_out(subgroup.at(later).id);
  }
  return delivery;
}

bool Subscription::too_old(session::Time now) const noexcept {
  const session::Duration limit = publisher_.limits().queued_age;
  if (limit == session::Duration::zero() || now == session::Time{}) return false;
  return std::any_of(behind_.begin(), behind_.end(), [&](const Behind& each) {
    const StoredSubgroup& subgroup = *each.subgroup;
    const std::uint64_t next = subgroup.deliveries[slot_].next;
    if (next < subgroup.first() || next >= subgroup.end()) return false;
    const session::Time since = subgroup.at(next).since;
    return since != session::Time{} && now - since > limit;
  });
}

bool Subscription::admits(const StoredGroup& group, Location location, std::size_t size, SubgroupDelivery* delivery,
                          session::Time now) {
  const auto* published = view();
  if (ended_ || published == nullptr || published->ending) return false;
  ++account_.published;
  if (!published->covers(location)) {  // [d15 §9.9-5]
    ++account_.filtered;
    return false;
  }
  // From here on what is left out leaves a gap.
  if (delivery != nullptr) delivery->has_gap = true;
  if (!published->forward) {
    ++account_.unforwarded;
    return false;
  }
  if (is_skipped(group)) {
    ++account_.skipped;
    return false;
  }
  if (delivery != nullptr && delivery->stopped) {
    ++account_.stopped;
    return false;
  }
  const std::size_t queued = owed_bytes_ + published->queued_bytes;
  if (queued > publisher_.limits().queued_bytes || (!behind_.empty() && too_old(now))) {
    if (delivery != nullptr && size > 0 &&
        !delivery->ended) {  // it lies before the cursor, and is given up with the rest
      ++account_.waiting;
      owed_bytes_ += size;
    } else {
      ++account_.skipped;
    }
    fall_behind();
    return false;
  }
  // A transport that is stuck takes a window's worth as well; only what it has let go of tells that somebody reads.
  if (consecutive_skips_ > 0 && queued == 0 && given_since_skip_ > published->outstanding_bytes) consecutive_skips_ = 0;
  return true;
}

bool Subscription::takes(ForwardingPreference preference) noexcept {
  if (mixes_forwarding_preferences(draft_)) return true;
  if (!only_) only_ = preference;
  if (*only_ == preference) return true;
  ++account_.published;
  ++account_.filtered;
  return false;
}

bool Subscription::is_skipped(const StoredGroup& group) const noexcept {
  return group.serial() < skipped_before_ ||
         std::ranges::find(skipped_groups_, group.serial()) != skipped_groups_.end();
}

void Subscription::object_begun(const StoredGroup& group, StoredSubgroup& subgroup, std::uint64_t place,
                                session::Time now) {
  if (pass_on(group, subgroup, place)) return outlet_.make_ready();
  SubgroupDelivery& delivery = delivery_of(subgroup, place);
  const bool had_gap = delivery.has_gap;
  const StoredObject& object = subgroup.at(place);
  if (!takes(ForwardingPreference::kSubgroup)) {
    delivery.stopped = true;
    return;
  }
  if (!admits(group, {subgroup.group(), object.id}, object.wire.size(), &delivery, now)) {
    // It lies behind everything that waits; what waits is given up where it must be, so the cursor may pass it.
    if (!delivery.behind && !delivery.begun) {
      delivery.next = place + 1;
    } else if (place >= delivery.next && !delivery.stopped) {
      delivery.leave_out(object.id);
    }
    // What waits for room still goes out on the stream.
    if (delivery.open() && delivery.has_gap && !delivery.behind) retire(delivery, StreamResetCode::kCancelled, now);
    if (!behind_.empty()) leave_late_groups_out();
    return;
  }
  delivery.has_gap = had_gap;
  ++account_.waiting;
  owe(object.wire.size());
  if (!delivery.behind) advance(subgroup, delivery, now);
  // Only now, when this object counts: it may be one of a group that is left out.
  if (!behind_.empty()) leave_late_groups_out();
  outlet_.make_ready();
}

void Subscription::object_inserted(const StoredGroup& group, StoredSubgroup& subgroup, std::uint64_t place,
                                   bool shifted, session::Time now) {
  SubgroupDelivery& delivery = delivery_of(subgroup, place);
  const bool had_gap = delivery.has_gap;
  if (shifted && delivery.begun && place <= delivery.current) ++delivery.current;
  const bool passed = place < delivery.next || (place == delivery.next && delivery.begun);
  if (shifted && passed) ++delivery.next;
  const StoredObject& object = subgroup.at(place);
  if (!admits(group, {subgroup.group(), object.id}, passed ? 0 : object.wire.size(), &delivery, now)) {
    if (place >= delivery.next && !delivery.stopped) delivery.leave_out(object.id);
    return;
  }
  if (delivery.leaves_out(object.id)) std::erase(delivery.left_out, object.id);  // a FETCH had brought it first
  delivery.has_gap = had_gap;
  if (passed) {
    delivery.late.insert(std::lower_bound(delivery.late.begin(), delivery.late.end(), object.id), object.id);
  }
  ++account_.waiting;
  owe(object.wire.size());
  delivery.ended = false;
  if (!delivery.behind) advance(subgroup, delivery, now);
  outlet_.make_ready();
}

void Subscription::payload_arrived(StoredSubgroup& subgroup, std::uint64_t place, std::size_t bytes,
                                   session::Time now) {
  SubgroupDelivery* const delivery = existing(subgroup);
  if (delivery == nullptr || delivery->stopped || ended_) return;
  const bool wanted = place >= delivery->next || (delivery->begun && delivery->current == place) ||
                      std::binary_search(delivery->late.begin(), delivery->late.end(), subgroup.at(place).id);
  if (!wanted || delivery->leaves_out(subgroup.at(place).id)) return;
  owe(bytes);
  if (delivery->behind || !delivery->begun || delivery->current != place) return;
  advance(subgroup, *delivery, now);
  outlet_.make_ready();
}

void Subscription::subgroup_ended(StoredSubgroup& subgroup, session::Time now) {
  SubgroupDelivery* const delivery = existing(subgroup);
  if (delivery == nullptr || delivery->stopped || ended_) return;
  note_published(subgroup, *delivery);
  if (!delivery->behind) advance(subgroup, *delivery, now);
  outlet_.make_ready();
}

void Subscription::go_on(StoredSubgroup& subgroup, session::Time now) {
  SubgroupDelivery* const delivery = existing(subgroup);
  if (delivery == nullptr || delivery->stopped || ended_) return;
  advance(subgroup, *delivery, now);
  outlet_.make_ready();
}

void Subscription::datagram(const StoredGroup& group, StoredObject& object) {  // [d15 §10.2.1-2]
  const Location location{group.id(), object.id};
  if (!takes(ForwardingPreference::kDatagram)) return;
  if (!admits(group, location, 0, nullptr, session::Time{})) return;
  if (!passes(view()->objects, *group.datagrams, object)) {
    ++account_.filtered;
    return;
  }
  session::DatagramProperties properties;
  properties.type = object.datagram_type;
  properties.location = location;
  properties.publisher_priority = object.publisher_priority;
  const base::SharedBytes* wire = &object.wire;
  if (object.draft != draft_) {
    const ObjectForm* const form = datagram_form(object, draft_, group, publisher_.arena());
    if (form == nullptr) {
      ++account_.filtered;
      return;
    }
    properties.type = form->datagram_type;
    wire = &form->wire;
  }
  const auto sent = session_.send_datagram(request_, properties, *wire);
  if (!sent.ok()) {
    ++account_.dropped;
  } else if (!*sent) {
    ++account_.too_large;
  } else {
    ++account_.delivered;
    ++publisher_.counters().objects_delivered;
    count_given(wire->size());
    outlet_.make_ready();
  }
}

}  // namespace msquic_py::moqt::objects
