#include "moqt-sub/group_sequencer.h"

#include <algorithm>
#include <utility>

namespace msquic_py::apps {
namespace {

/// Subgroups of a track that are told apart; nothing builds on so many layers.
constexpr std::size_t kMostSubgroups = 64;

bool is_end(const moqt::pubsub::ReceivedObject& object) noexcept {
  return object.status == moqt::ObjectStatus::kEndOfGroup || object.status == moqt::ObjectStatus::kEndOfTrack;
}

}  // namespace

void GroupSequencer::add(moqt::pubsub::ReceivedObject object, Time now) {
  const std::uint64_t group = object.location.group;
  if (group_ && group < *group_) {
    if (!is_end(object) && !fetched(object.location)) ++losses_.late;
  } else if (group_ == group) {
    last_ = now;
    take(std::move(object), now);
  } else {
    Waiting& waiting = waiting_[group];
    if (waiting.objects.empty()) waiting.first = now;
    waiting.last = now;
    waiting.whole = waiting.whole || is_end(object);
    waiting_bytes_ += object.payload_size;
    waiting.objects.push_back(std::move(object));
  }
  tend(now);
}

void GroupSequencer::take(moqt::pubsub::ReceivedObject object, Time now) {
  const std::uint64_t at = object.location.object;
  datagrams_ = datagrams_ || object.datagram;
  if (!object.datagram && !object.implied && subgroups_.size() < kMostSubgroups) subgroups_.insert(object.subgroup);
  if (next_object_ && at < *next_object_ && !is_end(object)) {
    // The subscription began behind it, or it is here.
    if (missing_here_ == 0 || at + 1 == *next_object_ || fetched(object.location)) return;
    --missing_here_;
    --losses_.objects;
    ++losses_.late;
    return;
  }
  // Behind the end of a group nothing is missing: the end of the track may follow it under a later ID.
  if (group_ended_ || !next_object_ || at <= *next_object_) {
    emit(object);
    return emit_following();
  }
  if (ahead_.empty()) gap_since_ = now;
  const std::size_t size = object.payload_size;
  if (ahead_.emplace(at, std::move(object)).second) ahead_bytes_ += size;
  if (ahead_bytes_ > kMaxWaiting) give_gaps_up();
}

void GroupSequencer::emit_following() {
  while (!ahead_.empty() && (group_ended_ || ahead_.begin()->first <= next_object_.value_or(0))) {
    const auto first = ahead_.extract(ahead_.begin());
    ahead_bytes_ -= first.mapped().payload_size;
    emit(first.mapped());
  }
}

void GroupSequencer::give_gap_up() {
  missing_here_ += ahead_.begin()->first - *next_object_;
  losses_.objects += ahead_.begin()->first - *next_object_;
  next_object_ = ahead_.begin()->first;
  const auto went_on = [this](std::uint64_t subgroup) {
    return std::ranges::any_of(
        ahead_, [subgroup](const auto& entry) { return entry.second.subgroup == subgroup && !entry.second.implied; });
  };
  std::optional<std::uint64_t> broken = 0;
  if (!datagrams_ && streams_are_whole_ && subgroups_.size() > 1) {
    const auto lost = std::ranges::find_if_not(subgroups_, went_on);
    broken = lost == subgroups_.end() ? std::nullopt : std::optional(*lost);
  }
  if (broken) broken_from_ = std::min(*broken, broken_from_.value_or(*broken));
  emit_following();
}

void GroupSequencer::give_gaps_up() {
  while (!ahead_.empty()) give_gap_up();
}

void GroupSequencer::tend(Time now) {
  const bool too_much = waiting_bytes_ + ahead_bytes_ > kMaxWaiting;
  if (too_much) asking_ = false;
  if (!ahead_.empty() && !asking_ && now > gap_since_ + kGapPatience && !ask_for_gap()) give_gaps_up();
  if (!group_) {
    const auto begins = begins_at();
    if (waiting_.empty() || (begins && now < *begins && waiting_bytes_ <= kMaxWaiting)) return;
    begin();
  }
  // A stream that was cut is not waited for: what is missing may be gone soon from where it is to be had.
  if (streams_are_cut_ && !group_ended_ && !too_much && !waiting_.empty() && now > last_ + kGapPatience) {
    (void)ask_for_groups_before(waiting_.begin()->first);
  }
  while (!waiting_.empty() && (may_advance(now) || waiting_bytes_ > kMaxWaiting)) {
    if (!too_much && (asking_ ? !ahead_.empty() : ask_for_gap() || ask_for_groups_before(waiting_.begin()->first))) {
      return;
    }
    advance();
  }
}

bool GroupSequencer::ask(moqt::Location first, moqt::Location end) {
  first = std::max(first, asked_until_.value_or(first));
  if (asking_ || !ask_ || first >= end) return false;
  asking_ = ask_({first, end});
  if (asking_) asked_until_ = end;
  return asking_;
}

bool GroupSequencer::ask_for_gap() {
  return !ahead_.empty() && ask({*group_, *next_object_}, {*group_, ahead_.begin()->first});
}

bool GroupSequencer::ask_for_groups_before(std::uint64_t next) {
  if (next - *group_ - 1 >= kNewLife) return false;
  if (group_ended_) return ask({*group_ + 1, 0}, {next, 0});
  return ends_count() && joined_ != group_ && ask({*group_, next_object_.value_or(0)}, {next, 0});
}

bool GroupSequencer::ask_for_the_rest(bool tail) {
  while (!asking_) {
    if (!group_) {
      // Of a track that was subscribed to from its beginning nothing has come at all.
      if (waiting_.empty()) return tail && wanted_from_ && ask(*wanted_from_, {kLastGroup, 0});
      begin();
    }
    if (ask_for_gap()) return true;
    give_gaps_up();
    if (waiting_.empty()) break;
    if (ask_for_groups_before(waiting_.begin()->first)) return true;
    advance();
  }
  if (asking_) return true;
  if (!group_ended_ && ends_count() && joined_ != group_ && !tail) {
    return ask({*group_, next_object_.value_or(0)}, {*group_ + 1, 0});
  }
  const moqt::Location from =
      group_ended_ ? moqt::Location{*group_ + 1, 0} : moqt::Location{*group_, next_object_.value_or(0)};
  return tail && ask(from, {kLastGroup, 0});
}

std::optional<moqt::Location> GroupSequencer::fetch_the_rest() {
  if (!group_ && !waiting_.empty()) begin();
  const std::uint64_t next = next_object_.value_or(0);
  const auto from =
      group_ ? std::optional(moqt::Location{*group_, next - std::min<std::uint64_t>(next, 1)}) : wanted_from_;
  if (from) {
    asking_ = true;
    asked_until_ = moqt::Location{kLastGroup, 0};
  }
  return from;
}

void GroupSequencer::fetched_until(moqt::Location place, Time now) {
  known_ = std::max(place, known_.value_or(place));
  if (!group_) return;
  if (known_before({*group_ + 1, 0})) {
    give_gaps_up();  // nobody has what is missing there
    group_ended_ = true;
  } else if (!ahead_.empty() && known_before({*group_, ahead_.begin()->first})) {
    give_gap_up();
  }
  tend(now);
}

void GroupSequencer::fetch_over(Time now) {
  asking_ = false;
  tend(now);
}

std::optional<GroupSequencer::Time> GroupSequencer::begins_at() const {
  if (group_ || waiting_.empty() || !begins_with_track_ || waiting_.begin()->first == 0) return std::nullopt;
  return waiting_.begin()->second.first + kBeginning;
}

bool GroupSequencer::may_advance(Time now) const {
  const auto& [next, waiting] = *waiting_.begin();
  if (group_ended_) {
    const std::uint64_t between = next - *group_ - 1;
    if (between == 0 || between >= kNewLife || known_before({next, 0})) return true;
    return !asking_ && now > waiting.first + kPatience;
  }
  if (asking_) return false;
  // How long it waits counts from when things came, not from when they took their turn: one wait must not add to the
  // next.
  return now > std::max(last_, waiting.first) + kPatience &&
         (whole_group_waits() || !ends_are_told_ || joined_ == group_);
}

void GroupSequencer::whole(std::uint64_t group, Time now) {
  if (group_ != group) return;
  group_ended_ = true;
  emit_following();
  tend(now);
}

bool GroupSequencer::whole_group_waits() const {
  return std::ranges::any_of(waiting_, [](const auto& entry) { return entry.second.whole; });
}

void GroupSequencer::emit(const moqt::pubsub::ReceivedObject& object) {
  const std::uint64_t at = object.location.object;
  next_object_ = is_end(object) ? at : std::max(next_object_.value_or(0), at + 1);
  if (is_end(object)) {
    group_ended_ = true;
    ends_are_told_ = true;
    return;
  }
  if (object.status != moqt::ObjectStatus::kNormal) return;
  if (!group_started_) ++groups_;
  const bool broken = broken_from_ && (object.datagram || object.subgroup >= *broken_from_);
  emit_(object, {!std::exchange(group_started_, true), broken});
}

void GroupSequencer::close_group() {
  if (group_started_ && !group_ended_ && joined_ != group_) ++groups_without_end_;
}

void GroupSequencer::begin() {
  auto first = waiting_.extract(waiting_.begin());
  // The subscription may have begun inside of the group: what was before is not missing.
  next_object_ = std::nullopt;
  take_up(first.key(), first.mapped());
}

void GroupSequencer::advance() {
  give_gaps_up();
  auto next = waiting_.extract(waiting_.begin());
  close_group();
  const std::uint64_t between = next.key() - *group_ - 1;
  if (between < kNewLife && !known_before({next.key(), 0})) {
    // What is known of them: that those before a place do not exist.
    const std::uint64_t known = known_ && known_->group > *group_ + 1 ? known_->group - *group_ - 1 : 0;
    losses_.groups_skipped += between - std::min(known, between);
  }
  group_ended_ = false;
  group_started_ = false;
  next_object_ = 0;
  missing_here_ = 0;
  broken_from_.reset();
  take_up(next.key(), next.mapped());
}

void GroupSequencer::take_up(std::uint64_t group, Waiting& waiting) {
  group_ = group;
  last_ = waiting.last;
  for (auto& object : waiting.objects) {
    waiting_bytes_ -= object.payload_size;
    take(std::move(object), waiting.last);
  }
}

void GroupSequencer::flush(bool complete) {
  const std::uint64_t cut_before = groups_without_end_;
  if (!group_ && !waiting_.empty()) begin();
  while (!waiting_.empty()) advance();
  give_gaps_up();
  if (complete) {
    close_group();
  } else {
    groups_without_end_ = cut_before;  // what is still on its way is not lost
  }
  asking_ = false;
  asked_until_.reset();
  known_.reset();
  group_.reset();
  next_object_.reset();
  group_ended_ = false;
  group_started_ = false;
  missing_here_ = 0;
  broken_from_.reset();
}

}  // namespace msquic_py::apps
