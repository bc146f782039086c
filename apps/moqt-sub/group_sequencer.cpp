#include "moqt-sub/group_sequencer.h"

#include <utility>

namespace msquic_py::apps {

void GroupSequencer::add(moqt::pubsub::ReceivedObject object) {
  const std::uint64_t group = object.location.group;
  if (!group_) group_ = group;
  if (group < *group_) {
    ++late_;
  } else if (group == *group_) {
    emit(object);
  } else {
    ++waiting_count_;
    waiting_[group].push_back(std::move(object));
  }
  const auto given_up = [this] { return waiting_count_ > kMaxWaiting || waiting_.size() > kMaxGroupsWaiting; };
  while (!waiting_.empty() && (group_ended_ || given_up())) advance();
}

void GroupSequencer::emit(const moqt::pubsub::ReceivedObject& object) {
  if (object.status == moqt::ObjectStatus::kEndOfGroup || object.status == moqt::ObjectStatus::kEndOfTrack) {
    group_ended_ = true;
    return;
  }
  if (object.status != moqt::ObjectStatus::kNormal) return;
  emit_(object, !std::exchange(group_started_, true));
}

void GroupSequencer::advance() {
  auto next = waiting_.extract(waiting_.begin());
  group_ = next.key();
  group_ended_ = false;
  group_started_ = false;
  waiting_count_ -= next.mapped().size();
  for (const auto& object : next.mapped()) emit(object);
}

void GroupSequencer::flush() {
  while (!waiting_.empty()) advance();
  group_.reset();
  group_ended_ = false;
  group_started_ = false;
}

}  // namespace msquic_py::apps
