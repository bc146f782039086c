#include "moqt/pubsub/track_writer.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "moqt/objects/datagram_writer.h"

namespace msquic_py::moqt::pubsub {

using objects::Subscription;
using session::SessionError;
using session::SessionResult;

namespace {

/// Subgroups whose objects wait for the time. Beyond it they get it when they are first looked at.
constexpr std::size_t kMostUntimed = 1024;

/// How often it is worth looking for what is too old.
session::Duration look_interval(session::Duration age) {
  return std::min<session::Duration>(age / 4, std::chrono::seconds(1));
}

objects::SubscriptionLimits limits_of(const TrackOptions& options) {
  objects::SubscriptionLimits limits;
  limits.queued_bytes = options.queue_limit;
  limits.consecutive_skips = std::numeric_limits<std::size_t>::max();  // the publisher's own subscribers stay
  return limits;
}

/// As a Duration holds it: an application may mean "for ever" with a larger number.
session::Duration bounded(std::uint64_t milliseconds) {
  constexpr std::uint64_t kMost = std::uint64_t{1000} * 3600 * 24 * 365 * 100;
  return std::chrono::milliseconds(std::min(milliseconds, kMost));
}

}  // namespace

TrackWriter::TrackWriter(FullTrackName track, const TrackOptions& options, Draft draft,
                         std::shared_ptr<base::Account> account)
    : track_(std::move(track)),
      options_(options),
      draft_(draft),
      account_(std::move(account)),
      // What was published before this process is the application's to know.
      publisher_(
          options.retention,
          options.answers_fetch ? objects::TrackStore::Knowledge::kWhatCame : objects::TrackStore::Knowledge::kAll,
          limits_of(options), counters_, std::make_shared<base::Account>(account_)) {
  if (options.max_cache_duration_ms) publisher_.store().limit_age(bounded(*options.max_cache_duration_ms));
}

TrackWriter::~TrackWriter() {
  while (!groups_.empty()) groups_.back()->reset(StreamResetCode::kCancelled);
}

std::size_t TrackWriter::subscribers() const noexcept {
  std::size_t count = 0;
  publisher_.for_each([&](const Subscription& each) { count += each.ended() ? 0 : 1; });
  return count;
}

bool TrackWriter::wanted() const noexcept {
  bool wanted = false;
  publisher_.for_each([&](const Subscription& each) {
    const auto* view = each.session().published(each.request());
    wanted = wanted || (view != nullptr && view->forward && !view->ending);
  });
  return wanted;
}

std::size_t TrackWriter::queued_bytes() const noexcept {
  std::size_t most = 0;
  publisher_.for_each([&](const Subscription& each) { most = std::max(most, each.queued_bytes()); });
  return most;
}

MessageParameters TrackWriter::track_parameters() const {
  MessageParameters parameters;
  if (options_.delivery_timeout_ms) parameters.set_track_delivery_timeout(*options_.delivery_timeout_ms);
  if (options_.subgroup_delivery_timeout_ms) {
    parameters.set_track_subgroup_delivery_timeout(*options_.subgroup_delivery_timeout_ms);
  }
  if (options_.max_cache_duration_ms) parameters.set_max_cache_duration(*options_.max_cache_duration_ms);
  if (options_.expires_ms) parameters.set_expires(*options_.expires_ms);
  if (largest_) parameters.set_largest_object(*largest_);  // [d15 §9.2.1.9-1]
  if (options_.publisher_priority != 128) parameters.set_publisher_priority(options_.publisher_priority);
  if (options_.group_order != GroupOrder::kAscending) parameters.set_track_group_order(options_.group_order);
  if (options_.dynamic_groups) parameters.set_dynamic_groups(true);
  return parameters;
}

bool TrackWriter::may_write(ForwardingPreference preference) const noexcept {
  return mixes_forwarding_preferences(draft_) || preference_.value_or(preference) == preference;
}

SessionResult<std::shared_ptr<GroupWriter>> TrackWriter::begin_group(std::uint64_t group, const GroupOptions& options) {
  // [d15 §10-2]
  if (finished_ || !may_write(ForwardingPreference::kSubgroup)) return base::Failure{SessionError::kWrongState};
  const bool open = std::any_of(groups_.begin(), groups_.end(), [&](const GroupWriter* each) {
    return each->group() == group && each->subgroup() == options.subgroup;
  });
  if (open) return base::Failure{SessionError::kDuplicate};  // [d15 §2.2-1]
  make_room();
  preference_ = ForwardingPreference::kSubgroup;  // [d15 §10.2.1-1]
  session::SubgroupProperties properties;
  properties.group = group;
  properties.subgroup = options.subgroup;
  properties.publisher_priority = options.publisher_priority;
  properties.extensions = options_.extensions;
  properties.end_of_group = options.end_of_group;
  properties.first_object = true;
  return std::make_shared<GroupWriter>(*this, properties);
}

SessionResult<void> TrackWriter::write_datagram(Location location, base::Bytes payload, base::Bytes extension_block,
                                                std::optional<std::uint8_t> publisher_priority, bool end_of_group) {
  // [d15 §10-2]
  if (finished_ || !may_write(ForwardingPreference::kDatagram)) return base::Failure{SessionError::kWrongState};
  const auto block = session::translate_extension_block(session::kApplicationForm, draft_, extension_block);
  if (!block.ok()) return base::Failure{block.error()};
  session::DatagramFields fields;
  fields.location = location;
  fields.publisher_priority = publisher_priority;
  fields.extension_block = *block;
  fields.end_of_group = end_of_group;
  fields.payload = payload;
  const auto encoded = session::encode_datagram(draft_, publisher_.arena(), fields);
  if (!encoded.ok()) return base::Failure{encoded.error()};
  session::DatagramReceived stored;
  stored.location = location;
  stored.type = encoded->properties.type;
  stored.after_alias = encoded->after_alias;
  // The extension pairs lie right before the payload.
  stored.payload_offset = static_cast<std::uint32_t>(encoded->after_alias.size() - payload.size());
  stored.extensions_size = static_cast<std::uint32_t>(block->size());
  stored.extensions_offset = stored.payload_offset - stored.extensions_size;
  stored.publisher_priority = publisher_priority.value_or(options_.publisher_priority);
  stored.end_of_group = end_of_group;
  if (!objects::write_datagram(publisher_, draft_, stored, session::Time{}).ok()) {
    return base::Failure{SessionError::kWrongState};
  }
  preference_ = ForwardingPreference::kDatagram;  // [d15 §10.2.1-1]
  note_untimed({location, 0, true});
  note(location);
  return {};
}

std::size_t TrackWriter::notify_state(const MessageParameters& changes) {
  std::size_t told = 0;
  publisher_.for_each([&](Subscription& each) { told += each.notify_state(changes) ? 1 : 0; });
  return told;
}

std::size_t TrackWriter::move_subscribers(std::string_view uri) {
  std::size_t asked = 0;
  publisher_.for_each([&](Subscription& each) { asked += each.move(uri) ? 1 : 0; });
  return asked;
}

void TrackWriter::finish(PublishDoneCode code, std::string_view reason) {
  if (finished_) return;
  while (!groups_.empty()) groups_.back()->finish();
  finished_ = true;
  if (code == PublishDoneCode::kTrackEnded && largest_) publisher_.store().set_last(*largest_);
  publisher_.end(code, reason, /*abandon=*/false, session::Time{});
}

bool TrackWriter::ended() const noexcept {
  bool ended = finished_;
  publisher_.for_each(
      [&](const Subscription& each) { ended = ended && each.session().published(each.request()) == nullptr; });
  return ended;
}

void TrackWriter::note(Location location) {
  if (largest_ && location <= *largest_) return;
  largest_ = location;
  publisher_.for_each([&](const Subscription& each) { each.session().note_largest_object(each.request(), location); });
}

void TrackWriter::make_room() {
  // One is enough for what comes between two looks: beyond its limit the account grows no further.
  if (account_ && account_->full()) (void)publisher_.store().evict_oldest();
}

// ---- time ----

void TrackWriter::note_untimed(const Untimed& object) {
  if (!untimed_.empty()) {
    const Untimed& last = untimed_.back();
    const bool same = last.first.group == object.first.group && last.subgroup == object.subgroup;
    if (same && last.datagram == object.datagram && last.first < object.first) return;
  }
  if (untimed_.size() >= kMostUntimed) untimed_.clear();
  untimed_.push_back(object);
}

void TrackWriter::settle(session::Time now) {
  if (now == session::Time{}) return;
  for (const Untimed& each : untimed_) {
    objects::StoredGroup* const group = publisher_.store().find(each.first.group);
    if (group == nullptr) continue;
    if (group->since == session::Time{}) group->since = now;
    objects::StoredSubgroup* const subgroup =
        each.datagram ? group->datagrams.get() : publisher_.store().find(each.first.group, each.subgroup);
    if (subgroup == nullptr) continue;
    for (std::uint64_t place = subgroup->lower_bound(each.first.object); place < subgroup->end(); ++place) {
      objects::StoredObject& object = subgroup->at(place);
      if (object.since == session::Time{}) object.since = now;
    }
  }
  untimed_.clear();
  make_room();
  if (now < next_look_) return;
  next_look_ = now + look_interval(options_.retention.age);
  publisher_.settle(now);
}

std::optional<session::Time> TrackWriter::next_deadline() const noexcept {
  const auto due = publisher_.next_deadline();
  return due ? std::optional(std::max(*due, next_look_)) : std::nullopt;
}

}  // namespace msquic_py::moqt::pubsub
