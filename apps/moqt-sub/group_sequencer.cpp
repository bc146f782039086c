#include "moqt-sub/group_sequencer.h"

#include <algorithm>
#include <utility>

namespace msquic_py::apps {
namespace {

bool is_end(const moqt::pubsub::ReceivedObject& object) noexcept {
  return object.status == moqt::ObjectStatus::kEndOfGroup || object.status == moqt::ObjectStatus::kEndOfTrack;
}

}  // namespace

void GroupSequencer::add(moqt::pubsub::ReceivedObject object, Time now) {
  const std::uint64_t group = object.location.group;
  if (!group_) {
    group_ = group;
    // The subscription may have begun inside of the group: what was before is not missing.
    next_object_ = std::nullopt;
  }
  if (group < *group_) {
    if (!is_end(object)) ++losses_.late;
  } else if (group == *group_) {
    progress_ = now;
    emit(object);
  } else {
    if (waiting_.empty()) progress_ = now;
    waiting_bytes_ += object.payload_size;
    Waiting& waiting = waiting_[group];
    waiting.whole = waiting.whole || is_end(object);
    waiting.objects.push_back(std::move(object));
  }
  tend(now);
}

void GroupSequencer::tend(Time now) {
  while (!waiting_.empty()) {
    const bool lost = now > progress_ + kPatience && (whole_group_waits() || !ends_are_told_);
    if (!group_ended_ && !lost && waiting_bytes_ <= kMaxWaiting) return;
    progress_ = now;
    advance();
  }
}

bool GroupSequencer::whole_group_waits() const {
  return std::ranges::any_of(waiting_, [](const auto& entry) { return entry.second.whole; });
}

void GroupSequencer::emit(const moqt::pubsub::ReceivedObject& object) {
  const std::uint64_t at = object.location.object;
  // Behind the end of a group nothing is missing: the end of the track may follow it under a later ID.
  if (next_object_ && at > *next_object_ && !group_ended_) losses_.objects += at - *next_object_;
  next_object_ = is_end(object) ? at : std::max(next_object_.value_or(0), at + 1);
  if (is_end(object)) {
    group_ended_ = true;
    ends_are_told_ = true;
    return;
  }
  if (object.status != moqt::ObjectStatus::kNormal) return;
  if (!group_started_) ++groups_;
  emit_(object, !std::exchange(group_started_, true));
}

void GroupSequencer::close_group() {
  if (group_started_ && !group_ended_) ++groups_without_end_;
}

void GroupSequencer::advance() {
  auto next = waiting_.extract(waiting_.begin());
  close_group();
  const std::uint64_t between = next.key() - *group_ - 1;
  if (between < kNewLife) losses_.groups_skipped += between;
  group_ = next.key();
  group_ended_ = false;
  group_started_ = false;
  next_object_ = 0;
  for (const auto& object : next.mapped().objects) {
    waiting_bytes_ -= object.payload_size;
    emit(object);
  }
}

void GroupSequencer::flush(bool complete) {
  const std::uint64_t cut_before = groups_without_end_;
  while (!waiting_.empty()) advance();
  if (complete) {
    close_group();
  } else {
    groups_without_end_ = cut_before;  // what is still on its way is not lost
  }
  group_.reset();
  next_object_.reset();
  group_ended_ = false;
  group_started_ = false;
}

}  // namespace msquic_py::apps
