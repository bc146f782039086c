#include "moqt/objects/fetch_delivery.h"

#include <algorithm>
#include <utility>

#include "moqt/objects/object_form.h"
#include "moqt/objects/range_filters.h"
#include "moqt/objects/track_publisher.h"

namespace msquic_py::moqt::objects {

FetchDelivery::FetchDelivery(TrackPublisher& publisher, session::Session& session,
                             const session::FetchReceived& request, Outlet& outlet, FetchFiller& filler,
                             session::Time now)
    : publisher_(publisher),
      session_(session),
      request_(request.request),
      range_(request.range),
      order_(request.group_order),
      outlet_(outlet),
      filler_(filler),
      time_(now) {
  objects_.take(request.parameters.items());
  publisher_.add(*this);
}

FetchDelivery::~FetchDelivery() {
  if (!ended_ && stream_) (void)session_.set_feeder(stream_, nullptr);
  publisher_.remove(*this);
}

void FetchDelivery::begin() {
  const auto opened = session_.open_fetch(request_);
  if (!opened.ok()) return;  // FetchCancelled follows, or the fetch is gone
  stream_ = *opened;
  // Where a descending fetch begins depends on what its last group is, so that waits for the end to be known.
  position_ = range_.start;
  if (order_ == GroupOrder::kDescending) {
    position_ = {range_.end.group, range_.end.group == range_.start.group ? range_.start.object : 0};
  }
  told_ = position_;
  (void)session_.set_feeder(stream_, this);
  (void)session_.request_feed(stream_);
  outlet_.make_ready();
}

void FetchDelivery::accept(session::FetchAnswer answer) {
  if (accepted_ || ended_) return;
  if (furthest_ && !FetchRange{range_.start, answer.end}.covers(*furthest_)) {
    // A publisher named its end before it published what has come here since, and gone out already.
    answer = {false, {furthest_->group, furthest_->object + 1}};
  }
  if (!session_.accept_fetch(request_, answer).ok()) return;
  accepted_ = true;
  limit(answer.end);
  outlet_.make_ready();
}

void FetchDelivery::limit(Location end) {
  const bool moved = end.group != range_.end.group;
  range_.end = end;
  if (order_ == GroupOrder::kDescending && moved && !begun_ && objects_sent_ == 0) {
    position_ = told_ = {end.group, end.group == range_.start.group ? range_.start.object : 0};
  }
}

bool FetchDelivery::tell_absent() {
  // With Range Filters what is not said is unknown, and may have been left out by them.
  if (told_ == position_ || !objects_.empty()) return true;
  Location end = position_;
  if (end.object == 0 || end == range_.start) {  // up to the end of the group before it
    const std::uint64_t before = order_ == GroupOrder::kAscending ? end.group - 1 : end.group + 1;
    end = {before, before == range_.end.group ? range_.end.object : 0};
    if (end.group == told_.group && end.object != 0 && end.object <= told_.object) return true;
  }
  return session_.append_fetch_gap(stream_, end, wire::FetchGap::kNonExistent).ok();
}

void FetchDelivery::leave_gap(wire::FetchGap gap) {
  if (ended_ || !accepted_ || begun_) return;
  const bool ascending = order_ == GroupOrder::kAscending;
  const Location group_end{position_.group, position_.group == range_.end.group ? range_.end.object : 0};
  const Location end = publisher_.store().end_of_unknown(position_, ascending ? range_.end : group_end, time_);
  if (!tell_absent() || !session_.append_fetch_gap(stream_, end, gap).ok()) return abandon();
  missing_.reset();
  position_ = end;
  passes_group_ = end.object == 0;
  told_ = end;
  if (end.object == 0) told_ = {ascending ? end.group + 1 : end.group - 1, 0};
  outlet_.make_ready();
}

void FetchDelivery::fail(RequestErrorCode code, std::string_view reason) {
  if (ended_) return;
  if (accepted_) return abandon();
  (void)session_.reject(request_, code, reason);
  outlet_.make_ready();
  end();
}

void FetchDelivery::abandon() {
  if (ended_) return;
  if (!accepted_) {
    (void)session_.reject(request_, RequestErrorCode::kMalformedTrack, "the track is gone");
  } else if (stream_) {
    (void)session_.reset_stream(stream_, StreamResetCode::kInternalError);
  }
  outlet_.make_ready();
  end();
}

void FetchDelivery::on_cancelled() { end(); }

void FetchDelivery::end() {
  if (ended_) return;
  ended_ = true;
  publisher_.remove(*this);
  filler_.ended(*this);
}

void FetchDelivery::wake() {
  if (!waits_ || ended_) return;
  waits_ = false;
  (void)session_.request_feed(stream_);
  outlet_.make_ready();
}

void FetchDelivery::retry() {
  missing_.reset();
  waits_ = true;
  wake();
}

void FetchDelivery::feed(session::StreamHandle, session::Time now) {
  time_ = now;
  Step next = Step::kAgain;
  while (next == Step::kAgain) {
    if (!session_.backlog(stream_).has_room()) {
      (void)session_.request_feed(stream_);
      break;
    }
    next = step(now);
  }
  if (ended_) return;
  waits_ = next == Step::kWait;
  filler_.progressed(*this);
}

bool FetchDelivery::past_end() const noexcept {
  return position_.group == range_.end.group && range_.end.object != 0 && position_.object >= range_.end.object;
}

FetchDelivery::Step FetchDelivery::next_group() {
  const TrackStore& store = publisher_.store();
  std::optional<std::uint64_t> next;
  if (order_ == GroupOrder::kAscending) {
    if (position_.group < range_.end.group) next = store.next_group(position_.group + 1, range_.end.group);
  } else if (position_.group > range_.start.group) {
    next = store.previous_group(position_.group - 1, range_.start.group);
  }
  if (!next) {
    finish();
    return Step::kEnd;
  }
  position_ = {*next, *next == range_.start.group ? range_.start.object : 0};
  return Step::kAgain;
}

FetchDelivery::Step FetchDelivery::step(session::Time now) {
  if (std::exchange(passes_group_, false) || past_end()) return next_group();
  const TrackStore::Look look = publisher_.store().look(position_);
  if (begun_ && look.kind != TrackStore::Look::Kind::kObject) {  // dropped in the middle of it
    abandon();
    return Step::kEnd;
  }
  switch (look.kind) {
    case TrackStore::Look::Kind::kNothing: position_.object = look.next; return Step::kAgain;
    case TrackStore::Look::Kind::kEndOfGroup: return next_group();
    case TrackStore::Look::Kind::kNotYet: return Step::kWait;
    case TrackStore::Look::Kind::kUnknown: return ask();
    case TrackStore::Look::Kind::kObject: break;
  }
  StoredObject& object = look.subgroup->at(look.place);
  if (begun_) return send_rest(*look.subgroup, object);
  // Where the objects of a FETCH have no status, those that are not there need no more to be said.
  if (object.status == ObjectStatus::kDoesNotExist ||
      (object.status != ObjectStatus::kNormal && !has_status_in_fetch(session_.draft()))) {
    ++position_.object;
    return Step::kAgain;
  }
  if (object.since == session::Time{}) object.since = now;
  if (publisher_.store().too_old(object, now)) return ask();  // [d15 §9.2.1.3-1]
  if (!object.complete() && look.subgroup->writers == 0 && !object.arriving) return ask();
  missing_.reset();
  if (!passes(objects_, *look.subgroup, object)) {  // nothing is said of it (draft-22 section 3.2.2)
    ++position_.object;
    return Step::kAgain;
  }
  session::FetchObject out;
  out.location = position_;
  out.subgroup = look.subgroup->datagrams() ? object.id : look.subgroup->id();
  out.publisher_priority = object.publisher_priority;
  out.status = object.status;
  out.extensions = extensions_for(object, session_.draft(), publisher_.arena());
  out.datagram = look.subgroup->datagrams();
  out.payload_length = object.payload_length;
  out.payload = object.payload_at(0);
  if (!session_.append_fetch_object(stream_, out).ok()) {
    abandon();
    return Step::kEnd;
  }
  begun_ = true;
  furthest_ = std::max(furthest_.value_or(position_), position_);
  payload_sent_ = out.payload.size();
  return send_rest(*look.subgroup, object);
}

FetchDelivery::Step FetchDelivery::send_rest(const StoredSubgroup& subgroup, const StoredObject& object) {
  const Step next = send_payload(object);
  const bool comes = subgroup.writers > 0 || subgroup.awaited || object.arriving;
  return next == Step::kWait && !comes ? ask() : next;  // whoever brought it is gone
}

FetchDelivery::Step FetchDelivery::send_payload(const StoredObject& object) {
  while (payload_sent_ < object.payload_arrived) {
    if (!session_.backlog(stream_).has_room()) return Step::kAgain;
    const base::SharedBytes piece = object.payload_at(payload_sent_);
    if (piece.empty()) {  // the store counts bytes that it does not hold: nobody is going to bring them
      abandon();
      return Step::kEnd;
    }
    if (!session_.append_payload(stream_, piece).ok()) return Step::kEnd;  // FetchCancelled follows
    payload_sent_ += piece.size();
  }
  if (!object.complete()) return Step::kWait;
  begun_ = false;
  ++objects_sent_;
  ++position_.object;
  told_ = position_;
  return Step::kAgain;
}

FetchDelivery::Step FetchDelivery::ask() {        // [d15 §9.16.3-1]
  if (missing_ == position_) return Step::kWait;  // has been asked for
  missing_ = position_;
  waits_ = true;
  filler_.fill(*this, position_);
  if (ended_) return Step::kEnd;
  if (missing_) return Step::kWait;
  waits_ = false;  // it was left out
  return Step::kAgain;
}

void FetchDelivery::finish() {
  if (!accepted_) accept({false, range_.end});
  (void)session_.finish_stream(stream_);
  end();
}

}  // namespace msquic_py::moqt::objects
